# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What objects are worth afterwards: redone, undone, saved, textured, exported. Inside Blender: see `in_blender`."""

import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.addon.harness import addon, blender, in_blender, make, select, settings, submit, wait_until


def generated() -> list[Any]:
    return sorted((each for each in blender().data.objects if "gen3d" in each), key=lambda each: each.name)


def evaluated(placed: Any) -> Any:
    """The mesh with its modifiers applied."""
    return placed.evaluated_get(blender().context.evaluated_depsgraph_get()).data


def colours_at(placed: Any) -> tuple[np.ndarray, np.ndarray]:
    """World positions (N, 3) and sRGB colours (N, 3), of corners or of vertices, as the colours are kept."""
    mesh, attribute = placed.data, placed.data.color_attributes[0]
    points = np.array([placed.matrix_world @ vertex.co for vertex in mesh.vertices])
    if attribute.domain == "CORNER":
        points = points[[loop.vertex_index for loop in mesh.loops]]
    return points, np.array([each.color_srgb[:3] for each in attribute.data])


# ---- the redo panel


def redo(**changed: Any) -> list[Any]:
    """What F9 does: one step back, and the operator once more."""
    bpy = blender()
    bpy.ops.ed.undo()
    assert bpy.ops.gen3d.place("EXEC_DEFAULT", True, **changed) == {"FINISHED"}
    return generated()


@in_blender
def test_the_redo_panel_places_the_same_meshes_again_as_it_says():
    bpy = blender()
    bpy.context.scene.cursor.location = (1.0, 2.0, 0.0)
    chosen = settings(seed=20)
    chosen.count = 2
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.gen3d.generate() == {"FINISHED"}
    addon("scene.placing").shelf.batch = kept = addon("scene.placing").Batch("Generate")
    kept.settled = True  # what a window does; a script's objects are not kept
    places = addon("scene.objects").Placement.here(bpy.context).grid(2, 1.0)
    for each, where in zip(generated(), places, strict=True):
        kept.arrivals.append(addon("scene.placing").Arrival(made_again(each), where, each.name, 1.0))
    plain = [len(each.data.polygons) for each in generated()]
    colour = np.concatenate([colours_at(each)[1] for each in generated()]).mean(axis=0)

    scaled = redo(scale=2.0, turn=0.5)
    assert [each.name for each in scaled] == ["ellipsoids_0020", "ellipsoids_0021"]
    assert [each["gen3d"]["seed"] for each in scaled] == [20, 21]
    for each, x in zip(scaled, (1.0, 3.6), strict=True):
        assert np.allclose(each.location, (x, 2.0, 0.0)) and abs(each.rotation_euler.z - 0.5) < 1e-6
        assert abs(np.ptp([v.co for v in each.data.vertices], axis=0).max() - 2.0) < 1e-4
        assert each["gen3d"]["size"] == 2.0 and tuple(each.scale) == (1.0, 1.0, 1.0)

    fewer = redo(faces=0.25, smoothing=3)
    for each, before in zip(fewer, plain, strict=True):
        assert [modifier.type for modifier in each.modifiers] == ["DECIMATE", "SMOOTH"]
        assert len(each.data.polygons) == before
        assert abs(len(evaluated(each).polygons) / before - 0.25) < 0.03
        assert "Colour" in evaluated(each).color_attributes

    for share in (1.0, 0.25):
        quads = redo(quads=True, faces=share)
        for each, before in zip(quads, plain, strict=True):
            assert {len(polygon.vertices) for polygon in each.data.polygons} == {4}
            assert 0.6 < len(each.data.polygons) / (before / 2 * share) < 1.7
            assert each.data.materials[0].name == "Gen3D colour" and all(p.use_smooth for p in each.data.polygons)
        seen = np.concatenate([colours_at(each)[1] for each in quads]).mean(axis=0)
        assert np.abs(seen - colour).max() < 0.05, (seen, colour)
    bpy.ops.ed.undo()
    assert not generated()


def made_again(placed: Any) -> Any:
    """The worker's mesh of an object."""
    held = placed["gen3d"]
    job = submit(held["model"], held["seed"], held["resolution"])
    wait_until(job.poll, "the mesh comes")
    return job.result


# ---- what objects remember


@in_blender
def test_what_objects_remember_keeps_its_keys_and_values() -> None:
    """Saved files hold this, and so do scripts that read it: a key is never renamed."""
    from gen3d_core import protocol

    summary = protocol.ObjectSummary([0.5, -1.0], [2.0], {"bulk": 0.25}, 96, 1.0, 8, 12)
    made_by = (protocol.ModelIdentity("eggs", "/a/eggs.gen3d", "0f", "eggs"), "1.2", 0.8)
    record = addon("scene.objects").record
    expected = {
        "format_version": 1, "size": 2.0, "model": "eggs", "model_hash": "0f", "seed": 7, "shape_code": [0.5, -1.0],
        "appearance_code": [2.0], "positions": {"bulk": 0.25}, "truncation": 0.8, "resolution": 96, "floaters": 1.0,
        "version": "1.2",
    }  # fmt: skip
    assert list(record(protocol.MeshResult(1, "a.npz", *made_by, summary, 7), 2.0).items()) == list(expected.items())
    encoded = protocol.EncodedResult(1, "a.npz", *made_by, summary, 0.9, True, [protocol.Camera(0.1, 0.2, 0.9)])
    del expected["seed"]
    assert list(record(encoded, 2.0).items()) == list(expected.items())

    made = make(3)["gen3d"].to_dict()
    assert {key: type(value) for key, value in made.items()} == {
        "format_version": int, "size": float, "model": str, "model_hash": str, "seed": int, "shape_code": list,
        "appearance_code": list, "positions": dict, "truncation": float, "resolution": int, "floaters": float,
        "version": str,
    }  # fmt: skip


# ---- undo and redo of everything


def everything() -> Any:
    """What undo has to bring back."""
    bpy = blender()
    objects = {
        each.name: (
            *(each.type, len(each.data.polygons) if each.type == "MESH" else 0, each.asset_data is not None),
            tuple(slot.name for slot in each.material_slots),
            tuple(each["gen3d"]["shape_code"]) if "gen3d" in each else (),
        )
        for each in bpy.data.objects
    }
    chosen = bpy.context.scene.gen3d
    return objects, chosen.seed, [each.name for each in chosen.favourites]


@in_blender
def test_each_operator_is_one_undo_step_and_redo_works():
    bpy = blender()
    a, b = make(1, resolution=16), make(2, resolution=16)
    chosen = bpy.context.scene.gen3d
    chosen.variations = 2
    text = addon("scene.codes_text").to_text(a["gen3d"])
    names, act = (a.name, b.name), bpy.ops.gen3d
    as_user = ("EXEC_DEFAULT", True)

    def regenerate() -> Any:
        bpy.context.scene.gen3d.resolution = 24
        bpy.ops.ed.undo_push(message="resolution")
        return act.regenerate(*as_user)

    for name, call in {
        "generate": lambda: act.generate(*as_user),
        "vary": lambda: act.vary(*as_user),
        "mix": lambda: act.mix(*as_user),
        "breed": lambda: act.breed(*as_user),
        "pick": lambda: act.pick(*as_user, seed=9),
        "paste_codes": lambda: act.paste_codes(*as_user, text=text),
        "favourite": lambda: act.favourite(*as_user),
        "dice": lambda: act.dice(*as_user, which="seed"),
        "mark_asset": lambda: act.mark_asset(*as_user),
        "bake_texture": lambda: act.bake_texture(*as_user, pixels=64),
        "regenerate": regenerate,
    }.items():
        select(*(bpy.data.objects[each] for each in names))
        bpy.context.scene.gen3d.seed = 9  # what pick sets, so that it is no change of its own
        bpy.ops.ed.undo_push(message="before")
        before = everything()
        assert call() == {"FINISHED"}, name
        after = everything()
        assert after != before, name
        bpy.ops.ed.undo()
        assert everything() == before, name
        bpy.ops.ed.redo()
        assert everything() == after, name
        bpy.ops.ed.undo()


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
    (made,) = generated()
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
def test_a_baked_texture_holds_the_colours_and_goes_with_the_next_mesh():
    bpy = blender()
    made, other = make(5, resolution=48), make(6, resolution=16)
    own = bpy.data.materials.new("Own")
    made.data.materials.append(own)
    select(made)
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples = "BLENDER_WORKBENCH", 77
    assert bpy.ops.gen3d.bake_texture(pixels=256) == {"FINISHED"}
    assert (scene.render.engine, scene.cycles.samples) == ("BLENDER_WORKBENCH", 77)
    assert [each.name for each in made.data.materials] == ["ellipsoids_0005 texture", "Own"]
    assert [each.name for each in other.data.materials] == ["Gen3D colour"]
    (image,) = (node.image for node in made.data.materials[0].node_tree.nodes if node.type == "TEX_IMAGE")
    assert image.packed_file is not None and tuple(image.size) == (256, 256)
    # Each corner's colour is found in the picture where its UVs say.
    pixels = np.array(image.pixels[:]).reshape(256, 256, 4)
    uv = np.array([each.uv for each in made.data.uv_layers.active.data])
    column, row = np.clip((uv * 256).astype(int), 0, 255).T
    _, expected = colours_at(made)
    assert np.median(np.abs(pixels[row, column, :3] - expected)) < 0.01
    assert np.quantile(np.abs(pixels[row, column, :3] - expected), 0.95) < 0.06
    # Again: the same material's place, no second one beside it.
    assert bpy.ops.gen3d.bake_texture(pixels=64) == {"FINISHED"}
    assert len(made.data.materials) == 2 and "gen3d_texture" in made.data.materials[0]
    assert bpy.ops.gen3d.regenerate() == {"FINISHED"}
    assert [each.name for each in made.data.materials] == ["Gen3D colour", "Own"]
    made.data.color_attributes.remove(made.data.color_attributes["Colour"])
    with pytest.raises(RuntimeError, match="lost its colours"):
        bpy.ops.gen3d.bake_texture(pixels=64)


@in_blender
def test_exported_files_carry_shape_and_colours():
    bpy = blender()
    make(5, resolution=20)
    folder = Path(tempfile.mkdtemp())
    made = generated()[0]
    points, colours = colours_at(made)
    new_fbx = hasattr(bpy.ops.wm, "fbx_import") and "fbx_import" in dir(bpy.ops.wm)
    for suffix, write, read in (
        ("glb", bpy.ops.export_scene.gltf, bpy.ops.import_scene.gltf),
        ("fbx", bpy.ops.export_scene.fbx, bpy.ops.wm.fbx_import if new_fbx else bpy.ops.import_scene.fbx),
        ("obj", bpy.ops.wm.obj_export, bpy.ops.wm.obj_import),
        ("usdc", bpy.ops.wm.usd_export, bpy.ops.wm.usd_import),
    ):
        path = str(folder / f"out.{suffix}")
        select(generated()[0])
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
