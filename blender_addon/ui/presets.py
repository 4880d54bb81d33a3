# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Presets of the settings in Blender's own form: behind the button in the panel's header, for every scene."""

import bpy
from bl_operators.presets import AddPresetBase
from bl_ui.utils import PresetPanel

from .. import compat

FOLDER = "gen3d"
KEPT = ("count", "resolution", "size", "own_variety", "variety", "vary", "strength", "variations")


class GEN3D_MT_presets(bpy.types.Menu):
    bl_label = "Gen3D Presets"
    preset_subdir = FOLDER
    preset_operator = "script.execute_preset"
    draw = bpy.types.Menu.draw_preset  # pyright: ignore[reportAssignmentType]  # the same but for a name


class GEN3D_OT_preset_add(AddPresetBase, bpy.types.Operator):
    bl_idname = "gen3d.preset_add"
    bl_label = "Add Preset"
    bl_description = "Keep how objects are made, for every scene: all but the model and the seeds"
    bl_options = {"REGISTER", "INTERNAL"}

    preset_menu = GEN3D_MT_presets.__name__
    preset_subdir = FOLDER
    preset_defines = ("settings = bpy.context.scene.gen3d",)
    preset_values = tuple(f"settings.{name}" for name in KEPT)


class GEN3D_PT_presets(PresetPanel, bpy.types.Panel):
    bl_label = "Gen3D Presets"
    preset_subdir = FOLDER
    preset_operator = GEN3D_MT_presets.preset_operator
    preset_add_operator = GEN3D_OT_preset_add.bl_idname


CLASSES = (GEN3D_MT_presets, GEN3D_OT_preset_add, GEN3D_PT_presets)


register, unregister = compat.class_registration(CLASSES)
