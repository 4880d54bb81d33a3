"""`gen3d interpolate`: what it writes, what it says, and that a mistake leaves nothing behind."""

import json
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image
from PIL.GifImagePlugin import GifImageFile

import gen3d_core
from gen3d_core.cli import morph as interpolate_command
from gen3d_core.cli.main import main
from tests.analytic import colour_at, half_axes, write_ellipsoid_model
from tests.core.cli.test_main import refused
from tests.core.morphing.test_track import parsed

COMMON = ("--steps", "5", "--resolution", "20", "--threads", "1")


@pytest.fixture(autouse=True)
def small_turntables(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(interpolate_command, "TURNTABLE_SIZE", 32)


def run(ellipsoids: Path, out: Path, *options: str) -> None:
    assert main(["interpolate", "--model", str(ellipsoids), *COMMON, "--out", str(out), *options]) == 0


def test_an_animation_through_three_seeds(ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run(ellipsoids, tmp_path / "new" / "folder", "--seeds", "3", "8", "12")
    name = tmp_path / "new" / "folder" / "ellipsoids_0003_0008_0012"
    assert sorted(path.name for path in name.parent.iterdir()) == [f"{name.name}.gif", f"{name.name}.glb"]
    document, array = parsed(name.with_suffix(".glb").read_bytes())
    primitive = document["meshes"][0]["primitives"][0]
    assert len(primitive["targets"]) == 4
    assert np.allclose(array(document["animations"][0]["samplers"][0]["input"]), np.arange(5) / 12)
    model = gen3d_core.load(ellipsoids)
    base = array(primitive["attributes"]["POSITION"])
    for key, seed in ((0, 3), (2, 8), (4, 12)):
        moved = base + (array(primitive["targets"][key - 1]["POSITION"]) if key else 0)
        axes = half_axes(model.codes(seed))[[1, 2, 0]]  # the file's Y is up
        assert np.allclose(np.ptp(moved, axis=0), axes / axes.max(), atol=0.01)
    assert trimesh.load_mesh(name.with_suffix(".glb")).is_watertight
    with Image.open(name.with_suffix(".gif")) as picture:
        assert isinstance(picture, GifImageFile)
        assert (picture.n_frames, picture.size, picture.info["loop"]) == (5, (32, 32), 0)
    said = capsys.readouterr()
    lines = said.out.splitlines()
    assert said.err == "" and lines[-2:] == [f"{name}.glb", f"{name}.gif"]
    assert lines[0].split() == ["key", "at", "segment", "distance", "residual", "flipped", "Euler", "fresh"]
    assert [line.split()[:3] for line in lines[1:6]] == [[str(n), f"{n / 2:.3f}", "1"] for n in range(5)]


def test_a_flipbook_and_its_report_as_json(ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    run(ellipsoids, tmp_path, "--seeds", "3", "8", "--flipbook", "--format", "obj", "--json")
    told = json.loads(capsys.readouterr().out)
    assert [Path(file).name for file in told["files"]] == [
        *(f"ellipsoids_0003_0008_{index:04d}.obj" for index in range(5)), "ellipsoids_0003_0008.gif"
    ]  # fmt: skip
    assert all(Path(file).is_file() for file in told["files"]) and len(list(tmp_path.iterdir())) == 6
    assert told["segments"] == [[key, key] for key in range(5)] and told["changes"] == []
    assert [key["euler"] for key in told["keys"]] == [2] * 5 and told["times"] == [0, 0.25, 0.5, 0.75, 1]
    assert trimesh.load_mesh(told["files"][2]).is_watertight


@pytest.mark.parametrize("held", ["shape", "appearance"])
def test_one_track_alone(ellipsoids: Path, tmp_path: Path, held: str):
    moving = {"shape": "--appearance-only", "appearance": "--shape-only"}[held]
    run(ellipsoids, tmp_path, "--seeds", "3", "8", moving)
    document, array = parsed((tmp_path / "ellipsoids_0003_0008.glb").read_bytes())
    target = document["meshes"][0]["primitives"][0]["targets"][-1]
    moves = np.abs(array(target["POSITION"])).max()
    if held == "shape":
        assert moves == 0
        model = gen3d_core.load(ellipsoids)
        a, b = (model.codes(3, seed) for seed in (3, 8))
        points = np.zeros((1, 3))
        brighter = np.sign(colour_at(points, b) - colour_at(points, a))[0]
        assert (np.sign(np.median(array(target["COLOR_0"])[:, :3], axis=0)) == brighter).all()
    else:
        assert moves > 0.05


def test_a_loop_returns(ellipsoids: Path, tmp_path: Path):
    run(ellipsoids, tmp_path, "--seeds", "3", "8", "--loop", "--even", "--path", "catmull-rom")
    document, array = parsed((tmp_path / "ellipsoids_0003_0008.glb").read_bytes())
    sampler = document["animations"][0]["samplers"][0]
    weights = array(sampler["output"]).reshape(6, 4)
    assert np.isclose(array(sampler["input"])[-1], 5 / 12) and not weights[0].any() and not weights[-1].any()


@pytest.mark.parametrize(
    ("options", "named"),
    [
        (["--seeds", "3"], "--seeds: how many is 1"),
        (["--seeds", "3", "-1"], "--seeds is -1"),
        (["--seeds", "3", "x"], "--seeds"),
        (["--seeds", "3", "8", "--steps", "1"], "--steps is 1"),
        (["--seeds", "3", "8", "1", "2", "--steps", "3"], "3 steps through 4 objects"),
        (["--seeds", "3", "8", "--steps", "1000"], "--steps"),
        (["--seeds", "3", "8", "--resolution", "4"], "--resolution is 4"),
        (["--seeds", "3", "8", "--resolution", "512", "--steps", "200"], "--resolution² × --steps"),
        (["--seeds", "3", "8", "--truncation", "nan"], "--truncation"),
        (["--seeds", "3", "8", "--path", "curve"], "--path"),
        (["--seeds", "3", "8", "--shape-only", "--appearance-only"], "--appearance-only"),
        (["--seeds", "3", "8", "--threads", "0"], "--threads"),
    ],
)
def test_bad_options(
    ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], options: list[str], named: str
):
    out = tmp_path / "out"
    assert named in refused(capsys, "interpolate", "--model", ellipsoids, "--out", out, *options)
    assert not out.exists()


def test_bad_models_and_places(ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    common = ["interpolate", "--seeds", "1", "2", *COMMON]
    out = tmp_path / "out"
    assert "no model 'nothing'" in refused(capsys, *common, "--model", "nothing", "--out", out)
    empty = write_ellipsoid_model(tmp_path / "empty.gen3d", empty=True)
    assert "no surface" in refused(capsys, *common, "--model", empty, "--out", out)
    assert not out.exists()
    (tmp_path / "file").write_text("")
    assert "cannot write" in refused(capsys, *common, "--model", ellipsoids, "--out", tmp_path / "file")


def test_a_format_without_a_flipbook_is_refused(ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    out, seeds = tmp_path / "out", ["--seeds", "3", "8"]
    assert main(["morph", "--model", str(ellipsoids), *COMMON, *seeds, "--out", str(out), "--format", "obj"]) == 2
    told = capsys.readouterr().err
    assert "--format obj is for a flipbook: add --flipbook" in told and told.count("\n") == 1 and not out.exists()
