# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Morphs in Blender: made by the operators, compared with the worker's meshes, exported, opened without the add-on."""

import json
import os
import struct
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.addon.harness import addon, blender, in_blender, make, select, settings, wait_until

STEPS, START, END = 5, 11, 31  # a step every five frames
CLOSE = 1e-5


def chosen(**values: object) -> Any:
    """The morph's settings, set; the rest as when Blender starts."""
    morph = settings().morph
    for name, value in {"steps": STEPS, "frame_start": START, "frame_end": END, "source": "SELECTED", **values}.items():
        setattr(morph, name, value)
    return morph


def two() -> tuple[Any, Any]:
    """Two selected objects, the first active."""
    first, second = make(3), make(4)
    select(first, second)
    return first, second


def made(operator: str = "morph") -> Any:
    """The object that the operator makes."""
    bpy = blender()
    assert getattr(bpy.ops.gen3d, operator)() == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def mesh_at(placed: Any, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, corners' vertices and corners' colours (sRGB) of the evaluated mesh at a frame."""
    bpy = blender()
    bpy.context.scene.frame_set(frame)
    mesh = placed.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    vertices = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.vertices.foreach_get("co", vertices.ravel())
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    colours = np.empty((len(mesh.loops), 4), np.float32)
    mesh.color_attributes["Colour"].data.foreach_get("color_srgb", colours.ravel())
    return vertices, corners, colours[:, :3]


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
    first, second = two()
    codes = addon("scene.objects").codes_of
    keys = [addon("scene.objects").only_parent(codes(each)) for each in (first, second)]
    chosen()
    placed = made()
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
        "model": str, "model_hash": str, "truncation": float, "resolution": int, "kind": str, "path": str,
        "timing": str, "version": str,
    }  # fmt: skip


@in_blender
def test_a_flipbook_shows_the_nearest_step() -> None:
    chosen(source="SEEDS", seeds="3, 4/5", kind="flipbook")
    placed = made()
    segments = from_worker(recipes((3, 3), (4, 5)), "flipbook").segments
    assert len(segments) == STEPS and placed.data.shape_keys is None
    for step, segment in enumerate(segments):
        for frame in (START + 5 * step - 2, START + 5 * step, START + 5 * step + 2):
            same_surface(placed, frame, segment, step)


@in_blender
def test_a_change_of_topology_goes_on_with_the_next_mesh_or_stops_and_is_told() -> None:
    segments = from_worker(recipes((3, 3), (8, 8)), model="chairs").segments
    change = segments[1].first  # among chairs, legs and arms come and go
    chosen(source="SEEDS", seeds="3 8", frame_end=START + 40, after_change="segment")
    settings("chairs")
    placed = made()
    for segment in segments:
        for step in range(segment.first, segment.last + 1):
            same_surface(placed, START + 10 * step, segment, step)
    desk = addon("queue.service").desk
    assert desk.current.message.startswith(f"The topology changes at step {change + 1}")
    blender().context.scene.gen3d.morph.after_change = "stop"
    placed = made()
    assert desk.current.message == f"The topology changes at step {change + 1} of {STEPS}: the morph ends before it"
    for frame in (START + 10 * (change - 1), START + 40):
        same_surface(placed, frame, segments[0], change - 1)


@in_blender
def test_shape_alone_and_appearance_alone_hold_the_other() -> None:
    first, second = two()
    chosen(vary="SHAPE")
    placed = made()
    held = placed["gen3d_morph"]
    shapes, looks = (np.reshape(held[f"{which}_codes"], (STEPS, -1)) for which in ("shape", "appearance"))
    assert np.ptp(looks, axis=0).max() == 0 and np.ptp(shapes, axis=0).max() > 0.1
    select(first, second)
    chosen(vary="APPEARANCE")
    placed = made()
    (start, *_), (end, *_) = mesh_at(placed, START), mesh_at(placed, END)
    assert np.abs(start - end).max() < CLOSE
    assert np.abs(mesh_at(placed, START)[2].mean(0) - mesh_at(placed, END)[2].mean(0)).max() > 0.02


@in_blender
def test_loops_and_ping_pong_go_on_after_the_end() -> None:
    two()
    chosen(repeat="LOOP", easing="EASE")
    placed = made()
    (curve,) = addon("compat").curves_of(placed)
    assert [key.co[1] for key in curve.keyframe_points] == [0.0, 1.0, 2.0]
    assert {key.interpolation for key in curve.keyframe_points} == {"SINE"}
    middle = curve.keyframe_points[1].co[0]
    assert curve.evaluate(middle + END - START) == pytest.approx(1.0, abs=1e-4)
    assert np.abs(mesh_at(placed, START + 7)[0] - mesh_at(placed, END + 7)[0]).max() < CLOSE
    chosen(source="SEEDS", seeds="3 4", repeat="PING_PONG")
    placed = made()
    assert np.abs(mesh_at(placed, END - 7)[0] - mesh_at(placed, END + 7)[0]).max() < CLOSE


@in_blender
def test_keyframed_codes_are_baked_as_their_curves_say() -> None:
    bpy = blender()
    first, second = two()
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
    chosen()
    placed = made("bake_codes")
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
    chosen(source="SEEDS", seeds="3 4")
    bpy.ops.ed.undo_push(message="before")
    name = made().name
    bpy.ops.ed.undo()
    assert name not in bpy.data.objects
    bpy.ops.ed.redo()
    placed = bpy.data.objects[name]
    assert np.abs(mesh_at(placed, START)[0] - mesh_at(placed, END)[0]).max() > 0.01


@in_blender
def test_the_redo_panel_no_longer_offers_what_came_before() -> None:
    placing = addon("scene.placing")
    placing.shelf.batch = placing.Batch("Generate")
    assert blender().ops.gen3d.place.poll()
    chosen(source="SEEDS", seeds="3 4")
    made()
    assert placing.shelf.batch is None and not blender().ops.gen3d.place.poll()


@in_blender
def test_bad_input_is_answered_in_one_line_and_the_scene_stays() -> None:
    bpy = blender()
    first, second = two()
    plain = bpy.data.objects.new("Plain", bpy.data.meshes.new("Plain"))
    bpy.context.collection.objects.link(plain)
    other = make(3, model="slow", resolution=16)
    gone = make(5)
    gone["gen3d"]["model"] = gone["gen3d"]["model_hash"] = "gone"
    old = make(6)
    old["gen3d"]["model_hash"] = "0" * 64

    def fails(message: str, *selected: Any, operator: str = "morph", resolution: int = 32, **values: Any) -> None:
        chosen(**values)
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
    chosen(source="SEEDS", seeds="3 4", steps=64)
    bpy.context.scene.gen3d.model = "slow"
    operators, desk = addon("ui.morph"), addon("queue.service").desk
    work = operators.GEN3D_OT_morph.work(None, bpy.context)
    desk.current = work
    wait_until(lambda: work.step() or work.fraction > 0.05, "progress of a morph")
    assert work.stage and not work.done
    work.cancel()
    began = time.monotonic()
    wait_until(work.step, "the cancelled morph's end")
    assert work.state.name == "CANCELLED" and time.monotonic() - began < 3.0
    assert not [each for each in bpy.data.objects if "Morph" in each]


# ---- without the add-on

_REOPENED = """
import bpy, json, sys, os
import numpy as np
bpy.ops.wm.open_mainfile(filepath=sys.argv[1])
assert "gen3d" not in dir(bpy.ops) or not hasattr(bpy.types, "GEN3D_OT_morph")
found = {}
for placed in (each for each in bpy.data.objects if each.type == "MESH" and "Morph" in each):
    for frame in json.loads(sys.argv[2]):
        bpy.context.scene.frame_set(frame)
        mesh = placed.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
        vertices = np.empty((len(mesh.vertices), 3), np.float32)
        mesh.vertices.foreach_get("co", vertices.ravel())
        colours = np.empty((len(mesh.loops), 4), np.float32)
        mesh.color_attributes["Colour"].data.foreach_get("color_srgb", colours.ravel())
        found[f"{placed.name} {frame} vertices"], found[f"{placed.name} {frame} colours"] = vertices, colours[:, :3]
np.savez(sys.argv[3], **found)
sys.stdout.flush()
os._exit(0)
"""


@in_blender
def test_saved_and_opened_without_the_addon_it_moves_the_same() -> None:
    bpy = blender()
    frames = [START, START + 3, START + 10, END]
    placed = []
    for kind in ("morph", "flipbook"):
        chosen(source="SEEDS", seeds="3 4", kind=kind)
        placed.append(made())
    file = str(Path("morphs.blend").absolute())
    bpy.ops.wm.save_as_mainfile(filepath=file)
    environment = os.environ | {"BLENDER_USER_RESOURCES": str(Path("other").absolute())}
    Path("other").mkdir()
    command = [sys.executable, "-I", "-c", _REOPENED, file, json.dumps(frames), "found.npz"]
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr
    with np.load("found.npz") as found:
        for each in placed:
            for frame in frames:
                vertices, _, colours = mesh_at(each, frame)
                assert np.array_equal(found[f"{each.name} {frame} vertices"], vertices)
                assert np.array_equal(found[f"{each.name} {frame} colours"], colours)


# ---- exported


def read_glb(path: Path) -> tuple[dict[str, Any], bytes]:
    data = path.read_bytes()
    length = struct.unpack("<I", data[12:16])[0]
    return json.loads(data[20 : 20 + length]), data[28 + length :]


def array_of(document: dict[str, Any], binary: bytes, number: int) -> np.ndarray:
    accessor = document["accessors"][number]
    view = document["bufferViews"][accessor["bufferView"]]
    width = {"SCALAR": 1, "VEC3": 3}[accessor["type"]]
    begin = view.get("byteOffset", 0) + accessor.get("byteOffset", 0)
    return np.frombuffer(binary, np.float32, accessor["count"] * width, begin).reshape(-1, width)


@in_blender
def test_a_glb_holds_morph_targets_and_their_animation() -> None:
    bpy = blender()
    chosen(source="SEEDS", seeds="3 4")
    placed = made()
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = START, END
    # Before Blender 4.4 an Action has no slots to share, and the exporter's default mode looks for an Action.
    mode = {} if bpy.app.version >= (4, 4, 0) else {"export_animation_mode": "SCENE"}
    bpy.ops.export_scene.gltf(filepath=str(Path("morph.glb").absolute()), use_selection=True, **mode)
    document, binary = read_glb(Path("morph.glb"))
    (primitive,) = document["meshes"][0]["primitives"]
    assert len(primitive["targets"]) == STEPS - 1 and "COLOR_0" in primitive["attributes"]
    assert "COLOR_1" not in primitive["attributes"]
    (animation,) = document["animations"]
    (channel,) = animation["channels"]
    assert channel["target"]["path"] == "weights"
    sampler = animation["samplers"][channel["sampler"]]
    times = array_of(document, binary, sampler["input"])[:, 0]
    weights = array_of(document, binary, sampler["output"]).reshape(len(times), STEPS - 1)
    assert len(times) == END - START + 1
    basis = array_of(document, binary, primitive["attributes"]["POSITION"])
    targets = [array_of(document, binary, target["POSITION"]) for target in primitive["targets"]]
    for frame in (START, START + 4, START + 12, END):
        shown = basis + np.einsum("k,kvc->vc", weights[frame - START], np.array(targets))
        vertices, _, _ = mesh_at(placed, frame)
        assert np.abs(shown.min(0) - [vertices[:, 0].min(), vertices[:, 2].min(), -vertices[:, 1].max()]).max() < 1e-4
        assert np.abs(shown.max(0) - [vertices[:, 0].max(), vertices[:, 2].max(), -vertices[:, 1].min()]).max() < 1e-4


@in_blender
def test_a_flipbook_goes_through_alembic_and_usd_with_each_frames_vertices() -> None:
    bpy = blender()
    chosen(source="SEEDS", seeds="3 4", kind="flipbook")
    placed = made()
    scene = bpy.context.scene
    scene.frame_start, scene.frame_end = START, END
    frames = [START, START + 5, START + 10, END]
    counts = [len(mesh_at(placed, frame)[0]) for frame in frames]
    assert len(set(counts)) > 1
    select(placed)
    alembic, usd = (str(Path(f"flipbook.{kind}").absolute()) for kind in ("abc", "usdc"))
    bpy.ops.wm.alembic_export(filepath=alembic, selected=True, start=START, end=END)
    bpy.ops.wm.usd_export(filepath=usd, selected_objects_only=True, export_animation=True)
    for importer, file in ((bpy.ops.wm.alembic_import, alembic), (bpy.ops.wm.usd_import, usd)):
        known = set(bpy.data.objects)
        assert importer(filepath=file) == {"FINISHED"}
        (read,) = (each for each in set(bpy.data.objects) - known if each.type == "MESH")
        found = []
        for frame in frames:
            scene.frame_set(frame)
            found.append(len(read.evaluated_get(bpy.context.evaluated_depsgraph_get()).data.vertices))
        assert found == counts, file
