"""Directions of a model: each moves what it says and leaves the rest."""

import json
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

import gen3d_core
from gen3d_core.cli.main import main
from gen3d_core.codes.codes import Codes
from gen3d_core.codes.directions import Direction, read_directions
from gen3d_core.errors import Gen3DError
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.model.archive import ModelFileError
from tests.analytic import half_axes, write_ellipsoid_model

WIDTH = {"name": "width", "code": "shape", "vector": [0, 1, 0, 0], "low": -2, "high": 2, "share": 0.25}
GREEN = {"name": "green", "code": "appearance", "vector": [0.0, 1.0, 0.0], "low": -1.5, "high": 3, "share": 0.5}


@pytest.fixture(scope="module")
def movable(tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("movable") / "ellipsoids.gen3d"
    return write_ellipsoid_model(path, directions=[WIDTH, GREEN])


def test_moving_along_one_direction_leaves_all_else():
    random = np.random.default_rng(0)
    basis = np.linalg.qr(random.normal(size=(5, 5)))[0].T.astype(np.float32)
    one, other = (Direction(str(index), "shape", basis[index], -2, 2, 0.5) for index in (0, 1))
    codes = Codes(random.normal(size=5).astype(np.float32), random.normal(size=3).astype(np.float32))
    moved = one.move(codes, 1.25)
    assert one.value(moved) == pytest.approx(1.25, abs=1e-6)
    assert other.value(moved) == pytest.approx(other.value(codes), abs=1e-6)
    assert moved.shape.dtype == np.float32 and moved.appearance is codes.appearance
    assert np.allclose(one.move(codes, one.value(codes)).shape, codes.shape, atol=1e-6)
    with pytest.raises(Gen3DError, match="0 is 2.01: expected -2 to 2"):
        one.move(codes, 2.01)


def test_a_file_s_directions(movable: Path, ellipsoids: Path):
    model = gen3d_core.load(movable)
    width, green = model.directions
    assert (width.name, width.code, width.low, width.high, width.share) == ("width", "shape", -2, 2, 0.25)
    moved = green.move(width.move(model.codes(5), 1.5), -1.0)
    assert half_axes(moved)[1] == pytest.approx(0.5 + 0.15 * np.tanh(1.5), abs=1e-6)
    assert np.array_equal(half_axes(moved)[[0, 2]], half_axes(model.codes(5))[[0, 2]])
    assert moved.appearance[1] == pytest.approx(-1)
    assert gen3d_core.load(ellipsoids).directions == ()


@pytest.mark.parametrize(
    ("listed", "said"),
    [
        ("width", "not a list"),
        ([WIDTH] * 65, "not a list of at most 64"),
        ([WIDTH, WIDTH], "two directions have one name"),
        ([7], "neither shape nor appearance"),
        ([{**WIDTH, "code": "weights"}], "neither shape nor appearance"),
        ([{**WIDTH, "name": ""}], "no usable name"),
        ([{**WIDTH, "name": "a=b"}], "no usable name"),
        ([{**WIDTH, "name": "\x1b[2J"}], "no usable name"),
        ([{**WIDTH, "vector": [1, 0, 0]}], "width has no vector of 4 numbers"),
        ([{**WIDTH, "vector": [2, 0, 0, 0]}], "width is 2: expected -1 to 1"),
        ([{**WIDTH, "vector": [0.5, 0, 0, 0]}], "width has not length 1"),
        ([{**WIDTH, "high": 1e9}], "width: high is 1000000000.0: expected -8 to 8"),
        ([{**WIDTH, "share": None}], "width: share is None"),
    ],
)
def test_malformed_directions(movable: Path, listed: object, said: str):
    with pytest.raises(Gen3DError, match=said):
        read_directions({"shape_dim": 4, "appearance_dim": 3, "directions": listed})


def test_a_malformed_direction_names_the_file(tmp_path: Path):
    with pytest.raises(ModelFileError, match=r"a\.gen3d: model\.json: direction width has not length 1"):
        write_ellipsoid_model(tmp_path / "a.gen3d", directions=[{**WIDTH, "vector": [0, 0, 0, 0]}])


def test_the_command_line_moves_objects(movable: Path, tmp_path: Path):
    arguments = ["sample", "--model", str(movable), "--seed", "3", "--resolution", "64", "--format", "ply"]
    moves = ["--move", "width=-1.5", "--move", "green=3"]
    assert main([*arguments, *moves, "--out", str(tmp_path)]) == 0
    model = gen3d_core.load(movable)
    width, green = model.directions
    model.build(green.move(width.move(model.codes(3), -1.5), 3), 64).save(tmp_path / "expected.ply")
    assert (tmp_path / "ellipsoids_0003.ply").read_bytes() == (tmp_path / "expected.ply").read_bytes()


@pytest.mark.parametrize(
    ("move", "said"),
    [
        ("height=1", "directions are: width, green"),
        ("width", "expected width=NUMBER"),
        ("width=much", "expected width=NUMBER"),
        ("width=nan", "--move width is nan: expected -2 to 2"),
        ("green=-1.6", "--move green is -1.6: expected -1.5 to 3"),
    ],
)
def test_moves_that_cannot_be(movable: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str], move: str, said: str):
    out = tmp_path / "out"
    assert main(["sample", "--model", str(movable), "--move", move, "--out", str(out)]) == 2
    assert said in capsys.readouterr().err and not out.exists()


def test_directions_are_listed_and_drawn(
    movable: Path, ellipsoids: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert main(["directions", "--model", str(movable), "--seed", "3"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == ["width", "green"]
    assert "-2 to +2" in lines[0] and "25.0%" in lines[0]
    assert main(["directions", "--model", str(movable), "--resolution", "32", "--out", str(tmp_path)]) == 0
    with Image.open(tmp_path / "ellipsoids_directions.png") as picture:
        picture.load()
        assert picture.width > 2 * 5 * 144 and picture.height > 144
    assert main(["directions", "--model", str(ellipsoids)]) == 2
    assert "lists no directions" in capsys.readouterr().err


def width(mesh: Mesh) -> float:
    _, across, up = np.ptp(mesh.vertices, axis=0)
    return float(across / up)


def lightness(mesh: Mesh) -> float:
    return float((mesh.colours @ [0.2126, 0.7152, 0.0722]).mean())


def warmth(mesh: Mesh) -> float:
    return float((mesh.colours[:, 0] - mesh.colours[:, 2]).mean())


@pytest.mark.parametrize("measure", [width, lightness, warmth], ids=lambda measure: measure.__name__)
def test_the_shipped_chairs_have_sliders_that_do_what_they_say(measure):
    model = gen3d_core.load("chairs", threads=1)
    direction = next(each for each in model.directions if each.name == measure.__name__)
    changes = []
    for seed in range(8):
        codes = model.codes(seed)
        low, high = (model.build(direction.move(codes, value), 40) for value in (-1.5, 1.5))
        changes.append(measure(high) - measure(low))
        if direction.code == "appearance":
            assert np.array_equal(low.vertices, high.vertices)
    assert np.mean(np.array(changes) > 0) >= 0.75 and np.mean(changes) > 0.04, changes


def test_the_shipped_chairs_directions_are_perpendicular():
    for code in ("shape", "appearance"):
        vectors = [each.vector for each in gen3d_core.load("chairs").directions if each.code == code]
        assert len(vectors) >= 6 and np.allclose(
            np.array(vectors) @ np.array(vectors).T, np.eye(len(vectors)), atol=1e-4
        )


def test_the_manifest_stays_json(movable: Path):
    assert json.loads(json.dumps(gen3d_core.load(movable).manifest))["directions"] == [WIDTH, GREEN]
