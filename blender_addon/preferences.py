# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user sets once: where further models lie."""

import bpy
from bpy.props import CollectionProperty, StringProperty

from . import compat


class GEN3D_PG_file(bpy.types.PropertyGroup):
    """A model file that was opened by itself."""

    path: StringProperty(subtype="FILE_PATH")


class GEN3D_Preferences(bpy.types.AddonPreferences):
    bl_idname = compat.ADDON

    models_folder: StringProperty(
        name="Models Folder",
        description="Folder of .gen3d files that are offered beside the shipped ones",
        subtype="DIR_PATH",
    )
    files: CollectionProperty(type=GEN3D_PG_file)

    def draw(self, context: compat.Context) -> None:
        self.layout.prop(self, "models_folder")


def preferences() -> GEN3D_Preferences:
    return compat.context().preferences.addons[compat.ADDON].preferences


CLASSES = (GEN3D_PG_file, GEN3D_Preferences)


def register() -> None:
    for cls in CLASSES:
        bpy.utils.register_class(cls)


def unregister() -> None:
    for cls in reversed(CLASSES):
        bpy.utils.unregister_class(cls)
