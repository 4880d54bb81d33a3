# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Bake Texture."""

import bpy

from .. import compat
from ..queue.batch import one_line
from ..scene.bake import BakeError, bake_texture
from .selection import changeable_objects, of_each_mesh
from .submission import ReportingOperator, needs_no_render, needs_object_mode


class GEN3D_OT_bake_texture(ReportingOperator, bpy.types.Operator):
    bl_idname = "gen3d.bake_texture"
    bl_label = "Bake Texture"
    bl_description = "Unwrap the selected generated objects and keep their colours in a picture each"
    bl_options = {"REGISTER", "UNDO"}

    pixels: bpy.props.IntProperty(
        name="Pixels", description="Along each side of the picture", default=1024, min=64, max=8192
    )

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return needs_object_mode(cls, context) and needs_no_render(cls)

    def invoke(self, context: compat.Context, event: bpy.types.Event) -> set[str]:
        return context.window_manager.invoke_props_dialog(self)

    def act(self, context: compat.Context) -> set[str]:
        failures = []
        chosen = of_each_mesh(changeable_objects(context))
        for each in chosen:
            try:
                bake_texture(context, each, self.pixels)
            except RuntimeError as error:  # ours or Blender's: this object's, and no other's
                failures.append(one_line(error))
        if len(failures) == len(chosen):
            raise BakeError("; ".join(failures))
        if failures:  # what was baked is one undo step all the same
            self.report({"WARNING"}, f"{len(failures)} of {len(chosen)} failed: {'; '.join(failures)}")
        return {"FINISHED"}


register, unregister = compat.class_registration((GEN3D_OT_bake_texture,))
