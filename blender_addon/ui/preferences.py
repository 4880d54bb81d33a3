# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user sets once: where further models lie, which Python trains."""

from pathlib import Path

import bpy
from bpy.props import CollectionProperty, StringProperty

from .. import compat


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
    python: StringProperty(
        name="Python for Training",
        description="A Python in which gen3d is installed with its extra train; generating does without",
        subtype="FILE_PATH",
    )
    files: CollectionProperty(type=GEN3D_PG_file)

    def draw(self, context: compat.Context) -> None:
        from .train import GEN3D_OT_test_python, state

        self.layout.prop(self, "models_folder")
        row = self.layout.row(align=True)
        row.prop(self, "python")
        row.operator(GEN3D_OT_test_python.bl_idname)
        if state.test is not None and state.test.outcome:
            column = self.layout.box().column(align=True)
            for line in state.test.outcome.splitlines():
                column.label(text=line, icon="CHECKMARK" if state.test.passed else "BLANK1")


def models_folder() -> Path:
    """Where new models go: the user's folder, or one of the add-on's own that is always looked through."""
    named = preferences().models_folder
    own = bpy.utils.extension_path_user(compat.ADDON, path="models", create=True)
    return Path(bpy.path.abspath(named) if named else own).absolute()


def preferences() -> GEN3D_Preferences:
    return compat.context().preferences.addons[compat.ADDON].preferences


CLASSES = (GEN3D_PG_file, GEN3D_Preferences)


register, unregister = compat.class_registration(CLASSES)
