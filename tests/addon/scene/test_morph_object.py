# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Morphs compared with the worker's own meshes. Inside Blender: see `in_blender`."""

from typing import Any

import numpy as np
import pytest

from tests.addon.harness import addon, blender, in_blender, settings, wait_until
from tests.addon.measures import END, START, STEPS, mesh_at, morph_settings, new_morph, two_selected

CLOSE = 1e-5


def from_worker(keys: list[Any], kind: str = "morph", model: str = "ellipsoids", resolution: int = 32) -> Any:
    """The worker's own morph of these keys."""
    from gen3d_core import protocol

    how = protocol.MorphSettings(STEPS, resolution, kind)
    job = addon("queue.service").service.submit(protocol.Morph, model=model, keys=keys, settings=how)
    wait_until(job.poll, "the worker's morph")
    assert job.result is not None, job.message
    return job.result


def recipes(*seeds: tuple[int, int]) -> list[Any]:
    """Objects of seeds of shape and appearance."""
    from gen3d_core import protocol

    return [protocol.Recipe(*each) for each in seeds]


def same_surface(placed: Any, frame: int, segment: Any, step: int) -> None:
    """The evaluated mesh at a frame is the worker's mesh of a step."""
    vertices, corners, colours = mesh_at(placed, frame)
    turned = addon("scene.objects").to_blender_axes(segment.vertices[step - segment.first])
    assert np.abs(vertices - turned).max() < CLOSE
    assert (corners == segment.faces.ravel()).all()
    wanted = segment.colours[step - segment.first][segment.faces.ravel()]
    assert np.abs(colours - wanted).max() < 1.5 / 255


@in_blender
def test_shape_keys_show_the_workers_meshes_and_its_colours_between_frames_too() -> None:
    first, second = two_selected()
    codes = addon("scene.objects").codes_of
    keys = [addon("scene.objects").only_parent(codes(each)) for each in (first, second)]
    morph_settings()
    placed = new_morph()
    (segment,) = from_worker(keys).segments
    (curve,) = addon("compat").curves_of(placed)
    assert curve.data_path == '["Morph"]'
    assert [tuple(key.co) for key in curve.keyframe_points] == [(START, 0.0), (END, 1.0)]
    assert {key.interpolation for key in curve.keyframe_points} == {"LINEAR"}
    assert len(placed.data.shape_keys.key_blocks) == STEPS
    for step in range(STEPS):
        same_surface(placed, START + 5 * step, segment, step)
    between, _, _ = mesh_at(placed, START + 2)
    wanted = addon("scene.objects").to_blender_axes(0.6 * segment.vertices[0] + 0.4 * segment.vertices[1])
    assert np.abs(between - wanted).max() < CLOSE
    before, _, _ = mesh_at(placed, START - 9)
    assert np.abs(before - addon("scene.objects").to_blender_axes(segment.vertices[0])).max() < CLOSE
    assert placed["gen3d_morph"]["model"] == "ellipsoids" and placed["gen3d_morph"]["steps"] == STEPS
    assert {key: type(value) for key, value in placed["gen3d_morph"].to_dict().items()} == {
        "format_version": int, "size": float, "steps": int, "shape_codes": list, "appearance_codes": list,
        "model": str, "model_hash": str, "model_identity": str, "truncation": float,
        "resolution": int, "kind": str, "path": str, "timing": str, "version": str,
    }  # fmt: skip


@in_blender
def test_a_flipbook_shows_the_nearest_step() -> None:
    morph_settings(source="SEEDS", seeds="3, 4/5", kind="flipbook")
    placed = new_morph()
    segments = from_worker(recipes((3, 3), (4, 5)), "flipbook").segments
    assert len(segments) == STEPS and placed.data.shape_keys is None
    for step, segment in enumerate(segments):
        for frame in (START + 5 * step - 2, START + 5 * step, START + 5 * step + 2):
            same_surface(placed, frame, segment, step)


@in_blender
def test_a_change_of_topology_goes_on_with_the_next_mesh_or_stops_and_is_told() -> None:
    segments = from_worker(recipes((3, 3), (8, 8)), model="chairs").segments
    change = segments[1].first  # among chairs, legs and arms come and go
    morph_settings(source="SEEDS", seeds="3 8", frame_end=START + 40, after_change="segment")
    settings("chairs")
    placed = new_morph()
    for segment in segments:
        for step in range(segment.first, segment.last + 1):
            same_surface(placed, START + 10 * step, segment, step)
    queue = addon("queue.service").queue
    assert queue.current.message.startswith(f"The topology changes at step {change + 1}")
    blender().context.scene.gen3d.morph.after_change = "stop"
    placed = new_morph()
    assert queue.current.message == f"The topology changes at step {change + 1} of {STEPS}: the morph ends before it"
    for frame in (START + 10 * (change - 1), START + 40):
        same_surface(placed, frame, segments[0], change - 1)


@in_blender
def test_loops_and_ping_pong_go_on_after_the_end() -> None:
    two_selected()
    morph_settings(repeat="LOOP", easing="EASE")
    placed = new_morph()
    (curve,) = addon("compat").curves_of(placed)
    assert [key.co[1] for key in curve.keyframe_points] == [0.0, 1.0, 2.0]
    assert {key.interpolation for key in curve.keyframe_points} == {"SINE"}
    middle = curve.keyframe_points[1].co[0]
    assert curve.evaluate(middle + END - START) == pytest.approx(1.0, abs=1e-4)
    assert np.abs(mesh_at(placed, START + 7)[0] - mesh_at(placed, END + 7)[0]).max() < CLOSE
    morph_settings(source="SEEDS", seeds="3 4", repeat="PING_PONG")
    placed = new_morph()
    assert np.abs(mesh_at(placed, END - 7)[0] - mesh_at(placed, END + 7)[0]).max() < CLOSE
