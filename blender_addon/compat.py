# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Every difference between Blender 4.2 LTS to 5.2 LTS, and between Blender and its type stubs."""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bpy

from gen3d_core import protocol

# The stubs declare the members of bpy.types.Context as methods, so that no use of them passes a type check.
Context = Any

ADDON = __package__ or ""  # what Blender calls this extension


def context() -> Context:
    """The context of now. While an add-on is being enabled, Blender 4.2 puts a restricted one in its place."""
    return bpy.context


def windows() -> list[bpy.types.Window]:
    """All windows."""
    return list(context().window_manager.windows)


def operators() -> Any:
    """Blender's operators, those of this add-on among them, of which the stubs know nothing."""
    return bpy.ops


def node_tree(material: bpy.types.Material) -> bpy.types.ShaderNodeTree:
    """The material's node tree. Before 5.0 a material has one only when asked; from 5.0 on always, and asking warns."""
    if bpy.app.version < (5, 0, 0):
        material.use_nodes = True
    tree = material.node_tree
    if tree is None:
        raise RuntimeError(f"material {material.name!r} has no node tree")
    return tree


def class_registration(classes: Sequence[type]) -> tuple[Callable[[], None], Callable[[], None]]:
    """What registers and unregisters classes. The stubs say that Blender's own factory returns nothing."""
    factory: Any = bpy.utils.register_classes_factory
    return factory(classes)


def wheels_folder() -> Path:
    """Where Blender has unpacked the extension's wheels; for an add-on run without them, where gen3d_core was found."""
    python = f"python{sys.version_info.major}.{sys.version_info.minor}"
    folder = Path(bpy.utils.user_resource("EXTENSIONS"), ".local", "lib", python, "site-packages")
    return folder if (folder / "gen3d_core").is_dir() else Path(protocol.__file__).resolve().parents[1]
