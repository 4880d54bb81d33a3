# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Codes worth keeping, saved with the .blend."""

from typing import Any

import bpy

from .. import compat
from ..queue.batch import Batch
from ..scene.codes_text import to_text
from ..scene.objects import RECORD
from .explore import batch_from_text
from .makers import CodesBatchOperator
from .selection import InputError, selected_objects
from .submission import ReportingOperator


class GEN3D_UL_favourites(bpy.types.UIList):
    def draw_item(
        self,
        context: compat.Context,
        layout: bpy.types.UILayout,
        data: Any,
        item: Any,
        icon: Any,
        active_data: Any,
        active_property: str,
    ) -> None:
        layout.prop(item, "name", text="", emboss=False, icon="SOLO_ON")


class GEN3D_OT_favourite(ReportingOperator, bpy.types.Operator):
    bl_idname = "gen3d.favourite"
    bl_label = "Add to Favourites"
    bl_description = "Keep what made the active object with this file"
    bl_options = {"INTERNAL", "UNDO"}

    def act(self, context: compat.Context) -> set[str]:
        settings = context.scene.gen3d
        source = selected_objects(context)[0]
        kept = settings.favourites.add()
        kept.name, kept.text = source.name, to_text(source[RECORD])
        settings.favourite = len(settings.favourites) - 1
        return {"FINISHED"}


class GEN3D_OT_favourite_remove(bpy.types.Operator):
    bl_idname = "gen3d.favourite_remove"
    bl_label = "Remove from Favourites"
    bl_description = "Forget this favourite; objects stay"
    bl_options = {"INTERNAL", "UNDO"}

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return bool(context.scene.gen3d.favourites)

    def execute(self, context: compat.Context) -> set[str]:
        settings = context.scene.gen3d
        settings.favourites.remove(settings.favourite)
        settings.favourite = max(0, settings.favourite - 1)
        return {"FINISHED"}


class GEN3D_OT_favourite_make(CodesBatchOperator, bpy.types.Operator):
    bl_idname = "gen3d.favourite_make"
    bl_label = "Make Favourite"
    bl_description = "Make this favourite at the 3D cursor"
    bl_options = {"REGISTER"}

    def make_batch(self, context: compat.Context) -> Batch:
        settings = context.scene.gen3d
        if not 0 <= settings.favourite < len(settings.favourites):
            raise InputError("There is no favourite yet: add one first")
        text = settings.favourites[settings.favourite].text
        return batch_from_text(context, "Favourite", text, other_version=self.other_version)


CLASSES = (GEN3D_UL_favourites, GEN3D_OT_favourite, GEN3D_OT_favourite_remove, GEN3D_OT_favourite_make)


register, unregister = compat.class_registration(CLASSES)
