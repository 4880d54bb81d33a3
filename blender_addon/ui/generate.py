# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, and what belongs to it: cancel, dice, opening a model file, the report of a failure."""

import random
from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from gen3d_core import protocol

from .. import compat
from ..queue.models import SUFFIX
from ..queue.queue import Work
from ..queue.service import catalogue, desk, service
from ..scene.objects import Placement
from ..scene.placing import Batch
from ..worker.job import State
from .preferences import preferences


def needs_object_mode(cls: type[bpy.types.Operator], context: compat.Context) -> bool:
    """Whether objects can be made or changed now; says why where they cannot."""
    if context.mode != "OBJECT":
        cls.poll_message_set("Switch to Object Mode first")
        return False
    return True


def submit(operator: bpy.types.Operator, work: Work) -> set[str]:
    """Do a work: in background mode at once, in a window bit by bit from Blender's timer."""
    if not bpy.app.background:
        desk.add(work)
        return {"FINISHED"}
    desk.finish(work)
    if work.state is State.FINISHED:
        if work.message:
            operator.report({"INFO"}, work.message)
        return {"FINISHED"}
    operator.report({"ERROR"}, work.message)
    return {"CANCELLED"}


def generate(operator: bpy.types.Operator, context: compat.Context) -> set[str]:
    """Make what the settings say."""
    collection = context.collection
    if not collection.is_editable:
        operator.report({"ERROR"}, f"The active collection {collection.name!r} cannot be edited: choose another one")
        return {"CANCELLED"}
    settings = context.scene.gen3d
    common = {
        "model": settings.model, "resolution": settings.resolution,
        "truncation": settings.variety if settings.own_variety else None,
    }  # fmt: skip
    look = settings.appearance_seed if settings.own_look else None
    batch, orders = Batch("Generate"), []
    for number, where in enumerate(Placement.here(context).grid(settings.count, settings.size)):
        seed = min(settings.seed + number, protocol.limits.SEED[1])
        name = f"{Path(settings.model).stem}_{seed:04d}"
        orders.append(batch.order({**common, "recipe": protocol.Recipe(seed, look)}, where, name, settings.size))
    return submit(operator, batch.work(service, orders, context.scene.session_uid))


class GEN3D_OT_generate(bpy.types.Operator):
    bl_idname = "gen3d.generate"
    bl_label = "Generate"
    bl_description = "Make new objects and place them from the 3D cursor on; while others are made, these wait"
    # Not UNDO: the step belongs to the moment when the objects are there, and the work pushes it then.
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        if not context.scene.gen3d.model:
            cls.poll_message_set("This scene's model is not there: choose one")
            return False
        return needs_object_mode(cls, context)

    def execute(self, context: compat.Context) -> set[str]:
        return generate(self, context)


class GEN3D_OT_cancel(bpy.types.Operator):
    bl_idname = "gen3d.cancel"
    bl_label = "Cancel"
    bl_description = "Stop what is being made; objects that are there already stay"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return desk.busy

    def execute(self, context: compat.Context) -> set[str]:
        desk.cancel()
        return {"FINISHED"}


class GEN3D_OT_dice(bpy.types.Operator):
    bl_idname = "gen3d.dice"
    bl_label = "Roll"
    bl_description = "Choose a seed at random"
    bl_options = {"INTERNAL", "UNDO"}

    which: EnumProperty(items=[("seed", "Seed", ""), ("appearance_seed", "Appearance Seed", "")])

    def execute(self, context: compat.Context) -> set[str]:
        setattr(context.scene.gen3d, self.which, random.SystemRandom().randrange(10_000))
        return {"FINISHED"}


class GEN3D_OT_open_model(bpy.types.Operator):
    bl_idname = "gen3d.open_model"
    bl_label = "Open Model"
    bl_description = "Choose a .gen3d file from disk; it stays in the list"
    bl_options = {"INTERNAL"}

    filepath: StringProperty(subtype="FILE_PATH")
    filter_glob: StringProperty(default=f"*{SUFFIX}", options={"HIDDEN"})

    def invoke(self, context: compat.Context, event: bpy.types.Event) -> set[str]:
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def execute(self, context: compat.Context) -> set[str]:
        path = Path(bpy.path.abspath(self.filepath)).absolute()
        if path.suffix != SUFFIX or not path.is_file():
            self.report({"ERROR"}, f"{path.name} is not a {SUFFIX} file")
            return {"CANCELLED"}
        if catalogue.entry(str(path)) is None:
            preferences().files.add().path = str(path)
            catalogue.look_again()
            context.preferences.is_dirty = True
        context.scene.gen3d.model = str(path)
        return {"FINISHED"}


class GEN3D_OT_copy_detail(bpy.types.Operator):
    bl_idname = "gen3d.copy_detail"
    bl_label = "Copy Details"
    bl_description = "Copy what is known of the failure to the clipboard, for a report"
    bl_options = {"INTERNAL"}

    def execute(self, context: compat.Context) -> set[str]:
        if desk.current is not None:
            context.window_manager.clipboard = f"{desk.current.message}\n\n{desk.current.detail}".strip()
        return {"FINISHED"}


CLASSES = (GEN3D_OT_generate, GEN3D_OT_cancel, GEN3D_OT_dice, GEN3D_OT_open_model, GEN3D_OT_copy_detail)


register, unregister = compat.class_registration(CLASSES)
