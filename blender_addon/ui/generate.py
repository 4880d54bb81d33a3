# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate, and what belongs to it: cancel, dice, opening a model file, the report of a failure."""

import functools
import random
from pathlib import Path

import bpy
from bpy.props import EnumProperty, StringProperty

from gen3d_core import protocol

from .. import compat
from ..queue.batch import Batch, Item
from ..queue.models import SUFFIX, is_model_file
from ..queue.service import catalogue, queue
from ..scene.placing import NewObjects
from .selection import has_model, place_at_cursor
from .submission import BatchOperator, needs_object_mode, pressed_batch


def make_batch(context: compat.Context) -> Batch:
    """The batch of what the settings say. Raises InputError."""
    settings = context.scene.gen3d
    common = {
        "model": settings.model, "resolution": settings.resolution,
        "truncation": settings.variety if settings.own_variety else None,
    }  # fmt: skip
    look = settings.appearance_seed if settings.own_look else None
    group, items = NewObjects("Generate"), []
    for number, where in enumerate(place_at_cursor(context).grid(settings.count, settings.size)):
        seed = min(settings.seed + number, protocol.limits.SEED[1])
        name = f"{Path(settings.model).stem}_{seed:04d}"
        show = functools.partial(group.place, placement=where, name=name, size=settings.size)
        items.append(Item({**common, "recipe": protocol.Recipe(seed, look)}, show))
    return pressed_batch(context, group.label, items, group.seal)


class GEN3D_OT_generate(BatchOperator, bpy.types.Operator):
    bl_idname = "gen3d.generate"
    bl_label = "Generate"
    bl_description = "Make new objects and place them from the 3D cursor on; while others are made, these wait"
    # Not UNDO: the step belongs to the moment when the objects are there, and the batch pushes it then.
    bl_options = {"REGISTER"}

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return has_model(cls, context) and needs_object_mode(cls, context)

    def make_batch(self, context: compat.Context) -> Batch:
        return make_batch(context)


class GEN3D_OT_cancel(bpy.types.Operator):
    bl_idname = "gen3d.cancel"
    bl_label = "Cancel"
    bl_description = "Stop what is being made; objects that are there already stay"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return queue.busy

    def execute(self, context: compat.Context) -> set[str]:
        queue.cancel()
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
        if not is_model_file(path) or not path.is_file():
            self.report({"ERROR"}, f"{path.name} is not a {SUFFIX} file")
            return {"CANCELLED"}
        if catalogue.entry(str(path)) is None:
            compat.preferences().files.add().path = str(path)
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
        current = queue.current
        if current is not None:
            context.window_manager.clipboard = f"{current.message}\n\n{current.detail}".strip()
        return {"FINISHED"}


CLASSES = (GEN3D_OT_generate, GEN3D_OT_cancel, GEN3D_OT_dice, GEN3D_OT_open_model, GEN3D_OT_copy_detail)


register, unregister = compat.class_registration(CLASSES)
