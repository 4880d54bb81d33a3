# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The tab ``Gen3D`` further down: what is done with objects, and training."""

from typing import Any

import bpy

from .. import compat
from ..queue.adjust_session import live
from ..queue.service import catalogue
from ..scene.objects import remembers
from .adjust import GEN3D_OT_adjust, GEN3D_OT_adjust_end
from .assets import GEN3D_OT_mark_asset
from .bake import GEN3D_OT_bake_texture
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
from .morph import GEN3D_OT_bake_codes, GEN3D_OT_key_codes, GEN3D_OT_morph
from .panels import Gen3DPanel, draw_message, letters_of
from .train import GEN3D_OT_render_dataset, GEN3D_OT_train, GEN3D_OT_train_stop
from .train import state as training


class GEN3D_PT_gallery(Gen3DPanel, bpy.types.Panel):
    bl_label = "Gallery"
    bl_options = {"DEFAULT_CLOSED"}

    def draw(self, context: compat.Context) -> None:
        layout = self.layout
        row = layout.row(align=True)
        row.operator(GEN3D_OT_gallery.bl_idname, icon="IMGDISPLAY")
        row.operator(GEN3D_OT_gallery.bl_idname, text="Further", icon="FORWARD").further = True
        if gallery.drawing:
            layout.progress(factor=gallery.fraction, text="Drawing")
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
        progress = training.follow(settings.training)
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
            icon = "ERROR" if progress.stage == "failed" else "INFO"
            draw_message(layout.column(align=True), progress.message, letters_of(context), icon)
        if progress.images:
            layout.label(text=f"{progress.images} pictures in {progress.minutes:.0f} minutes")
        if progress.grid is not None:
            layout.template_icon(icon_value=catalogue.picture(progress.grid), scale=12.0)


CLASSES = (
    *(GEN3D_PT_explore, GEN3D_PT_gallery, GEN3D_PT_morph, GEN3D_PT_favourites),
    GEN3D_PT_train,
)


register, unregister = compat.class_registration(CLASSES)
