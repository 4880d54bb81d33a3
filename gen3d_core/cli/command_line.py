"""The arguments of `gen3d`, the commands that they name, and what their mistakes are told as."""

from __future__ import annotations

import argparse
import os
from typing import NoReturn

from gen3d_core.cli.directions import add_directions
from gen3d_core.cli.encode import add_encode
from gen3d_core.cli.info import add_info
from gen3d_core.cli.models import add_models
from gen3d_core.cli.morph import add_morph
from gen3d_core.cli.sample import add_sample
from gen3d_core.cli.terminal import complain, fail, run_while_read
from gen3d_core.errors import Gen3DError, plain
from gen3d_core.files import expect_working_folder
from gen3d_core.version import __version__


def run_command(arguments: list[str] | None) -> int:
    """Run a command and return its exit code: 0 done, 2 a mistake named in one line on stderr. An interrupt rises."""
    _occupy_streams()
    return run_while_read(lambda: _run(arguments))


def _run(arguments: list[str] | None) -> int:
    parser = _parser()
    try:
        options = parser.parse_args(arguments)
        expect_working_folder()
        return options.run(options)
    except Gen3DError as error:
        return fail(str(error))
    except BrokenPipeError:
        raise
    except OSError as error:
        return fail(f"{error.filename}: {error.strerror}" if error.filename else str(error))
    except MemoryError:
        return fail("not enough memory for this: try a lower --resolution")


def _occupy_streams() -> None:
    """Where the command was started without a stream, what it writes must not take that stream's number: messages of
    libraries would go into a user's file."""
    for number in range(3):
        try:
            os.fstat(number)
        except OSError:
            os.open(os.devnull, os.O_RDWR)  # the lowest free number


def _parser() -> argparse.ArgumentParser:
    parser = _Parser(prog="gen3d", description="Coloured 3D objects from a model that learned them from pictures.")
    parser.add_argument("--version", action="version", version=f"gen3d {__version__}")
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for add in (add_sample, add_directions, add_morph, add_encode, add_info, add_models):
        add(commands)
    return parser


class _Parser(argparse.ArgumentParser):
    """An argument parser that complains in one line."""

    def error(self, message: str) -> NoReturn:
        complain(f"{self.prog}: error: {plain(message, 400)} (see {self.prog} --help)")
        raise SystemExit(2)
