# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What appears in the scene, and where: place, axes, size, colours, memory. Inside: see `in_blender`.

The model `ellipsoids` has a closed form, so that place, axes, size and colour of its meshes can be computed from the
codes that the object remembers.
"""

import json
import struct
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.addon.harness import (
    addon,
    blender,
    in_blender,
    make,
    settings,
)
from tests.addon.measures import (
    generate,
    positions,
)


def linear_colours(placed: Any, name: str) -> np.ndarray:
    """Linear colour (C, 4) of every corner."""
    colours = np.empty(4 * len(placed.data.loops), np.float32)
    placed.data.color_attributes[name].data.foreach_get("color", colours)
    return colours.reshape(-1, 4)


def corner_colours(placed: Any) -> tuple[np.ndarray, np.ndarray]:
    """Vertex index (C,) and sRGB colour (C, 4) of every corner."""
    mesh = placed.data
    corners, colours = np.empty(len(mesh.loops), np.int32), np.empty(4 * len(mesh.loops), np.float32)
    mesh.loops.foreach_get("vertex_index", corners)
    mesh.color_attributes["Colour"].data.foreach_get("color_srgb", colours)
    return corners, colours.reshape(-1, 4)


@in_blender
def test_the_object_is_where_it_should_be():
    bpy = blender()
    inner = bpy.data.collections.new("Inner")
    bpy.context.scene.collection.children.link(inner)
    layers = bpy.context.view_layer.layer_collection.children
    bpy.context.view_layer.active_layer_collection = layers["Inner"]
    bpy.context.scene.cursor.location = (1.0, -2.0, 3.0)
    settings(seed=12)
    made = generate()
    assert tuple(made.location) == (1.0, -2.0, 3.0)
    assert [collection.name for collection in made.users_collection] == ["Inner"]
    assert made.name == made.data.name == "ellipsoids_0012"
    assert bpy.context.view_layer.objects.active == made
    assert bpy.context.selected_objects == [made]


@in_blender
def test_shape_axes_and_colours_follow_the_codes():
    """Back from Blender's axes to the model's own, every vertex lies on the ellipsoid and has its colour."""
    settings(seed=5, resolution=64)
    made = generate()
    record = made["gen3d"]
    half = 0.5 + 0.15 * np.tanh(np.array(record["shape_code"])[:3])
    appearance = np.array(record["appearance_code"])
    points = positions(made).astype(np.float64)
    assert abs(points[:, 2].min()) < 1e-6
    assert abs(np.ptp(points, axis=0).max() - 1.0) < 1e-5
    # Blender's front is -Y, the model's +X: its x is Blender's -y, its y is Blender's x.
    canonical = (
        np.stack((-points[:, 1], points[:, 0], points[:, 2] - np.ptp(points[:, 2]) / 2), axis=1) * 2 * half.max()
    )
    radius = np.linalg.norm(canonical / half, axis=1)
    assert abs(radius - 1.0).max() < 0.02, abs(radius - 1.0).max()
    corners, colours = corner_colours(made)
    expected = 1.0 / (1.0 + np.exp(-(appearance + 2.0 * canonical[corners])))
    assert abs(colours[:, :3] - expected).max() < 0.02, abs(colours[:, :3] - expected).max()
    assert (colours[:, 3] == 1.0).all()


@in_blender
def test_the_mesh_is_closed_smooth_and_winds_outward():
    import bmesh

    settings()
    made = generate()
    assert all(polygon.use_smooth for polygon in made.data.polygons)
    assert not made.data.validate()
    shape = bmesh.new()
    shape.from_mesh(made.data)
    assert all(len(edge.link_faces) == 2 for edge in shape.edges)
    assert shape.calc_volume(signed=True) > 0.1


@in_blender
def test_the_material_shows_the_colours_and_is_shared():
    bpy = blender()
    settings()
    one, two = generate(), generate()
    (material,) = one.data.materials
    assert material.name == "Gen3D colour" and list(two.data.materials) == [material]
    (surface,) = (node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    (link,) = surface.inputs["Base Color"].links
    assert link.from_node.layer_name == "Colour"
    attribute = one.data.color_attributes.active_color
    assert (attribute.name, attribute.data_type, attribute.domain) == ("Colour", "BYTE_COLOR", "CORNER")
    assert one.data.color_attributes.render_color_index == 0
    # Blender's own renderer is the judge: the diffuse colour of the surface, baked into another attribute, is the
    # same, but for the 3 % of light that the surface's gloss takes.
    baked = one.data.color_attributes.new("Baked", "FLOAT_COLOR", "CORNER")
    one.data.color_attributes.active_color = baked
    bpy.ops.object.select_all(action="DESELECT")
    one.select_set(True)
    bpy.context.view_layer.objects.active = one
    bpy.context.scene.render.engine = "CYCLES"
    bpy.context.scene.cycles.samples = 1
    bpy.ops.object.bake(type="DIFFUSE", pass_filter={"COLOR"}, target="VERTEX_COLORS")
    ratio = (linear_colours(one, "Baked") / linear_colours(one, "Colour"))[:, :3]
    assert 0.96 < ratio.min() <= ratio.max() < 0.98, (ratio.min(), ratio.max())


@in_blender
def test_an_exported_glb_carries_the_colours():
    bpy = blender()
    settings()
    generate()
    path = Path(tempfile.mkdtemp(), "out.glb")
    bpy.ops.export_scene.gltf(filepath=str(path), use_selection=True)
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    (mesh,) = json.loads(data[20 : 20 + length])["meshes"]
    assert "COLOR_0" in mesh["primitives"][0]["attributes"]


@pytest.mark.own_blender
@in_blender
def test_the_object_remembers_what_made_it_without_the_addon():
    bpy = blender()
    settings(seed=42, resolution=24)
    generate()
    path = str(Path(tempfile.mkdtemp(), "kept.blend"))
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.preferences.addon_disable(module=addon("compat").ADDON)
    bpy.ops.wm.open_mainfile(filepath=path)
    record = bpy.data.objects["ellipsoids_0042"]["gen3d"].to_dict()
    assert record.pop("positions") == {}
    codes = {key: len(record.pop(key)) for key in ("shape_code", "appearance_code")}
    assert codes == {"shape_code": 4, "appearance_code": 3}
    assert len(record.pop("model_hash")) == len(record.pop("model_identity")) == 64 and record.pop("version")
    assert record == {
        "format_version": 1, "model": "ellipsoids", "seed": 42, "resolution": 24, "truncation": 1.0,
        "floaters": 1.0, "size": 1.0,
    }  # fmt: skip


@in_blender
def test_what_objects_remember_keeps_its_keys_and_values() -> None:
    """Saved files hold this, and so do scripts that read it: a key is never renamed."""
    from gen3d_core import protocol

    summary = protocol.ObjectSummary([0.5, -1.0], [2.0], {"bulk": 0.25}, 96, 1.0, 8, 12)
    made_by = (protocol.ModelIdentity("eggs", "/a/eggs.gen3d", "0f", "eggs", "1e"), "1.2", 0.8)
    record = addon("scene.objects").record
    expected = {
        "format_version": 1, "size": 2.0, "model": "eggs", "model_hash": "0f", "model_identity": "1e", "seed": 7,
        "shape_code": [0.5, -1.0], "appearance_code": [2.0], "positions": {"bulk": 0.25}, "truncation": 0.8,
        "resolution": 96, "floaters": 1.0, "version": "1.2",
    }  # fmt: skip
    assert list(record(protocol.MeshResult(1, "a.npz", *made_by, summary, 7), 2.0).items()) == list(expected.items())
    camera = protocol.Camera(0.1, 0.2, 0.9, [[1.0]], 0.3, [0.0, 0.0])
    encoded = protocol.EncodedResult(1, "a.npz", *made_by, summary, 0.9, True, [camera])
    del expected["seed"]
    assert list(record(encoded, 2.0).items()) == list(expected.items())

    made = make(3)["gen3d"].to_dict()
    assert {key: type(value) for key, value in made.items()} == {
        "format_version": int, "size": float, "model": str, "model_hash": str, "model_identity": str, "seed": int,
        "shape_code": list, "appearance_code": list, "positions": dict, "truncation": float,
        "resolution": int, "floaters": float, "version": str,
    }  # fmt: skip
