# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user chooses, kept with the scene."""

import zlib

import bpy
from bpy.props import EnumProperty, IntProperty, PointerProperty

from gen3d_core import protocol

from . import compat

SETTINGS = "gen3d"  # as in context.scene.gen3d


def shipped_models() -> list[tuple[str, str, str, str, int]]:
    """Enum items for the model files in the extension's own wheel, sorted by name.

    Only file names are read, so that Blender never waits. The number that a .blend stores comes from the name: it stays
    the same when a later version ships more models.
    """
    folder = compat.wheels_folder() / "gen3d_core" / "models"
    names = sorted(path.stem for path in folder.glob("*.gen3d"))
    return [_item(name) for name in names]


def _item(name: str) -> tuple[str, str, str, str, int]:
    label = name.replace("_", " ").capitalize()
    return name, label, f"The model {name} that comes with the add-on", "NONE", zlib.crc32(name.encode()) >> 1


class GEN3D_PG_settings(bpy.types.PropertyGroup):
    model: EnumProperty(
        name="Model",
        description="The kind of object to make",
        items=shipped_models(),
    )
    seed: IntProperty(
        name="Seed",
        description="Which object of its kind: the same seed always makes the same object",
        default=0,
        min=protocol.limits.SEED[0],
        max=protocol.limits.SEED[1],
    )
    resolution: IntProperty(
        name="Resolution",
        description="Samples along each side: more show finer detail and take longer",
        default=128,
        min=protocol.limits.RESOLUTION[0],
        max=protocol.limits.RESOLUTION[1],
        soft_min=32,
        soft_max=256,
    )


def register() -> None:
    bpy.utils.register_class(GEN3D_PG_settings)
    setattr(bpy.types.Scene, SETTINGS, PointerProperty(type=GEN3D_PG_settings))


def unregister() -> None:
    delattr(bpy.types.Scene, SETTINGS)
    bpy.utils.unregister_class(GEN3D_PG_settings)
