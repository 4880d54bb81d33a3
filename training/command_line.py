"""The arguments of `gen3d-train`, the command that they name, and what its mistakes are told as."""

import argparse
import dataclasses
import logging
import os
import shutil
from pathlib import Path

import tyro

from gen3d_core.cli.terminal import complain, run_while_read
from gen3d_core.errors import Gen3DError
from gen3d_core.files import expect_folder, expect_working_folder
from training.commands import (
    Compare,
    Encoder,
    Evaluate,
    Export,
    Follow,
    Prepare,
    Render,
    Train,
)
from training.settings import load_settings

NARROWEST = 60
"""Columns for which helps and errors are laid out at least: for very few of them tyro takes all memory there is."""


def run_command(arguments: list[str]) -> int:
    """Run a command and return its exit code: 0 done, 2 a mistake named in one line on stderr. An interrupt rises."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("training").setLevel(logging.INFO)
    if shutil.get_terminal_size().columns < NARROWEST:
        os.environ["COLUMNS"] = str(NARROWEST)
    return run_while_read(lambda: _run(arguments))


def _run(arguments: list[str]) -> int:
    try:
        command = parse(arguments)
        expect_working_folder()
        if not isinstance(command, Export | Encoder):
            expect_folder(command.out)
        command.run()
    except Gen3DError as error:
        complain(f"gen3d-train: {error}")
        return 2
    except BrokenPipeError:
        raise
    except OSError as error:
        complain(f"gen3d-train: {error.filename}: {error.strerror}" if error.filename else f"gen3d-train: {error}")
        return 2
    return 0


def parse(
    arguments: list[str],
) -> Render | Prepare | Train | Export | Encoder | Evaluate | Compare | Follow:
    """The command that the arguments name. Exits with code 2 after explaining arguments that do not fit."""
    return tyro.extras.subcommand_cli_from_dict(
        {
            "render": Render,
            "prepare": Prepare,
            "train": _train_with_preset(arguments),
            "export": Export,
            "encoder": Encoder,
            "evaluate": Evaluate,
            "compare": Compare,
            "follow": Follow,
        },
        prog="gen3d-train",
        description="Train generative models of 3D objects on pictures.",
        args=arguments,
    )


def _train_with_preset(arguments: list[str]) -> type[Train]:
    """The train command with the chosen preset's values as defaults, so that flags come on top of them."""
    if arguments[:1] != ["train"]:
        return Train
    early = argparse.ArgumentParser(add_help=False, allow_abbrev=False)
    early.add_argument("--preset", default="fast")
    early.add_argument("--config", type=Path)
    chosen, _ = early.parse_known_args(arguments[1:])
    settings = load_settings(chosen.preset, chosen.config)
    field = dataclasses.field(default_factory=lambda: settings)
    fields = [("settings", Train.__annotations__["settings"], field)]
    help_text = {"__doc__": Train.__doc__}
    return dataclasses.make_dataclass("Train", fields, bases=(Train,), namespace=help_text, frozen=True)
