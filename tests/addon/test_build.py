# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip: what it carries, that it needs no network the second time, and how it fails."""

import hashlib
import importlib.util
import io
import shutil
import tomllib
import zipfile
from pathlib import Path

import pytest

import build_addon
from gen3d_core import __version__


def manifest(path: Path) -> dict:
    with zipfile.ZipFile(path) as archive:
        return tomllib.loads(archive.read("blender_manifest.toml").decode())


def digests(folder: Path) -> dict[str, str]:
    files = (path for path in folder.rglob("*") if path.is_file() and "__pycache__" not in path.parts)
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files}


def test_the_manifest_lists_exactly_the_wheels_that_are_inside(extension: build_addon.Built):
    with zipfile.ZipFile(extension.path) as archive:
        inside = {f"./{name}" for name in archive.namelist() if name.endswith(".whl")}
    said = manifest(extension.path)
    assert set(said["wheels"]) == inside
    assert said["version"] == __version__
    assert said["platforms"] == [build_addon.platform_name()]
    assert extension.path.name == f"gen3d-{__version__}-{build_addon.platform_name()}.zip"


@pytest.mark.parametrize("package", ["onnxruntime", "scikit_image"])
def test_each_python_of_blender_has_its_own_wheel(extension: build_addon.Built, package: str):
    tags = {name.split("-")[2] for name in extension.wheels if name.startswith(package)}
    assert tags == {"cp311", "cp313"}


def test_the_wheel_of_gen3d_brings_the_shipped_models_and_nothing_for_training(extension: build_addon.Built):
    with zipfile.ZipFile(extension.path) as archive:
        (name,) = (name for name in archive.namelist() if Path(name).name.startswith("gen3d-"))
        with zipfile.ZipFile(io.BytesIO(archive.read(name))) as wheel:
            names = wheel.namelist()
    shipped = {path.name for path in (build_addon.ROOT / "gen3d_core" / "models").glob("*.gen3d")}
    assert {Path(name).name for name in names if name.endswith(".gen3d")} == shipped
    assert "chairs.gen3d" in shipped
    assert not [name for name in names if name.startswith("training")]


def test_blenders_own_tool_has_validated_the_zip(extension: build_addon.Built):
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("neither Blender nor the module bpy is at hand")
    assert extension.validated


def test_a_second_build_needs_no_index_and_edits_no_source(
    extension: build_addon.Built, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    before = digests(build_addon.ROOT / "blender_addon")
    for name, value in {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": "", "PIP_CONFIG_FILE": "/dev/null"}.items():
        monkeypatch.setenv(name, value)
    again = build_addon.build(tmp_path / "again")
    assert again.path.read_bytes() == extension.path.read_bytes(), "byte for byte"
    assert digests(build_addon.ROOT / "blender_addon") == before
    assert [path.name for path in (tmp_path / "again").iterdir()] == [again.path.name]


def test_a_project_without_a_model_gives_one_clear_error_and_no_zip(tmp_path: Path):
    root = tmp_path / "project"
    shutil.copytree(build_addon.ROOT / "blender_addon", root / "blender_addon")
    shutil.copy2(build_addon.ROOT / "constraints.txt", root)
    for name in build_addon.SOURCES:
        source = build_addon.ROOT / name
        if source.is_dir():
            shutil.copytree(source, root / name, ignore=shutil.ignore_patterns("*.gen3d", "__pycache__"))
        else:
            shutil.copy2(source, root)
    with pytest.raises(build_addon.BuildError, match="holds no model"):
        build_addon.build(tmp_path / "dist", root)
    assert list((tmp_path / "dist").iterdir()) == []


def test_another_platform_s_zip_carries_its_own_wheels(tmp_path: Path):
    built = build_addon.build(tmp_path, target="windows-x64", pythons=["3.13"])
    assert built.path.name == f"gen3d-{__version__}-windows-x64.zip"
    assert manifest(built.path)["platforms"] == ["windows-x64"]
    tags = {name.rsplit("-", 1)[1] for name in built.wheels}
    assert tags == {"win_amd64.whl", "any.whl"}
    assert {name.split("-")[2] for name in built.wheels if name.startswith("onnxruntime")} == {"cp313"}


def test_what_cannot_be_built_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(build_addon.BuildError, match="no wheels for amiga-68k: known are linux-x64"):
        build_addon.build(tmp_path, target="amiga-68k")
    for arguments, said in ((["--platform", "amiga"], "invalid choice"), (["--python", "three"], "--python three")):
        with pytest.raises(SystemExit):
            build_addon.main(arguments)
        assert said in capsys.readouterr().err
    assert list(tmp_path.iterdir()) == []
