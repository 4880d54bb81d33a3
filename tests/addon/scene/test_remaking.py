# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What artists do to a generated mesh stays with the next one. Inside Blender: see `in_blender`."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.addon.harness import adjusted, blender, in_blender, learn, make, select, settings
from tests.addon.measures import generated_objects, new_after, positions


def in_world(placed: Any) -> np.ndarray:
    """Its vertices (V, 3)."""
    blender().context.view_layer.update()
    return positions(placed) @ np.array(placed.matrix_world)[:3, :3].T + np.array(placed.matrix_world)[:3, 3]


def regenerated(*chosen: Any, resolution: int = 48) -> None:
    select(*chosen)
    settings(resolution=resolution)
    assert blender().ops.gen3d.regenerate() == {"FINISHED"}


def apply_everything(placed: Any) -> None:
    """Scale and rotation applied, and the origin set to the middle."""
    bpy = blender()
    placed.location, placed.scale, placed.rotation_euler = (1.0, 2.0, 3.0), (2.0, 2.0, 3.0), (0.3, 0.2, 0.8)
    select(placed)
    bpy.ops.object.transform_apply(location=False, rotation=True, scale=True)
    bpy.ops.object.origin_set(type="ORIGIN_GEOMETRY", center="BOUNDS")


@in_blender
def test_regenerating_keeps_what_was_applied_to_the_mesh() -> None:
    made, same = make(5, resolution=24), make(5, resolution=48)
    same.location, same.scale, same.rotation_euler = (1.0, 2.0, 3.0), (2.0, 2.0, 3.0), (0.3, 0.2, 0.8)
    apply_everything(made)
    origin = tuple(made.location)
    for _ in range(3):  # nothing drifts
        regenerated(made)
        assert np.abs(in_world(made) - in_world(same)).max() < 1e-5
        assert tuple(made.location) == origin and tuple(made.scale) == (1.0, 1.0, 1.0)
    assert not made.data.validate()


@in_blender
def test_adjusting_keeps_what_was_applied_to_the_mesh() -> None:
    bpy = blender()
    learn()
    made = make(7, "chairs", 48)
    apply_everything(made)
    before, origin = in_world(made), tuple(made.location)
    assert bpy.ops.gen3d.adjust() == {"FINISHED"}
    slider = next(each for each in bpy.context.scene.gen3d.sliders if each.name == "warmth")
    slider.value = 0.5 if slider.value < 0 else -0.5  # of the colours: the shape is the same
    assert bpy.ops.gen3d.adjust_end() == {"FINISHED"}
    adjusted()
    assert np.abs(in_world(made) - before).max() < 1e-4 and tuple(made.location) == origin


@in_blender
def test_what_was_sculpted_or_reduced_goes_and_does_not_bend_the_next_mesh() -> None:
    bpy = blender()
    fresh = positions(make(5, resolution=48))
    for act in ("sculpt", "decimate", "smooth"):
        made = make(5, resolution=32)
        if act == "sculpt":
            moved = positions(made)
            moved[moved[:, 2] > 0.7 * moved[:, 2].max()] *= 1.4
            made.data.vertices.foreach_set("co", moved.ravel())
        else:
            modifier = made.modifiers.new(act, act.upper())
            if act == "decimate":
                modifier.ratio = 0.3
            bpy.ops.object.modifier_apply(modifier=act)
        regenerated(made)
        assert np.abs(positions(made) - fresh).max() < 1e-6, act


@in_blender
def test_objects_that_share_a_mesh_share_the_next_one() -> None:
    bpy = blender()
    made = make(5, resolution=24)
    copies = []
    for number in range(20):
        copy = made.copy()
        copy.location.x = number
        bpy.context.collection.objects.link(copy)
        copies.append(copy)
    count = len(bpy.data.meshes)
    regenerated(*copies[:10])
    assert len(bpy.data.meshes) == count and {each.data for each in (made, *copies)} == {made.data}
    assert {each["gen3d"]["resolution"] for each in (made, *copies)} == {48}
    select(*copies)
    pictures = len(bpy.data.images)
    assert bpy.ops.gen3d.bake_texture(pixels=64) == {"FINISHED"}
    assert len(bpy.data.images) == pictures + 1


@in_blender
def test_nothing_that_was_joined_is_taken_away() -> None:
    bpy = blender()
    learn()
    other = make(6, resolution=16)
    copy = make(5, resolution=16)
    bpy.ops.object.duplicate()
    twin = bpy.context.view_layer.objects.active
    twin.location.x += 1.5
    mirrored = make(5, resolution=16)
    mirror = mirrored.modifiers.new("mirror", "MIRROR")
    mirror.use_axis = (False, False, True)
    bpy.ops.object.modifier_apply(modifier="mirror")
    cases = [mirrored]
    for joined in (bpy.data.objects["Cube"], other):
        made = make(5, resolution=16)
        select(made, joined)
        bpy.ops.object.join()
        cases.append(made)
    select(copy, twin)
    bpy.ops.object.join()
    cases.append(copy)
    for made in cases:
        before = positions(made)
        select(made)
        for act in ("regenerate", "adjust"):
            with pytest.raises(RuntimeError, match="holds more than what was generated"):
                getattr(bpy.ops.gen3d, act)()
        assert np.array_equal(positions(made), before)
    # One that is refused keeps no other from its mesh.
    fine = make(7, resolution=16)
    with pytest.raises(RuntimeError, match="1 of 2 failed: .* holds more"):
        regenerated(fine, cases[1])
    assert fine["gen3d"]["resolution"] == 48
    # Separated again, the generated part goes on, and the other is told apart.
    made = cases[1]
    select(made)
    bpy.ops.object.mode_set(mode="EDIT")
    bpy.ops.mesh.select_all(action="SELECT")
    bpy.ops.mesh.separate(type="LOOSE")
    bpy.ops.object.mode_set(mode="OBJECT")
    parts = sorted(bpy.context.selected_objects, key=lambda each: len(each.data.vertices))
    assert [len(each.data.vertices) == 8 for each in parts] == [True, False]
    regenerated(parts[1])
    with pytest.raises(RuntimeError, match="holds more"):
        regenerated(parts[0])


@in_blender
def test_what_was_applied_to_meshes_of_older_versions_is_seen_where_they_are_generated_again_alike() -> None:
    made = make(5, resolution=24)
    for each in [each for each in made.data.attributes if each.name.startswith(".gen3d_rest")]:
        made.data.attributes.remove(each)
    apply_everything(made)
    before = in_world(made)
    regenerated(made, resolution=24)
    assert np.abs(in_world(made) - before).max() < 1e-4
    regenerated(made, resolution=48)  # and from then on it remembers
    assert np.abs(np.ptp(in_world(made), axis=0) - np.ptp(before, axis=0)).max() < 0.3


@in_blender
def test_new_objects_are_as_large_as_their_source_stands_there() -> None:
    bpy = blender()
    scaled, applied, turned = (make(seed, resolution=24) for seed in (5, 6, 7))
    for each in (scaled, applied, turned):
        each.scale = (2.0, 2.0, 2.0)
    select(applied)
    bpy.ops.object.transform_apply(location=False, rotation=False, scale=True)
    turned.rotation_euler = (0.0, 0.0, 0.7)
    select(turned)
    bpy.ops.object.transform_apply(location=False, rotation=True, scale=True)
    chosen = settings(resolution=24)
    chosen.variations = 1
    for source in (scaled, applied, turned):
        for act in ("vary", "mix"):
            select(source, *([next(each for each in (scaled, applied) if each != source)] if act == "mix" else []))
            (made,) = new_after(getattr(bpy.ops.gen3d, act))
            assert max(made.dimensions) == pytest.approx(2.0, abs=1e-4)
            assert made["gen3d"]["size"] == pytest.approx(2.0, abs=1e-5)


def linked(*, override: bool) -> Any:
    """A generated object of another file, linked with its collection or overridden, that collection active."""
    bpy = blender()
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    made = make(5, resolution=24)
    kept = bpy.data.collections.new("Kept")
    bpy.context.scene.collection.children.link(kept)
    for each in made.users_collection:
        each.objects.unlink(made)
    kept.objects.link(made)
    path = str(Path("library.blend").absolute())
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.collections = ["Kept"]
    linked_in: Any = wanted.collections  # by now collections, where the stubs know their names alone
    (kept,) = linked_in
    if override:
        kept = kept.override_hierarchy_create(bpy.context.scene, bpy.context.view_layer)
    else:
        bpy.context.scene.collection.children.link(kept)
    bpy.context.view_layer.update()
    (placed,) = kept.objects
    return placed


def activate(collection: Any) -> None:
    bpy = blender()
    waiting = [bpy.context.view_layer.layer_collection]
    while waiting:
        each = waiting.pop()
        waiting += each.children
        if each.collection == collection:
            bpy.context.view_layer.active_layer_collection = each


@in_blender
def test_linked_and_overridden_objects_and_collections_are_named_and_stay() -> None:
    bpy = blender()
    for override, word in ((False, "is linked from"), (True, "is an override of")):
        placed = linked(override=override)
        learn()
        held, before = placed["gen3d"].to_dict(), len(placed.data.vertices)
        select(placed)
        for act in ("regenerate", "adjust", "bake_texture", "mark_asset", "key_codes", "bake_codes"):
            with pytest.raises(RuntimeError) as caught:
                getattr(bpy.ops.gen3d, act)()
            (line,) = str(caught.value).strip().splitlines()
            assert word in line and "Make Local" in line, (act, line)
        settings(resolution=24).variations = 1
        (varied,) = new_after(bpy.ops.gen3d.vary)  # beside it, in a collection of this file
        assert varied.library is None
        activate(placed.users_collection[0])
        select(placed)
        count = len(bpy.data.objects), len(bpy.data.meshes)
        for act in ("generate", "vary"):
            with pytest.raises(RuntimeError, match="active collection 'Kept' cannot be edited"):
                getattr(bpy.ops.gen3d, act)()
        assert count == (len(bpy.data.objects), len(bpy.data.meshes))
        assert placed["gen3d"].to_dict() == held and len(placed.data.vertices) == before
    assert len(generated_objects()) == 3  # the library's, its override, what was varied
