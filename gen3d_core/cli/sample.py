"""The command `gen3d sample`: meshes from seeds, and a picture of them all."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import TYPE_CHECKING, Any

from gen3d_core import limits
from gen3d_core.cli.options import add_folder, add_meshes, add_model, add_scale, add_truncation, check, note_unit
from gen3d_core.cli.terminal import Meter, fail
from gen3d_core.errors import Gen3DError

if TYPE_CHECKING:
    from gen3d_core.codes.directions import Direction

SHEET_LIMIT = 100
"""Meshes on the contact sheet: more would be too small to look at and too large to open."""


def add_sample(commands: Any) -> None:
    """Give the command line this command."""
    parser = commands.add_parser(
        "sample", help="make meshes", description="Make meshes from seeds, and a picture of them all."
    )
    add_model(parser)
    parser.add_argument("--seed", type=int, default=0, help="first seed (default 0); equal seeds give equal meshes")
    parser.add_argument("--count", type=int, default=1, help="how many seeds in a row (default 1)")
    add_folder(parser)
    add_truncation(parser)
    parser.add_argument(
        "--floaters", type=float, default=1.0, help="keep loose parts from this share of the largest (default 1: none)"
    )
    parser.add_argument(
        "--move",
        action="append",
        default=[],
        metavar="DIRECTION=VALUE",
        help="where every object stands along a direction that `gen3d directions` lists; may be given again",
    )
    add_meshes(parser)
    add_scale(parser)
    parser.set_defaults(run=_sample)


def _sample(options: argparse.Namespace) -> int:
    limits.check_whole("--count", options.count, limits.COUNT)
    limits.check_whole("--seed", options.seed, limits.SEED)
    limits.check_whole("--seed with --count: the last seed", options.seed + options.count - 1, limits.SEED)
    check(options)
    limits.check_real("--floaters", options.floaters, limits.FLOATERS)

    from gen3d_core.files import make_folder, replacing
    from gen3d_core.mesh.extract import MeshError
    from gen3d_core.model.model import load
    from gen3d_core.pictures.preview import sheet, views

    model = load(options.model, options.threads)
    directions = model.directions
    moves = [_move(text, directions) for text in options.move]
    folder = make_folder(options.out)
    meter = Meter(options.count)
    tiles, labels, failures = [], [], []
    for seed in range(options.seed, options.seed + options.count):
        path = folder / f"{model.name}_{seed:04d}.{options.format}"
        try:
            codes = model.codes(seed)
            for direction, value in moves:
                codes = direction.move(codes, value)
            mesh = model.build(
                codes,
                options.resolution,
                truncation=options.truncation,
                floaters=options.floaters,
                progress=meter.report,
            )
        except MeshError as error:
            failures.append(seed)
            meter.line(f"seed {seed}: {error}")
            continue
        mesh.scaled(options.scale or 1.0).save(path)
        meter.line(f"{path}  {len(mesh.vertices)} vertices, {len(mesh.faces)} triangles")
        if len(tiles) < SHEET_LIMIT:
            tiles.append(views(mesh))
            labels.append(f"{model.name}  seed {seed}")
    if tiles:
        path = folder / "contact_sheet.png"
        with replacing(path) as file:
            sheet(tiles, labels).save(file, format="PNG")
        left_out = options.count - len(failures) - len(tiles)
        meter.note(f"{path}" + (f"  (the first {SHEET_LIMIT}; {left_out} more are not on it)" if left_out else ""))
    note_unit(options, meter)
    if failures:
        return fail(f"{len(failures)} of {options.count} seeds gave no mesh, the first is {failures[0]}")
    return 0


def _move(text: str, directions: Sequence[Direction]) -> tuple[Direction, float]:
    """NAME=VALUE as a direction and where to stand along it."""
    name, _, value = text.partition("=")
    found = next((each for each in directions if each.name == name.strip()), None)
    if found is None:
        known = ", ".join(each.name for each in directions) or "none"
        raise Gen3DError(f"--move {text[:80]}: this model's directions are: {known}")
    try:
        number = float(value)
    except ValueError:
        raise Gen3DError(f"--move {text[:80]}: expected {found.name}=NUMBER") from None
    return found, limits.check_real(f"--move {found.name}", number, (found.low, found.high))
