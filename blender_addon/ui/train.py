# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Train, Render Data Set and Stop, and the Test button of the Python that trains."""

import re
import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO, Any

import bpy

from .. import compat
from ..queue.queue import redraw_panels
from ..queue.service import catalogue
from ..train.training import RUNS, Progress, TrainingError, export_meshes, render, train, trainer
from ..worker.client import worker_environment
from .generate import needs_object_mode
from .preferences import models_folder

ASK = (
    "import sys, torch, gen3d_core, training.cli;"
    "device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else 'processor';"
    "print(f'Python {sys.version.split()[0]}, gen3d {gen3d_core.__version__}, torch {torch.__version__}, {device}')"
)
TICK_SECONDS = 0.2
TEST_SECONDS = 120.0


class PythonTest:
    """Asks a Python what it has, from Blender's timer. ``outcome`` is its answer, or its error in full."""

    def __init__(self, python: Path) -> None:
        self.outcome = ""
        self.passed = False
        self._end = time.monotonic() + TEST_SECONDS
        self._answer: IO[bytes] = tempfile.TemporaryFile()
        self._child = subprocess.Popen(
            [str(python), "-c", ASK],
            stdin=subprocess.DEVNULL,
            stdout=self._answer,
            stderr=subprocess.STDOUT,
            env=worker_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def __call__(self) -> float | None:
        late = time.monotonic() > self._end
        if self._child.poll() is None and not late:
            return TICK_SECONDS
        self.stop()
        self._answer.seek(0)
        said = self._answer.read().decode("utf-8", "replace").strip()
        self._answer.close()
        self.passed = self._child.returncode == 0
        self.outcome = said or ("It gave no answer" if late else f"It ended with code {self._child.returncode}")
        for window in compat.windows():
            for area in window.screen.areas:
                area.tag_redraw()
        return None

    def stop(self) -> None:
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()


class State:
    """The test that runs or ran last, and the progress of the scene's training."""

    test: PythonTest | None = None
    progress: Progress | None = None

    def followed(self, folder: str) -> Progress | None:
        """Progress of the training in a folder; None where there is none."""
        if not folder or not Path(folder).is_dir():
            return None
        if self.progress is None or self.progress.folder != Path(folder):
            self.progress = Progress(Path(folder))
        return self.progress.update()


state = State()


def watch() -> float | None:
    """Blender's timer: keep the panel's figures fresh while a training runs."""
    progress = state.followed(compat.context().scene.gen3d.training)
    redraw_panels()
    if progress is None or progress.ended:
        catalogue.look_again()
        return None
    return 1.0


class GEN3D_OT_test_python(bpy.types.Operator):
    bl_idname = "gen3d.test_python"
    bl_label = "Test"
    bl_description = "See whether this Python can train, and on what"
    bl_options = {"INTERNAL"}

    def execute(self, context: compat.Context) -> set[str]:
        try:
            state.test = PythonTest(trainer())
        except (TrainingError, OSError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        bpy.app.timers.register(state.test, first_interval=TICK_SECONDS)
        return {"FINISHED"}


class Starter:
    """What Train and Render Data Set share: theirs is `start`, which is given a folder with the collection's meshes."""

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        operator: Any = cls
        progress = state.followed(context.scene.gen3d.training)
        if progress is not None and not progress.ended:
            operator.poll_message_set("This scene's training is under way: wait for it or stop it first")
            return False
        return needs_object_mode(operator, context)

    def execute(self, context: compat.Context) -> set[str]:
        operator: Any = self
        settings = context.scene.gen3d
        name = re.sub(r"[^A-Za-z0-9_-]", "_", context.collection.name).lstrip("_-")[:40] or "model"
        runs = Path(bpy.utils.extension_path_user(compat.ADDON, path=RUNS, create=True))
        folder = runs / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        try:
            python = trainer()
            operator.ready()
            count = export_meshes(context.collection, folder / "meshes", context)
            operator.start(python, folder, name, settings)
        except (TrainingError, OSError) as error:
            operator.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        settings.training = str(folder)
        if not bpy.app.timers.is_registered(watch):
            bpy.app.timers.register(watch, first_interval=1.0, persistent=True)
        operator.report({"INFO"}, f"{operator.bl_label}: {count} meshes")
        return {"FINISHED"}

    def ready(self) -> None:
        """Raises TrainingError where what was chosen does not do."""


class GEN3D_OT_train(Starter, bpy.types.Operator):
    bl_idname = "gen3d.train"
    bl_label = "Train"
    bl_description = "Learn a model from the meshes of the active collection, in a process that outlives this window"
    bl_options = {"REGISTER"}

    def start(self, python: Path, folder: Path, name: str, settings: Any) -> None:
        train(python, folder, models_folder() / f"{name}.gen3d", settings.train_minutes, settings.train_views)


class GEN3D_OT_render_dataset(Starter, bpy.types.Operator):
    bl_idname = "gen3d.render_dataset"
    bl_label = "Render Data Set"
    bl_description = "Render pictures of the active collection's meshes to a new folder, to train on elsewhere"
    bl_options = {"REGISTER"}

    filepath: bpy.props.StringProperty(subtype="DIR_PATH")

    def invoke(self, context: compat.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def ready(self) -> None:
        if self._data().exists():
            raise TrainingError(f"{self._data()} is there already: name a new folder")

    def start(self, python: Path, folder: Path, name: str, settings: Any) -> None:
        render(python, folder, self._data(), settings.train_views)

    def _data(self) -> Path:
        if not self.filepath:
            raise TrainingError("Name a folder for the pictures")
        return Path(bpy.path.abspath(self.filepath)).absolute()


class GEN3D_OT_train_stop(bpy.types.Operator):
    bl_idname = "gen3d.train_stop"
    bl_label = "Stop"
    bl_description = "End the training early; the model of what was learned until now is kept"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        progress = state.followed(context.scene.gen3d.training)
        return progress is not None and not progress.ended

    def execute(self, context: compat.Context) -> set[str]:
        progress = state.followed(context.scene.gen3d.training)
        if progress is not None:
            progress.stop()
        return {"FINISHED"}


CLASSES = (GEN3D_OT_test_python, GEN3D_OT_train, GEN3D_OT_render_dataset, GEN3D_OT_train_stop)

register_classes, unregister_classes = compat.class_registration(CLASSES)


def register() -> None:
    register_classes()


def unregister() -> None:
    if bpy.app.timers.is_registered(watch):
        bpy.app.timers.unregister(watch)
    if state.test is not None:
        if bpy.app.timers.is_registered(state.test):
            bpy.app.timers.unregister(state.test)
        state.test.stop()
        state.test = None
    unregister_classes()
