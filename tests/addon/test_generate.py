# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate in the background: what appears in the scene, and where. Inside: see `in_blender`.

The model `ellipsoids` has a closed form, so that place, axes, size and colour of its meshes can be computed from the
codes that the object remembers.
"""

import json
import struct
import sys
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.addon.harness import addon, blender, in_blender, settings, submit, wait_until


def generate(*undo: Any) -> Any:
    """Run the operator as a script does. Returns the new object."""
    bpy = blender()
    before = set(bpy.data.objects)
    assert bpy.ops.gen3d.generate(*undo) == {"FINISHED"}
    (made,) = set(bpy.data.objects) - before
    return made


def positions(placed: Any) -> np.ndarray:
    values = np.empty(3 * len(placed.data.vertices), np.float32)
    placed.data.vertices.foreach_get("co", values)
    return values.reshape(-1, 3)


def linear_colours(placed: Any, name: str) -> np.ndarray:
    """Linear colour (C, 4) of every corner."""
    colours = np.empty(4 * len(placed.data.loops), np.float32)
    placed.data.color_attributes[name].data.foreach_get("color", colours)
    return colours.reshape(-1, 4)


def corner_colours(placed: Any) -> tuple[np.ndarray, np.ndarray]:
    """Vertex index (C,) and sRGB colour (C, 4) of every corner."""
    mesh = placed.data
    corners, colours = np.empty(len(mesh.loops), np.int32), np.empty(4 * len(mesh.loops), np.float32)
    mesh.loops.foreach_get("vertex_index", corners)
    mesh.color_attributes["Colour"].data.foreach_get("color_srgb", colours)
    return corners, colours.reshape(-1, 4)


@in_blender
def test_the_object_is_where_it_should_be():
    bpy = blender()
    inner = bpy.data.collections.new("Inner")
    bpy.context.scene.collection.children.link(inner)
    layers = bpy.context.view_layer.layer_collection.children
    bpy.context.view_layer.active_layer_collection = layers["Inner"]
    bpy.context.scene.cursor.location = (1.0, -2.0, 3.0)
    settings(seed=12)
    made = generate()
    assert tuple(made.location) == (1.0, -2.0, 3.0)
    assert [collection.name for collection in made.users_collection] == ["Inner"]
    assert made.name == made.data.name == "ellipsoids_0012"
    assert bpy.context.view_layer.objects.active == made
    assert bpy.context.selected_objects == [made]


@in_blender
def test_shape_axes_and_colours_follow_the_codes():
    """Back from Blender's axes to the model's own, every vertex lies on the ellipsoid and has its colour."""
    settings(seed=5, resolution=64)
    made = generate()
    record = made["gen3d"]
    half = 0.5 + 0.15 * np.tanh(np.array(record["shape_code"])[:3])
    appearance = np.array(record["appearance_code"])
    points = positions(made).astype(np.float64)
    assert abs(points[:, 2].min()) < 1e-6
    assert abs(np.ptp(points, axis=0).max() - 1.0) < 1e-5
    # Blender's front is -Y, the model's +X: its x is Blender's -y, its y is Blender's x.
    canonical = (
        np.stack((-points[:, 1], points[:, 0], points[:, 2] - np.ptp(points[:, 2]) / 2), axis=1) * 2 * half.max()
    )
    radius = np.linalg.norm(canonical / half, axis=1)
    assert abs(radius - 1.0).max() < 0.02, abs(radius - 1.0).max()
    corners, colours = corner_colours(made)
    expected = 1.0 / (1.0 + np.exp(-(appearance + 2.0 * canonical[corners])))
    assert abs(colours[:, :3] - expected).max() < 0.02, abs(colours[:, :3] - expected).max()
    assert (colours[:, 3] == 1.0).all()


@in_blender
def test_the_mesh_is_closed_smooth_and_winds_outward():
    import bmesh

    settings()
    made = generate()
    assert all(polygon.use_smooth for polygon in made.data.polygons)
    assert not made.data.validate()
    shape = bmesh.new()
    shape.from_mesh(made.data)
    assert all(len(edge.link_faces) == 2 for edge in shape.edges)
    assert shape.calc_volume(signed=True) > 0.1


@in_blender
def test_the_material_shows_the_colours_and_is_shared():
    bpy = blender()
    settings()
    one, two = generate(), generate()
    (material,) = one.data.materials
    assert material.name == "Gen3D colour" and list(two.data.materials) == [material]
    (surface,) = (node for node in material.node_tree.nodes if node.type == "BSDF_PRINCIPLED")
    (link,) = surface.inputs["Base Color"].links
    assert link.from_node.layer_name == "Colour"
    attribute = one.data.color_attributes.active_color
    assert (attribute.name, attribute.data_type, attribute.domain) == ("Colour", "BYTE_COLOR", "CORNER")
    assert one.data.color_attributes.render_color_index == 0
    # Blender's own renderer is the judge: the diffuse colour of the surface, baked into another attribute, is the
    # same, but for the 3 % of light that the surface's gloss takes.
    baked = one.data.color_attributes.new("Baked", "FLOAT_COLOR", "CORNER")
    one.data.color_attributes.active_color = baked
    bpy.ops.object.select_all(action="DESELECT")
    one.select_set(True)
    bpy.context.view_layer.objects.active = one
    bpy.context.scene.render.engine = "CYCLES"
    bpy.context.scene.cycles.samples = 1
    bpy.ops.object.bake(type="DIFFUSE", pass_filter={"COLOR"}, target="VERTEX_COLORS")
    ratio = (linear_colours(one, "Baked") / linear_colours(one, "Colour"))[:, :3]
    assert 0.96 < ratio.min() <= ratio.max() < 0.98, (ratio.min(), ratio.max())


@in_blender
def test_an_exported_glb_carries_the_colours():
    bpy = blender()
    settings()
    generate()
    path = Path(tempfile.mkdtemp(), "out.glb")
    bpy.ops.export_scene.gltf(filepath=str(path), use_selection=True)
    data = path.read_bytes()
    (length,) = struct.unpack_from("<I", data, 12)
    (mesh,) = json.loads(data[20 : 20 + length])["meshes"]
    assert "COLOR_0" in mesh["primitives"][0]["attributes"]


@pytest.mark.own_blender
@in_blender
def test_the_object_remembers_what_made_it_without_the_addon():
    bpy = blender()
    settings(seed=42, resolution=24)
    generate()
    path = str(Path(tempfile.mkdtemp(), "kept.blend"))
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.preferences.addon_disable(module=addon("compat").ADDON)
    bpy.ops.wm.open_mainfile(filepath=path)
    record = bpy.data.objects["ellipsoids_0042"]["gen3d"].to_dict()
    assert record.pop("positions") == {}
    codes = {key: len(record.pop(key)) for key in ("shape_code", "appearance_code")}
    assert codes == {"shape_code": 4, "appearance_code": 3}
    assert len(record.pop("model_hash")) == 64 and record.pop("version")
    assert record == {
        "format_version": 1, "model": "ellipsoids", "seed": 42, "resolution": 24, "truncation": 1.0,
        "floaters": 1.0, "size": 1.0,
    }  # fmt: skip


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
def test_models_of_the_users_folder_and_opened_files_are_offered():
    import shutil

    bpy = blender()
    folder = Path(tempfile.mkdtemp())
    shipped = addon("compat").wheels_folder() / "gen3d_core" / "models"
    for name in ("mine", "other"):
        shutil.copy(shipped / "ellipsoids.gen3d", folder / f"{name}.gen3d")
    chosen = settings()
    addon("ui.preferences").preferences().models_folder = str(folder)
    catalogue = addon("queue.service").catalogue
    catalogue.look_again()
    keys = [item[0] for item in catalogue.items()]
    assert keys[-2:] == [str(folder / "mine.gen3d"), str(folder / "other.gen3d")] and "ellipsoids" in keys
    chosen.model = keys[-2]
    assert generate().name == "mine_0003"

    apart = Path(tempfile.mkdtemp(), "apart.gen3d")
    with pytest.raises(RuntimeError, match="not a .gen3d file"):
        bpy.ops.gen3d.open_model(filepath=str(apart))
    shutil.copy(shipped / "ellipsoids.gen3d", apart)
    assert bpy.ops.gen3d.open_model(filepath=str(apart)) == {"FINISHED"}
    assert chosen.model == str(apart) and generate().name == "apart_0003"
    apart.unlink()
    catalogue.look_again()
    assert chosen.model == "" and chosen.model_key == str(apart)
    with pytest.raises(RuntimeError, match="not there"):
        bpy.ops.gen3d.generate()


@pytest.mark.own_blender
@in_blender
def test_the_worker_tells_what_the_models_hold():
    desk = addon("queue.service")
    assert desk.catalogue.has_news
    desk.learn()
    assert not desk.catalogue.has_news
    chairs, broken = desk.catalogue.entry("chairs"), desk.catalogue.entry("broken")
    assert {"bulk", "lightness", "warmth"} < {slider.name for slider in chairs.sliders} and chairs.truncation == 0.8
    assert "CC0" in chairs.about and not chairs.error and "damaged" in broken.error
    kept = Path(blender().utils.extension_path_user(addon("compat").ADDON, path="previews"))
    assert len(list(kept.glob("preview-*.png"))) == 3, "of the three models that have one"


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
