"""The command `gen3d morph`: from seed to seed as an animation, a sequence of meshes and a turntable."""

from __future__ import annotations

import argparse
import dataclasses
import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from gen3d_core import limits
from gen3d_core.cli.options import add_folder, add_meshes, add_model, add_truncation, check
from gen3d_core.cli.terminal import Meter
from gen3d_core.errors import Gen3DError

if TYPE_CHECKING:
    from gen3d_core.morphing.interpolate import Interpolation

KEYS_PER_SECOND = 12
TURNTABLE_SIZE = 320


def add_morph(commands: Any) -> None:
    """Give the command line this command. Ranges and names are checked where they are used."""
    parser = commands.add_parser(
        "morph",
        aliases=["interpolate"],
        help="move from object to object",
        description="Write an animation from one seed's object to the next ones', and a turntable of it.",
    )
    add_model(parser)
    parser.add_argument("--seeds", type=int, nargs="+", required=True, metavar="SEED", help="two or more, in order")
    parser.add_argument("--steps", type=int, default=24, help="meshes along the way, 2 to 256 (default 24)")
    add_folder(parser)
    held = parser.add_mutually_exclusive_group()
    held.add_argument("--shape-only", action="store_true", help="keep the appearance of the first seed")
    held.add_argument("--appearance-only", action="store_true", help="keep the shape of the first seed")
    parser.add_argument("--loop", action="store_true", help="return to the first seed")
    parser.add_argument(
        "--path",
        choices=limits.MORPH_PATHS,
        default="slerp",
        help="way between codes (default slerp)",
    )
    parser.add_argument("--even", action="store_true", help="let the shape change equally much with every step")
    add_truncation(parser)
    parser.add_argument(
        "--after-change",
        choices=limits.MORPH_AFTER_CHANGE,
        default="segment",
        help="where the topology changes: go on with a new mesh (default), or stop before it",
    )
    parser.add_argument("--flipbook", action="store_true", help="write a mesh for every step instead of an animation")
    parser.add_argument("--json", action="store_true", help="report as JSON")
    add_meshes(parser, what="a flipbook's files")
    parser.set_defaults(run=_morph, format=None)


def _morph(options: argparse.Namespace) -> int:
    limits.check_whole("--seeds: how many", len(options.seeds), limits.MORPH_KEYS)
    for seed in options.seeds:
        limits.check_whole("--seeds", seed, limits.SEED)
    limits.check_whole("--steps", options.steps, limits.MORPH_STEPS)
    check(options)
    if options.format not in (None, "glb") and not options.flipbook:
        raise Gen3DError(
            f"--format {options.format} is for a flipbook: add --flipbook, or leave --format out: animations are glb"
        )
    limits.check_whole("--resolution² × --steps", options.resolution**2 * options.steps, limits.MORPH_SIZE)

    from gen3d_core.codes.path import Path as CodePath
    from gen3d_core.files import make_folder, replacing
    from gen3d_core.mesh.animated_gltf import animated_glb
    from gen3d_core.model.model import load
    from gen3d_core.morphing.interpolate import interpolate
    from gen3d_core.pictures.preview import turntable

    model = load(options.model, options.threads)
    first = options.seeds[0]
    keys = tuple(
        model.codes(first if options.appearance_only else seed, first if options.shape_only else seed)
        for seed in options.seeds
    )
    path = CodePath(keys, options.path, options.loop)
    meter = Meter(1)
    made = interpolate(
        model,
        path,
        options.steps,
        options.resolution,
        kind="flipbook" if options.flipbook else "morph",
        timing="even" if options.even else "uniform",
        truncation=options.truncation,
        after_change=options.after_change,
        progress=meter.report,
    )
    folder = make_folder(options.out)
    name = "_".join([model.name, *(f"{seed:04d}" for seed in options.seeds[:8])])
    meshes = [segment.mesh(key) for segment in made.morph.segments for key in segment.keys]
    whole = len(meshes) == options.steps
    files = []
    if options.flipbook:
        for index, mesh in enumerate(meshes):
            files.append(folder / f"{name}_{index:04d}.{options.format or 'glb'}")
            mesh.save(files[-1])
    else:
        files.append(folder / f"{name}.glb")
        with replacing(files[-1]) as file:
            file.write(animated_glb(made.morph.segments, name, 1 / KEYS_PER_SECOND, closed=options.loop and whole))
    files.append(folder / f"{name}.gif")
    with replacing(files[-1]) as file:
        turntable(meshes, file, TURNTABLE_SIZE, KEYS_PER_SECOND)
    meter.line(_as_json(made, files) if options.json else _as_table(made, files))
    return 0


def _as_json(made: Interpolation, files: list[Path]) -> str:
    segments = [[segment.keys.start, segment.keys.stop - 1] for segment in made.morph.segments]
    reports = [dataclasses.asdict(report) for report in made.morph.reports]
    told = {"files": [str(path) for path in files], "segments": segments, "changes": made.morph.changes}
    return json.dumps({**told, "times": made.times.tolist(), "keys": reports}, indent=2)


def _as_table(made: Interpolation, files: list[Path]) -> str:
    lines = [f"{'key':>4}{'at':>8}{'segment':>9}{'distance':>10}{'residual':>10}{'flipped':>9}{'Euler':>7}{'fresh':>7}"]
    reports = iter(made.morph.reports)
    for number, segment in enumerate(made.morph.segments, 1):
        for key in segment.keys:
            report = next(reports)
            lines.append(
                f"{key:>4}{made.times[key]:>8.3f}{number:>9}{report.distance:>10.3%}{report.residual:>10.4%}"
                f"{report.flipped:>9.2%}{report.euler:>7}{report.fresh_euler:>7}"
            )
    lines.append("distance to a mesh extracted anew and residual at vertices: means, of the longest side")
    covered = made.morph.segments[-1].keys.stop
    if covered < len(made.times):
        lines.append(f"stopped: the topology changes at key {covered}")
    elif len(made.morph.segments) > 1 and len(made.morph.segments) < len(made.times):
        starts = ", ".join(str(segment.first) for segment in made.morph.segments[1:])
        lines.append(f"the topology changes, and a new mesh starts, at key {starts}")
    return "\n".join([*lines, *(str(path) for path in files)])
