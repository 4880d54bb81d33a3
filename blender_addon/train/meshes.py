# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A collection's meshes as files to learn from: each as it stands in the scene at this frame, whatever moves it, and
whether or not the viewport shows it and lets it be selected."""

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy

from .. import compat
from .training import TrainingError


@dataclass(frozen=True)
class Exported:
    """How many meshes were written, and the names of objects that were left out: they are disabled in renders, or have
    no faces."""

    count: int
    left_out: tuple[str, ...]

    def __str__(self) -> str:
        written = f"{self.count} meshes"
        if not self.left_out:
            return written
        named = ", ".join(self.left_out[:3]) + (", …" if len(self.left_out) > 3 else "")
        return f"{written}, without {len(self.left_out)} that are disabled in renders or have no faces: {named}"


def export_meshes(collection: bpy.types.Collection, folder: Path, context: compat.Context) -> Exported:
    """Each mesh object of a collection as a GLB of its own. Raises TrainingError where there is none."""
    written, left_out = 0, []
    with nothing_selected(context):
        for each in list(collection.all_objects):  # which what follows moves in memory
            if not isinstance(each.data, bpy.types.Mesh):
                continue
            if each.hide_render:
                left_out.append(each.name)
                continue
            with as_it_stands(context, each) as surface:
                if surface is None:
                    left_out.append(each.name)
                    continue
                folder.mkdir(parents=True, exist_ok=True)
                name = re.sub(r"[^A-Za-z0-9_-]", "_", each.name)[:60]
                bpy.ops.export_scene.gltf(
                    filepath=str(folder / f"{written:04d}_{name}.glb"), use_selection=True, export_animations=False
                )
                written += 1
    if not written:
        reason = " that are rendered and have faces" if left_out else ""
        raise TrainingError(f"The collection {collection.name!r} holds no meshes{reason}")
    return Exported(written, tuple(left_out))


@contextmanager
def nothing_selected(context: compat.Context) -> Iterator[None]:
    """The selection again, and the active object, afterwards."""
    selected, active = list(context.selected_objects), context.view_layer.objects.active
    try:
        for each in selected:
            each.select_set(False)
        yield
    finally:
        for each in selected:
            each.select_set(True)
        context.view_layer.objects.active = active


@contextmanager
def as_it_stands(context: compat.Context, placed: bpy.types.Object) -> Iterator[bpy.types.Object | None]:
    """A selected object beside the origin with what an object's modifiers, shape keys, parents and animation make of it
    now, and nothing of those; None where that has no faces."""
    mesh = evaluated_mesh(context, placed)
    surface = bpy.data.objects.new(placed.name, mesh)
    for slot, own in zip(surface.material_slots, placed.material_slots, strict=False):
        if own.link == "OBJECT":
            slot.link, slot.material = "OBJECT", own.material
    context.scene.collection.objects.link(surface)
    try:
        context.view_layer.update()
        surface.select_set(True)
        context.view_layer.objects.active = surface
        yield surface if mesh.polygons else None
    finally:
        bpy.data.objects.remove(surface)
        bpy.data.meshes.remove(mesh)


def evaluated_mesh(context: compat.Context, placed: bpy.types.Object) -> bpy.types.Mesh:
    """A new mesh in the world's axes. Blender evaluates only what the viewport could show: a copy that it can."""
    copy = placed.copy()
    copy.hide_viewport = False
    context.scene.collection.objects.link(copy)
    try:
        depsgraph = context.evaluated_depsgraph_get()
        depsgraph.update()
        evaluated = copy.evaluated_get(depsgraph)
        mesh: Any = bpy.data.meshes.new_from_object(evaluated, preserve_all_data_layers=True, depsgraph=depsgraph)
        turn = evaluated.matrix_world.to_3x3()
        mesh.transform(turn.to_4x4())
        if turn.determinant() < 0:
            mesh.flip_normals()
        return mesh
    finally:
        bpy.data.objects.remove(copy)
