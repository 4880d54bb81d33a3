"""The command `gen3d models`: the shipped models, listed."""

from __future__ import annotations

import argparse
from typing import Any

from gen3d_core.cli.terminal import complain, say


def add_models(commands: Any) -> None:
    """Give the command line this command."""
    models = commands.add_parser("models", help="list the shipped models")
    models.set_defaults(run=_models)


def _models(options: argparse.Namespace) -> int:
    from gen3d_core.model.model import describe, shipped_models

    files = shipped_models()
    for entry in map(describe, files):
        say(f"{entry['name']:<16} {entry.get('error') or entry['category']}  {entry['file']}")
    if not files:
        complain("no models are shipped with this installation: give `gen3d sample --model` a .gen3d file")
    return 0
