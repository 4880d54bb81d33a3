# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever an item raises is that item's error: the timer, the worker and all other items go on.

Inside Blender, with a real worker: see `in_blender`.
"""

import tempfile
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from tests.addon.harness import (
    addon,
    blender,
    enqueue,
    in_blender,
    item,
    make,
    queue,
    run_queue,
    select,
    service,
    settings,
    state,
    wait_until,
)  # fmt: skip


def stumble(*unused: Any, **named: Any) -> Any:
    raise TypeError("stumbled")


def generate_works() -> None:
    """By the timer alone, as in a window."""
    batch = enqueue([item("ellipsoids", 3)])
    run_queue("a batch after the fault")
    assert batch.state is state("FINISHED"), batch.message


def gallery_works() -> None:
    """What the worker is asked for in the background comes, without anything being pressed."""
    gallery = addon("ui.gallery").gallery
    settings(seed=70)
    assert blender().ops.gen3d.gallery() == {"FINISHED"}
    run_queue("the pictures")
    assert gallery.seeds == list(range(70, 82)) and not gallery.message
    assert not service().busy


@pytest.mark.own_blender
@in_blender
def test_of_twelve_with_one_bad_seed_eleven_are_made():
    bpy, told = blender(), []
    addon("queue.queue").tell = told.append
    batch = enqueue([item("nothing" if number == 4 else "ellipsoids", number) for number in range(12)])
    run_queue("the batch")
    assert batch.state is state("FAILED") and batch.message.startswith("1 of 12 failed: ") and "seed" in batch.message
    made = [each.name for each in bpy.data.objects if each.name.startswith("ellipsoids")]
    assert made == [f"ellipsoids_{number:04d}" for number in range(12) if number != 4]
    assert batch.fraction == 1.0 and batch.applied == 11 and told == [batch.message]


@in_blender
def test_whatever_fails_in_one_item_the_others_of_its_batch_are_made():
    for wrong, said in (
        (item("nothing", 0), "surface"),  # in the worker
        (item("broken", 0), "broken.gen3d"),
        (replace(item("ellipsoids", 0), apply=stumble), "stumbled"),
        (replace(item("ellipsoids", 0), leave=stumble), "stumbled"),
        (replace(item("ellipsoids", 0), fields={"colour": 1}), "colour"),  # no such field
    ):
        batch = enqueue([item("ellipsoids", 1), wrong, item("ellipsoids", 2)])
        run_queue("the batch")
        assert batch.state is state("FAILED") and batch.applied == 2, batch.message
        assert batch.message.startswith("1 of 3 failed: ") and said in batch.message, batch.message
        assert len(batch.message.splitlines()) == 1 and batch.detail
    generate_works()


@in_blender
def test_a_result_that_cannot_be_read_is_an_error_of_its_item():
    module = addon("worker.job")
    read, batch = module.read_result, enqueue([item("ellipsoids", 1), item("ellipsoids", 2)])
    module.read_result = stumble
    wait_until(lambda: (queue()(), batch.fraction >= 0.5)[1], "the first one fails")
    module.read_result = read
    run_queue("the batch")
    assert batch.state is state("FAILED") and batch.applied == 1 and "cannot be read" in batch.message
    generate_works()


@in_blender
def test_a_worker_that_cannot_be_followed_is_replaced():
    batch = enqueue([item("slow", 1), item("ellipsoids", 2)])
    wait_until(lambda: (queue()(), batch.fraction > 0.05)[1], "the batch starts")
    service().client.replies = stumble
    run_queue("the batch")
    assert batch.state is state("FAILED") and batch.applied == 1 and "stumbled" in batch.message
    generate_works()


@in_blender
def test_an_undo_step_or_a_status_bar_that_fails_ends_no_timer():
    objects, module = addon("queue.batch"), addon("queue.queue")
    batch = objects.Batch("Generate", [item("ellipsoids", 1)], seal=stumble)
    queue().add(batch)
    shown, module.show_progress = module.show_progress, stumble
    run_queue("the batch")
    module.show_progress = shown
    assert batch.state is state("FAILED") and "stumbled" in batch.message
    generate_works()


@in_blender
def test_a_source_that_fails_in_everything_is_forgotten():
    class Broken:
        priority, job, done = addon("queue.batch").Priority.LIVE, None, False
        next_item = step = fail = stumble

    queue().add(Broken())
    generate_works()


@in_blender
def test_a_linked_collection_takes_no_objects_and_is_named():
    bpy = blender()
    source, other = make(3), make(4)
    path = str(Path(tempfile.mkdtemp(), "library.blend"))
    collection = bpy.data.collections.new("Linked")
    bpy.data.libraries.write(path, {collection})
    bpy.data.collections.remove(collection)
    with bpy.data.libraries.load(path, link=True) as (_, wanted):
        wanted.collections = ["Linked"]
    bpy.context.scene.collection.children.link(bpy.data.collections["Linked"])
    early = item("ellipsoids", 9)  # as if it had been pressed before the collection was replaced by a linked one
    placement = addon("scene.objects").Placement(
        bpy.context.scene.session_uid, bpy.data.collections["Linked"].session_uid, (0.0, 0.0, 0.0)
    )
    early.apply.keywords["placement"] = placement
    own, layers = bpy.context.view_layer.active_layer_collection, bpy.context.view_layer.layer_collection.children
    bpy.context.view_layer.active_layer_collection = layers["Linked"]
    count = len(bpy.data.objects), len(bpy.data.meshes)
    text = addon("scene.codes_text").to_text(source["gen3d"])
    bpy.data.images.new("picture", 64, 64)
    bpy.context.scene.gen3d.morph.source = "SEEDS"
    for operator, fields in (
        *(("generate", {}), ("vary", {}), ("mix", {}), ("breed", {}), ("pick", {"seed": 5}), ("morph", {})),
        *(("paste_codes", {"text": text}), ("from_picture", {"image": "picture"})),
    ):
        select(source, other)
        with pytest.raises(RuntimeError, match="'Linked' cannot be edited: choose another"):
            getattr(bpy.ops.gen3d, operator)(**fields)
    batch = enqueue([early])
    run_queue("the batch")
    assert batch.state is state("FAILED") and batch.message.startswith("Could not"), batch.message
    assert (len(bpy.data.objects), len(bpy.data.meshes)) == count, "what could not be placed is not left behind"
    bpy.context.view_layer.active_layer_collection = own
    generate_works()


# ---- Adjust


def start_adjusting() -> Any:
    """A chair that is being adjusted, with the worker at its first mesh."""
    addon("queue.service").learn()
    made = make(9, "chairs", 160)
    assert blender().ops.gen3d.adjust() == {"FINISHED"}
    next(each for each in blender().context.scene.gen3d.sliders if each.name == "width").value = -1.0
    queue()()
    assert service().busy
    return made


@in_blender
def test_deleting_the_adjusted_object_frees_the_worker():
    blender().data.objects.remove(start_adjusting())
    run_queue("the end of the adjustment")
    assert not service().busy and addon("queue.adjust_session").live.session is None
    gallery_works()
    generate_works()


@in_blender
def test_opening_another_file_while_an_object_is_adjusted_frees_the_worker():
    start_adjusting()
    blender().ops.wm.read_homefile()
    run_queue("the end of the adjustment")
    assert not service().busy and addon("queue.adjust_session").live.session is None
    gallery_works()
    generate_works()


@pytest.mark.own_blender
@in_blender
def test_an_adjustment_whose_mesh_cannot_be_shown_ends_with_a_message():
    addon("ui.adjust").remake = stumble
    start_adjusting()
    run_queue("the end of the adjustment")
    live = addon("queue.adjust_session").live
    assert live.session.ended and "stumbled" in live.session.message
    assert blender().ops.gen3d.adjust_end() == {"FINISHED"} and live.session is None
    generate_works()


@in_blender
def test_an_adjusted_object_waits_for_object_mode():
    bpy = blender()
    made = start_adjusting()
    bpy.context.view_layer.objects.active = made
    bpy.ops.object.mode_set(mode="EDIT")
    session, count = addon("queue.adjust_session").live.session, len(made.data.polygons)
    before, meshes = made["gen3d"]["resolution"], len(bpy.data.meshes)
    wait_until(lambda: (queue()(), session.job is None)[1], "the mesh is made")
    queue()()
    assert session.updates == 0 and not session.settled
    assert (made["gen3d"]["resolution"], len(bpy.data.meshes)) == (before, meshes)
    bpy.ops.object.mode_set(mode="OBJECT")
    wait_until(lambda: (queue()(), session.settled)[1], "the mesh is shown")
    assert session.updates and len(made.data.polygons) != count and len(bpy.data.meshes) == meshes


# ---- the gallery


@in_blender
def test_a_seed_that_cannot_be_drawn_leaves_a_gap_in_the_gallery():
    gallery = addon("ui.gallery").gallery
    keep = gallery._keep
    gallery._keep = lambda seed, made: stumble() if seed == 45 else keep(seed, made)
    settings(seed=40)
    assert blender().ops.gen3d.gallery() == {"FINISHED"}
    run_queue("the pictures")
    assert gallery.seeds == [seed for seed in range(40, 52) if seed != 45]
    assert gallery.message.startswith("1 of 12 failed")
