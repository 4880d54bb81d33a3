"""Reading data sets: what is right comes back exactly, what is wrong is named in one line."""

import json
import logging
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gen3d_core.config import PosePrior
from gen3d_core.pictures.pinhole import camera_to_world
from training.data.dataset import DatasetError, load_dataset
from training.data.poses import angles_from_matrix


def make_dataset(
    folder: Path, count: int = 5, size: int = 16, cameras: bool = True, about: dict[str, Any] | None = None
) -> np.ndarray:
    """A small data set of random pictures; returns them, (N,S,S,4)."""
    rng = np.random.default_rng(0)
    pictures = rng.integers(0, 256, (count, size, size, 4), np.uint8)
    (folder / "images").mkdir(parents=True)
    frames = []
    for i, picture in enumerate(pictures):
        Image.fromarray(picture).save(folder / "images" / f"{i:06d}.png")
        matrix = camera_to_world(0.5 * i % 3, 0.1 + 0.02 * i, 4.0)
        frames.append({"file_path": f"images/{i:06d}.png", "transform_matrix": matrix.tolist()})
    if cameras:
        transforms = {"camera_angle_x": float(np.radians(30)), "frames": frames}
        (folder / "transforms.json").write_text(json.dumps(transforms))
    if about is not None:
        (folder / "dataset.json").write_text(json.dumps({"format": "gen3d-dataset", "version": 1, **about}))
    return pictures


def edit_json(path: Path, **changes: Any) -> None:
    content = json.loads(path.read_text())
    path.write_text(json.dumps({**content, **changes}))


def one_line(error: pytest.ExceptionInfo[DatasetError]) -> str:
    assert "\n" not in str(error.value)
    return str(error.value)


def test_pictures_and_angles_come_back(tmp_path: Path) -> None:
    pictures = make_dataset(
        tmp_path, about={"category": "chairs", "mirror": True, "licence": "CC0-1.0", "attribution": ["Ann"]}
    )
    steps = []
    dataset = load_dataset(tmp_path, progress=lambda done, total: steps.append((done, total)))
    assert np.array_equal(dataset.pictures, pictures)
    assert dataset.azimuth is not None and dataset.elevation is not None
    assert np.allclose(dataset.azimuth, 0.5 * np.arange(5) % 3, atol=1e-6)
    assert np.allclose(dataset.elevation, 0.1 + 0.02 * np.arange(5), atol=1e-6)
    assert (dataset.size, dataset.category, dataset.mirror, dataset.licence) == (16, "chairs", True, "CC0-1.0")
    assert dataset.attribution == ("Ann",)
    assert dataset.skipped == () and steps[-1] == (5, 5)


def test_without_a_description_defaults_hold(tmp_path: Path) -> None:
    make_dataset(tmp_path / "props")
    dataset = load_dataset(tmp_path / "props")
    assert dataset.category == "props" and dataset.prior == PosePrior() and not dataset.mirror


def test_without_cameras_there_are_no_angles(tmp_path: Path) -> None:
    make_dataset(tmp_path, cameras=False)
    dataset = load_dataset(tmp_path)
    assert dataset.azimuth is None and dataset.elevation is None and len(dataset.pictures) == 5


def test_a_truncated_picture_is_named_skipped_and_counted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    pictures = make_dataset(tmp_path, count=40)
    path = tmp_path / "images" / "000007.png"
    path.write_bytes(path.read_bytes()[:100])
    with caplog.at_level(logging.WARNING):
        dataset = load_dataset(tmp_path)
    assert "skipped 1 of 40" in caplog.text and "000007.png" in caplog.text
    assert len(dataset.skipped) == 1 and dataset.skipped[0].startswith("000007.png (")
    kept = np.delete(np.arange(40), 7)
    assert np.array_equal(dataset.pictures, pictures[kept])
    assert dataset.elevation is not None and np.allclose(dataset.elevation, 0.1 + 0.02 * kept, atol=1e-5)


def test_the_first_picture_may_be_the_bad_one(tmp_path: Path) -> None:
    make_dataset(tmp_path)
    (tmp_path / "images" / "000000.png").write_bytes(b"")
    assert len(load_dataset(tmp_path).pictures) == 4


def test_no_readable_picture_is_an_error(tmp_path: Path) -> None:
    make_dataset(tmp_path, count=2)
    for path in (tmp_path / "images").iterdir():
        path.unlink()
    with pytest.raises(DatasetError) as error:
        load_dataset(tmp_path)
    assert "none of the 2 pictures" in one_line(error) and "missing" in str(error.value)


@pytest.mark.parametrize(("width", "height"), [(1, 1), (16, 8), (2000, 2000), (32, 32)])
def test_a_picture_of_a_wrong_size_is_named(tmp_path: Path, width: int, height: int) -> None:
    make_dataset(tmp_path)
    Image.new("RGBA", (width, height)).save(tmp_path / "images" / "000003.png")
    with pytest.raises(DatasetError) as error:
        load_dataset(tmp_path)
    assert "000003.png" in one_line(error) and f"{width}x{height}" in str(error.value)


def test_missing_and_empty_folders(tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="not a folder") as error:
        load_dataset(tmp_path / "nowhere")
    one_line(error)
    with pytest.raises(DatasetError, match="no pictures") as error:
        load_dataset(tmp_path)
    one_line(error)


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"camera_angle_x": 0.8}, "field of view"),
        ({"camera_angle_x": "wide"}, "could not convert"),
        ({"frames": []}, "lists no pictures"),
        ({"frames": [{"file_path": "images/000000.png"}]}, "'transform_matrix' is missing"),
        ({"frames": [{"file_path": "images/000000.png", "transform_matrix": [[1]]}]}, "not 4x4"),
        ({"frames": [{"file_path": "../secret.png", "transform_matrix": np.eye(4).tolist()}]}, "leaves"),
        ({"frames": [{"file_path": "/etc/secret.png", "transform_matrix": np.eye(4).tolist()}]}, "leaves"),
    ],
)
def test_malformed_cameras_are_refused(tmp_path: Path, changes: dict[str, Any], words: str) -> None:
    make_dataset(tmp_path)
    edit_json(tmp_path / "transforms.json", **changes)
    with pytest.raises(DatasetError, match=words) as error:
        load_dataset(tmp_path)
    assert "transforms.json" in one_line(error)


def test_cameras_that_are_elsewhere_are_refused(tmp_path: Path) -> None:
    make_dataset(tmp_path)
    far, aside = camera_to_world(0.3, 0.2, 5.0), camera_to_world(0.3, 0.2, 4.0)
    aside[:3, 3] += 1.0
    rolled = camera_to_world(0.3, 0.2, 4.0)
    rolled[:3, :2] = rolled[:3, 1::-1] * (1, -1)
    for matrix, words in ((far, "5.000"), (aside, "does not look at the origin"), (rolled, "not upright")):
        frame = {"file_path": "images/000001.png", "transform_matrix": matrix.tolist()}
        edit_json(tmp_path / "transforms.json", frames=[frame])
        with pytest.raises(DatasetError, match=words) as error:
            load_dataset(tmp_path)
        assert "000001.png" in one_line(error)


@pytest.mark.parametrize(
    "about",
    [
        {"version": 2},
        {"format": "other"},
        {"poses": []},
        {"poses": {"elevation_deg": [40, 5]}},
        {"poses": {"fov_deg": 0}},
    ],
)
def test_a_foreign_or_malformed_description_is_refused(tmp_path: Path, about: dict[str, Any]) -> None:
    make_dataset(tmp_path, about=about)
    with pytest.raises(DatasetError, match="dataset.json") as error:
        load_dataset(tmp_path)
    one_line(error)


def test_a_description_that_is_no_json(tmp_path: Path) -> None:
    make_dataset(tmp_path)
    (tmp_path / "dataset.json").write_text("{ category")
    with pytest.raises(DatasetError, match="not valid JSON"):
        load_dataset(tmp_path)


def test_cameras_look_at_the_origin_and_angles_invert_them() -> None:
    rng = np.random.default_rng(0)
    for azimuth, elevation in zip(rng.uniform(-3, 3, 20), rng.uniform(-1.2, 1.2, 20), strict=True):
        matrix = camera_to_world(azimuth, elevation, 4.0)
        assert np.allclose(matrix[:3, :3] @ matrix[:3, :3].T, np.eye(3)) and np.linalg.det(matrix) == pytest.approx(1)
        assert np.allclose(matrix[:3, 3] - 4 * matrix[:3, 2], 0), "the camera's -z axis must pass through the origin"
        assert matrix[2, 1] > 0, "the top of the picture is up"
        angles = angles_from_matrix(matrix)
        assert (angles.azimuth, angles.elevation, angles.distance) == pytest.approx((azimuth, elevation, 4.0))


def test_a_mirrored_camera_sees_the_mirrored_object() -> None:
    """Flipping a picture left-right equals reflecting the object in y and changing the azimuth's sign."""
    point, flip = np.array([0.3, 0.5, 0.2, 1.0]), np.diag([1.0, -1.0, 1.0, 1.0])
    seen = np.linalg.inv(camera_to_world(0.7, 0.3, 4.0)) @ point
    mirrored = np.linalg.inv(camera_to_world(-0.7, 0.3, 4.0)) @ flip @ point
    assert mirrored[:3] == pytest.approx(seen[:3] * (-1, 1, 1))
