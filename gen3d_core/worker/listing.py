"""What a list of models says of each file, without loading its graphs."""

from __future__ import annotations

from pathlib import Path

from gen3d_core import protocol
from gen3d_core.codes.directions import read_directions
from gen3d_core.errors import Gen3DError, one_line
from gen3d_core.files import replacing
from gen3d_core.model.archive import read_model, sha256
from gen3d_core.model.model import models_at, preview_of, shipped_models


def list_models(request: protocol.Models, folder: Path) -> protocol.ModelList:
    """The shipped models and those of further places; their previews are laid into the client's `folder`."""
    models: list[protocol.ModelEntry] = []
    broken: list[protocol.BrokenModel] = []
    paths = shipped_models()
    for place in map(Path, request.places):
        try:
            paths += models_at(place)
        except (Gen3DError, OSError) as error:
            broken.append(_broken(place, error))
    for path in paths:
        try:
            models.append(entry_of(path, folder))
        except (Gen3DError, OSError) as error:
            broken.append(_broken(path, error))
    return protocol.ModelList(request.id, models, broken)


def entry_of(path: Path, folder: Path) -> protocol.ModelEntry:
    """What is known of one model file. Raises `Gen3DError` or OSError where it cannot be read."""
    manifest = read_model(path, only=()).manifest
    credits = manifest.get("attribution", [])
    hash = sha256(path)
    return protocol.ModelEntry(
        name=manifest["name"],
        category=manifest["category"],
        file=str(path),
        hash=hash,
        shape_dim=manifest["shape_dim"],
        appearance_dim=manifest["appearance_dim"],
        truncation=manifest["truncation"],
        licence=str(manifest.get("licence", "")),
        attribution=[str(line) for line in credits] if isinstance(credits, list) else [],
        directions=[
            protocol.ModelDirection(each.name, each.code, each.low, each.high, each.share)
            for each in read_directions(manifest)
        ],
        preview=_lay_preview(path, folder / f"preview-{hash[:16]}.png"),
    )


def _lay_preview(path: Path, target: Path) -> str:
    """Name of the picture, once it is there; empty where the model has none."""
    picture = preview_of(path)
    if picture is None:
        return ""
    if not target.exists():
        with replacing(target) as file:
            file.write(picture)
    return target.name


def _broken(path: Path, error: Exception) -> protocol.BrokenModel:
    return protocol.BrokenModel(path.stem, str(path), one_line(error))
