"""The command `gen3d directions`: what a model's sliders move, listed and drawn."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import Any

from gen3d_core import limits
from gen3d_core.cli.options import add_model, add_resolution, check
from gen3d_core.cli.terminal import Meter, say
from gen3d_core.errors import Gen3DError

STOPS = 5
"""Objects along a direction in the picture of all directions."""


def add_directions(commands: Any) -> None:
    """Give the command line this command."""
    parser = commands.add_parser(
        "directions",
        help="what a model's sliders move",
        description="List a model's principal directions, and draw what moving along each makes of one object.",
    )
    add_model(parser)
    parser.add_argument("--seed", type=int, default=0, help="the object to move (default 0)")
    add_resolution(parser, 96)
    parser.add_argument("--out", type=Path, help="folder for the picture, made where missing (default: no picture)")
    parser.set_defaults(run=_directions)


def _directions(options: argparse.Namespace) -> int:
    limits.check_whole("--seed", options.seed, limits.SEED)
    check(options)

    from gen3d_core.files import make_folder, replacing
    from gen3d_core.model.model import load
    from gen3d_core.pictures.preview import row, sheet

    model = load(options.model)
    directions = model.directions
    if not directions:
        raise Gen3DError(f"{model.path} lists no directions: export it again with gen3d-train export")
    folder = None if options.out is None else make_folder(options.out)
    codes = model.codes(options.seed)
    meter = Meter(len(directions))
    tiles = []
    for each in directions:
        if folder is not None:
            meshes = []
            for step in range(STOPS):
                meter.report(step / STOPS, "shape")
                stop = each.low + (each.high - each.low) * step / (STOPS - 1)
                meshes.append(model.build(each.move(codes, stop), options.resolution))
            tiles.append(row(meshes))
        meter.line(
            f"{each.name:<16} {each.code:<11} {each.low:+g} to {each.high:+g}, explains {each.share:6.1%}, "
            f"seed {options.seed} is at {each.value(codes):+.2f}"
        )
    if folder is not None:
        path = folder / f"{model.name}_directions.png"
        with replacing(path) as file:
            labels = [f"{each.name}  {each.low:+g} to {each.high:+g}" for each in directions]
            sheet(tiles, labels, columns=2).save(file, format="PNG")
        say(str(path))
    return 0
