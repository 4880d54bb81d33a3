# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From an operator to the queue, and from what is wrong to the user."""

import functools
from collections.abc import Callable, Sequence
from typing import Any

import bpy

from gen3d_core import protocol

from .. import compat
from ..queue.batch import Batch, Item, one_line
from ..queue.service import queue
from ..scene.codes_text import CodesError
from ..scene.placing import is_rendering, may_change, seal_without_redo
from ..worker.job import State


def needs_object_mode(cls: type[bpy.types.Operator], context: compat.Context) -> bool:
    """Whether objects can be made or changed now; says why where they cannot."""
    if context.mode != "OBJECT":
        cls.poll_message_set("Switch to Object Mode first")
        return False
    return True


def needs_no_render(cls: type[bpy.types.Operator]) -> bool:
    """Whether meshes can be changed at once; says why where they cannot. What comes from the worker waits by itself."""
    if is_rendering():
        cls.poll_message_set("Wait until Blender has rendered")
        return False
    return True


def pressed_batch(
    context: compat.Context, label: str, items: Sequence[Item], seal: Callable[[], None] | None = None
) -> Batch:
    """Items for the scene of now; what was applied becomes one undo step: by ``seal``, else without the redo panel."""
    waits_for = functools.partial(may_change, context.scene.session_uid)
    return Batch(label, items, may_apply=waits_for, seal=seal or functools.partial(seal_without_redo, label))


def submit(operator: bpy.types.Operator, batch: Batch) -> set[str]:
    """Do a batch: in background mode at once, in a window bit by bit from Blender's timer."""
    if not bpy.app.background:
        queue.add(batch)
        return {"FINISHED"}
    queue.finish(batch)
    if batch.state is State.FINISHED:
        if batch.message:
            operator.report({"INFO"}, batch.message)
        return {"FINISHED"}
    operator.report({"ERROR"}, batch.message)
    return {"CANCELLED"}


def report_errors(
    operator: Any, context: compat.Context, *, raised: type[Exception] | tuple[type[Exception], ...] = ()
) -> set[str]:
    """Let an operator `act`; what that raises for the user to read, Blender's own operators' words among it, is
    reported, but for kinds that are to be `raised`."""
    try:
        return operator.act(context)
    except raised:
        raise
    except (RuntimeError, CodesError, protocol.Gen3DError) as error:
        operator.report({"ERROR"}, one_line(error))
        return {"CANCELLED"}


class ReportingOperator:
    """Operators of which theirs is `act`; what it raises for the user to read is reported."""

    def execute(self, context: compat.Context) -> set[str]:
        return report_errors(self, context)


class BatchOperator(ReportingOperator):
    """Operators that make or change meshes: theirs is `make_batch`, which gives the batch to do."""

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return needs_object_mode(cls, context)  # pyright: ignore[reportArgumentType]  # mixed into operators

    def act(self, context: compat.Context) -> set[str]:
        operator: Any = self
        return submit(operator, operator.make_batch(context))
