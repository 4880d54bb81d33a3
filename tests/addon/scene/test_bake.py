# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Colours as a picture. Inside Blender: see `in_blender`."""

import numpy as np
import pytest

from tests.addon.harness import blender, in_blender, make, select
from tests.addon.measures import colours_at


@in_blender
def test_a_baked_texture_holds_the_colours_and_goes_with_the_next_mesh():
    bpy = blender()
    made, other = make(5, resolution=48), make(6, resolution=16)
    own = bpy.data.materials.new("Own")
    made.data.materials.append(own)
    select(made)
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples = "BLENDER_WORKBENCH", 77
    assert bpy.ops.gen3d.bake_texture(pixels=256) == {"FINISHED"}
    assert (scene.render.engine, scene.cycles.samples) == ("BLENDER_WORKBENCH", 77)
    assert [each.name for each in made.data.materials] == ["ellipsoids_0005 texture", "Own"]
    assert [each.name for each in other.data.materials] == ["Gen3D colour"]
    (image,) = (node.image for node in made.data.materials[0].node_tree.nodes if node.type == "TEX_IMAGE")
    assert image.packed_file is not None and tuple(image.size) == (256, 256)
    # Each corner's colour is found in the picture where its UVs say.
    pixels = np.array(image.pixels[:]).reshape(256, 256, 4)
    uv = np.array([each.uv for each in made.data.uv_layers.active.data])
    column, row = np.clip((uv * 256).astype(int), 0, 255).T
    _, expected = colours_at(made)
    assert np.median(np.abs(pixels[row, column, :3] - expected)) < 0.01
    assert np.quantile(np.abs(pixels[row, column, :3] - expected), 0.95) < 0.06
    # Again: the same material's place, no second one beside it.
    assert bpy.ops.gen3d.bake_texture(pixels=64) == {"FINISHED"}
    assert len(made.data.materials) == 2 and "gen3d_texture" in made.data.materials[0]
    assert bpy.ops.gen3d.regenerate() == {"FINISHED"}
    assert [each.name for each in made.data.materials] == ["Gen3D colour", "Own"]
    made.data.color_attributes.remove(made.data.color_attributes["Colour"])
    with pytest.raises(RuntimeError, match="lost its colours"):
        bpy.ops.gen3d.bake_texture(pixels=64)


@in_blender
def test_objects_that_are_not_rendered_are_baked_all_the_same():
    bpy = blender()
    hidden, inside = make(5, resolution=16), make(6, resolution=16)
    hidden.hide_render = True
    kept = bpy.data.collections.new("Kept")
    bpy.context.scene.collection.children.link(kept)
    for each in inside.users_collection:
        each.objects.unlink(inside)
    kept.objects.link(inside)
    kept.hide_render = True
    inside.material_slots[0].link = "OBJECT"
    select(hidden, inside)
    count = len(bpy.data.objects)
    assert bpy.ops.gen3d.bake_texture(pixels=64) == {"FINISHED"}
    assert hidden.hide_render and kept.hide_render and len(bpy.data.objects) == count
    assert bpy.context.selected_objects == [hidden, inside] and bpy.context.view_layer.objects.active == hidden
    for each in (hidden, inside):
        assert "gen3d_texture" in each.data.materials[0]


@in_blender
def test_one_that_cannot_be_baked_does_not_keep_the_others_from_it():
    bpy = blender()
    grey, made = make(5, resolution=16), make(6, resolution=16)
    grey.data.color_attributes.remove(grey.data.color_attributes["Colour"])
    select(grey, made)
    assert bpy.ops.gen3d.bake_texture(pixels=64) == {"FINISHED"}
    assert "gen3d_texture" in made.data.materials[0] and "gen3d_texture" not in grey.data.materials[0]
