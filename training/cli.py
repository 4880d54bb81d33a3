"""`gen3d-train`: render or prepare pictures, train on them, export the model, judge it."""

import argparse
import dataclasses
import logging
import sys
from pathlib import Path

import tyro

from gen3d_core.cli.terminal import run_while_read
from gen3d_core.errors import Gen3DError, shown
from gen3d_core.files import expect_folder
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
from training.interrupts import take_an_end_as_an_interrupt
from training.settings import load_settings


def main(arguments: list[str] | None = None) -> int:
    """Run a command and return its exit code: 0 done, 2 a mistake named in one line on stderr, 130 interrupted."""
    logging.basicConfig(level=logging.WARNING, format="%(message)s")
    logging.getLogger("training").setLevel(logging.INFO)
    given = sys.argv[1:] if arguments is None else arguments
    take_an_end_as_an_interrupt()
    return run_while_read(lambda: _run(given))


def _run(arguments: list[str]) -> int:
    try:
        command = parse(arguments)
        if not isinstance(command, Export | Encoder):
            expect_folder(command.out)
        command.run()
    except Gen3DError as error:
        _say(f"gen3d-train: {error}")
        return 2
    except BrokenPipeError:
        raise
    except OSError as error:
        _say(f"gen3d-train: {error.filename}: {error.strerror}" if error.filename else f"gen3d-train: {error}")
        return 2
    except KeyboardInterrupt:
        resumes = arguments[:1] in (["train"], ["encoder"])
        _say(f"interrupted: {'the same command goes on where this one stopped' if resumes else 'nothing was written'}")
        return 130
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


def _say(text: str) -> None:
    if sys.stderr is not None:
        sys.stderr.write(shown(text) + "\n")


if __name__ == "__main__":
    sys.exit(main())
