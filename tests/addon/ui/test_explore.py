# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From objects to objects: vary, mix, breed, make again, codes as text. Inside Blender: see `in_blender`."""

import json

import numpy as np
import pytest

from tests.addon.harness import (
    addon,
    blender,
    in_blender,
    make,
    select,
)
from tests.addon.measures import (
    codes,
    new_after,
    positions,
)


@in_blender
def test_variations_are_near_their_source_and_as_many_as_asked_for():
    bpy = blender()
    source = make(3)
    source.location = (1.0, 2.0, 0.0)
    bpy.context.view_layer.update()
    chosen = bpy.context.scene.gen3d
    chosen.variations, chosen.strength, chosen.vary = 3, 0.2, "SHAPE"
    made = new_after(bpy.ops.gen3d.vary)
    assert [each.name for each in made] == ["ellipsoids_vary", "ellipsoids_vary.001", "ellipsoids_vary.002"]
    for each in made:
        assert 0 < np.linalg.norm(codes(each) - codes(source)) < 0.2 * 8
        assert np.allclose(codes(each, "appearance"), codes(source, "appearance"), atol=1e-6)
        assert each.location.x > 2.0
    assert np.abs(codes(made[0]) - codes(made[1])).max() > 1e-3


@in_blender
def test_mixing_takes_the_active_object_s_shape_and_the_other_s_appearance():
    a, b = make(1), make(2)
    select(a, b)
    (made,) = new_after(blender().ops.gen3d.mix)
    assert np.allclose(codes(made), codes(a), atol=1e-6)
    assert np.allclose(codes(made, "appearance"), codes(b, "appearance"), atol=1e-6)


@in_blender
def test_breeding_makes_what_lies_between_two_three_and_four():
    bpy = blender()
    parents = [make(seed, resolution=16) for seed in (1, 2, 3, 4)]
    for count, expected in ((2, 5), (3, 6), (4, 9)):
        select(*parents[:count])
        made = new_after(bpy.ops.gen3d.breed)
        assert len(made) == expected
        mixed = np.array([codes(each) for each in made])
        assert len(np.unique(mixed.round(4), axis=0)) == expected
        sides = np.array([codes(each) for each in parents[:count]])
        weights = np.linalg.lstsq(sides.T, mixed.T, rcond=None)[0]
        assert (weights > 0).all(), "every parent has a part in every child"
    explore = addon("ui.explore")
    for count in (2, 3, 4):
        assert np.allclose([sum(weights) for weights in explore.mixtures(count)], 1.0)


@in_blender
def test_regenerating_keeps_all_but_the_mesh():
    bpy = blender()
    made = make(5, resolution=24)
    made.name, made.location, made.scale, made.rotation_euler = "Mine", (1, 2, 3), (2, 2, 2), (0, 0, 1)
    made.modifiers.new("Soft", "SMOOTH")
    own = bpy.data.materials.new("Own")
    made.data.materials.append(own)
    before, shape = len(made.data.polygons), codes(made)
    select(made)
    bpy.context.scene.gen3d.resolution = 64
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.gen3d.regenerate() == {"FINISHED"}
    made = bpy.data.objects["Mine"]
    assert len(made.data.polygons) > 4 * before and made["gen3d"]["resolution"] == 64
    assert (tuple(made.location), tuple(made.scale)) == ((1, 2, 3), (2, 2, 2)) and made.modifiers[0].name == "Soft"
    assert [material.name for material in made.data.materials] == ["Gen3D colour", "Own"]
    assert np.array_equal(codes(made), shape) and made.data.name == "ellipsoids_0005"
    assert np.array_equal(positions(made), positions(make(5, resolution=64))), "as if made so at once"
    select(made)
    bpy.ops.ed.undo()  # the second object
    bpy.ops.ed.undo()
    assert len(bpy.data.objects["Mine"].data.polygons) == before


@in_blender
def test_objects_that_do_not_fit_are_named_and_nothing_changes():
    bpy = blender()
    a, b, cube = make(1), make(2, "slow", 16), bpy.data.objects["Cube"]
    count = len(bpy.data.objects)
    for chosen, act, said in (
        ([cube], "vary", "Select 1 to 1000 generated objects"),
        ([a], "mix", "Select 2 generated objects: 1 are selected"),
        ([a, b], "mix", "different models: ellipsoids, slow"),
        ([a], "breed", "Select 2 to 4"),
        ([cube], "regenerate", "generated"),
        ([cube], "adjust", "generated"),
        ([a], "adjust", "no directions"),
    ):
        select(*chosen)
        with pytest.raises(RuntimeError, match=said):
            getattr(bpy.ops.gen3d, act)()
    a["gen3d"]["model"] = "gone"
    a["gen3d"]["model_hash"] = a["gen3d"]["model_identity"] = "0"
    select(a)
    with pytest.raises(RuntimeError, match="model gone .* is not there"):
        bpy.ops.gen3d.vary()
    a["gen3d"] = "scribbled over"
    with pytest.raises(RuntimeError, match="generated"):
        bpy.ops.gen3d.vary()
    assert len(bpy.data.objects) == count


@in_blender
def test_codes_travel_as_text():
    bpy, text = blender(), addon("scene.codes_text")
    source = make(6)
    written = text.to_text(source["gen3d"])
    bpy.context.scene.gen3d.size = 3.0
    made = next(iter(new_after(lambda: bpy.ops.gen3d.paste_codes(text=written))))
    assert np.allclose(codes(made), codes(source), atol=1e-6) and abs(max(made.dimensions) - 3.0) < 1e-4
    content = json.loads(written)
    unknown = dict.fromkeys(("model", "model_hash", "model_identity"), "no")
    for wrong, said in (
        ("hello", "no codes"),
        ("[" * 50_000, "no codes"),
        ("x" * 300_000, "far more"),
        (json.dumps(content | {"shape": [1.0]}), "other lengths"),
        (json.dumps(content | {"shape": []}), "incomplete"),
        (json.dumps(content | {"appearance": ["1"]}), "not a number"),
        (json.dumps(content | {"shape": [float("inf")] * 4}), "not a number"),
        (json.dumps(content | {"shape": [1e30] * 4}), "expected -20 to 20"),
        (
            json.dumps(content | unknown),
            "model no of these codes is not there",
        ),
    ):
        with pytest.raises(RuntimeError, match=said):
            bpy.ops.gen3d.paste_codes(text=wrong)
