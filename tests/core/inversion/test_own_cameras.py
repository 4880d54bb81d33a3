"""A model's pictures are judged, painted and shown from the cameras that it was trained with, near or far."""

import dataclasses
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gen3d_core.cli.main import main
from gen3d_core.codes.codes import Codes
from gen3d_core.config import PosePrior
from gen3d_core.inversion.appearance_fit import sample_colours
from gen3d_core.inversion.encode import match_cameras
from gen3d_core.inversion.pose_search import CameraPose
from gen3d_core.model.archive import ModelFileError
from gen3d_core.model.model import Model, load
from gen3d_core.model.prediction import SIDE, AzimuthPeak, Prediction
from gen3d_core.pictures.components import grow
from gen3d_core.pictures.cutout import frame_object
from gen3d_core.pictures.framing import network_input
from gen3d_core.pictures.pinhole import camera_to_world
from gen3d_core.pictures.preview import render_framed
from gen3d_core.worker.handlers import _camera
from tests.analytic import ENCODED, colour_at, half_axes, write_ellipsoid_model

AZIMUTH, ELEVATION, TRACED = 0.7, 0.5, 512
CODES = Codes(np.array([3, -3, -1, 0], np.float32), ENCODED.appearance)
NEAR, FAR = PosePrior(distance=1.3, fov_deg=100.0), PosePrior(distance=30.0, fov_deg=5.0)
BOTH = pytest.mark.parametrize("cameras", [NEAR, PosePrior(), FAR], ids=["near", "usual", "far"])


def model_with(cameras: PosePrior, folder: Path, **options: Any) -> Model:
    record = {"data": "analytic", "pose_prior": dataclasses.asdict(cameras)}
    return load(write_ellipsoid_model(folder / "ellipsoids.gen3d", training=record, **options))


def traced(cameras: PosePrior) -> np.ndarray:
    """The ellipsoid's picture, ray by ray, framed."""
    matrix = camera_to_world(AZIMUTH, ELEVATION, cameras.distance)
    side = np.tan(np.deg2rad(cameras.fov_deg / 2)) * ((np.arange(TRACED) + 0.5) / TRACED * 2 - 1)
    x, y = np.meshgrid(side, -side)
    axes = half_axes(CODES)
    rays = np.stack([x, y, -np.ones_like(x)], -1) @ matrix[:3, :3].T / axes
    start = matrix[:3, 3] / axes
    a, b, c = np.square(rays).sum(-1), rays @ start, start @ start - 1
    under = b**2 - a * c
    hit = under >= 0
    points = (start + rays * ((-b - np.sqrt(np.where(hit, under, 0))) / a)[..., None]) * axes
    picture = np.zeros((TRACED, TRACED, 4), np.uint8)
    picture[hit, :3] = np.rint(255 * colour_at(points[hit], CODES).clip(0, 1))
    picture[hit, 3] = 255
    return frame_object(picture, 256)


@BOTH
def test_a_perfect_object_overlaps_its_picture(cameras: PosePrior, tmp_path: Path):
    seen = network_input([traced(cameras)], SIDE)
    where = [Prediction(CODES, (AzimuthPeak(AZIMUTH),), ELEVATION)]
    found = match_cameras(model_with(cameras, tmp_path), CODES, seen, where)
    assert found.confidence > 0.97
    turn = np.rad2deg(found.cameras[0].azimuth - AZIMUTH), np.rad2deg(found.cameras[0].elevation - ELEVATION)
    assert np.abs(turn).max() < 3


@BOTH
def test_colours_are_taken_where_they_are_seen(cameras: PosePrior, tmp_path: Path):
    mesh = model_with(cameras, tmp_path).surface(CODES, 64)
    seen = np.moveaxis(network_input([traced(cameras)], SIDE), 1, -1)
    samples = sample_colours(mesh, seen, [CameraPose(AZIMUTH, ELEVATION, 1.0)], cameras.distance)
    assert samples is not None
    assert np.abs(samples.colours - colour_at(samples.points, CODES).clip(0, 1)).mean() < 0.02


@BOTH
def test_the_camera_beside_a_placed_mesh_sees_the_picture(cameras: PosePrior, tmp_path: Path):
    """Vertices, through the camera that Blender gets: within the traced outline and all over it."""
    mesh = model_with(cameras, tmp_path).surface(CODES, 64)
    camera = _camera(mesh, CameraPose(AZIMUTH, ELEVATION, 1.0), cameras.distance)
    seen = np.c_[mesh.normalised().vertices, np.ones(len(mesh.vertices))] @ np.linalg.inv(camera.matrix).T
    place = seen[:, :2] / (-seen[:, 2:3] * camera.half) - 2 * np.array(camera.shift)
    shown = np.zeros((32, 32), bool)
    column, row = np.clip(((place * [1, -1] + 1) * 16).astype(int), 0, 31).T
    shown[row, column] = True
    outline = np.asarray(Image.fromarray(traced(cameras)[..., 3]).resize((32, 32), Image.Resampling.BOX))
    assert shown[outline > 250].all() and not shown[~grow(outline > 0, 1)].any()


@BOTH
def test_the_command_shows_the_object_from_there(cameras: PosePrior, tmp_path: Path):
    model = model_with(cameras, tmp_path, encoder=True)
    mesh = model.surface(ENCODED, 64)
    picture = render_framed(mesh, 40, 20, 256, cameras.distance)
    Image.fromarray(picture).save(tmp_path / "a.png")
    out = tmp_path / "out"
    assert main(["encode", str(tmp_path / "a.png"), "--model", str(model.path), "--out", str(out)]) == 0
    told = json.loads((out / "a.json").read_text())
    sheet = np.asarray(Image.open(out / "a_encoded.png"))
    gap, step = 10, 256 + 10
    mask, shown = (
        sheet[gap:step, gap + step : 2 * step, 0] > 127,
        sheet[gap:step, gap + 2 * step : 3 * step].min(-1) < 250,
    )
    assert (mask & shown).sum() / (mask | shown).sum() == pytest.approx(told["confidence"], abs=0.03)


@pytest.mark.parametrize(
    ("prior", "said"),
    [
        ([4.0, 30.0], "expected an object"),
        ({"distance": 0.5}, "pose_prior.distance is 0.5"),
        ({"distance": 1e300}, "pose_prior.distance is 1e+300"),
        ({"fov_deg": 0.0}, "pose_prior.fov_deg is 0.0"),
        ({"elevation_deg": [0, 1e9]}, "pose_prior.elevation_deg is"),
        ({"distance": "far"}, "pose_prior.distance is 'far'"),
        ({"elevation_deg": [40, 5]}, "expected the lower first"),
        ({"azimuth_deg": 360}, "expected two numbers"),
    ],
)
def test_cameras_that_nothing_was_seen_with_are_named(tmp_path: Path, prior: object, said: str):
    with pytest.raises(ModelFileError, match="model.json: pose_prior") as caught:
        load(write_ellipsoid_model(tmp_path / "odd.gen3d", training={"pose_prior": prior}))
    assert said in str(caught.value) and "\n" not in str(caught.value)
