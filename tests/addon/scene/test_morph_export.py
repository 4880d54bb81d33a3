# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Morphs saved, opened without the add-on, and exported. Inside Blender: see `in_blender`."""

import json
import os
import struct
import subprocess
import sys
from pathlib import Path
from typing import Any

import numpy as np

from tests.addon.harness import (
    blender,
    in_blender,
    select,
)
from tests.addon.measures import (
    END,
    START,
    STEPS,
    mesh_at,
    morph_settings,
    new_morph,
)

CLOSE = 1e-5


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
        morph_settings(source="SEEDS", seeds="3 4", kind=kind)
        placed.append(new_morph())
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
    morph_settings(source="SEEDS", seeds="3 4")
    placed = new_morph()
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
    morph_settings(source="SEEDS", seeds="3 4", kind="flipbook")
    placed = new_morph()
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
