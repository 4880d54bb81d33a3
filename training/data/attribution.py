"""Whom rendered models come from: what a folder's manifest.json says of those that were used."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterable
from pathlib import Path, PurePosixPath
from typing import Any

from training.data.staging import DatasetError
from training.data.transforms import read_bounded


def credit(source: Path, files: Iterable[Path]) -> tuple[str, list[str]]:
    """Licences of the models, one after another, and a line for all that share author, licence and origin.

    The manifest is a list of objects, all keys optional: `file` (a model below `source`; without it the entry concerns
    them all), `licence`, `author`, `source_repo`, `source_commit`. A model is what its path below `source` says: models
    of one name in several folders are named by their paths. Where `source` is one file, its folder's manifest counts.
    Where nothing can be read, the licence is "not stated by the source".
    """
    folder = source.parent if source.is_file() else source
    used = {path.relative_to(folder).as_posix() for path in files if path.is_relative_to(folder)}
    entries = [entry for entry in _entries(folder / "manifest.json") if "file" not in entry or _path(entry) in used]
    told = Counter(PurePosixPath(path).stem for path in used)
    licences = sorted({str(entry["licence"]) for entry in entries if "licence" in entry})
    works: dict[str, list[str]] = {}
    for entry in entries:
        if "author" in entry:
            works.setdefault(_origin(entry), []).append(_name(entry, told))
    lines = [f"{origin}: {', '.join(sorted(names))}" for origin, names in sorted(works.items())]
    return ", ".join(licences) or "not stated by the source", lines


def _entries(manifest: Path) -> list[dict[str, Any]]:
    try:
        entries = json.loads(read_bounded(manifest)) if manifest.is_file() else []
    except (OSError, ValueError, DatasetError):
        entries = []
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _path(entry: dict[str, Any]) -> str:
    return PurePosixPath(str(entry["file"]).replace("\\", "/")).as_posix()


def _name(entry: dict[str, Any], told: Counter[str]) -> str:
    """A model's name, with its folders where another has the same."""
    path = PurePosixPath(_path(entry) if "file" in entry else "all")
    return path.stem if told[path.stem] < 2 else path.with_suffix("").as_posix()


def _origin(entry: dict[str, Any]) -> str:
    place = "@".join(str(entry[key]) for key in ("source_repo", "source_commit") if key in entry)
    return ", ".join(filter(None, (str(entry["author"]), str(entry.get("licence", "")), place)))
