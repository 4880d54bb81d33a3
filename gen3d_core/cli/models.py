"""The command `gen3d models`: the shipped models, listed."""

from __future__ import annotations

import argparse
from typing import Any

from gen3d_core.cli.terminal import complain, say
from gen3d_core.errors import Gen3DError, one_line, plain


def add_models(commands: Any) -> None:
    """Give the command line this command."""
    models = commands.add_parser("models", help="list the shipped models")
    models.set_defaults(run=_models)


def _models(options: argparse.Namespace) -> int:
    from gen3d_core.model.archive import read_model
    from gen3d_core.model.model import shipped_models

    files = shipped_models()
    for path in files:
        try:
            manifest = read_model(path, only=()).manifest
            say(f"{path.stem:<16} {plain(manifest['category'], 200)}  {path}")
        except (Gen3DError, OSError) as error:
            say(f"{path.stem:<16} {plain(one_line(error))}  {path}")
    if not files:
        complain("no models are shipped with this installation: give `gen3d sample --model` a .gen3d file")
    return 0
