# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Batches in the queue, with a real worker: one after another, cancelled, waiting for Object Mode, bad models.

Inside Blender: see `in_blender`. `slow` is a model with seconds of work.
"""

import threading
from typing import Any

import pytest

from tests.addon.harness import (
    addon,
    blender,
    enqueue,
    in_blender,
    item,
    queue,
    run_queue,
    service,
    settings,
    state,
    submit,
    wait_until,
)
from tests.addon.measures import generate_works, names


def queued(model: str = "ellipsoids", *seeds: int) -> Any:
    """A batch in the queue, as Generate leaves it there in a window; calling the queue is the timer's part."""
    return enqueue([item(model, seed) for seed in seeds or (3,)])


def well_under_way(batch: Any) -> None:
    wait_until(lambda: (queue()(), batch.fraction > 0.1)[1], "the batch starts")
    assert not batch.done and batch.stage


@in_blender
def test_cancel_leaves_the_scene_untouched_and_the_worker_alive():
    bpy = blender()
    before, batch = names(), queued("slow", 0)
    well_under_way(batch)
    worker = service().client.pid
    assert bpy.ops.gen3d.cancel() == {"FINISHED"}
    run_queue("the batch is cancelled", seconds=4)
    assert batch.state is state("CANCELLED") and not batch.applied
    assert names() == before
    generate_works()
    assert service().client.pid == worker


@in_blender
def test_cancel_while_generate_blocks_is_reported_and_leaves_the_scene_untouched():
    bpy = blender()
    before = names()
    settings("slow", resolution=64)

    def cancel() -> None:
        wait_until(lambda: service().busy and service().job.fraction > 0.1, "the job starts")
        service().job.cancel()

    threading.Thread(target=cancel).start()
    with pytest.raises(RuntimeError, match="Cancelled"):
        bpy.ops.gen3d.generate()
    assert names() == before


@in_blender
def test_a_second_batch_waits_for_the_first_and_both_are_done():
    first, second = queued("slow", 0), queued("ellipsoids", 3, 4)
    well_under_way(first)
    assert queue().waiting == [second]
    with pytest.raises(addon("worker.client").WorkerError, match="already running"):
        submit("ellipsoids", 0, 32)
    run_queue("both are done")
    assert (first.state, second.state) == (state("FINISHED"), state("FINISHED")), first.message
    assert {"slow_0000", "ellipsoids_0003"} < set(names()), names()
    assert second.fraction == 1.0 and blender().context.view_layer.objects.active.name == "ellipsoids_0004"


@in_blender
def test_a_batch_that_is_cancelled_keeps_what_is_there_and_the_next_goes_on():
    first, second = queued("slow", 0, 1), queued("ellipsoids", 3)
    wait_until(lambda: (queue()(), first.applied == 1)[1], "the first object is there")
    queue().cancel()
    run_queue("both have ended")
    assert first.state is state("CANCELLED") and second.state is state("FINISHED")
    assert {"slow_0000", "ellipsoids_0003"} < set(names()) and "slow_0001" not in names()


@in_blender
def test_a_failure_can_be_copied_in_full():
    bpy = blender()
    batch = queued("broken")
    run_queue("it fails")
    assert batch.state is state("FAILED") and "broken.gen3d" in batch.message and "Traceback" in batch.detail
    assert bpy.ops.gen3d.copy_detail() == {"FINISHED"}


@in_blender
def test_bad_models_give_one_clear_line_and_an_untouched_scene():
    bpy = blender()
    before = names()
    for model, words in {"broken": "broken.gen3d", "nothing": "surface"}.items():
        settings(model)
        with pytest.raises(RuntimeError, match=words) as caught:
            bpy.ops.gen3d.generate()
        assert len(str(caught.value).strip().splitlines()) == 1
    assert names() == before
    generate_works()


@in_blender
def test_the_timer_places_a_result_once_blender_is_back_in_object_mode():
    bpy = blender()
    batch = queued()
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    bpy.ops.object.mode_set(mode="EDIT")
    wait_until(lambda: (queue()(), "waits" in batch.stage)[1], "the mesh is made")
    assert queue()() is not None and "ellipsoids_0003" not in bpy.data.objects
    bpy.ops.object.mode_set(mode="OBJECT")
    assert queue()() is None and "ellipsoids_0003" in bpy.data.objects


@in_blender
def test_a_result_that_waits_for_its_place_can_be_cancelled():
    bpy = blender()
    batch = queued()
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    bpy.ops.object.mode_set(mode="EDIT")
    before = names()
    wait_until(lambda: (queue()(), "waits" in batch.stage)[1], "the mesh is made")
    queue().cancel()
    assert queue()() is None and batch.state is state("CANCELLED") and names() == before


@in_blender
def test_a_result_whose_scene_is_gone_is_dropped_with_a_message():
    bpy = blender()
    batch = queued()
    bpy.ops.wm.read_homefile()
    before = names()
    run_queue("the batch ends")
    assert batch.state is state("FAILED") and "scene" in batch.message
    assert names() == before


@in_blender
def test_undo_while_a_batch_is_done_does_no_harm():
    bpy = blender()
    bpy.ops.ed.undo_push(message="one")
    bpy.ops.mesh.primitive_cube_add("EXEC_DEFAULT", True)
    batch = queued("slow", 0)
    well_under_way(batch)
    bpy.ops.ed.undo()
    run_queue("the batch ends")
    assert batch.state is state("FINISHED"), batch.message
    assert bpy.context.view_layer.objects.active.name == "slow_0000"
