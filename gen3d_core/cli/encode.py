"""The command `gen3d encode`: from pictures of one object to its mesh and codes."""

from __future__ import annotations

import argparse
import json
import math
import re
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gen3d_core import limits
from gen3d_core.cli.options import add_folder, add_meshes, add_model, add_scale, check, note_unit
from gen3d_core.cli.terminal import Meter
from gen3d_core.errors import Gen3DError

if TYPE_CHECKING:
    import numpy as np

    from gen3d_core.inversion.encode import Encoded
    from gen3d_core.mesh.mesh import Mesh
    from gen3d_core.model.model import Model

SHOWN = 256
"""Pixels along a side of the pictures that are shown side by side."""
OTHER_DEG = 120.0
"""How far around the object the other view is taken."""


def add_encode(commands: Any) -> None:
    """Give the command line this command."""
    parser = commands.add_parser(
        "encode",
        help="make what a picture shows",
        description="Find the codes of the object in a picture, and make its mesh.",
    )
    parser.add_argument("pictures", type=Path, nargs="+", metavar="PICTURE", help="one object, once or from many sides")
    add_model(parser)
    add_folder(parser)
    parser.add_argument(
        "--mask",
        type=Path,
        action="append",
        default=[],
        help="picture of what belongs to the object, white or opaque; once for each picture, in their order",
    )
    parser.add_argument("--refine", action="store_true", help="improve the codes by gradient; needs torch")
    parser.add_argument(
        "--tune",
        action="store_true",
        help="refine, then adjust the model's weights too: writes a model file for this object alone; needs torch",
    )
    add_meshes(parser)
    add_scale(parser)
    parser.set_defaults(run=_encode)


def _encode(options: argparse.Namespace) -> int:
    limits.check_whole("PICTURE: how many", len(options.pictures), limits.PICTURES)
    check(options)
    if options.mask and len(options.mask) != len(options.pictures):
        raise Gen3DError(f"{len(options.mask)} masks for {len(options.pictures)} pictures: give one for each, or none")

    from gen3d_core.files import make_folder, replacing
    from gen3d_core.inversion.encode import encode
    from gen3d_core.model.model import load
    from gen3d_core.pictures.framing import read_framed
    from gen3d_core.pictures.preview import sheet

    masks = options.mask or [None] * len(options.pictures)
    pictures = [read_framed(path, SHOWN, mask) for path, mask in zip(options.pictures, masks, strict=True)]
    model = load(options.model, options.threads)
    meter = Meter(1)
    found = encode(model, pictures, meter.report)
    folder, name = make_folder(options.out), options.pictures[0].stem
    if options.refine or options.tune:
        found = _refine(model, pictures, found, meter)
    if options.tune:
        model, found = _tune(model, pictures, found, folder / model_file_name(name), meter)
    mesh = model.surface(found.codes, options.resolution, progress=meter.report)
    files = [folder / f"{name}.{options.format}", folder / f"{name}.json", folder / f"{name}_encoded.png"]
    mesh.normalised().scaled(options.scale or 1.0).save(files[0])
    with replacing(files[1]) as file:
        file.write(json.dumps(_describe(model, found, options.pictures), indent=1).encode())
    with replacing(files[2]) as file:
        sheet(*_side_by_side(mesh, found, pictures, model.cameras.distance), columns=4).save(file, format="PNG")
    for path, camera in zip(options.pictures, found.cameras, strict=True):
        azimuth, elevation = math.degrees(camera.azimuth), math.degrees(camera.elevation)
        overlap = f"silhouettes overlap {camera.overlap:.0%}"
        meter.line(f"{path}  azimuth {azimuth:.0f}°, elevation {elevation:.0f}°, {overlap}")
    meter.line(_confidence(model, found))
    for path in files:
        meter.line(str(path))
    note_unit(options, meter)
    return 0


def _refine(model: Model, pictures: list[np.ndarray], found: Encoded, meter: Meter) -> Encoded:
    try:
        from gen3d_core.refinement.refine import refine_encoding
    except ModuleNotFoundError as error:
        raise Gen3DError(
            f"--refine and --tune need {error.name}, which is not installed: pip install 'gen3d[train]', or do without"
        ) from error
    return refine_encoding(model, pictures, found, meter.report)


def _tune(model: Model, pictures: list[np.ndarray], found: Encoded, out: Path, meter: Meter) -> tuple[Model, Encoded]:
    """The model adjusted to the object, and how well it fits then."""
    from gen3d_core.inversion.encode import rematch_cameras
    from gen3d_core.refinement.pivotal_tuning import tune_model

    adjusted = tune_model(model, pictures, found, out, meter.report)
    meter.note(str(out))
    return adjusted, rematch_cameras(adjusted, found, pictures)


def model_file_name(name: str) -> str:
    """That of a model for one object: what a model file's name cannot hold is left out of it."""
    plain = re.sub(r"[^A-Za-z0-9_-]", "", name)[:50]
    return f"tuned-{plain}.gen3d"


def _confidence(model: Model, found: Encoded) -> str:
    from gen3d_core.inversion.encode import is_doubtful

    if not is_doubtful(model, found):
        return f"confidence {found.confidence:.0%}"
    return (
        f"confidence {found.confidence:.0%}: low, {model.name} hardly makes anything like this; "
        f"is it one of {model.manifest['category']}, whole, and rightly cut out?"
    )


def _describe(model: Model, found: Encoded, paths: list[Path]) -> dict[str, object]:
    from gen3d_core.inversion.encode import is_doubtful

    return {
        "model": model.name,
        "model_hash": model.hash,
        "category": model.manifest["category"],
        "truncation": model.manifest["truncation"],
        "shape_code": [float(value) for value in found.codes.shape],
        "appearance_code": [float(value) for value in found.codes.appearance],
        "confidence": found.confidence,
        "certainty": found.certainty,
        "doubtful": is_doubtful(model, found),
        "pictures": [
            {
                "file": path.name,
                "azimuth_deg": math.degrees(each.azimuth),
                "elevation_deg": math.degrees(each.elevation),
                "overlap": each.overlap,
            }
            for path, each in zip(paths, found.cameras, strict=True)
        ],
    }


def _side_by_side(
    mesh: Mesh, found: Encoded, pictures: list[np.ndarray], distance: float
) -> tuple[list[np.ndarray], list[str]]:
    """For each picture: as framed, its mask, the object from the camera that was found, and from another side."""
    import numpy as np

    from gen3d_core.pictures.preview import flatten_on_white, render_framed

    tiles, labels = [], []
    for picture, camera in zip(pictures, found.cameras, strict=True):
        azimuth, elevation = math.degrees(camera.azimuth), math.degrees(camera.elevation)
        tiles += [
            flatten_on_white(picture),
            np.repeat(picture[..., 3:], 3, axis=-1),
            flatten_on_white(render_framed(mesh, azimuth, elevation, SHOWN, distance)),
            flatten_on_white(render_framed(mesh, azimuth + OTHER_DEG, elevation, SHOWN, distance)),
        ]
        labels += ["picture", "mask", f"overlap {camera.overlap:.0%}", "from another side"]
    return tiles, labels
