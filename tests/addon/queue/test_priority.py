# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose turn it is before the one worker. Inside Blender, with a real worker: see `in_blender`."""

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
    submit,
    wait_until,
)  # fmt: skip


@pytest.mark.own_blender
@in_blender
def test_the_hand_comes_before_what_was_pressed_and_that_before_the_background():
    from gen3d_core import protocol

    asked, ask = [], service().submit
    made = make(9, "chairs", 32)
    addon("queue.service").learn()
    settings(seed=70)
    assert blender().ops.gen3d.gallery() == {"FINISHED"}
    batch = enqueue([item("ellipsoids", 1), item("ellipsoids", 2)])
    select(made)
    assert blender().ops.gen3d.adjust() == {"FINISHED"}
    next(each for each in blender().context.scene.gen3d.sliders if each.name == "width").value = -1.0

    def submit_noting(kind: Any, **fields: Any) -> Any:
        recipe = fields.get("recipe")
        asked.append(
            "live" if recipe is not None and recipe.moves else "gallery" if kind is protocol.Thumbnails else "pressed"
        )
        return ask(kind, **fields)

    service().submit = submit_noting
    wait_until(lambda: (queue()(), batch.done)[1], "the batch ends")
    first = asked.index("gallery") if "gallery" in asked else len(asked)
    assert asked[0] == "live" and asked[:first].count("pressed") == 2, asked
    live = addon("queue.adjust_session").live
    wait_until(lambda: (queue()(), "gallery" in asked)[1], "the gallery begins")
    late = enqueue([item("ellipsoids", 3)])  # pressed now: the rest of the gallery waits
    wait_until(lambda: (queue()(), late.done)[1], "the late batch ends")
    assert addon("ui.gallery").gallery.drawing
    assert blender().ops.gen3d.adjust_end() == {"FINISHED"}
    run_queue("everything")
    assert not live.running and addon("ui.gallery").gallery.seeds == list(range(70, 82))


@in_blender
def test_a_job_of_nobody_s_is_followed_to_its_end():
    job = submit("ellipsoids", 3, 32)
    batch = enqueue([item("ellipsoids", 4)])
    run_queue("the batch")
    assert job.done and batch.state is state("FINISHED")
