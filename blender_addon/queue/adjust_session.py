# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adjust: sliders along a model's directions, and the object in the scene follows them.

While a slider moves, meshes of a low resolution come as fast as the worker makes them, always of the newest values;
when the hand rests, one of the full resolution takes their place.
"""

import time
from dataclasses import replace
from typing import Any

import bpy

from gen3d_core import protocol

from .. import compat
from ..scene.objects import RECORD, PlacementError, codes_of, find, only_parent, remake
from ..ui.explore import ExploreError, Explorer, chosen, model_of
from ..ui.generate import needs_object_mode
from ..worker.client import WorkerError
from ..worker.job import Job, State
from ..worker.results import GeneratedMesh
from .queue import push_undo, redraw_panels
from .service import catalogue, desk, service

LIVE_RESOLUTION = 64
REST_SECONDS = 0.4
TICK_SECONDS = 0.01
SAME = 1e-4  # sliders hold single precision


class Session:
    """One object being adjusted. ``step`` moves it on; ``ended`` once it is over; ``updates`` counts its meshes."""

    def __init__(self, placed: bpy.types.Object, model: str, values: dict[str, float], resolution: int) -> None:
        held = placed[RECORD]
        self.target = placed.session_uid
        self.ended = False
        self.message = ""
        self.updates = 0
        self.start = dict(values)
        self.values = dict(values)
        self._recipe = only_parent(codes_of(placed), int(held.get("seed", 0)))
        self._fields = {"model": model, "truncation": held.get("truncation")}
        self._resolution = resolution
        self._shown: tuple[dict[str, float], int] = (dict(self.start), resolution)
        self._touched = 0.0
        self._job: Job | None = None
        self._asked: tuple[dict[str, float], int] = self._shown
        self._closing = False

    @property
    def settled(self) -> bool:
        """Whether the object shows the sliders' values at full resolution."""
        return self._job is None and self._shown == (self.values, self._resolution)

    def touch(self, name: str, value: float) -> None:
        """A slider was moved."""
        if abs(self.values.get(name, 0.0) - value) > SAME:
            self.values[name] = value
            self._touched = time.monotonic()

    def refresh(self) -> None:
        """The scene may show another mesh than this session believes: make it again."""
        self._shown = ({}, 0)

    def close(self) -> None:
        """End once the object shows the sliders' values at full resolution."""
        self._closing = True

    def step(self) -> bool:
        """Move on without waiting. True once the session has ended."""
        if self.ended:
            return True
        if find(self.target) is None:
            return self._end("")
        arrived = self._arrived(self._job) if self._job is not None else None
        if self._job is None and not self.ended:
            self._ask()  # first, so that the worker is at it while Blender shows what has come
        if arrived is not None:
            self._show(arrived)
        if self._closing and self.settled and not self.ended:
            return self._end("")
        return self.ended

    def _ask(self) -> None:
        """Send for the next mesh, if one is wanted and the worker is free."""
        rests = self._closing or time.monotonic() - self._touched > REST_SECONDS
        wanted = (dict(self.values), self._resolution if rests else min(LIVE_RESOLUTION, self._resolution))
        stale = self._shown[0] != self.values or (rests and self._shown[1] != self._resolution)
        if not stale or service.busy or desk.busy:
            return
        moved = {name: value for name, value in wanted[0].items() if abs(value - self.start.get(name, 0.0)) > SAME}
        try:
            recipe = replace(self._recipe, moves=moved)
            self._job = service.submit(protocol.Generate, **self._fields, recipe=recipe, resolution=wanted[1])
            self._asked = wanted
        except (WorkerError, protocol.Gen3DError) as error:
            self._end(str(error))

    def _arrived(self, job: Job) -> GeneratedMesh | None:
        """The mesh that was asked for last, once, when it has come."""
        if not job.poll():
            # A fine mesh that is no longer wanted is not waited for.
            if job.state is State.RUNNING and self._asked[0] != self.values and self._asked[1] > LIVE_RESOLUTION:
                job.cancel()
            return None
        self._job = None
        if job.state is State.FAILED:
            self._end(job.message)
        if job.state is not State.FINISHED or not isinstance(job.result, GeneratedMesh):
            return None
        self._shown = self._asked
        return job.result

    def _show(self, made: GeneratedMesh) -> None:
        try:
            remake(made, self.target)
        except PlacementError as error:
            self._end(str(error))
            return
        self.updates += 1

    def _end(self, message: str) -> bool:
        self.ended, self.message = True, message
        if self._job is not None:
            self._job.cancel()
        return True


class Live:
    """The session of the whole of Blender, if there is one, and Blender's timer for it."""

    def __init__(self) -> None:
        self.session: Session | None = None

    def begin(self, session: Session) -> None:
        self.session = session
        if not bpy.app.timers.is_registered(self):
            bpy.app.timers.register(self, first_interval=0.0, persistent=True)

    def __call__(self) -> float | None:
        if self.session is None:
            return None
        if not self.session.step():
            return TICK_SECONDS
        if self.session.updates:
            push_undo("Adjust")
        if not self.session.message:
            self.session = None
        redraw_panels()
        return None

    @property
    def running(self) -> bool:
        return self.session is not None and not self.session.ended

    def clear(self) -> None:
        if bpy.app.timers.is_registered(self):
            bpy.app.timers.unregister(self)
        self.session = None


live = Live()


def slider_moved(slider: Any, context: compat.Context) -> None:
    """For the sliders' update: within the range, and the session told."""
    inside = min(max(slider.value, slider.low), slider.high)
    if inside != slider.value:
        slider.value = inside  # calls this again
    elif live.session is not None:
        live.session.touch(slider.name, slider.value)


@bpy.app.handlers.persistent
def follow_undo(*unused: Any) -> None:
    """An undo or redo step has brought back sliders and mesh of another moment: they need not agree."""
    session = live.session
    if session is None or session.ended:
        return
    for slider in compat.context().scene.gen3d.sliders:
        session.values[slider.name] = slider.value
    session.refresh()


class GEN3D_OT_adjust(Explorer, bpy.types.Operator):
    bl_idname = "gen3d.adjust"
    bl_label = "Adjust"
    bl_description = "Change the active object by sliders; it follows while they move"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return not live.running and needs_object_mode(cls, context)

    def act(self, context: compat.Context) -> set[str]:
        placed = chosen(context)[0]
        entry = catalogue.entry(model_of(placed))
        if entry is None or not entry.sliders:
            raise ExploreError(f"The model of {placed.name} has no directions to adjust")
        if "positions" not in placed[RECORD]:
            raise ExploreError(f"{placed.name} is of an older version: regenerate it first")
        positions = placed[RECORD]["positions"].to_dict()
        sliders = context.scene.gen3d.sliders
        sliders.clear()
        for each in entry.sliders:
            slider = sliders.add()
            slider.name, slider.code, slider.low, slider.high = each.name, each.code, each.low, each.high
            slider.value = float(positions.get(each.name, 0.0))
        values = {slider.name: slider.value for slider in sliders}
        resolution = int(placed[RECORD].get("resolution", context.scene.gen3d.resolution))
        session = Session(placed, entry.key, values, resolution)
        live.begin(session)
        return {"FINISHED"}


class GEN3D_OT_adjust_end(bpy.types.Operator):
    bl_idname = "gen3d.adjust_end"
    bl_label = "Done"
    bl_description = "Keep the object as it is"
    bl_options = {"INTERNAL"}

    revert: bpy.props.BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return live.session is not None

    def execute(self, context: compat.Context) -> set[str]:
        session = live.session
        if session is None or session.ended:
            live.session = None
            return {"FINISHED"}
        if self.revert:
            session.values = dict(session.start)
        session.close()
        return {"FINISHED"}


CLASSES = (GEN3D_OT_adjust, GEN3D_OT_adjust_end)
HANDLERS = ("undo_post", "redo_post")

register_classes, unregister_classes = compat.class_registration(CLASSES)


def register() -> None:
    register_classes()
    for name in HANDLERS:
        getattr(bpy.app.handlers, name).append(follow_undo)


def unregister() -> None:
    live.clear()
    for name in HANDLERS:
        getattr(bpy.app.handlers, name).remove(follow_undo)
    unregister_classes()
