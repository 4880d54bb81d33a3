# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From Blender to a model: the collection's meshes, a process that renders and trains, its progress in the panel."""

import json
import os
import re
import subprocess
import time
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..ui.preferences import preferences
from ..worker.client import worker_environment
from . import job as train_job

RUNS = "training"  # folder below the add-on's own
READ_SECONDS = 1.0


class TrainingError(RuntimeError):
    """Training cannot begin. The message is one line for the user."""


def trainer() -> Path:
    """The Python that trains. Raises TrainingError when none was named."""
    named = preferences().python
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
    command = [str(python), train_job.__file__, "--folder", str(folder), "--blender", bpy.app.binary_path, *options]
    detached: dict[str, Any] = (
        {"creationflags": subprocess.CREATE_NO_WINDOW | subprocess.CREATE_NEW_PROCESS_GROUP}  # type: ignore[attr-defined]
        if os.name == "nt"
        else {"start_new_session": True}
    )
    nothing = subprocess.DEVNULL
    try:
        child = subprocess.Popen(
            command, stdin=nothing, stdout=nothing, stderr=nothing, env=worker_environment(), cwd=folder, **detached
        )
    except OSError as error:
        raise TrainingError(f"{python} does not start: {error}") from error
    return child.pid


class Progress:
    """What a training folder tells, read at most once a second."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stage = "starting"
        self.message = ""
        self.images = 0
        self.minutes = 0.0
        self.grid: Path | None = None
        self._read = 0.0

    @property
    def ended(self) -> bool:
        return self.stage in ("done", "failed")

    def update(self) -> "Progress":
        now = time.monotonic()
        if now - self._read < READ_SECONDS:
            return self
        self._read = now
        status = _json(_tail(self.folder / train_job.STATUS))
        self.stage, self.message = str(status.get("stage", self.stage)), str(status.get("message", ""))
        line = _tail(self.folder / "run" / "log.jsonl").strip().rpartition("\n")[2]
        told = _json(line)
        self.images, self.minutes = int(told.get("images", self.images)), float(told.get("minutes", self.minutes))
        self.grid = max((self.folder / "run" / "samples").glob("*.png"), default=None)
        return self

    def stop(self) -> None:
        """End the training early: what was learned is exported."""
        (self.folder / train_job.STOP).touch()


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}


def export_meshes(collection: bpy.types.Collection, folder: Path, context: compat.Context) -> int:
    """Each mesh object of a collection as a GLB of its own. Returns how many. Raises TrainingError."""
    objects = [each for each in collection.all_objects if isinstance(each.data, bpy.types.Mesh) and each.data.polygons]
    if not objects:
        raise TrainingError(f"The collection {collection.name!r} holds no meshes")
    folder.mkdir(parents=True)
    selected, active = list(context.selected_objects), context.view_layer.objects.active
    try:
        for number, each in enumerate(objects):
            for other in context.view_layer.objects:
                other.select_set(other == each)
            name = re.sub(r"[^A-Za-z0-9_-]", "_", each.name)[:60]
            bpy.ops.export_scene.gltf(
                filepath=str(folder / f"{number:04d}_{name}.glb"), use_selection=True, export_apply=True
            )
    finally:
        for other in context.view_layer.objects:
            other.select_set(other in selected)
        context.view_layer.objects.active = active
    return len(objects)
