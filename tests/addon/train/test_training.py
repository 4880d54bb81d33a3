# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From a collection to a model in the list, by a process of its own. Inside Blender: see `in_blender`."""

import os
import sys
import tempfile
from pathlib import Path
from typing import Any

import pytest

from tests.addon.harness import addon, blender, in_blender, wait_until
from tests.addon.measures import kill

TRAINER = "GEN3D_TEST_TRAINER"  # the Python that runs the tests: it has gen3d with its extra train
os.environ.setdefault(TRAINER, sys.executable)
pytestmark = [pytest.mark.slow, pytest.mark.own_blender]  # trainings, each with a folder of its own

TINY = [
    *("--generator.synthesis-channels", "8", "8", "8", "--generator.plane-channels", "4", "--generator.hidden", "8"),
    *("--generator.mapping-width", "8", "--patch.size", "16", "--discriminator.channels", "4", "8"),
    *("--renderer.lattice", "12", "--renderer.march-steps", "12", "--optim.batch", "4", "--threads", "1"),
    *("--snapshot-kimg", "0.2"),
]


def training() -> Any:
    return addon("train.training")


def name_python(path: str) -> None:
    addon("compat").preferences().python = path


def export(collection: Any, folder: Path) -> Any:
    return addon("train.meshes").export_meshes(collection, folder, blender().context)


def meshes() -> Path:
    """A folder for a training, with the meshes of the scene's collection."""
    bpy = blender()
    bpy.ops.mesh.primitive_uv_sphere_add(segments=8, ring_count=6)
    folder = Path(bpy.utils.extension_path_user(addon("compat").ADDON, path="training", create=True)) / "one"
    assert export(bpy.context.scene.collection, folder / "meshes").count == 2
    return folder


def ended(folder: Path) -> Any:
    progress = addon("train.progress").Progress(folder)

    def look() -> bool:
        progress._read = 0.0
        return progress.update().ended

    wait_until(look, "the training ends", seconds=150)
    return progress


@in_blender
def test_each_mesh_is_exported_by_itself_and_the_selection_stays():
    bpy = blender()
    cube = bpy.data.objects["Cube"]
    cube.location = (3, 0, 0)
    before = list(bpy.context.selected_objects), bpy.context.view_layer.objects.active
    folder = meshes()
    names = sorted(path.name for path in (folder / "meshes").iterdir())
    assert names == ["0000_Cube.glb", "0001_Sphere.glb"]
    assert all((folder / "meshes" / name).read_bytes()[:4] == b"glTF" for name in names)
    assert len(before[0]) == 1 and bpy.context.view_layer.objects.active.name == "Sphere"
    empty = bpy.data.collections.new("Empty")
    with pytest.raises(training().TrainingError, match="'Empty' holds no meshes"):
        export(empty, folder / "none")


@in_blender
def test_what_was_learned_until_stop_becomes_a_model_in_the_list():
    folder = meshes()
    model = addon("queue.models").models_folder() / "shapes.gen3d"
    training().train(Path(os.environ[TRAINER]), folder, model, 600, 12, *TINY)
    progress = addon("train.progress").Progress(folder)

    def look() -> bool:
        progress._read = 0.0
        return progress.update().images > 0

    wait_until(look, "it trains", seconds=150)
    assert progress.stage == "training" and not progress.ended
    wait_until(lambda: (folder / "run" / "state.pt").exists(), "a checkpoint is there", seconds=100)
    progress.stop()
    done = ended(folder)
    assert done.stage == "done", done.message + (folder / "job.log").read_text()[-2000:]
    assert done.grid is not None and not (folder / "stop").exists()
    catalogue = addon("queue.service").catalogue
    catalogue.look_again()
    assert str(model) in [entry.key for entry in catalogue.entries()]
    addon("queue.service").learn()
    assert "makes meshes" in catalogue.entry(str(model)).about.lower()


@in_blender
def test_a_data_set_is_rendered_to_the_folder_that_was_named():
    bpy = blender()
    bpy.context.scene.gen3d.train_views = 2
    name_python(os.environ[TRAINER])
    data = Path(tempfile.mkdtemp(), "pictures")
    assert bpy.ops.gen3d.render_dataset(filepath=str(data)) == {"FINISHED"}
    with pytest.raises(RuntimeError, match="under way"):
        bpy.ops.gen3d.train()
    done = ended(Path(bpy.context.scene.gen3d.training))
    assert done.stage == "done" and str(data) in done.message, done.message
    wait_until(lambda: not addon("train.job").lives(Path(bpy.context.scene.gen3d.training)), "the job ends")
    assert len(list(data.glob("images/*.png"))) == 2, sorted(path.name for path in data.iterdir())
    with pytest.raises(RuntimeError, match="is there already"):
        bpy.ops.gen3d.render_dataset(filepath=str(data))


@in_blender
def test_a_killed_job_does_not_block_the_next_training():
    bpy = blender()
    folder = meshes()
    model = addon("queue.models").models_folder() / "killed.gen3d"
    job = training().train(Path(os.environ[TRAINER]), folder, model, 600, 12, *TINY)
    bpy.context.scene.gen3d.training = str(folder)
    wait_until((folder / "job.json").exists, "it begins", seconds=100)
    with pytest.raises(RuntimeError, match="under way"):
        bpy.ops.gen3d.train()
    kill(job)
    wait_until(lambda: not addon("train.job").lives(folder), "it is dead")
    state = addon("ui.train").state
    state.progress._read = 0.0
    assert bpy.ops.gen3d.train.poll() and "is gone" in state.progress.message
    assert not bpy.ops.gen3d.train_stop.poll()


@in_blender
def test_a_failure_tells_its_reason_and_leaves_no_model():
    folder = meshes()
    model = addon("queue.models").models_folder() / "bad.gen3d"
    training().train(Path(os.environ[TRAINER]), folder, model, 1, 2, "--optim.batch", "5", "--optim.views", "2")
    done = ended(folder)
    assert done.stage == "failed" and "--optim.batch 5" in done.message, done.message
    assert not model.exists()


@in_blender
def test_the_test_button_shows_versions_or_the_error_in_full():
    bpy = blender()
    with pytest.raises(RuntimeError, match="Name a Python"):
        bpy.ops.gen3d.test_python()
    name_python("/nowhere/python")
    with pytest.raises(RuntimeError, match="is not there"):
        bpy.ops.gen3d.test_python()
    name_python(os.environ[TRAINER])
    Path("torch.py").write_text("raise SystemExit('from the working folder')")
    assert bpy.ops.gen3d.test_python() == {"FINISHED"}
    test = addon("train.python_test").latest.test
    wait_until(lambda: test() is None, "it answers", seconds=100)
    assert test.passed and "torch" in test.outcome and "gen3d" in test.outcome, test.outcome
    if os.name == "posix":
        bare = Path(tempfile.mkdtemp(), "python")
        bare.write_text(f'#!/bin/sh\nexec "{sys.executable}" -S "$@"\n')
        bare.chmod(0o755)
        name_python(str(bare))
        assert bpy.ops.gen3d.test_python() == {"FINISHED"}
        test = addon("train.python_test").latest.test
        wait_until(lambda: test() is None, "it answers", seconds=100)
        assert not test.passed and "Traceback" in test.outcome and "ModuleNotFoundError" in test.outcome
