# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which meshes of a collection are learned from, and how they stand. Inside Blender: see `in_blender`."""

import json
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.addon.harness import addon, blender, in_blender


def export(collection: Any) -> tuple[Any, list[Path]]:
    """What is told of the export, and its files in order."""
    folder = Path(tempfile.mkdtemp(), "meshes")
    told = addon("train.meshes").export_meshes(collection, folder, blender().context)
    return told, sorted(folder.iterdir())


def read(path: Path) -> tuple[dict[str, Any], np.ndarray]:
    """A GLB's JSON, and the sides (3,) of its one mesh, in Blender's axes."""
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    content = json.loads(data[20 : 20 + length])
    (mesh,) = content["meshes"]
    accessor = content["accessors"][mesh["primitives"][0]["attributes"]["POSITION"]]
    x, y, z = np.subtract(accessor["max"], accessor["min"])
    return content, np.array([x, z, y])


def block(name: str, *sides: float) -> Any:
    bpy = blender()
    bpy.ops.mesh.primitive_cube_add(size=1.0)
    placed = bpy.context.view_layer.objects.active
    placed.name, placed.scale = name, sides
    return placed


@in_blender
def test_every_rendered_mesh_is_written_as_it_stands() -> None:
    bpy = blender()
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    moved = block("a moved", 1, 2, 3)
    moved.location = (500_000.0, 0.0, 0.0)
    moved.keyframe_insert("location", frame=1)
    moved.scale = (2, 4, 6)
    moved.keyframe_insert("scale", frame=1)
    moved.scale = (1, 1, 1)
    moved.keyframe_insert("scale", frame=50)
    unselectable = block("b unselectable", 1, 2, 3)
    unselectable.hide_select = True
    shut = block("c shut", 1, 2, 3)
    shut.hide_set(True)
    off = block("d off", 1, 2, 3)
    off.modifiers.new("Array", "ARRAY").count = 2
    off.hide_viewport = True
    folded = block("e folded", 1, 2, 3)
    kept = bpy.data.collections.new("Kept")
    bpy.context.collection.children.link(kept)
    for each in folded.users_collection:
        each.objects.unlink(folded)
    kept.objects.link(folded)
    layer = bpy.context.view_layer.layer_collection.children[0].children["Kept"]
    layer.exclude = True
    child = block("f child", 1, 1, 1)
    child.parent = off
    cutter, bare = block("g cutter", 1, 1, 1), block("h bare", 1, 1, 1)
    cutter.hide_render = True
    bare.data.clear_geometry()
    names = {kind: len(getattr(bpy.data, kind)) for kind in ("objects", "meshes", "materials", "actions")}
    chosen = [each.name for each in bpy.context.selected_objects]
    bpy.context.scene.frame_set(1)

    told, files = export(bpy.context.collection)

    assert told.count == 6 and told.left_out == ("g cutter", "h bare")
    assert "6 meshes, without 2 that are disabled in renders or have no faces: g cutter, h bare" in str(told)
    assert [path.stem[:4] for path in files] == [f"{number:04d}" for number in range(6)]
    expected = {
        "a_moved": [2, 4, 6], "b_unselectable": [1, 2, 3], "c_shut": [1, 2, 3], "d_off": [2, 2, 3],
        "e_folded": [1, 2, 3], "f_child": [1, 2, 3],
    }  # fmt: skip
    assert {path.stem[5:] for path in files} == set(expected)
    for path in files:
        sides = expected[path.stem[5:]]
        content, found = read(path)
        assert np.allclose(found, sides, atol=1e-5), (path.name, found)
        assert "animations" not in content and "translation" not in content["nodes"][0]
    assert names == {kind: len(getattr(bpy.data, kind)) for kind in names}
    assert chosen == [each.name for each in bpy.context.selected_objects]
    assert off.hide_viewport and layer.exclude and cutter.hide_render


@in_blender
def test_a_collection_of_which_nothing_is_rendered_is_named() -> None:
    bpy = blender()
    bpy.data.objects["Cube"].hide_render = True
    with pytest.raises(addon("train.training").TrainingError, match="holds no meshes that are rendered"):
        export(bpy.context.collection)
