# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's zip, built once, and a user's folder in which it is installed."""

import importlib.util
import os
import shutil
from pathlib import Path

import pytest

import build_addon
from tests.addon.harness import run_inside
from tests.analytic import write_ellipsoid_model


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> build_addon.Built:
    """The zip of this project as it is, with the models that it ships."""
    return build_addon.build(tmp_path_factory.mktemp("dist"))


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, extension: build_addon.Built) -> Path:
    """A user's Blender folder with the extension installed, and beside the shipped models some whose meshes are known:
    `ellipsoids`; `slow`, the same with seconds of work; `nothing`, an empty field; `broken`, a truncated file."""
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("the module bpy is not installed (extra `blender`, Python 3.11)")
    folder = tmp_path_factory.mktemp("blender")
    run_inside(folder, folder / "temporary", install=extension.path)
    (models,) = folder.glob("extensions/.local/lib/python*/site-packages/gen3d_core/models")
    ellipsoids = write_ellipsoid_model(models / "ellipsoids.gen3d", encoder=True)
    write_ellipsoid_model(models / "slow.gen3d", name="slow", work=8)
    write_ellipsoid_model(models / "nothing.gen3d", name="nothing", empty=True)
    (models / "broken.gen3d").write_bytes(ellipsoids.read_bytes()[:700])
    return folder


@pytest.fixture
def user_folder(installed: Path, tmp_path: Path) -> Path:
    """A copy of `installed` for one test: disabling an extension removes its wheels."""
    return shutil.copytree(installed, tmp_path / "blender", copy_function=os.link)
