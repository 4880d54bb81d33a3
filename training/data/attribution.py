"""Whom rendered models come from: what a folder's manifest.json says of those that were used."""

from __future__ import annotations

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from training.data.staging import DatasetError
from training.data.transforms import read_bounded


def credit(source: Path, files: Iterable[Path]) -> tuple[str, list[str]]:
    """Licences of the models, one after another, and a line for all that share author, licence and origin.

    The manifest is a list of objects, all keys optional: `file` (a model below `source`; without it the entry concerns
    them all), `licence`, `author`, `source_repo`, `source_commit`. Where nothing can be read, the licence is "not
    stated by the source".
    """
    used = {path.relative_to(source).as_posix() for path in files if path.is_relative_to(source)}
    entries = [entry for entry in _entries(source / "manifest.json") if "file" not in entry or entry["file"] in used]
    licences = sorted({str(entry["licence"]) for entry in entries if "licence" in entry})
    works: dict[str, list[str]] = {}
    for entry in entries:
        if "author" in entry:
            works.setdefault(_origin(entry), []).append(Path(entry.get("file", "all")).stem)
    lines = [f"{origin}: {', '.join(sorted(names))}" for origin, names in sorted(works.items())]
    return ", ".join(licences) or "not stated by the source", lines


def _entries(manifest: Path) -> list[dict[str, Any]]:
    try:
        entries = json.loads(read_bounded(manifest)) if manifest.is_file() else []
    except (OSError, ValueError, DatasetError):
        entries = []
    return [entry for entry in entries if isinstance(entry, dict)] if isinstance(entries, list) else []


def _origin(entry: dict[str, Any]) -> str:
    place = "@".join(str(entry[key]) for key in ("source_repo", "source_commit") if key in entry)
    return ", ".join(filter(None, (str(entry["author"]), str(entry.get("licence", "")), place)))
