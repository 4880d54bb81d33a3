"""Which files of a source are meshes, and what each is called: its path below the source."""

import logging
from collections.abc import Sequence
from pathlib import Path

_log = logging.getLogger(__name__)


def find_meshes(source: Path, suffixes: Sequence[str]) -> list[Path]:
    """Files with one of the suffixes at or below `source`, sorted; hidden ones, which macOS puts beside each file and
    into its zips, are left out and counted."""
    if source.is_file():
        return [source] if source.suffix.lower() in suffixes else []
    files = sorted(path for path in source.rglob("*") if path.suffix.lower() in suffixes and path.is_file())
    shown = [path for path in files if not _is_hidden(path.relative_to(source))]
    if len(shown) < len(files):
        hidden = next(path for path in files if path not in shown)
        _log.info("left out %d hidden files, such as %s", len(files) - len(shown), mesh_name(hidden, source))
    return shown


def mesh_name(path: Path, source: Path) -> str:
    """The path below the source, '/'-separated: models of one name in several folders are different models."""
    return path.relative_to(source).as_posix() if source.is_dir() else path.name


def _is_hidden(path: Path) -> bool:
    return any(part.startswith(".") or part == "__MACOSX" for part in path.parts)
