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
    assert {"bulk", "lightness", "warmth"} < {slider.name for slider in chairs.sliders} and chairs.truncation == 0.8
    assert "CC0" in chairs.about and not chairs.error and "damaged" in broken.error
    kept = Path(blender().utils.extension_path_user(addon("compat").ADDON, path="previews"))
    assert len(list(kept.glob("preview-*.png"))) == 3, "of the three models that have one"
