# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate in the background: seeds, several objects, undo. Inside: see `in_blender`."""

import sys
from pathlib import Path

import numpy as np
import pytest

from tests.addon.harness import addon, blender, in_blender, settings, submit, wait_until
from tests.addon.measures import generate, positions


@in_blender
def test_generate_is_one_undo_step():
    bpy = blender()
    bpy.ops.ed.undo_push(message="start")
    bpy.data.objects["Cube"].location.x = 5.0
    settings()
    bpy.ops.ed.undo_push(message="before")
    generate()
    bpy.ops.ed.undo()
    assert "ellipsoids_0003" not in bpy.data.objects and "ellipsoids_0003" not in bpy.data.meshes
    assert bpy.data.objects["Cube"].location.x == 5.0
    bpy.ops.ed.redo()
    assert "ellipsoids_0003" in bpy.data.objects


@in_blender
def test_several_objects_stand_in_a_grid_with_seeds_upwards_as_one_undo_step():
    bpy = blender()
    bpy.context.scene.cursor.location = (1.0, 2.0, 0.5)
    chosen = settings(seed=20)
    chosen.count, chosen.size = 5, 2.0
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.gen3d.generate() == {"FINISHED"}
    made = [bpy.data.objects[f"ellipsoids_{seed:04d}"] for seed in range(20, 25)]
    assert [each["gen3d"]["seed"] for each in made] == [20, 21, 22, 23, 24]
    assert set(bpy.context.selected_objects) == set(made)
    places = np.array([each.location for each in made])
    assert np.allclose(places[0], (1.0, 2.0, 0.5)) and np.allclose(places[:, 2], 0.5)
    assert np.allclose(places[1] - places[0], (2.6, 0, 0)) and np.allclose(places[3] - places[0], (0, 2.6, 0))
    for each in made:
        assert abs(max(each.dimensions) - 2.0) < 1e-4 and each["gen3d"]["size"] == 2.0
        assert tuple(each.scale) == (1.0, 1.0, 1.0)
    bpy.ops.ed.undo()
    assert not [each for each in bpy.data.objects if each.name.startswith("ellipsoids")]


@in_blender
def test_appearance_seed_and_variety_are_the_ones_chosen():
    settings(seed=3)
    plain = generate()
    chosen = settings(seed=3)
    chosen.own_look, chosen.appearance_seed, chosen.own_variety, chosen.variety = True, 9, True, 0.5
    dressed = generate()
    assert list(dressed["gen3d"]["shape_code"]) == list(plain["gen3d"]["shape_code"])
    assert list(dressed["gen3d"]["appearance_code"]) != list(plain["gen3d"]["appearance_code"])
    assert (plain["gen3d"]["truncation"], dressed["gen3d"]["truncation"]) == (1.0, 0.5)
    settings(seed=9).own_look = False
    assert list(dressed["gen3d"]["appearance_code"]) == list(generate()["gen3d"]["appearance_code"])


@in_blender
def test_the_dice_rolls_one_seed_and_leaves_the_other():
    bpy = blender()
    chosen = settings(seed=3)
    for which, other in (("seed", "appearance_seed"), ("appearance_seed", "seed")):
        kept, seen = getattr(chosen, other), set()
        for _ in range(3):
            assert bpy.ops.gen3d.dice(which=which) == {"FINISHED"}
            seen.add(getattr(chosen, which))
        assert len(seen) > 1 and getattr(chosen, other) == kept


@in_blender
def test_the_same_seed_gives_the_same_mesh_and_another_seed_another():
    settings(seed=8)
    one, two = generate(), generate()
    settings(seed=9)
    three = generate()
    assert two.name == "ellipsoids_0008.001"
    assert np.array_equal(positions(one), positions(two))
    assert positions(one).shape != positions(three).shape or not np.array_equal(positions(one), positions(three))


@pytest.mark.own_blender
@in_blender
def test_the_worker_uses_the_wheels_of_the_extension_and_nothing_heavy_is_loaded_in_blender():
    settings()
    job = submit("ellipsoids", 0, 32)
    wait_until(job.poll, "the job ends")
    wheels = addon("compat").wheels_folder()
    assert ".local" in wheels.parts
    assert Path(job.result.info.model.file).is_relative_to(wheels)
    loaded = {name.split(".")[0] for name in sys.modules}
    assert not loaded & {"onnxruntime", "skimage", "torch", "scipy"}
    maps = Path(f"/proc/{addon('queue.service').service.client.pid}/maps")
    if maps.exists():
        files = {line.split()[-1] for line in maps.read_text().splitlines()}
        libraries = [file for file in files if "onnxruntime" in file]
        assert libraries
        assert [library for library in libraries if not Path(library).is_relative_to(wheels)] == []


@in_blender
def test_generate_waits_for_object_mode():
    bpy = blender()
    settings()
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    bpy.ops.object.mode_set(mode="EDIT")
    with pytest.raises(RuntimeError, match="Object Mode"):
        bpy.ops.gen3d.generate()
    bpy.ops.object.mode_set(mode="OBJECT")
    generate()
