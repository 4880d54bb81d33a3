# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Morph, Key Codes and Bake as they are pressed, and what is wrong with what was chosen. Inside: see `in_blender`."""

import time
from typing import Any

import numpy as np
import pytest

from tests.addon.harness import addon, blender, in_blender, make, select, settings, wait_until
from tests.addon.measures import END, START, STEPS, mesh_at, morph_settings, new_morph, two_selected

CLOSE = 1e-5


@in_blender
def test_shape_alone_and_appearance_alone_hold_the_other() -> None:
    first, second = two_selected()
    morph_settings(vary="SHAPE")
    placed = new_morph()
    held = placed["gen3d_morph"]
    shapes, looks = (np.reshape(held[f"{which}_codes"], (STEPS, -1)) for which in ("shape", "appearance"))
    assert np.ptp(looks, axis=0).max() == 0 and np.ptp(shapes, axis=0).max() > 0.1
    select(first, second)
    morph_settings(vary="APPEARANCE")
    placed = new_morph()
    (start, *_), (end, *_) = mesh_at(placed, START), mesh_at(placed, END)
    assert np.abs(start - end).max() < CLOSE
    assert np.abs(mesh_at(placed, START)[2].mean(0) - mesh_at(placed, END)[2].mean(0)).max() > 0.02


@in_blender
def test_keyframed_codes_are_baked_as_their_curves_say() -> None:
    bpy = blender()
    first, second = two_selected()
    codes_of = addon("scene.objects").codes_of
    wanted = {which: (np.array(codes_of(first)[which]), np.array(codes_of(second)[which])) for which in codes_of(first)}
    bpy.context.scene.frame_set(START)
    select(first)
    assert bpy.ops.gen3d.key_codes() == {"FINISHED"}
    bpy.context.scene.frame_set(END)
    select(first, second)
    assert bpy.ops.gen3d.key_codes() == {"FINISHED"}
    for curve in addon("compat").curves_of(first):
        for key in curve.keyframe_points:
            key.interpolation = "LINEAR"
    first.location = (1.0, 2.0, 3.0)
    first.rotation_euler.z = 0.5
    bpy.context.view_layer.update()
    morph_settings()
    placed = new_morph("bake_codes")
    held = placed["gen3d_morph"]
    for which, (start, end) in wanted.items():
        along = np.linspace(0, 1, STEPS)[:, None]
        found = np.reshape(held[f"{which}_codes"], (STEPS, -1))
        assert np.abs(found - (start + along * (end - start))).max() < 1e-5
    assert np.allclose(placed.matrix_world, first.matrix_world)
    assert first.hide_viewport and first.hide_render
    (curve,) = addon("compat").curves_of(placed)
    assert [tuple(key.co) for key in curve.keyframe_points] == [(START, 0.0), (END, STEPS - 1.0)]


@in_blender
def test_undo_takes_the_whole_morph_back_and_redo_brings_it_again() -> None:
    bpy = blender()
    morph_settings(source="SEEDS", seeds="3 4")
    bpy.ops.ed.undo_push(message="before")
    name = new_morph().name
    bpy.ops.ed.undo()
    assert name not in bpy.data.objects
    bpy.ops.ed.redo()
    placed = bpy.data.objects[name]
    assert np.abs(mesh_at(placed, START)[0] - mesh_at(placed, END)[0]).max() > 0.01


@in_blender
def test_the_redo_panel_no_longer_offers_what_came_before() -> None:
    placing = addon("scene.placing")
    placing.shelf.newest = placing.NewObjects("Generate")
    assert blender().ops.gen3d.place.poll()
    morph_settings(source="SEEDS", seeds="3 4")
    new_morph()
    assert placing.shelf.newest is None and not blender().ops.gen3d.place.poll()


@in_blender
def test_bad_input_is_answered_in_one_line_and_the_scene_stays() -> None:
    bpy = blender()
    first, second = two_selected()
    plain = bpy.data.objects.new("Plain", bpy.data.meshes.new("Plain"))
    bpy.context.collection.objects.link(plain)
    other = make(3, model="slow", resolution=16)
    gone = make(5)
    gone["gen3d"]["model"] = gone["gen3d"]["model_hash"] = gone["gen3d"]["model_identity"] = "gone"
    old = make(6)
    old["gen3d"]["model_hash"] = old["gen3d"]["model_identity"] = "0" * 64

    def fails(message: str, *selected: Any, operator: str = "morph", resolution: int = 32, **values: Any) -> None:
        morph_settings(**values)
        settings(resolution=resolution)
        select(*selected)
        before = (len(bpy.data.objects), len(bpy.data.meshes), len(bpy.data.node_groups), len(bpy.data.actions))
        with pytest.raises(RuntimeError) as caught:
            getattr(bpy.ops.gen3d, operator)()
        (line,) = str(caught.value).strip().splitlines()
        assert message in line
        assert before == (
            len(bpy.data.objects), len(bpy.data.meshes), len(bpy.data.node_groups), len(bpy.data.actions),
        )  # fmt: skip

    fails("made by different models: ellipsoids, slow", first, other)
    fails("made by different versions of a model: ellipsoids", first, old)
    fails("Select 2 to 256 generated objects: 1 are selected", first)
    fails("Select 2 to 256 generated objects: 1 are selected", first, plain)
    fails("The model gone that made", gone, select_only_gone(gone))
    fails("from frame 31 to 31", first, second, frame_start=31)
    fails("from frame 40 to 31", first, second, frame_start=40)
    fails("'x' is no seed", first, source="SEEDS", seeds="3 x")
    fails("two or more seeds", first, source="SEEDS", seeds="3")
    fails("takes at least as many steps as objects", first, source="SEEDS", seeds="1 2 3 4 5 6")
    fails("have no keyframes", first, operator="bake_codes")
    fails("resolution² × steps", first, second, steps=256, resolution=512)


def select_only_gone(gone: Any) -> Any:
    """A second object of the model that is gone."""
    copy = gone.copy()
    blender().context.collection.objects.link(copy)
    return copy


@in_blender
def test_a_morph_can_be_cancelled() -> None:
    bpy = blender()
    settings("slow")
    morph_settings(source="SEEDS", seeds="3 4", steps=64)
    bpy.context.scene.gen3d.model = "slow"
    queue = addon("queue.service").queue
    batch = addon("ui.morph").GEN3D_OT_morph.make_batch(None, bpy.context)
    queue.add(batch)
    wait_until(lambda: queue() is None or batch.fraction > 0.05, "progress of a morph")
    assert batch.stage and not batch.done
    batch.cancel()
    began = time.monotonic()
    wait_until(lambda: queue() is None, "the cancelled morph's end")
    assert batch.state.name == "CANCELLED" and time.monotonic() - began < 3.0
    assert not [each for each in bpy.data.objects if "Morph" in each]
