"""What of a model is drawn, and how large: as it stands where its animation begins, without what its file hides."""

import json
import logging
import os
import subprocess
from pathlib import Path

import numpy as np
import pytest
import trimesh
from scipy.spatial import ConvexHull

from tests.training.render.gltf import Gltf
from tests.training.render.test_render import needs_blender, project, two_boxes, y_up
from training.data.dataset import PictureDataset, load_dataset
from training.data.staging import DatasetError
from training.render.blender_farm import blender_command
from training.render.dataset import render

SIZE = 32
BLENDER_FILES = """
import bpy, os, sys
folder = os.environ["GEN3D_TEST_FOLDER"]
bpy.ops.wm.read_factory_settings(use_empty=True)
def box(name, size, place=(0, 0, 0)):
    bpy.ops.mesh.primitive_cube_add(size=1, location=place)
    item = bpy.context.object
    item.name, item.scale = name, size
    return item
item = box("body", (0.5, 1, 0.25))  # Blender's front is -Y
helper = box("helper", (9, 9, 9), (20, 0, 0))
helper.hide_viewport = True
bpy.ops.export_scene.fbx(filepath=os.path.join(folder, "hidden.fbx"))
bpy.data.objects.remove(helper)
for frame, place in ((1, (5, 0, 0)), (25, (6, 0, 0)), (49, (5, 0, 0))):
    item.location = place
    item.keyframe_insert("location", frame=frame)
bpy.ops.export_scene.fbx(filepath=os.path.join(folder, "animated.fbx"))
sys.stdout.flush()
os._exit(0)
"""


def box() -> trimesh.Trimesh:
    """Two long to the front, one wide, half a unit high, as glTF holds it: Y up, front +Z."""
    return y_up(trimesh.creation.box((2, 1, 0.5)))


def red(gltf: Gltf) -> int:
    return gltf.add("materials", {"pbrMetallicRoughness": {"baseColorFactor": [1, 0, 0, 1], "metallicFactor": 0}})


def write_boxes(folder: Path) -> None:
    """The same box in many ways."""
    for path, values in (
        ("translation", [[5, 0, 0], [6, 0, 0], [5, 0, 0]]),
        ("scale", [[0.2] * 3, [1.0] * 3, [0.2] * 3]),
        ("rotation", [[0, 0, 0, 1], [0, 0.7071, 0, 0.7071], [0, 0, 0, 1]]),
    ):
        gltf = Gltf()
        gltf.animate(gltf.node(mesh=gltf.mesh(box(), red(gltf)), name="body"), path, values)
        gltf.save(folder / f"{path}.glb")
    gltf = Gltf()
    joints = gltf.accessor(np.zeros((8, 4), np.uint8), "VEC4")
    weights = gltf.accessor(np.tile(np.array([1, 0, 0, 0], np.float32), (8, 1)), "VEC4")
    small = box()
    small.apply_scale(0.1)
    skinned = gltf.mesh(small, red(gltf), JOINTS_0=joints, WEIGHTS_0=weights)
    bone = gltf.node(name="hip")
    inverse = gltf.accessor(np.eye(4, dtype=np.float32), "MAT4")
    gltf.node(mesh=skinned, skin=gltf.add("skins", {"joints": [bone], "inverseBindMatrices": inverse}))
    gltf.save(folder / "skinned.glb")
    gltf = Gltf()
    gltf.node(mesh=gltf.mesh(box(), red(gltf)), name="body")
    gltf.json["scenes"].append({"nodes": []})
    gltf.node(scene=1, mesh=gltf.mesh(box()), name="other", translation=[9, 0, 0])
    gltf.save(folder / "second_scene.glb")
    gltf = Gltf()
    halves = [trimesh.creation.box((0.5, 0.5, 2)), trimesh.creation.box((0.5, 0.5, 2))]
    parts = [gltf.node(scene=None, mesh=gltf.mesh(half), translation=[x, 0, 0.0])
             for half, x in zip(halves, (-0.25, 0.25), strict=True)]  # fmt: skip
    gltf.node(children=parts, translation=[5e5, -3e5, 1e5])
    gltf.save(folder / "far.glb")
    near = y_up(two_boxes())
    (folder / "far.obj").write_text(
        "".join(f"v {500123.5 + x:.4f} {y:.4f} {4649776.25 + z:.4f}\n" for x, y, z in near.vertices)
        + "".join(f"f {a + 1} {b + 1} {c + 1}\n" for a, b, c in near.faces)
    )
    gltf = Gltf()
    clear = gltf.add("materials", {"alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0]}})
    gltf.node(mesh=gltf.mesh(box(), red(gltf)))
    gltf.node(mesh=gltf.mesh(box(), clear), translation=[9, 0, 0])
    gltf.save(folder / "clear_part.glb")
    gltf = Gltf()
    unseen = {"KHR_node_visibility": {"visible": False}}
    gltf.json |= {"extensionsUsed": list(unseen), "extensionsRequired": list(unseen)}
    gltf.node(mesh=gltf.mesh(box(), red(gltf)))
    below = gltf.node(scene=None, mesh=gltf.mesh(box()), translation=[9, 0, 0])
    gltf.node(mesh=gltf.mesh(box()), translation=[0, 9, 0], children=[below], extensions=unseen)
    gltf.save(folder / "invisible.glb")
    (folder / "its data.bin").write_bytes(gltf.data)
    gltf.json["buffers"] = [{"byteLength": len(gltf.data), "uri": "its%20data.bin"}]
    (folder / "invisible.gltf").write_text(json.dumps(gltf.json))
    script = folder / "write.py"
    script.write_text(BLENDER_FILES)
    environment = {**os.environ, "GEN3D_TEST_FOLDER": str(folder), "BLENDER_USER_RESOURCES": str(folder)}
    subprocess.run([*blender_command()[:-1], str(script)], env=environment, stdin=subprocess.DEVNULL,
                   capture_output=True, timeout=120, check=True)  # fmt: skip


@pytest.fixture(scope="module")
def boxes(tmp_path_factory: pytest.TempPathFactory) -> PictureDataset:
    source = tmp_path_factory.mktemp("models")
    write_boxes(source)
    out = tmp_path_factory.mktemp("out") / "dataset"
    render(str(source), out, views=3, size=SIZE, seed=2)
    return load_dataset(out)


@needs_blender
@pytest.mark.parametrize(
    "name",
    ["translation.glb", "scale.glb", "rotation.glb", "skinned.glb", "second_scene.glb", "far.glb", "far.obj",
     "clear_part.glb", "invisible.glb", "invisible.gltf", "hidden.fbx", "animated.fbx"],
)  # fmt: skip
def test_what_is_drawn_is_framed_and_nothing_else(boxes: PictureDataset, name: str) -> None:
    corners = np.array([(x, y, z) for x in (-1, 1) for y in (-0.5, 0.5) for z in (-0.25, 0.25)])
    corners *= 0.95 / np.linalg.norm(corners[0])
    rows = [row for row, model in enumerate(boxes.models) if model == name]
    assert len(rows) == 3 and boxes.azimuth is not None and boxes.elevation is not None
    for row in rows:
        expected = project(corners, boxes.azimuth[row], boxes.elevation[row], SIZE)
        down, across = np.nonzero(boxes.pictures[row][..., 3] > 0)
        seen = [across.min(), down.min(), across.max() + 1, down.max() + 1]
        assert np.abs(seen - np.concatenate([expected.min(0), expected.max(0)])).max() < 1.2
        area = ConvexHull(expected).volume
        assert boxes.pictures[row][..., 3].sum() / 255 == pytest.approx(area, rel=0.03)


@needs_blender
def test_parts_and_points_beside_which_the_rest_is_small_are_named_and_left_out_where_asked(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    gltf = Gltf()
    gltf.node(mesh=gltf.mesh(box()), name="body")
    plate = gltf.node(scene=None, mesh=gltf.mesh(trimesh.creation.box((80, 0.01, 80))), name="plate")
    gltf.node(children=[plate], name="Ground", translation=[0, -0.3, 0])
    gltf.save(source / "stage.glb")
    ball = trimesh.creation.icosphere(3)
    stray = trimesh.Trimesh([(900, 900, 900), (901, 900, 900), (900, 901, 900)], [(0, 1, 2)], process=False)
    trimesh.util.concatenate([ball, stray]).export(source / "stray.ply")
    with caplog.at_level(logging.WARNING):
        render(str(source), tmp_path / "whole", views=2, size=32)
    assert "1 of 2 models are small beside a part" in caplog.text and "stage.glb ('plate', 49 times)" in caplog.text
    assert "1 of 2 models are small, for a few of their points" in caplog.text and "stray.ply (" in caplog.text
    about = json.loads((tmp_path / "whole" / "dataset.json").read_text())
    assert len(about["remarks"]) == 2
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        render(str(source / "stage.glb"), tmp_path / "part", views=2, size=32, leave_out=["ground"])
    assert "small beside" not in caplog.text and "without the parts that --leave-out names" in caplog.text
    for image in load_dataset(tmp_path / "part").pictures:
        assert (image[..., 3] > 0).mean() > 0.08
    caplog.clear()
    with caplog.at_level(logging.WARNING):
        render(str(source / "stage.glb"), tmp_path / "other", views=2, size=32, leave_out=["grund"])
    assert "no model has a part that --leave-out names: grund" in caplog.text
    with pytest.raises(DatasetError, match="no surface but what --leave-out names"):
        render(str(source / "stage.glb"), tmp_path / "none", views=2, size=32, leave_out=["*"])


@needs_blender
def test_models_whose_shape_is_rounded_far_from_the_origin_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for name, place in (("near", 20.0), ("far", 5e5)):
        ball = trimesh.creation.icosphere(3)
        ball.apply_translation([place, 0, 0])
        ball.export(source / f"{name}.stl")  # binary: 32 bits
    with caplog.at_level(logging.WARNING):
        render(str(source), tmp_path / "out", views=2, size=32)
    assert "1 of 2 models lie so far from their origin" in caplog.text and "far.stl (in steps of 1/32 of" in caplog.text


@needs_blender
def test_pictures_in_which_nothing_is_seen_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = tmp_path / "in"
    source.mkdir()
    y_up(two_boxes()).export(source / "good.glb")
    gltf = Gltf()
    clear = gltf.add("materials", {"alphaMode": "BLEND", "pbrMetallicRoughness": {"baseColorFactor": [1, 1, 1, 0]}})
    gltf.node(mesh=gltf.mesh(box(), clear))
    gltf.save(source / "clear.glb")
    line = trimesh.Trimesh([(0, 0, 0), (1e-9, 0, 0), (0, 0, 1)], [(0, 1, 2)], process=False)
    line.export(source / "line.ply")
    with caplog.at_level(logging.WARNING):
        render(str(source), tmp_path / "out", views=3, size=32)
    data = load_dataset(tmp_path / "out")
    assert set(data.models) == {"good.glb"} and len(data.pictures) == 3 and data.skipped == ()
    about = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert set(about["skipped_models"]) == {"clear.glb", "line.ply"} and about["pictures"] == 3
    assert "left out 3 of 6 pictures in which nothing is seen, of line.ply" in caplog.text
    assert len(list((tmp_path / "out" / "images").iterdir())) == 3


@needs_blender
def test_models_of_one_name_stay_two_and_the_broken_third_loses_nobodys_licence(tmp_path: Path) -> None:
    source = tmp_path / "in"
    for name in "abc":
        (source / name).mkdir(parents=True)
        y_up(two_boxes()).export(source / name / "model.obj")
    (source / "c" / "model.obj").write_text("not a mesh")
    entries = [{"file": f"{name}/model.obj", "licence": f"CC-{name}", "author": name} for name in "abc"]
    (source / "manifest.json").write_text(json.dumps(entries))
    render(str(source), tmp_path / "out", views=2, size=16)
    data = load_dataset(tmp_path / "out")
    assert data.models == ("a/model.obj",) * 2 + ("b/model.obj",) * 2
    assert data.licence == "CC-a, CC-b" and data.attribution == ("a, CC-a: a/model", "b, CC-b: b/model")
    about = json.loads((tmp_path / "out" / "dataset.json").read_text())
    assert set(about["skipped_models"]) == {"c/model.obj"}
