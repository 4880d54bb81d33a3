# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the queue tells the user: progress in the status bar, errors as an operator reports them."""

import bpy

from .. import compat
from .batch import Batch

TICK_SECONDS = 0.05


def progress_of(batch: Batch) -> str:
    """How far a batch is, in one line."""
    return f"Gen3D  {batch.label}: {batch.stage}  ({100 * batch.fraction:.0f} %)"


def show_progress(progress: str | None) -> None:
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


register, unregister = compat.class_registration((GEN3D_OT_tell,))
