# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The extension's zip, built once, and a user's folder in which it is installed."""

import dataclasses
import importlib.util
import json
import os
import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

import build_addon
from tests.addon.harness import Blender, run_inside
from tests.analytic import write_ellipsoid_model
from tests.once import make_once

OLD = Path(__file__).resolve().parents[1] / "fixtures" / "old"


@pytest.fixture(scope="session")
def extension(tmp_path_factory: pytest.TempPathFactory) -> build_addon.Built:
    """The zip of this project as it is, with the models that it ships."""

    def make(folder: Path) -> None:
        built = dataclasses.asdict(build_addon.build(folder / "dist"))
        (folder / "built.json").write_text(json.dumps(built, default=str), encoding="utf-8")

    told = json.loads((make_once(tmp_path_factory, "extension", make) / "built.json").read_text(encoding="utf-8"))
    return build_addon.Built(**told | {"path": Path(told["path"])})


@pytest.fixture(scope="session")
def installed(tmp_path_factory: pytest.TempPathFactory, extension: build_addon.Built) -> Path:
    """A user's Blender folder with the extension installed, and beside the shipped models some whose meshes are known:
    `ellipsoids`; `slow`, the same with seconds of work; `nothing`, an empty field; `broken`, a truncated file;
    `old-ellipsoids`, written long ago."""
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("the module bpy is not installed (extra `blender`, Python 3.11)")

    def make(folder: Path) -> None:
        run_inside(folder, folder / "temporary", install=extension.path)
        (models,) = folder.glob("extensions/.local/lib/python*/site-packages/gen3d_core/models")
        ellipsoids = write_ellipsoid_model(models / "ellipsoids.gen3d", encoder=True)
        write_ellipsoid_model(models / "slow.gen3d", name="slow", work=8)
        write_ellipsoid_model(models / "nothing.gen3d", name="nothing", empty=True)
        (models / "broken.gen3d").write_bytes(ellipsoids.read_bytes()[:700])
        shutil.copyfile(OLD / "ellipsoids.gen3d", models / "old-ellipsoids.gen3d")

    return make_once(tmp_path_factory, "installed", make)


@pytest.fixture
def user_folder(installed: Path, tmp_path: Path) -> Path:
    """A copy of `installed` for one test: disabling an extension removes its wheels."""
    return shutil.copytree(installed, tmp_path / "blender", copy_function=os.link)


@pytest.fixture(scope="module")
def file_blender(installed: Path, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Blender]:
    """The Blender in which the tests of one file run, but those that have their own."""
    folder = tmp_path_factory.mktemp("shared")
    shutil.copytree(installed, folder / "blender", copy_function=os.link)
    started = Blender(folder / "blender", folder / "temporary")
    yield started
    started.stop()
