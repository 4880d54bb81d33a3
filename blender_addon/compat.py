# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The ground floor: Blender as the rest of the add-on sees it.

Every difference between Blender 4.2 LTS to 5.2 LTS and between Blender and its type stubs is here, and what all rooms
need of windows, preferences and the undo stack.
"""

import sys
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from mathutils import Matrix

from gen3d_core import protocol

# The stubs declare the members of bpy.types.Context as methods, so that no use of them passes a type check.
Context = Any

ADDON = __package__ or ""  # what Blender calls this extension
FILES_GONE = (
    "Gen3D's files are gone: another Blender in which Gen3D was disabled has removed them. "
    "Disable Gen3D in the preferences and enable it again"
)


def context() -> Context:
    """The context of now. While an add-on is being enabled, Blender 4.2 puts a restricted one in its place."""
    return bpy.context


def windows() -> list[bpy.types.Window]:
    """All windows."""
    return list(context().window_manager.windows)


def redraw_panels() -> None:
    """Draw the sidebars again, and not the 3D views beside them."""
    for window in windows():
        for area in window.screen.areas:
            for region in area.regions if area.type == "VIEW_3D" else ():
                if region.type == "UI":
                    region.tag_redraw()


def push_undo(message: str) -> None:
    """Make an undo step of what was changed. A timer runs without a window in its context, and without one there is no
    undo stack to push to."""
    if context().window is None and windows():
        with context().temp_override(window=windows()[0]):
            bpy.ops.ed.undo_push(message=message)
    else:
        bpy.ops.ed.undo_push(message=message)


def preferences() -> Any:
    """What the user set once for this add-on, see ui/preferences.py."""
    return context().preferences.addons[ADDON].preferences


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


def model_is_missing(otherwise: str) -> str:
    """Why a model is not there, for the user: the extension's files are gone, or `otherwise`."""
    return FILES_GONE if files_are_gone() else otherwise


def files_are_gone() -> bool:
    """Whether the extension's wheels are: every Blender of a version unpacks and removes them in the same folder."""
    return not (wheels_folder() / "gen3d_core").is_dir()


def matrix(values: np.ndarray) -> Matrix:
    """Of an array, (4, 4)."""
    return Matrix(values.tolist())


def curves_of(animated: Any) -> list[Any]:
    """The animation curves of a data-block. From 4.4 on an Action has slots, and from 5.0 on no curves of its own."""
    data = animated.animation_data
    if data is None or data.action is None:
        return []
    if not hasattr(data.action, "slots"):
        return list(data.action.fcurves)
    bags = (strip.channelbag(data.action_slot) for layer in data.action.layers for strip in layer.strips)
    return [curve for bag in bags if bag is not None for curve in bag.fcurves]


def share_action(placed: bpy.types.Object, keys: Any) -> None:
    """Let shape keys belong to the object's Action, where Blender has slots: the glTF exporter writes the animation of
    shape keys only where they have an Action, even when drivers move them."""
    action: Any = placed.animation_data.action
    if hasattr(action, "slots"):
        data = keys.animation_data_create()
        data.action = action
        data.action_slot = action.slots.new(id_type="KEY", name=keys.name)


def new_driver(owner: Any, path: str) -> Any:
    """The curve of a new driver, without points. Blender gives it a straight line: before 5.0 as a modifier, then as
    keyframes."""
    curve = owner.driver_add(path)
    for modifier in list(curve.modifiers):
        curve.modifiers.remove(modifier)
    while curve.keyframe_points:
        curve.keyframe_points.remove(curve.keyframe_points[0])
    curve.extrapolation = "CONSTANT"
    return curve
