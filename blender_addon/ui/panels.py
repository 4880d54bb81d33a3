# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab ``Gen3D`` in the sidebar of the 3D view."""

import textwrap
from typing import Any

import bpy

from .. import compat
from ..queue.adjust_session import GEN3D_OT_adjust, GEN3D_OT_adjust_end, live
from ..queue.queue import Work
from ..queue.service import catalogue, desk, listing
from ..scene.bake import GEN3D_OT_bake_texture
from ..scene.objects import remembers
from ..worker.job import State
from .assets import GEN3D_OT_mark_asset
from .explore import (
    GEN3D_OT_breed,
    GEN3D_OT_copy_codes,
    GEN3D_OT_mix,
    GEN3D_OT_paste_codes,
    GEN3D_OT_regenerate,
    GEN3D_OT_vary,
)
from .favourites import GEN3D_OT_favourite, GEN3D_OT_favourite_make, GEN3D_OT_favourite_remove, GEN3D_UL_favourites
from .gallery import GEN3D_OT_gallery, GEN3D_OT_pick, gallery
from .generate import GEN3D_OT_cancel, GEN3D_OT_copy_detail, GEN3D_OT_dice, GEN3D_OT_generate, GEN3D_OT_open_model
from .morph import GEN3D_OT_bake_codes, GEN3D_OT_key_codes, GEN3D_OT_morph
from .picture import GEN3D_OT_from_picture
from .presets import GEN3D_PT_presets
from .train import GEN3D_OT_render_dataset, GEN3D_OT_train, GEN3D_OT_train_stop
from .train import state as training


class Gen3DPanel:
    bl_space_type = "VIEW_3D"
    bl_region_type = "UI"
    bl_category = "Gen3D"


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
        self._draw_model(settings)
        column = layout.column()
        seed = column.row(align=True)
        seed.prop(settings, "seed")
        seed.operator(GEN3D_OT_dice.bl_idname, text="", icon="FILE_REFRESH").which = "seed"
        column.prop(settings, "count")
        column.prop(settings, "resolution")
        column.prop(settings, "size")
        self._draw_button()
        layout.operator(GEN3D_OT_from_picture.bl_idname, text="From Picture…", icon="IMAGE_DATA")
        current = desk.current
        if current is not None and current.done:
            letters = max(20, int(context.region.width / (7 * context.preferences.system.ui_scale)) - 6)
            self._draw_outcome(current, letters)
            if current.state is State.FINISHED:
                self._draw_colour_hint(context.space_data.shading)

    def _draw_model(self, settings: Any) -> None:
        row = self.layout.row(align=True)
        row.template_icon_view(settings, "model", show_labels=True, scale=5.0, scale_popup=6.0)
        names = self.layout.row(align=True)
        names.prop(settings, "model")
        names.operator(GEN3D_OT_open_model.bl_idname, text="", icon="FILE_FOLDER")
        entry = catalogue.entry(settings.model)
        if entry is None or entry.error:
            wrong = entry.error if entry else f"The model {settings.model_key} is not there"
            self.layout.label(text=wrong, icon="ERROR")

    def _draw_button(self) -> None:
        if desk.busy and desk.current is not None:
            # In place of a disabled button: one under the mouse stays so until the mouse leaves it.
            row = self.layout.row(align=True)
            row.progress(factor=desk.current.fraction, text=desk.current.stage)
            row.operator(GEN3D_OT_cancel.bl_idname, text="", icon="X")
        row = self.layout.row(align=True)
        row.scale_y = 1.5
        waiting = f" ({len(desk.waiting)} waiting)" if desk.waiting else ""
        row.operator(GEN3D_OT_generate.bl_idname, text=f"Generate{waiting}", icon="MESH_DATA")

    def _draw_outcome(self, work: Work, letters: int) -> None:
        if not work.message:
            return
        failed = work.state is State.FAILED
        column = self.layout.box().column(align=True)
        for index, line in enumerate(textwrap.wrap(work.message, letters)):
            column.label(text=line, icon="BLANK1" if index else "ERROR" if failed else "INFO")
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


class GEN3D_PT_gallery(Gen3DPanel, bpy.types.Panel):
    bl_label = "Gallery"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: compat.Context) -> None:
        layout = self.layout
        row = layout.row(align=True)
        row.operator(GEN3D_OT_gallery.bl_idname, icon="IMGDISPLAY")
        row.operator(GEN3D_OT_gallery.bl_idname, text="Further", icon="FORWARD").further = True
        if gallery.errand.wanted:
            layout.progress(factor=gallery.errand.fraction, text="Drawing")
        if gallery.message:
            layout.label(text=gallery.message, icon="ERROR")
        if not gallery.seeds or gallery.model != context.scene.gen3d.model:
            return
        grid = layout.grid_flow(row_major=True, columns=3, even_columns=True, even_rows=True, align=True)
        for seed in gallery.seeds:
            cell = grid.column(align=True)
            cell.template_icon(icon_value=gallery.icon(seed), scale=4.0)
            cell.operator(GEN3D_OT_pick.bl_idname, text=f"{seed:04d}").seed = seed


class GEN3D_PT_explore(Gen3DPanel, bpy.types.Panel):
    bl_label = "Explore"

    def draw(self, context: compat.Context) -> None:
        settings, layout = context.scene.gen3d, self.layout
        active = context.view_layer.objects.active
        if live.session is not None:
            self._draw_sliders(settings)
            return
        if not remembers(active):
            layout.label(text="Select a generated object", icon="INFO")
        column = layout.column()
        column.enabled = remembers(active)
        column.operator(GEN3D_OT_adjust.bl_idname, icon="OPTIONS")
        column.operator(GEN3D_OT_regenerate.bl_idname, icon="FILE_REFRESH")
        box = column.column(align=True)
        box.row().prop(settings, "vary", expand=True)
        box.prop(settings, "strength", slider=True)
        row = box.row(align=True)
        row.operator(GEN3D_OT_vary.bl_idname, icon="MOD_PARTICLES")
        row.prop(settings, "variations", text="")
        row = column.row(align=True)
        row.operator(GEN3D_OT_mix.bl_idname, icon="UV_SYNC_SELECT")
        row.operator(GEN3D_OT_breed.bl_idname, icon="MESH_GRID")
        row = column.row(align=True)
        row.operator(GEN3D_OT_mark_asset.bl_idname, icon="ASSET_MANAGER")
        row.operator(GEN3D_OT_bake_texture.bl_idname, icon="TEXTURE")
        row = layout.row(align=True)
        row.operator(GEN3D_OT_copy_codes.bl_idname, icon="COPYDOWN")
        row.operator(GEN3D_OT_paste_codes.bl_idname, icon="PASTEDOWN")

    def _draw_sliders(self, settings: Any) -> None:
        session, layout = live.session, self.layout
        if session is None:
            return
        if session.message:
            layout.label(text=session.message, icon="ERROR")
        row = layout.row(align=True)  # above the sliders, of which there may be more than a window is high
        row.operator(GEN3D_OT_adjust_end.bl_idname, icon="CHECKMARK")
        row.operator(GEN3D_OT_adjust_end.bl_idname, text="Revert", icon="LOOP_BACK").revert = True
        for code in ("shape", "appearance"):
            column = layout.column(align=True)
            column.label(text=code.capitalize())
            for slider in settings.sliders:
                if slider.code == code:
                    column.prop(slider, "value", text=slider.name.capitalize(), slider=True)


class GEN3D_PT_morph(Gen3DPanel, bpy.types.Panel):
    bl_label = "Morph"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: compat.Context) -> None:
        settings, layout = context.scene.gen3d.morph, self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.row().prop(settings, "source", expand=True)
        if settings.source == "SEEDS":
            layout.prop(settings, "seeds")
        layout.row().prop(settings, "vary", expand=True)
        layout.row().prop(settings, "kind", expand=True)
        column = layout.column()
        column.prop(settings, "steps")
        column.prop(settings, "path")
        if settings.kind == "morph":
            column.prop(settings, "after_change", text="At Changes")
        column.prop(settings, "even")
        frames = layout.column(align=True)
        frames.prop(settings, "frame_start")
        frames.prop(settings, "frame_end")
        layout.prop(settings, "easing")
        layout.prop(settings, "repeat")
        layout.operator(GEN3D_OT_morph.bl_idname, icon="ANIM")
        row = layout.row(align=True)
        row.operator(GEN3D_OT_key_codes.bl_idname, icon="KEY_HLT")
        row.operator(GEN3D_OT_bake_codes.bl_idname, icon="ACTION")


class GEN3D_PT_favourites(Gen3DPanel, bpy.types.Panel):
    bl_label = "Favourites"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: compat.Context) -> None:
        settings, layout = context.scene.gen3d, self.layout
        row = layout.row()
        row.template_list(GEN3D_UL_favourites.__name__, "", settings, "favourites", settings, "favourite", rows=3)
        side = row.column(align=True)
        side.operator(GEN3D_OT_favourite.bl_idname, text="", icon="ADD")
        side.operator(GEN3D_OT_favourite_remove.bl_idname, text="", icon="REMOVE")
        layout.operator(GEN3D_OT_favourite_make.bl_idname, icon="MESH_DATA")


class GEN3D_PT_train(Gen3DPanel, bpy.types.Panel):
    bl_label = "Train"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: compat.Context) -> None:
        settings, layout = context.scene.gen3d, self.layout
        layout.use_property_split = True
        layout.use_property_decorate = False
        layout.label(text=f"Meshes of {context.collection.name}", icon="OUTLINER_COLLECTION")
        layout.prop(settings, "train_views")
        layout.prop(settings, "train_minutes")
        progress = training.followed(settings.training)
        if progress is None or progress.ended:
            layout.operator(GEN3D_OT_train.bl_idname, icon="PLAY")
            layout.operator(GEN3D_OT_render_dataset.bl_idname, icon="RENDER_STILL")
        if progress is None:
            return
        if not progress.ended:
            row = layout.row(align=True)
            share = progress.minutes / max(settings.train_minutes, 1e-6)
            row.progress(factor=min(share, 1.0), text=progress.stage.capitalize())
            row.operator(GEN3D_OT_train_stop.bl_idname, text="", icon="X")
        else:
            layout.label(text=progress.message, icon="INFO")
        if progress.images:
            layout.label(text=f"{progress.images} pictures in {progress.minutes:.0f} minutes")
        if progress.grid is not None:
            layout.template_icon(icon_value=catalogue.picture(progress.grid), scale=12.0)


CLASSES = (
    *(GEN3D_PT_generate, GEN3D_PT_more, GEN3D_PT_explore, GEN3D_PT_gallery, GEN3D_PT_morph, GEN3D_PT_favourites),
    GEN3D_PT_train,
)


register, unregister = compat.class_registration(CLASSES)
