# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Another mesh for an object that is there already: what the artist did to it and with it stays."""

import bpy
import numpy as np

from ..worker.results import GeneratedMesh
from .objects import RECORD, TEXTURED, PlacementError, build_mesh, colour_material, find, record, to_blender_axes
from .rest import frame_of, keep_rest, longest_side


def remake(made: GeneratedMesh, target: int) -> bpy.types.Object:
    """Give an object, named by its session identifier, another mesh, and with it the objects that share its mesh.

    Transforms, names, materials and modifiers stay, and so does what was applied to the mesh: scale, rotation, origin.
    Raises PlacementError when it is gone or cannot be changed, ForeignGeometryError when something would be lost.
    """
    placed = find(target)
    if placed is None:
        raise PlacementError("The object is gone")
    if reason := locked(placed):
        raise PlacementError(reason)
    old = placed.data
    if not isinstance(old, bpy.types.Mesh):
        raise PlacementError(f"{placed.name} is no mesh any more")
    points = to_blender_axes(made.vertices)
    frame = frame_of(placed, float(placed[RECORD].get("size", 1.0)), points)
    mesh = build_mesh(old.name, made, frame)
    keep_rest(mesh, points)
    mesh.materials.clear()
    for material in old.materials:
        # A baked picture belongs to the surface that it was unwrapped from.
        baked = material is not None and TEXTURED in material
        mesh.materials.append(colour_material() if baked else material)
    name, properties = old.name, record(made.info, longest_side(frame, np.ptp(points, axis=0)))
    for each in bpy.data.objects:
        if each.data == old and not locked(each):
            each.data = mesh
            each[RECORD] = properties
    if not old.users:
        bpy.data.meshes.remove(old)
        mesh.name = name
    return placed


def locked(placed: bpy.types.Object) -> str:
    """Why an object cannot be changed so that it stays so, in one line; nothing where it can.

    Blender lets scripts change an override, and forgets most of it with the file.
    """
    how = "make it local first (Object > Relations > Make Local)"
    if not placed.is_editable:
        return f"{placed.name} is linked from another file: {how}"
    if placed.override_library is not None:
        return f"{placed.name} is an override of another file's object: {how}"
    return ""
