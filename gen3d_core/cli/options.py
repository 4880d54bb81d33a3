"""Options that several commands share: what they are called, and within which range they must be."""

from __future__ import annotations

import argparse
from pathlib import Path

from gen3d_core import limits
from gen3d_core.cli.terminal import Meter


def add_model(parser: argparse.ArgumentParser) -> None:
    """--model"""
    parser.add_argument("--model", required=True, help="name of a shipped model, or a .gen3d file")


def add_meshes(parser: argparse.ArgumentParser, *, what: str = "file") -> None:
    """--resolution, --format and --threads, for commands that write meshes."""
    add_resolution(parser, 128)
    parser.add_argument(
        "--format", choices=("glb", "ply", "obj", "stl"), default="glb", help=f"kind of {what} (default glb)"
    )
    parser.add_argument("--threads", type=int, help="processor threads (default: the processors, at most 4)")


def add_resolution(parser: argparse.ArgumentParser, default: int) -> None:
    """--resolution"""
    low, high = limits.RESOLUTION
    parser.add_argument(
        "--resolution", type=int, default=default, help=f"samples a side, {low} to {high} (default {default})"
    )


def add_folder(parser: argparse.ArgumentParser) -> None:
    """--out"""
    parser.add_argument("--out", type=Path, required=True, help="folder for the files, made where missing")


def add_scale(parser: argparse.ArgumentParser) -> None:
    """--scale"""
    parser.add_argument(
        "--scale", type=float, help="length of the longest side, in whatever unit the file is read in (default 1)"
    )


def note_unit(options: argparse.Namespace, meter: Meter) -> None:
    """Say that an STL file has no unit, where none was thought of."""
    if options.format == "stl" and options.scale is None:
        meter.note("STL has no unit: the longest side is 1, which slicers take for 1 mm; --scale 900 makes it 900")


def add_truncation(parser: argparse.ArgumentParser) -> None:
    """--truncation"""
    parser.add_argument(
        "--truncation", type=float, help="variety, 0 (the average object) to 2 (default: the model's own)"
    )


def check(options: argparse.Namespace) -> None:
    """That those of the options above that a command has lie within their ranges. Raises `Gen3DError`."""
    limits.check_whole("--resolution", options.resolution, limits.RESOLUTION)
    if getattr(options, "truncation", None) is not None:
        limits.check_real("--truncation", options.truncation, limits.TRUNCATION)
    if getattr(options, "scale", None) is not None:
        limits.check_real("--scale", options.scale, limits.SCALE)
    if getattr(options, "out", None) is not None:
        from gen3d_core.files import expect_folder

        expect_folder(options.out, "; --format tells their kind" if hasattr(options, "format") else "")
    if getattr(options, "threads", None) is not None:
        limits.check_whole("--threads", options.threads, limits.THREADS)
