"""The list of models that a client is shown: one entry for each file, whatever is in it."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gen3d_core.errors import Gen3DError, one_line
from gen3d_core.files import replacing
from gen3d_core.texts import plain

ROOM = 900_000
"""Bytes of all entries together, so that their reply stays one line."""


def list_models(places: Sequence[str], folder: Path) -> list[dict[str, Any]]:
    """The shipped models and those at further places, their previews laid into the client's `folder`. What cannot be
    used has `error`; one file never hides another."""
    from gen3d_core.model.model import models_at, shipped_models

    entries = [_described(path, folder) for path in shipped_models()]
    for place in map(Path, places):
        try:
            entries += [_described(path, folder) for path in models_at(place)]
        except (Gen3DError, OSError) as error:
            entries.append(_failed(place, one_line(error)))
    return _fitting(entries)


def _described(path: Path, folder: Path) -> dict[str, Any]:
    """What is known of a model file, its preview laid into the client's folder."""
    from gen3d_core.model.model import describe, preview_of

    entry = describe(path)
    if "error" in entry:
        return entry
    try:
        picture = preview_of(path)
        name = f"preview-{entry['hash'][:16]}.png"
        if picture is not None and not (folder / name).exists():
            with replacing(folder / name) as file:
                file.write(picture)
    except (Gen3DError, OSError) as error:
        return _failed(path, one_line(error))
    return {**entry, "preview": name if picture is not None else ""}


def _failed(path: Path, error: str) -> dict[str, Any]:
    return {"name": plain(path.stem, 64), "category": "", "file": str(path), "error": plain(error)}


def _fitting(entries: Sequence[dict[str, Any]]) -> list[dict[str, Any]]:
    """The entries as far as there is room, then what is left of them in one."""
    room, fitting = ROOM, []
    for entry in entries:
        room -= len(json.dumps(entry))
        if room < 0:
            left = len(entries) - len(fitting)
            return [*fitting, _failed(Path(entry["file"]), f"{left} more models have no room in one list: use fewer")]
        fitting.append(entry)
    return fitting
