# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was asked for, done order by order: each mesh from the worker into the scene, all of a work as one undo step.

In a window a timer calls the ``Desk`` and Blender never waits; in background mode ``Desk.finish`` does.
"""

import collections
import logging
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from gen3d_core import protocol

from .. import compat
from ..scene.objects import PlacementError, view_layer_of
from ..worker.client import WorkerError
from ..worker.job import Job, Service, State

TICK_SECONDS = 0.05

log = logging.getLogger(__name__)


@dataclass(frozen=True)
class Order:
    """One thing to make: the fields of its request, what puts it into the scene, the kind of request, and what leaves
    files for the worker in its folder. ``apply`` may raise PlacementError; a text that it returns is for the user."""

    fields: dict[str, Any]
    apply: Callable[[Any], object]
    kind: type[protocol.Job] = protocol.Generate
    leave: Callable[[Path], None] | None = None


class Work:
    """Orders that belong together. ``step`` moves it on; the other attributes only tell.

    label: name of its undo step; state, message, detail: as a job's; fraction, stage: of the whole.
    ``seal`` makes the undo step of what was applied, if not the plain one of that name.
    """

    def __init__(
        self,
        service: Service,
        label: str,
        orders: Sequence[Order],
        scene: int,
        seal: Callable[[], None] | None = None,
    ) -> None:
        self.label = label
        self.state = State.RUNNING
        self.message = self.detail = ""
        self.job: Job | None = None
        self._service = service
        self._orders = collections.deque(orders)
        self._total = len(orders)
        self._scene = scene
        self._seal = seal or (lambda: push_undo(label))
        self._waits = False

    @property
    def applied(self) -> int:
        """How many meshes are in the scene."""
        return self._total - len(self._orders)

    @property
    def fraction(self) -> float:
        return (self.applied + (self.job.fraction if self.job else 0.0)) / self._total

    @property
    def stage(self) -> str:
        stage = "ready, waits for Object Mode" if self._waits else self.job.stage if self.job else "starting"
        stage = stage[:1].upper() + stage[1:]
        return stage if self._total == 1 else f"{min(self.applied + 1, self._total)} of {self._total}: {stage}"

    @property
    def done(self) -> bool:
        return self.state not in (State.RUNNING, State.CANCELLING)

    def step(self) -> bool:
        """Move on without waiting. True once it has ended."""
        if self.done:
            return True
        if self.job is None:
            if self._service.job is not None and not self._service.job.poll():
                return False  # something was asked for beside the desk
            try:
                order = self._orders[0]
                if order.leave is not None:
                    order.leave(self._service.ready().folder)
                self.job = self._service.submit(order.kind, **order.fields)
            except WorkerError as error:
                self._end(State.FAILED, str(error), error.detail)
            return self.done
        if not self.job.poll():
            return False
        if self.job.state is not State.FINISHED:
            self._end(self.job.state, self.job.message, self.job.detail)
        elif self.state is State.CANCELLING:
            self._end(State.CANCELLED, "Cancelled")
        else:
            self._waits = not self._may_place()
            if not self._waits:
                self._apply(self.job)
        return self.done

    def cancel(self) -> None:
        """Give up what has not come yet; ``step`` tells when that is done."""
        if self.done:
            return
        if self.job is None:
            self._end(State.CANCELLED, "Cancelled")
            return
        self.state = State.CANCELLING
        self.job.cancel()

    def _apply(self, job: Job) -> None:
        made, job.result = job.result, None
        order = self._orders[0]
        try:
            told = order.apply(made)
        except PlacementError as error:
            self._end(State.FAILED, str(error))
            return
        self._orders.popleft()
        self.job = None
        if not self._orders:
            self._end(State.FINISHED, told if isinstance(told, str) else "")

    def _end(self, state: State, message: str = "", detail: str = "") -> None:
        self.state, self.message, self.detail = state, message, detail
        if self.applied:
            self._seal()
        if state is State.FAILED:
            log.error("%s", f"{message}\n{detail}".rstrip())

    def _may_place(self) -> bool:
        """False during a mode or a transform whose undo steps a new object would tear apart, and while rendering."""
        scene = next((scene for scene in bpy.data.scenes if scene.session_uid == self._scene), None)
        if scene is None:
            return True
        active = view_layer_of(scene).objects.active
        if (active is not None and active.mode != "OBJECT") or bpy.app.is_job_running("RENDER"):
            return False
        modals = [modal for window in compat.windows() for modal in window.modal_operators]
        return not any(modal.bl_idname.startswith("TRANSFORM_OT_") for modal in modals)


class Desk:
    """Works, one after another."""

    def __init__(self) -> None:
        self.current: Work | None = None
        self.waiting: collections.deque[Work] = collections.deque()
        self._shown: str | None = None

    @property
    def busy(self) -> bool:
        return self.current is not None and not self.current.done

    def add(self, work: Work) -> None:
        """Begin a work, or let it wait for those before it, from Blender's timer."""
        self.waiting.append(work)
        if not bpy.app.timers.is_registered(self):
            bpy.app.timers.register(self, first_interval=0.0, persistent=True)

    def finish(self, work: Work) -> None:
        """Do a work here and now. A KeyboardInterrupt cancels it."""
        self.current = work
        try:
            while not work.step():
                time.sleep(0.01)
        except KeyboardInterrupt:
            work.cancel()
            while not work.step():
                time.sleep(0.01)
            raise

    def __call__(self) -> float | None:
        """Blender's timer: move on without waiting. Returns the seconds to the next call, None when nothing is left."""
        if self.current is None or self.current.done:
            if not self.waiting:
                return None
            self.current = self.waiting.popleft()
        ended = self.current.step()
        self._show(None if ended else progress_of(self.current))
        if self.current.state is State.FAILED:
            tell(self.current.message)
        return None if ended and not self.waiting else TICK_SECONDS

    def cancel(self) -> None:
        """Give up the current work; those that wait come next."""
        if self.current is not None:
            self.current.cancel()

    def clear(self) -> None:
        """Forget all works, without a step for what was applied, and stop the timer."""
        self.waiting.clear()
        if bpy.app.timers.is_registered(self):
            bpy.app.timers.unregister(self)
            self._show(None)
        self.current = None

    def _show(self, progress: str | None) -> None:
        """In the panels and the status bar, where it is news: drawing takes time from the worker."""
        if progress is None or progress != self._shown:
            self._shown = progress
            redraw_panels()
            report(progress)


def redraw_panels() -> None:
    """Draw the sidebars again, and not the 3D views beside them."""
    for window in compat.windows():
        for area in window.screen.areas:
            for region in area.regions if area.type == "VIEW_3D" else ():
                if region.type == "UI":
                    region.tag_redraw()


def progress_of(work: Work) -> str:
    """How far a work is, in one line."""
    return f"Gen3D  {work.label}: {work.stage}  ({100 * work.fraction:.0f} %)"


def report(progress: str | None) -> None:
    """Show a line in the status bar, or give the bar back."""
    for window in compat.windows():
        window.workspace.status_text_set(progress)


def tell(message: str) -> None:
    """Report an error as an operator does. A timer has none: the message comes from one that waits for an event."""
    windows = compat.windows()
    if bpy.app.background or not windows:
        return
    with compat.context().temp_override(window=windows[0]):
        compat.operators().gen3d.tell("INVOKE_DEFAULT", message=message)


class GEN3D_OT_tell(bpy.types.Operator):
    bl_idname = "gen3d.tell"
    bl_label = "Gen3D"
    bl_options = {"INTERNAL"}

    message: bpy.props.StringProperty(options={"SKIP_SAVE"})

    def invoke(self, context: compat.Context, event: bpy.types.Event) -> set[str]:
        self._timer = context.window_manager.event_timer_add(TICK_SECONDS, window=context.window)
        context.window_manager.modal_handler_add(self)
        return {"RUNNING_MODAL"}

    def modal(self, context: compat.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.event_timer_remove(self._timer)
        self.report({"ERROR"}, self.message)
        return {"FINISHED", "PASS_THROUGH"}


def push_undo(message: str) -> None:
    # A timer runs without a window in its context, and without one there is no undo stack to push to.
    windows = compat.windows()
    if compat.context().window is None and windows:
        with compat.context().temp_override(window=windows[0]):
            bpy.ops.ed.undo_push(message=message)
    else:
        bpy.ops.ed.undo_push(message=message)


register, unregister = compat.class_registration((GEN3D_OT_tell,))
