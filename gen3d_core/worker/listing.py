"""What a list of models says of each file, without opening its graphs; one bad file never hides another."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from gen3d_core import protocol
from gen3d_core.codes.directions import read_directions
from gen3d_core.errors import Gen3DError, one_line, plain
from gen3d_core.files import replacing
from gen3d_core.model.archive import OBJECT_GRAPHS, ModelFileError, read_model
from gen3d_core.model.model import PREVIEW, models_at, shipped_models
from gen3d_core.model.preview_check import check_preview
from gen3d_core.protocol.json_objects import as_object

ROOM = 900_000
"""Bytes of all entries together, so that their reply stays one line."""
MOST_CATEGORY = 200
MOST_LICENCE = 2000
"""Characters of this, and of one line of credits ..."""
MOST_CREDITS = 16_000
"""... and of all such lines of one model."""


def list_models(request: protocol.Models, folder: Path) -> protocol.ModelList:
    """The shipped models and those of further places; their previews are laid into the client's `folder`."""
    entries = [_entry_or_error(path, folder) for path in shipped_models()]
    for place in map(Path, request.places):
        try:
            entries += [_entry_or_error(path, folder) for path in models_at(place)]
        except (Gen3DError, OSError) as error:
            entries.append(_broken(place, one_line(error)))
    fitting = _fitting(entries)
    return protocol.ModelList(
        request.id,
        [entry for entry in fitting if isinstance(entry, protocol.ModelEntry)],
        [entry for entry in fitting if isinstance(entry, protocol.BrokenModel)],
    )


def entry_of(path: Path, folder: Path) -> protocol.ModelEntry:
    """What is known of one model file, read once. Raises `Gen3DError` or OSError where it cannot be used."""
    archive = read_model(path, only=(*OBJECT_GRAPHS, PREVIEW))
    manifest, picture = archive.manifest, archive.members.get(PREVIEW)
    try:
        if picture is not None:
            check_preview(picture)
    except Gen3DError as error:
        raise ModelFileError(f"{path}: {error}") from error
    return protocol.ModelEntry(
        name=manifest["name"],
        category=plain(manifest["category"], MOST_CATEGORY),
        file=str(path),
        hash=archive.file_hash,
        identity=archive.identity,
        shape_dim=manifest["shape_dim"],
        appearance_dim=manifest["appearance_dim"],
        truncation=manifest["truncation"],
        licence=plain(manifest.get("licence", ""), MOST_LICENCE),
        attribution=_credits(manifest.get("attribution"), path),
        directions=[
            protocol.ModelDirection(each.name, each.code, each.low, each.high, each.share)
            for each in read_directions(manifest)
        ],
        preview="" if picture is None else _lay(picture, folder / f"preview-{archive.file_hash[:16]}.png"),
    )


def _entry_or_error(path: Path, folder: Path) -> protocol.ModelEntry | protocol.BrokenModel:
    try:
        return entry_of(path, folder)
    except (Gen3DError, OSError) as error:
        return _broken(path, one_line(error))


def _credits(listed: object, path: Path) -> list[str]:
    """Whose work a model learned from, as far as a list of models has room for it."""
    lines = [plain(line, MOST_LICENCE) for line in listed] if isinstance(listed, list) else []
    room = MOST_CREDITS
    for count, line in enumerate(lines):
        room -= len(line)
        if room < 0:
            return [*lines[:count], f"and {len(lines) - count} more: gen3d info {path.name} names them all"]
    return lines


def _lay(picture: bytes, target: Path) -> str:
    """Name of the picture, once it is there."""
    if not target.exists():
        with replacing(target) as file:
            file.write(picture)
    return target.name


def _broken(path: Path, error: str) -> protocol.BrokenModel:
    return protocol.BrokenModel(plain(path.stem, 64), str(path), plain(error))


def _fitting(
    entries: Sequence[protocol.ModelEntry | protocol.BrokenModel],
) -> list[protocol.ModelEntry | protocol.BrokenModel]:
    """The entries as far as there is room, then what is left of them in one."""
    room, fitting = ROOM, []
    for entry in entries:
        room -= len(json.dumps(as_object(entry)))
        if room < 0:
            left = len(entries) - len(fitting)
            return [*fitting, _broken(Path(entry.file), f"{left} more models have no room in one list: use fewer")]
        fitting.append(entry)
    return fitting
