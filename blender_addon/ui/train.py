# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Train, Render Data Set and Stop, and the Test button of the Python that trains."""

import logging
import re
import time
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from ..queue.batch import one_line
from ..queue.models import models_folder
from ..queue.service import catalogue
from ..train.meshes import export_meshes
from ..train.progress import Progress
from ..train.python_test import latest
from ..train.training import RUNS, TrainingError, render, train, trainer
from .submission import needs_no_render, needs_object_mode

log = logging.getLogger(__name__)


class State:
    """The progress of the scene's training."""

    progress: Progress | None = None

    def follow(self, folder: str) -> Progress | None:
        """Progress of the training in a folder; None where there is none."""
        if not folder or not Path(folder).is_dir():
            return None
        if self.progress is None or self.progress.folder != Path(folder):
            self.progress = Progress(Path(folder))
        return self.progress.update()


state = State()


def watch() -> float | None:
    """Blender's timer: keep the panel's figures fresh while a training runs."""
    try:
        progress = state.follow(compat.context().scene.gen3d.training)
        compat.redraw_panels()
    except Exception:  # a timer that raises is not called again
        log.exception("Gen3D's training")
        return 1.0
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
            latest.begin(trainer())
        except (TrainingError, OSError) as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}


class Starter:
    """What Train and Render Data Set share: theirs is `start`, which is given a folder with the collection's meshes."""

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        operator: Any = cls
        progress = state.follow(context.scene.gen3d.training)
        if progress is not None and not progress.ended:
            operator.poll_message_set("This scene's training is under way: wait for it or stop it first")
            return False
        return needs_object_mode(operator, context) and needs_no_render(operator)

    def execute(self, context: compat.Context) -> set[str]:
        operator: Any = self
        settings = context.scene.gen3d
        name = re.sub(r"[^A-Za-z0-9_-]", "_", context.collection.name).lstrip("_-")[:40] or "model"
        runs = Path(bpy.utils.extension_path_user(compat.ADDON, path=RUNS, create=True))
        folder = runs / f"{name}-{time.strftime('%Y%m%d-%H%M%S')}"
        try:
            python = trainer()
            operator.ready()
            exported = export_meshes(context.collection, folder / "meshes", context)
            operator.start(python, folder, name, settings)
        except (RuntimeError, OSError) as error:  # ours, or of Blender's exporter
            operator.report({"ERROR"}, one_line(error))
            return {"CANCELLED"}
        settings.training = str(folder)
        if not bpy.app.timers.is_registered(watch):
            bpy.app.timers.register(watch, first_interval=1.0, persistent=True)
        operator.report({"INFO"}, f"{operator.bl_label}: {exported}")
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
        progress = state.follow(context.scene.gen3d.training)
        return progress is not None and not progress.ended

    def execute(self, context: compat.Context) -> set[str]:
        progress = state.follow(context.scene.gen3d.training)
        try:
            if progress is not None:
                progress.stop()
        except OSError as error:
            self.report({"ERROR"}, f"The training cannot be stopped: {error}")
            return {"CANCELLED"}
        return {"FINISHED"}


CLASSES = (GEN3D_OT_test_python, GEN3D_OT_train, GEN3D_OT_render_dataset, GEN3D_OT_train_stop)

register_classes, unregister_classes = compat.class_registration(CLASSES)


def register() -> None:
    register_classes()


def unregister() -> None:
    if bpy.app.timers.is_registered(watch):
        bpy.app.timers.unregister(watch)
    latest.clear()
    unregister_classes()
