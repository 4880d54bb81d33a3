# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Blender to a model: the collection's meshes, and a process that renders and trains."""

import os
import subprocess
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..worker.client import worker_environment
from . import job as train_job

RUNS = "training"  # folder below the add-on's own


class TrainingError(RuntimeError):
    """Training cannot begin. The message is one line for the user."""


def trainer() -> Path:
    """The Python that trains. Raises TrainingError when none was named."""
    named = compat.preferences().python
    if not named:
        raise TrainingError("Name a Python with gen3d's extra train in the add-on's preferences first")
    python = Path(bpy.path.abspath(named))
    if not python.is_file():
        raise TrainingError(f"{python} is not there: see the add-on's preferences")
    return python


def render(python: Path, folder: Path, data: Path, views: int) -> int:
    """Start the process that renders a folder's meshes/ to a data set. Returns its number. Raises TrainingError."""
    return _start(python, folder, "--data", str(data), "--views", str(views))


def train(python: Path, folder: Path, model: Path, minutes: float, views: int, *settings: str) -> int:
    """Start the process from a folder's meshes/ to a model. Returns its number. Raises TrainingError."""
    return _start(
        python, folder, "--model", str(model), "--minutes", f"{minutes:g}", "--views", str(views),
        "--settings", *settings,
    )  # fmt: skip


def _start(python: Path, folder: Path, *options: str) -> int:
    command = [
        str(python),
        "-I",
        train_job.__file__,
        "--folder",
        str(folder),
        "--blender",
        bpy.app.binary_path,
        *options,
    ]
    detached: dict[str, Any] = (
        {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined]
        if os.name == "nt"
        else {"start_new_session": True}
    )
    try:
        with (folder / train_job.LOG).open("ab") as log:
            child = subprocess.Popen(
                command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, env=worker_environment(), cwd=folder,
                **detached,
            )  # fmt: skip
    except OSError as error:
        raise TrainingError(f"{python} does not start: {error}") from error
    return child.pid
