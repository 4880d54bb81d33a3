# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user sets once: where further models lie, which Python trains."""

import bpy
from bpy.props import CollectionProperty, StringProperty

from .. import compat
from ..train.python_test import latest


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
        self.layout.prop(self, "models_folder")
        row = self.layout.row(align=True)
        row.prop(self, "python")
        row.operator("gen3d.test_python")  # by name: what trains reads these settings
        test = latest.test
        if test is not None and test.outcome:
            column = self.layout.box().column(align=True)
            for line in test.outcome.splitlines():
                column.label(text=line, icon="CHECKMARK" if test.passed else "BLANK1")


CLASSES = (GEN3D_PG_file, GEN3D_Preferences)


register, unregister = compat.class_registration(CLASSES)
