# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab ``Gen3D`` in the sidebar of the 3D view."""

import textwrap
from typing import Any

import bpy

from . import compat
from .jobs import Job, State
from .operators import GEN3D_OT_cancel, GEN3D_OT_generate, running, service


class GEN3D_PT_generate(bpy.types.Panel):
    bl_label = "Generate"
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Gen3D"

    def draw(self, context: compat.Context) -> None:
        settings = context.scene.gen3d
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        column = layout.column()
        column.prop(settings, "model")
        column.prop(settings, "seed")
        column.prop(settings, "resolution")
        row = layout.row(align=True)
        row.scale_y = 1.5
        if service.job is not None and running():
            # In place of Generate: a button that was disabled under the mouse stays so until the mouse leaves it.
            row.progress(factor=service.job.fraction, text=service.job.stage[:1].upper() + service.job.stage[1:])
            row.operator(GEN3D_OT_cancel.bl_idname, text="", icon="X")
            return
        row.operator(GEN3D_OT_generate.bl_idname, icon="MESH_DATA")
        if service.job is not None:
            letters = max(20, int(context.region.width / (7 * context.preferences.system.ui_scale)) - 6)
            self._draw_outcome(service.job, letters)
            self._draw_colour_hint(context.space_data.shading)

    def _draw_outcome(self, job: Job, letters: int) -> None:
        if job.state is State.FAILED:
            column = self.layout.box().column(align=True)
            for index, line in enumerate(textwrap.wrap(job.message, letters)):
                column.label(text=line, icon="BLANK1" if index else "ERROR")
        elif job.state is State.CANCELLED:
            self.layout.label(text=job.message, icon="INFO")

    def _draw_colour_hint(self, shading: Any) -> None:
        """Solid view, in which Blender starts, shows one grey unless told to show colours."""
        if service.job is not None and service.job.state is State.FINISHED:
            if shading.type == "SOLID" and shading.color_type != "VERTEX":
                choice = self.layout.operator("wm.context_set_enum", text="Show Colours in Solid View", icon="COLOR")
                choice.data_path, choice.value = "space_data.shading.color_type", "VERTEX"


def register() -> None:
    bpy.utils.register_class(GEN3D_PT_generate)


def unregister() -> None:
    bpy.utils.unregister_class(GEN3D_PT_generate)
