# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What objects are worth afterwards: saved, exported, and presets. Inside Blender: see `in_blender`."""

import tempfile
from pathlib import Path

import numpy as np
import pytest

from tests.addon.harness import (
    addon,
    blender,
    in_blender,
    make,
    select,
    settings,
)
from tests.addon.measures import (
    colours_at,
    generated_objects,
)

# ---- files


@in_blender
def test_a_reopened_file_goes_on_where_it_was():
    bpy = blender()
    made = make(5, resolution=24)
    made.location.x = 3.0
    path = str(Path(tempfile.mkdtemp(), "kept.blend"))
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile()
    bpy.ops.wm.open_mainfile(filepath=path)
    chosen = bpy.context.scene.gen3d
    assert (chosen.model, chosen.seed, chosen.resolution) == ("ellipsoids", 5, 24)
    (made,) = generated_objects()
    select(made)
    before, chosen.resolution = len(made.data.polygons), 48
    assert bpy.ops.gen3d.regenerate() == {"FINISHED"}
    assert len(made.data.polygons) > 2 * before and made.location.x == 3.0


@pytest.mark.own_blender
@in_blender
def test_without_the_addon_a_reopened_file_renders_in_colour():
    bpy = blender()
    make(5)
    folder = Path(tempfile.mkdtemp())
    camera = bpy.data.objects["Camera"]
    bpy.data.objects.remove(bpy.data.objects["Cube"])
    camera.location, camera.rotation_euler = (0, -3, 0.5), (np.pi / 2, 0, 0)
    bpy.ops.wm.save_as_mainfile(filepath=str(folder / "kept.blend"))
    bpy.ops.preferences.addon_disable(module=addon("compat").ADDON)
    bpy.ops.wm.open_mainfile(filepath=str(folder / "kept.blend"))
    assert not hasattr(bpy.types.Scene, "gen3d")
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 4, "CPU"
    scene.render.resolution_x = scene.render.resolution_y = 32
    scene.render.filepath, scene.view_settings.view_transform = str(folder / "seen.png"), "Standard"
    scene.render.film_transparent = True
    bpy.ops.render.render(write_still=True)
    picture = bpy.data.images.load(str(folder / "seen.png"))
    pixels = np.array(picture.pixels[:]).reshape(32, 32, 4)
    covered = pixels[pixels[..., 3] > 0.9][:, :3]
    assert len(covered) > 100 and np.ptp(covered, axis=1).max() > 0.1, "it is there, and not grey"


@in_blender
def test_exported_files_carry_shape_and_colours():
    bpy = blender()
    make(5, resolution=20)
    folder = Path(tempfile.mkdtemp())
    made = generated_objects()[0]
    points, colours = colours_at(made)
    new_fbx = hasattr(bpy.ops.wm, "fbx_import") and "fbx_import" in dir(bpy.ops.wm)
    for suffix, write, read in (
        ("glb", bpy.ops.export_scene.gltf, bpy.ops.import_scene.gltf),
        ("fbx", bpy.ops.export_scene.fbx, bpy.ops.wm.fbx_import if new_fbx else bpy.ops.import_scene.fbx),
        ("obj", bpy.ops.wm.obj_export, bpy.ops.wm.obj_import),
        ("usdc", bpy.ops.wm.usd_export, bpy.ops.wm.usd_import),
    ):
        path = str(folder / f"out.{suffix}")
        select(generated_objects()[0])
        only = {"use_selection": True} if suffix in ("glb", "fbx") else {"export_selected_objects": True}
        if suffix == "usdc":
            only = {"selected_objects_only": True}
        if suffix == "obj":
            only["export_colors"] = True
        assert write(filepath=path, **only) == {"FINISHED"}, suffix
        before = set(bpy.data.objects)
        assert read(filepath=path) == {"FINISHED"}, suffix
        bpy.context.view_layer.update()
        (back,) = (each for each in set(bpy.data.objects) - before if each.type == "MESH")
        found, seen = colours_at(back)
        nearest = np.linalg.norm(found[:, None] - points[None], axis=2).argmin(axis=1)
        assert np.abs(points[nearest] - found).max() < 1e-3, suffix
        assert np.abs(colours[nearest] - seen).max() < 0.02, suffix
        bpy.data.objects.remove(back)


@in_blender
def test_presets_keep_how_objects_are_made():
    bpy = blender()
    chosen = settings(seed=4, resolution=48)
    chosen.count, chosen.size, chosen.strength = 3, 2.5, 0.7
    assert bpy.ops.gen3d.preset_add(name="Big ones") == {"FINISHED"}
    (path,) = bpy.utils.preset_paths("gen3d")
    file = Path(path, "Big_ones.py")
    assert file.is_file()
    chosen.count, chosen.size, chosen.strength, chosen.seed, chosen.resolution = 1, 1.0, 0.3, 5, 64
    bpy.ops.script.execute_preset(filepath=str(file), menu_idname="GEN3D_MT_presets")
    assert (chosen.count, chosen.size, chosen.resolution, chosen.seed) == (3, 2.5, 48, 5)
    assert abs(chosen.strength - 0.7) < 1e-6
    assert bpy.ops.gen3d.preset_add(name="Big ones", remove_active=True) == {"FINISHED"}
    assert not file.exists()
