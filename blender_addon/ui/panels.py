# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab ``Gen3D`` in the sidebar of the 3D view: what makes new objects."""

import textwrap
from typing import Any

import bpy

from .. import compat
from ..queue.batch import Batch
from ..queue.service import catalogue, listing, queue
from ..worker.job import State
from .generate import GEN3D_OT_cancel, GEN3D_OT_copy_detail, GEN3D_OT_dice, GEN3D_OT_generate, GEN3D_OT_open_model
from .picture import GEN3D_OT_from_picture
from .presets import GEN3D_PT_presets

MOST_LETTERS = 600


class Gen3DPanel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Gen3D"


def letters_of(context: compat.Context) -> int:
    """How many letters fit beside an icon."""
    return max(20, int(context.region.width / (7 * context.preferences.system.ui_scale)) - 6)


def draw_message(column: bpy.types.UILayout, message: str, letters: int, icon: str) -> None:
    """A text in as many lines as it takes, but for what nobody reads in a panel."""
    for index, line in enumerate(textwrap.wrap(message[:MOST_LETTERS], letters)):
        column.label(text=line, icon="BLANK1" if index else icon)  # pyright: ignore[reportArgumentType]


class GEN3D_PT_generate(Gen3DPanel, bpy.types.Panel):
    bl_label = "Generate"

    def draw_header_preset(self, context: compat.Context) -> None:
        GEN3D_PT_presets.draw_panel_header(self.layout)

    def draw(self, context: compat.Context) -> None:
        if catalogue.has_news:
            listing.want()
        settings = context.scene.gen3d
        layout = self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        self._draw_model(settings, letters_of(context))
        column = layout.column()
        seed = column.row(align=True)
        seed.prop(settings, "seed")
        seed.operator(GEN3D_OT_dice.bl_idname, text="", icon="FILE_REFRESH").which = "seed"
        column.prop(settings, "count")
        column.prop(settings, "resolution")
        column.prop(settings, "size")
        self._draw_button()
        layout.operator(GEN3D_OT_from_picture.bl_idname, text="From Picture…", icon="IMAGE_DATA")
        current = queue.current
        if current is not None and current.done:
            self._draw_outcome(current, letters_of(context))
            if current.state is State.FINISHED:
                self._draw_colour_hint(context.space_data.shading)

    def _draw_model(self, settings: Any, letters: int) -> None:
        row = self.layout.row(align=True)
        row.template_icon_view(settings, "model", show_labels=True, scale=5.0, scale_popup=6.0)
        names = self.layout.row(align=True)
        names.prop(settings, "model")
        names.operator(GEN3D_OT_open_model.bl_idname, text="", icon="FILE_FOLDER")
        entry = catalogue.entry(settings.model)
        wrong = entry.error if entry else compat.model_is_missing(f"The model {settings.model_key} is not there")
        for message in dict.fromkeys((listing.message, wrong)):
            if message:
                draw_message(self.layout.column(align=True), message, letters, "ERROR")

    def _draw_button(self) -> None:
        if queue.busy and queue.current is not None:
            # In place of a disabled button: one under the mouse stays so until the mouse leaves it.
            row = self.layout.row(align=True)
            row.progress(factor=queue.current.fraction, text=queue.current.stage)
            row.operator(GEN3D_OT_cancel.bl_idname, text="", icon="X")
        row = self.layout.row(align=True)
        row.scale_y = 1.5
        waiting = f" ({len(queue.waiting)} waiting)" if queue.waiting else ""
        row.operator(GEN3D_OT_generate.bl_idname, text=f"Generate{waiting}", icon="MESH_DATA")

    def _draw_outcome(self, batch: Batch, letters: int) -> None:
        if not batch.message:
            return
        failed = batch.state is State.FAILED
        column = self.layout.box().column(align=True)
        draw_message(column, batch.message, letters, "ERROR" if failed else "INFO")
        if failed:
            column.operator(GEN3D_OT_copy_detail.bl_idname, icon="COPYDOWN")

    def _draw_colour_hint(self, shading: Any) -> None:
        """Solid view, in which Blender starts, shows one grey unless told to show colours."""
        if shading.type == "SOLID" and shading.color_type != "VERTEX":
            choice = self.layout.operator("wm.context_set_enum", text="Show Colours in Solid View", icon="COLOR")
            choice.data_path, choice.value = "space_data.shading.color_type", "VERTEX"


class GEN3D_PT_more(Gen3DPanel, bpy.types.Panel):
    bl_label = "More"
    bl_parent_id = "GEN3D_PT_generate"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: compat.Context) -> None:
        settings = context.scene.gen3d
        layout = self.layout
        layout.use_property_decorate = False
        look = layout.row(align=True)
        look.prop(settings, "own_look", text="")
        chosen = look.row(align=True)
        chosen.active = settings.own_look
        chosen.prop(settings, "appearance_seed")
        chosen.operator(GEN3D_OT_dice.bl_idname, text="", icon="FILE_REFRESH").which = "appearance_seed"
        variety = layout.row(align=True)
        variety.prop(settings, "own_variety", text="")
        chosen = variety.row(align=True)
        chosen.active = settings.own_variety
        chosen.prop(settings, "variety", slider=True)


register, unregister = compat.class_registration((GEN3D_PT_generate, GEN3D_PT_more))
