# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From objects to objects: vary, mix, breed, make again, adjust, keep. Inside Blender: see `in_blender`."""

import json
from typing import Any

import numpy as np
import pytest

from tests.addon.harness import addon, blender, in_blender, make, select, settings, wait_until


def codes(made: Any, name: str = "shape") -> np.ndarray:
    return np.array(made["gen3d"][f"{name}_code"])


def points(made: Any) -> np.ndarray:
    values = np.empty(3 * len(made.data.vertices), np.float32)
    made.data.vertices.foreach_get("co", values)
    return values


def new_after(act: Any) -> list[Any]:
    bpy = blender()
    before = set(bpy.data.objects)
    assert act() == {"FINISHED"}
    return sorted(set(bpy.data.objects) - before, key=lambda each: each.name)


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
    assert np.array_equal(points(made), points(make(5, resolution=64))), "as if made so at once"
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
    a["gen3d"]["model_hash"] = "0"
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
    for wrong, said in (
        ("hello", "no codes"),
        ("[" * 50_000, "no codes"),
        ("x" * 300_000, "far more"),
        (json.dumps(content | {"shape": [1.0]}), "other lengths"),
        (json.dumps(content | {"shape": []}), "incomplete"),
        (json.dumps(content | {"appearance": ["1"]}), "not a number"),
        (json.dumps(content | {"shape": [float("inf")] * 4}), "not a number"),
        (json.dumps(content | {"shape": [1e30] * 4}), "expected -20 to 20"),
        (json.dumps(content | {"model": "no", "model_hash": "no"}), "model no of these codes is not there"),
    ):
        with pytest.raises(RuntimeError, match=said):
            bpy.ops.gen3d.paste_codes(text=wrong)


@in_blender
def test_marked_assets_are_tagged_by_their_model():
    bpy = blender()
    a, b = make(1), make(2)
    select(a, b)
    for _ in range(2):
        assert bpy.ops.gen3d.mark_asset() == {"FINISHED"}
    for each in (a, b):
        assert sorted(tag.name for tag in each.asset_data.tags) == ["ellipsoids", "gen3d"]
        assert "model ellipsoids" in each.asset_data.description
    select(bpy.data.objects["Cube"])
    with pytest.raises(RuntimeError, match="generated objects"):
        bpy.ops.gen3d.mark_asset()
    assert bpy.data.objects["Cube"].asset_data is None


@in_blender
def test_favourites_stay_with_the_file():
    import tempfile
    from pathlib import Path

    bpy = blender()
    source = make(7)
    assert bpy.ops.gen3d.favourite() == {"FINISHED"}
    wanted = codes(source)
    path = str(Path(tempfile.mkdtemp(), "kept.blend"))
    bpy.data.objects.remove(source)
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile()
    bpy.ops.wm.open_mainfile(filepath=path)
    assert [each.name for each in bpy.context.scene.gen3d.favourites] == ["ellipsoids_0007"]
    (made,) = new_after(bpy.ops.gen3d.favourite_make)
    assert np.allclose(codes(made), wanted, atol=1e-6)
    assert bpy.ops.gen3d.favourite_remove() == {"FINISHED"}
    assert not bpy.context.scene.gen3d.favourites
    with pytest.raises(RuntimeError, match="no favourite yet"):
        bpy.ops.gen3d.favourite_make()


@in_blender
def test_the_gallery_shows_pictures_and_a_pick_becomes_an_object():
    bpy, gallery = blender(), addon("ui.gallery").gallery
    settings(seed=40)
    assert bpy.ops.gen3d.gallery() == {"FINISHED"}
    wait_until(lambda: queue() is None, "the pictures are drawn")
    assert gallery.seeds == list(range(40, 52)) and not gallery.message
    assert gallery.pixels.shape == (12, 128, 128, 4) and (gallery.pixels[..., 3].max(axis=(1, 2)) == 255).all()
    assert bpy.ops.gen3d.gallery(further=True) == {"FINISHED"}
    wait_until(lambda: queue() is None, "further ones are drawn")
    assert gallery.seeds[0] == 52
    (made,) = new_after(lambda: bpy.ops.gen3d.pick(seed=53))
    assert made.name == "ellipsoids_0053"
    # A script goes on without a look at the gallery: what it asked for does not stand in its way.
    assert bpy.ops.gen3d.gallery() == {"FINISHED"}
    queue()
    make(3)
    wait_until(lambda: queue() is None, "the pictures are drawn")
    settings("broken")
    assert bpy.ops.gen3d.gallery() == {"FINISHED"}
    wait_until(lambda: queue() is None, "it fails")
    assert "broken.gen3d" in gallery.message


def adjusting(seed: int) -> tuple[Any, Any]:
    """A chair in adjustment, and what holds its session."""
    bpy = blender()
    addon("queue.service").learn()
    made = make(seed, "chairs", 96)
    assert bpy.ops.gen3d.adjust() == {"FINISHED"}
    return made, addon("queue.adjust_session").live


def queue() -> Any:
    """Blender's timer calls the queue."""
    return addon("queue.service").queue()


def slider(name: str) -> Any:
    return next(each for each in blender().context.scene.gen3d.sliders if each.name == name)


@in_blender
def test_an_adjusted_object_follows_the_newest_value_and_ends_fine():
    bpy = blender()
    made, live = adjusting(7)
    low_before, start = len(made.data.polygons), dict(made["gen3d"]["positions"])
    name = made.name
    bulk = slider("bulk")
    assert abs(bulk.value - min(max(start["bulk"], bulk.low), bulk.high)) < 1e-5
    for value in (0.2, 0.6, -1.0):
        bulk.value = value
    queue()
    wait_until(lambda: (queue(), live.session.updates)[1], "the first mesh comes")
    assert made["gen3d"]["resolution"] == 64 and abs(made["gen3d"]["positions"]["bulk"] + 1.0) < 1e-4
    assert len(made.data.polygons) < low_before
    wait_until(lambda: (queue(), live.session.settled)[1], "the fine mesh comes")
    assert made["gen3d"]["resolution"] == 96
    for other, value in start.items():
        if other != "bulk":
            assert abs(made["gen3d"]["positions"][other] - value) < 1e-3, other
    bulk.value = 99.0
    assert bulk.value == bulk.high
    bulk.value = 0.5
    assert bpy.ops.gen3d.adjust_end() == {"FINISHED"}
    wait_until(lambda: queue() is None, "the session ends")
    assert not live.running and abs(made["gen3d"]["positions"]["bulk"] - 0.5) < 1e-4
    assert made["gen3d"]["resolution"] == 96 and made.name == name and bpy.context.view_layer.objects.active == made


@in_blender
def test_reverting_brings_the_object_back():
    bpy = blender()
    made, live = adjusting(9)
    before = codes(made)
    slider("lightness").value = 1.0
    wait_until(lambda: (queue(), live.session.updates)[1], "a mesh comes")
    assert np.abs(codes(made, "appearance")).sum() and np.array_equal(codes(made), before)
    slider("bulk").value = -1.0
    assert bpy.ops.gen3d.adjust_end(revert=True) == {"FINISHED"}
    wait_until(lambda: queue() is None, "the session ends")
    assert np.allclose(codes(made), before, atol=1e-6) and made["gen3d"]["resolution"] == 96


@in_blender
def test_an_object_that_is_deleted_ends_its_adjustment():
    bpy = blender()
    made, live = adjusting(9)
    slider("bulk").value = -1.0
    bpy.data.objects.remove(made)
    wait_until(lambda: queue() is None, "the session ends")
    assert not live.running and live.session is None
    make(3)
