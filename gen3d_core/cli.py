"""The console command `gen3d`: meshes from a model file, on the command line."""

from __future__ import annotations

import argparse
import json
import os
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

from gen3d_core import limits
from gen3d_core.encode_command import add_encode
from gen3d_core.errors import Gen3DError
from gen3d_core.interpolate_command import add_interpolate
from gen3d_core.terminal import Meter, say
from gen3d_core.version import __version__

if TYPE_CHECKING:
    from gen3d_core.codes.directions import Direction

SHEET_LIMIT = 100
"""Meshes on the contact sheet: more would be too small to look at and too large to open."""
STOPS = 5
"""Objects along a direction in the picture of all directions."""


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 2 a mistake named in one line on stderr, 130 interrupted."""
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
        return options.run(options)
    except Gen3DError as error:
        return _fail(str(error))
    except BrokenPipeError:
        # The reader of our output left, as `head` does; what Python still holds must not raise again at exit.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except OSError as error:
        return _fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except MemoryError:
        return _fail("not enough memory for this: try a lower --resolution")
    except KeyboardInterrupt:
        say("\ninterrupted", sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="gen3d", description="Coloured 3D objects from a model that learned them from pictures.")
    parser.add_argument("--version", action="version", version=f"gen3d {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")

    sample = commands.add_parser(
        "sample", help="make meshes", description="Make meshes from seeds, and a picture of them all."
    )
    sample.add_argument("--model", required=True, help="name of a shipped model, or a .gen3d file")
    sample.add_argument("--seed", type=int, default=0, help="first seed (default 0); equal seeds give equal meshes")
    sample.add_argument("--count", type=int, default=1, help="how many seeds in a row (default 1)")
    sample.add_argument("--resolution", type=int, default=128, help="samples a side, 16 to 512 (default 128)")
    sample.add_argument(
        "--format", choices=("glb", "ply", "obj", "stl"), default="glb", help="kind of file (default glb)"
    )
    sample.add_argument("--out", type=Path, required=True, help="folder for the files, made where missing")
    sample.add_argument(
        "--truncation", type=float, help="variety, 0 (the average object) to 2 (default: the model's own)"
    )
    sample.add_argument(
        "--floaters", type=float, default=1.0, help="keep loose parts from this share of the largest (default 1: none)"
    )
    sample.add_argument(
        "--move",
        action="append",
        default=[],
        metavar="DIRECTION=VALUE",
        help="where every object stands along a direction that `gen3d directions` lists; may be given again",
    )
    sample.add_argument("--threads", type=int, help="processor threads (default: the processors, at most 4)")
    sample.set_defaults(run=_sample)

    directions = commands.add_parser(
        "directions",
        help="what a model's sliders move",
        description="List a model's principal directions, and draw what moving along each makes of one object.",
    )
    directions.add_argument("--model", required=True, help="name of a shipped model, or a .gen3d file")
    directions.add_argument("--seed", type=int, default=0, help="the object to move (default 0)")
    directions.add_argument("--resolution", type=int, default=96, help="samples a side, 16 to 512 (default 96)")
    directions.add_argument("--out", type=Path, help="folder for the picture, made where missing (default: no picture)")
    directions.set_defaults(run=_directions)

    interpolate = commands.add_parser(
        "interpolate",
        help="move from object to object",
        description="Write an animation from one seed's object to the next ones', and a turntable of it.",
    )
    add_interpolate(interpolate)

    encode = commands.add_parser(
        "encode",
        help="make what a picture shows",
        description="Find the codes of the object in a picture, and make its mesh.",
    )
    add_encode(encode)

    info = commands.add_parser("info", help="what a model file says of itself")
    info.add_argument("model", metavar="MODEL", help="name of a shipped model, or a .gen3d file")
    info.add_argument("--json", action="store_true", help="as JSON")
    info.set_defaults(run=_info)

    models = commands.add_parser("models", help="list the shipped models")
    models.set_defaults(run=_models)
    return parser


class _Parser(argparse.ArgumentParser):
    """An argument parser that complains in one line."""

    def error(self, message: str) -> NoReturn:
        say(f"{self.prog}: error: {message} (see {self.prog} --help)", sys.stderr)
        raise SystemExit(2)


def _sample(options: argparse.Namespace) -> int:
    limits.whole("--count", options.count, limits.COUNT)
    limits.whole("--seed", options.seed, limits.SEED)
    limits.whole("--seed with --count: the last seed", options.seed + options.count - 1, limits.SEED)
    limits.whole("--resolution", options.resolution, limits.RESOLUTION)
    limits.real("--floaters", options.floaters, limits.FLOATERS)
    if options.truncation is not None:
        limits.real("--truncation", options.truncation, limits.TRUNCATION)
    if options.threads is not None:
        limits.whole("--threads", options.threads, (1, 1024))

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
                codes = direction.moved(codes, value)
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
        mesh.save(path)
        meter.line(f"{path}  {len(mesh.vertices)} vertices, {len(mesh.faces)} triangles")
        if len(tiles) < SHEET_LIMIT:
            tiles.append(views(mesh))
            labels.append(f"{model.name}  seed {seed}")
    if tiles:
        path = folder / "contact_sheet.png"
        with replacing(path) as file:
            sheet(tiles, labels).save(file, format="PNG")
        left_out = options.count - len(failures) - len(tiles)
        meter.line(f"{path}" + (f"  (the first {SHEET_LIMIT}; {left_out} more are not on it)" if left_out else ""))
    if failures:
        return _fail(f"{len(failures)} of {options.count} seeds gave no mesh, the first is {failures[0]}")
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
    return found, limits.real(f"--move {found.name}", number, (found.low, found.high))


def _directions(options: argparse.Namespace) -> int:
    limits.whole("--seed", options.seed, limits.SEED)
    limits.whole("--resolution", options.resolution, limits.RESOLUTION)

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
                meshes.append(model.build(each.moved(codes, stop), options.resolution))
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


def _info(options: argparse.Namespace) -> int:
    from gen3d_core.model.archive import read_model, sha256
    from gen3d_core.model.model import find

    path = find(options.model)
    manifest = read_model(path, only=()).manifest
    if options.json:
        say(json.dumps({"file": str(path), "sha256": sha256(path), **manifest}, indent=2))
        return 0
    say(f"{manifest['name']}: a Gen3D model of {manifest['category']}")
    described = {
        "file": path,
        "size": f"{path.stat().st_size / 1e6:.1f} MB",
        "sha256": sha256(path),
        "format version": manifest["format_version"],
        "codes": f"shape {manifest['shape_dim']}, appearance {manifest['appearance_dim']}",
        "truncation": float(manifest["truncation"]),
        "licence": manifest.get("licence") or "not stated",
    }
    say(_table(described))
    if isinstance(manifest.get("attribution"), list) and manifest["attribution"]:
        say("\nlearned from the work of\n" + "\n".join(f"  {line}" for line in manifest["attribution"]))
    for section in ("training", "encoder", "metrics", "config"):
        if isinstance(manifest.get(section), dict) and manifest[section]:
            say(f"\n{section}\n" + _table(manifest[section]))
    return 0


def _models(options: argparse.Namespace) -> int:
    from gen3d_core.model.model import describe, shipped_models

    files = shipped_models()
    for entry in map(describe, files):
        say(f"{entry['name']:<16} {entry.get('error') or entry['category']}  {entry['file']}")
    if not files:
        say("no models are shipped with this installation: give `gen3d sample --model` a .gen3d file", sys.stderr)
    return 0


def _table(values: Mapping[str, Any], indent: str = "  ") -> str:
    lines = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines.append(f"{indent}{key}")
            if value:
                lines.append(_table(value, indent + "  "))
        else:
            shown = (
                f"{value:.6g}"
                if isinstance(value, float)
                else ", ".join(map(str, value))
                if isinstance(value, list)
                else value
            )
            lines.append(f"{indent}{key:<16} {shown}")
    return "\n".join(lines)


def _fail(message: str) -> int:
    say(f"gen3d: error: {' '.join(message.split())}", sys.stderr)
    return 2


if __name__ == "__main__":
    sys.exit(main())
