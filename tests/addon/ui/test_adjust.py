# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adjust: an object follows sliders. Inside Blender: see `in_blender`."""

from typing import Any

import numpy as np

from tests.addon.harness import (
    addon,
    blender,
    in_blender,
    make,
    queue,
    wait_until,
)
from tests.addon.measures import codes


def adjusting(seed: int) -> tuple[Any, Any]:
    """A chair in adjustment, and what holds its session."""
    bpy = blender()
    addon("queue.service").learn()
    made = make(seed, "chairs", 96)
    assert bpy.ops.gen3d.adjust() == {"FINISHED"}
    return made, addon("queue.adjust_session").live


def slider(name: str) -> Any:
    return next(each for each in blender().context.scene.gen3d.sliders if each.name == name)


@in_blender
def test_an_adjusted_object_follows_the_newest_value_and_ends_fine():
    bpy = blender()
    made, live = adjusting(7)
    low_before, start = len(made.data.polygons), dict(made["gen3d"]["positions"])
    name = made.name
    width = slider("width")
    assert abs(width.value - min(max(start["width"], width.low), width.high)) < 1e-5
    for value in (0.2, 0.6, -1.0):
        width.value = value
    queue()()
    wait_until(lambda: (queue()(), live.session.updates)[1], "the first mesh comes")
    assert made["gen3d"]["resolution"] == 64 and abs(made["gen3d"]["positions"]["width"] + 1.0) < 1e-4
    assert len(made.data.polygons) < low_before
    wait_until(lambda: (queue()(), live.session.settled)[1], "the fine mesh comes")
    assert made["gen3d"]["resolution"] == 96
    for other, value in start.items():
        if other != "width":
            assert abs(made["gen3d"]["positions"][other] - value) < 1e-3, other
    width.value = 99.0
    assert width.value == width.high
    width.value = 0.5
    assert bpy.ops.gen3d.adjust_end() == {"FINISHED"}
    wait_until(lambda: queue()() is None, "the session ends")
    assert not live.running and abs(made["gen3d"]["positions"]["width"] - 0.5) < 1e-4
    assert made["gen3d"]["resolution"] == 96 and made.name == name and bpy.context.view_layer.objects.active == made


@in_blender
def test_reverting_brings_the_object_back():
    bpy = blender()
    made, live = adjusting(9)
    before = codes(made)
    slider("lightness").value = 1.0
    wait_until(lambda: (queue()(), live.session.updates)[1], "a mesh comes")
    assert np.abs(codes(made, "appearance")).sum() and np.array_equal(codes(made), before)
    slider("width").value = -1.0
    assert bpy.ops.gen3d.adjust_end(revert=True) == {"FINISHED"}
    wait_until(lambda: queue()() is None, "the session ends")
    assert np.allclose(codes(made), before, atol=1e-6) and made["gen3d"]["resolution"] == 96


@in_blender
def test_an_object_that_is_deleted_ends_its_adjustment():
    bpy = blender()
    made, live = adjusting(9)
    slider("width").value = -1.0
    bpy.data.objects.remove(made)
    wait_until(lambda: queue()() is None, "the session ends")
    assert not live.running and live.session is None
    make(3)
