# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate and Cancel. In a window a timer drives the job and Blender never waits; in background mode it does."""

import logging
import time
from pathlib import Path

import bpy
import numpy as np

from . import compat
from .client import WorkerClient, WorkerError, python_executable
from .jobs import BUSY, Job, Service, State
from .objects import Placement, PlacementError, place, view_layer_of

TICK_SECONDS = 0.05

log = logging.getLogger(__name__)


def start_worker() -> WorkerClient:
    """A worker on Blender's Python with the extension's wheels and Blender's numpy. Raises WorkerError."""
    return WorkerClient(python_executable(), compat.wheels_folder(), fallback=Path(np.__file__).resolve().parents[1])


# One for the whole of Blender: the operators, the panel and the timer speak of the same worker.
service = Service(start_worker)


class Driver:
    """Moves a job on from Blender's timer and places its result. A call returns the seconds to the next, or None."""

    def __init__(self, job: Job, placement: Placement) -> None:
        self.job = job
        self.placement = placement

    def __call__(self) -> float | None:
        ended = self.job.poll()
        redraw_panels()
        if not ended:
            return TICK_SECONDS
        if self.job.state is State.FINISHED and not self._may_place():
            self.job.stage = "Ready, waits for Object Mode"
            return TICK_SECONDS * 4
        finish(self.job, self.placement)
        return None

    def _may_place(self) -> bool:
        """False during a mode or a transform whose undo steps a new object would tear apart, and while rendering."""
        try:
            scene, _ = self.placement.find()
        except PlacementError:
            return True
        active = view_layer_of(scene).objects.active
        if (active is not None and active.mode != "OBJECT") or bpy.app.is_job_running("RENDER"):
            return False
        modals = [modal for window in compat.windows() for modal in window.modal_operators]
        return not any(modal.bl_idname.startswith("TRANSFORM_OT_") for modal in modals)


_driver: Driver | None = None


def redraw_panels() -> None:
    for window in compat.windows():
        for area in window.screen.areas:
            if area.type == "VIEW_3D":
                area.tag_redraw()


def running() -> bool:
    """Whether a job is under way or its result has not been placed yet."""
    return service.busy or (_driver is not None and bpy.app.timers.is_registered(_driver))


def finish(job: Job, placement: Placement) -> None:
    """Place the result of an ended job as one undo step; log why where there is none."""
    if job.state is State.FINISHED and job.mesh is not None:
        try:
            placed = place(job.mesh, placement)
        except PlacementError as error:
            job.fail(str(error))
        else:
            push_undo(f"Generate {placed.name}")
            job.mesh = None
    if job.state is State.FAILED:
        log.error("%s", f"{job.message}\n{job.detail}".rstrip())


def wait(job: Job) -> None:
    while not job.poll():
        time.sleep(0.01)


def push_undo(message: str) -> None:
    # A timer runs without a window in its context, and without one there is no undo stack to push to.
    windows = compat.windows()
    if compat.context().window is None and windows:
        with compat.context().temp_override(window=windows[0]):
            bpy.ops.ed.undo_push(message=message)
    else:
        bpy.ops.ed.undo_push(message=message)


class GEN3D_OT_generate(bpy.types.Operator):
    bl_idname = "gen3d.generate"
    bl_label = "Generate"
    bl_description = "Make a new object and place it at the 3D cursor"
    # Not UNDO: the step belongs to the moment when the object appears, and finish pushes it then.
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        if running():
            cls.poll_message_set(BUSY)
            return False
        if context.mode != "OBJECT":
            cls.poll_message_set("Switch to Object Mode first")
            return False
        if not context.scene.gen3d.model:
            cls.poll_message_set("No model is installed: install the extension's zip again")
            return False
        return True

    def execute(self, context: compat.Context) -> set[str]:
        global _driver
        collection = context.collection
        if not collection.is_editable:
            self.report({"ERROR"}, f"The active collection {collection.name!r} cannot be edited: choose another one")
            return {"CANCELLED"}
        settings = context.scene.gen3d
        placement = Placement.here(context)
        try:
            job = service.submit(settings.model, settings.seed, settings.resolution)
        except WorkerError as error:
            log.error("%s", f"{error}\n{error.detail}".rstrip())
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        if bpy.app.background:
            return self._wait(job, placement)
        _driver = Driver(job, placement)
        bpy.app.timers.register(_driver, first_interval=TICK_SECONDS, persistent=True)
        return {"FINISHED"}

    def _wait(self, job: Job, placement: Placement) -> set[str]:
        try:
            wait(job)
        except KeyboardInterrupt:
            job.cancel()
            wait(job)
            raise
        finish(job, placement)
        if job.state is State.FINISHED:
            return {"FINISHED"}
        self.report({"ERROR"}, job.message)
        return {"CANCELLED"}


class GEN3D_OT_cancel(bpy.types.Operator):
    bl_idname = "gen3d.cancel"
    bl_label = "Cancel"
    bl_description = "Stop the generation that is running; the scene stays as it is"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return running()

    def execute(self, context: compat.Context) -> set[str]:
        if service.job is not None:
            service.job.cancel()
        return {"FINISHED"}


CLASSES = (GEN3D_OT_generate, GEN3D_OT_cancel)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    global _driver
    if _driver is not None and bpy.app.timers.is_registered(_driver):
        bpy.app.timers.unregister(_driver)
    _driver = None
    service.stop()
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
