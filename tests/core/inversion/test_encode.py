"""From pictures to codes: what an encoder's answer means, where the camera stood, and the command."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from gen3d_core.cli.main import main
from gen3d_core.codes.codes import Codes
from gen3d_core.config import PosePrior
from gen3d_core.inversion.appearance_fit import POINTS, fit_appearance, sample_colours
from gen3d_core.inversion.encode import encode, match_cameras, mean_codes
from gen3d_core.inversion.pose_search import CameraPose, search_pose
from gen3d_core.mesh.extract import extract
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.model.archive import ModelFileError
from gen3d_core.model.model import load
from gen3d_core.model.prediction import AZIMUTHS, SIDE, AzimuthPeak, Prediction, parse_prediction
from gen3d_core.pictures.framing import network_input
from gen3d_core.pictures.pinhole import FILL
from gen3d_core.pictures.preview import render_framed
from tests.analytic import (
    ENCODED,
    Box,
    SolidField,
    Sphere,
    Union,
    colour_at,
    write_ellipsoid_model,
)

STEP = 2 * np.pi / AZIMUTHS
CHAIR = Union([Box((0.4, 0.35, 0.1)), Box((0.08, 0.35, 0.4), (-0.32, 0.0, 0.4)), Sphere(0.15, (0.2, 0.3, 0.2))])
"""No two of its views are alike."""


@pytest.fixture(scope="module")
def reader(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ellipsoid_model(tmp_path_factory.mktemp("models") / "ellipsoids.gen3d", encoder=True)


@pytest.fixture(scope="module")
def chair() -> Mesh:
    return extract(SolidField(CHAIR), 48)


def answer(logits: dict[int, float]) -> np.ndarray:
    directions = np.full(AZIMUTHS, -30.0)
    for place, value in logits.items():
        directions[place] = value
    return np.concatenate([[1, 2, 3], [4, 5], directions, [0.3]]).astype(np.float32)


def angles(found: Prediction) -> list[float]:
    return [azimuth.angle for azimuth in found.azimuths]


def test_an_answer_is_taken_apart():
    one = parse_prediction(answer({5: 0.0}), 3, 2)
    assert one.codes.shape.tolist() == [1, 2, 3] and one.codes.appearance.tolist() == [4, 5]
    assert angles(one) == pytest.approx([5 * STEP]) and one.elevation == pytest.approx(0.3)


def test_directions_between_two_and_across_the_turn():
    between = parse_prediction(answer({7: 0.0, 8: 0.0}), 3, 2)
    assert angles(between) == pytest.approx([7.5 * STEP])
    turn = parse_prediction(answer({0: 0.0, AZIMUTHS - 1: 0.0}), 3, 2)
    assert np.exp(1j * angles(turn)[0]) == pytest.approx(np.exp(-0.5j * STEP))


def test_certainty_falls_with_the_number_of_likely_directions():
    assert parse_prediction(answer({5: 0.0}), 3, 2).certainty == pytest.approx(1)
    two = parse_prediction(answer({5: 0.0, 17: 0.0}), 3, 2)
    assert two.certainty == pytest.approx(1 - np.log(2) / np.log(AZIMUTHS))
    assert parse_prediction(answer(dict.fromkeys(range(AZIMUTHS), 0.0)), 3, 2).certainty == pytest.approx(0)


def test_rivals_are_named_by_their_probability_unless_it_is_negligible():
    two = parse_prediction(answer({2: 0.0, 14: 1.0}), 3, 2)
    assert angles(two) == pytest.approx([14 * STEP, 2 * STEP])
    assert [azimuth.share for azimuth in two.azimuths] == pytest.approx([np.e / (1 + np.e), 1 / (1 + np.e)])
    assert len(parse_prediction(answer({2: -5.0, 14: 1.0}), 3, 2).azimuths) == 1


def premultiplied(picture: np.ndarray) -> np.ndarray:
    return np.moveaxis(network_input([picture], SIDE)[0], 0, -1)


def test_a_framed_view_fills_its_square(chair: Mesh):
    seen = render_framed(chair, 50, 25, 100)[..., 3] > 127
    sides = seen.any(0).sum(), seen.any(1).sum()
    assert max(sides) == pytest.approx(100 * FILL, abs=2)
    rows, columns = np.nonzero(seen)
    assert (rows.min() + rows.max(), columns.min() + columns.max()) == pytest.approx((99, 99), abs=2)


@pytest.mark.parametrize(("azimuth", "elevation"), [(35.0, 20.0), (200.0, 10.0), (310.0, 40.0)])
def test_the_camera_is_found_again(chair: Mesh, azimuth: float, elevation: float):
    picture = premultiplied(render_framed(chair, azimuth, elevation, SIDE))
    start = np.deg2rad(azimuth) + 0.25
    rivals = [AzimuthPeak(start + np.pi), AzimuthPeak(start)]
    found = search_pose(chair, picture, rivals, np.deg2rad(elevation) - 0.15, PosePrior.distance)
    assert np.rad2deg(found.azimuth) == pytest.approx(azimuth, abs=4)
    assert np.rad2deg(found.elevation) == pytest.approx(elevation, abs=4)
    assert found.overlap > 0.95


def test_of_two_sides_with_one_silhouette_the_likelier_is_taken():
    ball = extract(SolidField(Sphere(0.5)), 32)
    picture = premultiplied(render_framed(ball, 0, 20, SIDE))
    for likelier in (1.0, 4.0):
        rivals = [AzimuthPeak(1.0, 0.2), AzimuthPeak(4.0, 0.2)]
        chosen = [replace(each, share=0.8) if each.angle == likelier else each for each in rivals]
        assert search_pose(ball, picture, chosen, np.deg2rad(20), PosePrior.distance).azimuth == pytest.approx(
            likelier, abs=0.1
        )


def test_the_right_codes_are_trusted_and_others_are_not(reader: Path):
    model = load(reader)
    true, other = Codes(np.array([2, -2, -2, 0], np.float32), ENCODED.appearance), Codes(
        np.array([-2, -2, 2, 0], np.float32), ENCODED.appearance
    )  # fmt: skip
    picture = render_framed(extract(model.field(true), 64), 40, 20, SIDE)
    seen = network_input([picture], SIDE)
    where = [Prediction(true, (AzimuthPeak(np.deg2rad(40.0)),), np.deg2rad(20.0))]
    assert match_cameras(model, true, seen, where).confidence > 0.97
    assert match_cameras(model, other, seen, where).confidence < 0.8


def test_paint_is_taken_from_the_picture(reader: Path):
    model = load(reader)
    true = Codes(ENCODED.shape, np.array([1.5, -0.8, -0.3], np.float32))
    mesh = extract(model.field(true), 48)
    where = [CameraPose(0.7, 0.3, 1.0)]
    picture = premultiplied(render_framed(mesh, np.rad2deg(0.7), np.rad2deg(0.3), SIDE))[None]
    seen = sample_colours(mesh, picture, where, PosePrior.distance)
    assert seen is not None and len(seen.points) == POINTS
    unlit = replace(seen, colours=colour_at(seen.points, true).astype(np.float32))
    code = fit_appearance(model.field(ENCODED), ENCODED.appearance, unlit)
    assert code == pytest.approx(true.appearance, abs=0.25)
    # Light that falls off with the normal is not taken for paint.
    slope = np.array([0.2, 0.1, 0.3], np.float32)
    lit = replace(unlit, colours=unlit.colours * (1 + unlit.normals @ slope)[:, None])
    error = np.abs(fit_appearance(model.field(ENCODED), ENCODED.appearance, lit) - true.appearance).max()
    assert error < np.abs(ENCODED.appearance - true.appearance).max() / 2


def test_nothing_seen_is_no_paint(chair: Mesh):
    where = [CameraPose(0.7, 0.3, 0.0)]
    assert sample_colours(chair, np.zeros((1, SIDE, SIDE, 4), np.float32), where, PosePrior.distance) is None


def test_what_the_graph_says_is_what_comes_back(reader: Path, chair: Mesh):
    pictures = [render_framed(chair, azimuth, 20, 100) for azimuth in (0, 90)]
    found = encode(load(reader), pictures)
    assert found.codes.shape / ENCODED.shape[0] == pytest.approx(
        ENCODED.shape * (4**0.5 / np.linalg.norm(ENCODED.shape))
    )
    assert len(found.cameras) == 2 and 0 < found.confidence < 1
    assert found.confidence == pytest.approx(np.mean([each.overlap for each in found.cameras]))


def test_codes_of_several_pictures_meet_in_the_middle():
    codes = [Codes(np.eye(4, dtype=np.float32)[k], np.ones(3, np.float32)) for k in (0, 1)]
    mean = mean_codes(codes)
    assert mean.shape.tolist() == pytest.approx([2**0.5, 2**0.5, 0, 0])
    assert np.linalg.norm(mean.appearance) == pytest.approx(3**0.5)


def test_a_model_without_an_encoder_says_which_command_adds_one(ellipsoids: Path, chair: Mesh):
    with pytest.raises(ModelFileError, match="gen3d-train encoder .*ellipsoids.gen3d"):
        encode(load(ellipsoids), [render_framed(chair, 0, 20, 100)])


def test_the_command_writes_mesh_codes_and_pictures(
    reader: Path, chair: Mesh, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    for name in ("a.png", "b.png"):
        Image.fromarray(render_framed(chair, 30, 20, 120)).save(tmp_path / name)
    out = tmp_path / "out"
    pictures = [str(tmp_path / name) for name in ("a.png", "b.png")]
    arguments = ["--model", str(reader), "--out", str(out), "--resolution", "32", "--format", "ply"]
    assert main(["encode", *pictures, *arguments]) == 0
    assert {path.name for path in out.iterdir()} == {"a.ply", "a.json", "a_encoded.png"}
    told = json.loads((out / "a.json").read_text())
    assert told["model"] == "ellipsoids" and [each["file"] for each in told["pictures"]] == ["a.png", "b.png"]
    model = load(reader)
    again = model.build(
        Codes(np.array(told["shape_code"], np.float32), np.array(told["appearance_code"], np.float32)), 32
    )
    again.save(tmp_path / "again.ply")
    assert (out / "a.ply").read_bytes() == (tmp_path / "again.ply").read_bytes()
    text = capsys.readouterr().out
    assert "silhouettes overlap" in text and f"confidence {told['confidence']:.0%}" in text


def test_something_else_is_answered_with_low_confidence(
    reader: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    rod = np.zeros((100, 100, 4), np.uint8)
    rod[48:53] = 255
    Image.fromarray(rod).save(tmp_path / "rod.png")
    arguments = ["--model", str(reader), "--out", str(tmp_path / "out"), "--resolution", "32"]
    assert main(["encode", str(tmp_path / "rod.png"), *arguments]) == 0
    assert "low, ellipsoids hardly makes anything like this" in capsys.readouterr().out


def test_mistakes_are_one_line_each(reader: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    missing = str(tmp_path / "none.png")
    arguments = ["--model", str(reader), "--out", str(tmp_path / "out")]
    for command, reason in (
        ([missing, *arguments], "none.png: cannot be read"),
        ([missing, *arguments, "--mask", missing, "--mask", missing], "2 masks for 1 pictures"),
        ([missing] * 17 + arguments, "expected 1 to 16"),
        ([missing, *arguments, "--resolution", "1000"], "expected 16 to 512"),
    ):
        assert main(["encode", *command]) == 2
        told = capsys.readouterr().err
        assert reason in told and told.count("\n") == 1
    assert not (tmp_path / "out").exists()


def test_refinement_needs_torch(
    reader: Path, chair: Mesh, tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    Image.fromarray(render_framed(chair, 30, 20, 120)).save(tmp_path / "a.png")
    monkeypatch.setitem(__import__("sys").modules, "gen3d_core.refinement.refine", None)
    arguments = ["--model", str(reader), "--out", str(tmp_path / "out"), "--refine"]
    assert main(["encode", str(tmp_path / "a.png"), *arguments]) == 2
    assert "--refine and --tune need" in capsys.readouterr().err
