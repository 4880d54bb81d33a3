# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The models that are offered, and what the worker tells of them. Inside Blender: see `in_blender`."""

import tempfile
from pathlib import Path

import pytest

from tests.addon.harness import addon, blender, in_blender, settings
from tests.addon.measures import generate


@in_blender
def test_models_of_the_users_folder_and_opened_files_are_offered():
    import shutil

    bpy = blender()
    folder = Path(tempfile.mkdtemp())
    shipped = addon("compat").wheels_folder() / "gen3d_core" / "models"
    for name in ("mine", "other"):
        shutil.copy(shipped / "ellipsoids.gen3d", folder / f"{name}.gen3d")
    chosen = settings()
    addon("compat").preferences().models_folder = str(folder)
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
    part = addon("queue.service")
    assert part.catalogue.has_news
    part.learn()
    assert not part.catalogue.has_news
    chairs, broken = part.catalogue.entry("chairs"), part.catalogue.entry("broken")
    assert {"width", "lightness", "warmth"} < {slider.name for slider in chairs.sliders} and chairs.truncation == 1.0
    assert "CC0" in chairs.about and not chairs.error and "damaged" in broken.error
    kept = Path(blender().utils.extension_path_user(addon("compat").ADDON, path="previews"))
    assert len(list(kept.glob("preview-*.png"))) == 4, "of the four models that have one"


@pytest.mark.own_blender
@in_blender
def test_one_bad_file_of_a_folder_is_named_and_hides_no_other():
    import json
    import shutil
    import zipfile

    bpy = blender()
    folder = Path(tempfile.mkdtemp())
    shipped = addon("compat").wheels_folder() / "gen3d_core" / "models"

    def rewrite(name: str, **members: bytes) -> None:
        with zipfile.ZipFile(shipped / "chairs.gen3d") as old, zipfile.ZipFile(folder / name, "w") as new:
            for each in old.namelist():
                new.writestr(each, members.get(each.replace(".", "_"), old.read(each)))

    with zipfile.ZipFile(shipped / "chairs.gen3d") as archive:
        manifest = json.loads(archive.read("model.json"))
    rewrite("spoilt.gen3d", preview_png=b"no picture at all")
    rewrite("wordy.gen3d", model_json=json.dumps(manifest | {"licence": "x" * 300_000}).encode())
    shutil.copy(shipped / "ellipsoids.gen3d", folder / "Good.GEN3D")  # as Windows writes it
    addon("compat").preferences().models_folder = str(folder)
    catalogue = addon("queue.service").catalogue
    catalogue.look_again()
    addon("queue.service").learn()
    assert not addon("queue.service").queue.current or not addon("queue.service").queue.current.message
    entries = {Path(each.key).stem: each for each in catalogue.entries()}
    assert {"Good", "spoilt", "wordy", "chairs"} <= set(entries)
    assert "preview" in entries["spoilt"].error
    assert all(not entries[name].error for name in ("Good", "chairs"))
    assert all(len(text) < 5000 for each in entries.values() for text in (each.label, each.about, each.error))
    chosen = settings(str(folder / "Good.GEN3D"))
    assert generate().name == "Good_0003"
    assert bpy.ops.gen3d.open_model(filepath=str(folder / "Good.GEN3D")) == {"FINISHED"}
    assert chosen.model == str(folder / "Good.GEN3D")
