"""Pictures of one object are told from those of others, by folders, names or cameras, and turntables have cameras."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from scipy.spatial import ConvexHull

from gen3d_core.pictures.pinhole import camera_to_world
from tests.training.data.test_prepare import disc_picture
from training.data.dataset import load_dataset
from training.data.grouping import object_names
from training.data.prepare import prepare
from training.data.staging import DatasetError
from training.reconstruction.views import group_views


@pytest.mark.parametrize(
    ("paths", "expected"),
    [
        (["a/1.png", "a/2.png", "b/1.png"], ["a", "a", "b"]),
        (["kit/a/rgb/1.png", "kit/b/rgb/1.png"], ["kit/a", "kit/b"]),
        (["train/r_0.png", "test/r_0.png"], ["", ""]),
        (["chair_001_03.png", "chair_001_04.png", "chair_002_03.png"], ["chair_001", "chair_001", "chair_002"]),
        (["chair-7-1.png", "chair-7-2.png", "chair-9-1.jpg"], ["chair-7", "chair-7", "chair-9"]),
        (["IMG_0001.jpg", "IMG_0002.jpg", "DSC_0001.jpg"], ["", "", ""]),
        (["20240101_123456.jpg", "20240101_123501.jpg", "20240102_090000.jpg"], ["", "", ""]),
        (["a.png", "b.png"], ["", ""]),
        (["chair_001_03.png", "chair_002_03.png", "chair_003_03.png"], ["", "", ""]),
    ],
)
def test_folders_and_names_tell_objects_apart(paths: list[str], expected: list[str]) -> None:
    assert object_names(paths) == expected


def test_where_pictures_are_known_to_be_views_one_number_is_the_views() -> None:
    assert object_names(["mug1.png", "mug 2.png", "jug_1.png"], views=True) == ["mug", "mug", "jug"]
    assert object_names(["0.png", "1.png"], views=True) == ["object", "object"]


def test_objects_without_cameras_keep_their_names(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    for name in ("red/a.png", "red/b.png", "green/a.png"):
        (tmp_path / "in" / name).parent.mkdir(parents=True, exist_ok=True)
        disc_picture().save(tmp_path / "in" / name)
    (tmp_path / "in" / "green" / "broken.png").write_bytes(b"nothing")
    with caplog.at_level(logging.INFO):
        prepare(tmp_path / "in", tmp_path / "out", size=16)
    data = load_dataset(tmp_path / "out")
    assert data.models == ("green", "red", "red") and data.azimuth is None
    assert "3 pictures of 2 objects, such as green" in caplog.text


def test_each_objects_own_cameras_are_read(tmp_path: Path) -> None:
    for i in range(9):
        folder = tmp_path / "in" / f"chair{i}"
        (folder / "views").mkdir(parents=True)
        frames = []
        for view in range(4):
            disc_picture(64, 64).save(folder / "views" / f"{view}.png")
            matrix = camera_to_world(view + i / 9, 0.3, 3.0)
            matrix[:3, 3] += (i, 0, 0)  # each stands somewhere else
            frames.append({"file_path": f"views/{view}.png", "transform_matrix": matrix.tolist()})
        content = {"camera_angle_x": 0.7, "frames": frames}
        (folder / "transforms.json").write_text(json.dumps(content))
    prepare(tmp_path / "in", tmp_path / "out", size=16)
    data = load_dataset(tmp_path / "out")
    views = group_views(data)
    assert views is not None and views.rows.shape == (9, 4) and data.models[4] == "chair1"
    assert data.azimuth is not None and np.allclose(data.azimuth[4:8], np.arange(4) + 1 / 9, atol=1e-5)
    content = {"camera_angle_x": 0.9, "frames": frames}
    (tmp_path / "in" / "chair8" / "transforms.json").write_text(json.dumps(content))
    with pytest.raises(DatasetError, match="chair8/ has another field of view than chair0/"):
        prepare(tmp_path / "in", tmp_path / "other", size=16)


def photograph(azimuth: float, elevation: float) -> Image.Image:
    """A box of 1.6 x 0.8 x 0.6 seen from far off the middle of a picture that is not square, at a scale of its own."""
    corners = np.array([(x, y, z) for x in (-0.8, 0.8) for y in (-0.4, 0.4) for z in (-0.3, 0.3)], float)
    camera = camera_to_world(np.radians(azimuth), np.radians(elevation), 4.0)
    local = (corners - camera[:3, 3]) @ camera[:3, :3]
    seen = np.array((220.0, 130.0)) + local[:, :2] / local[:, 2:] * np.array((-300.0, 300.0))
    image = Image.new("RGB", (400, 300), (255, 255, 255))
    outline = seen[ConvexHull(seen).vertices]
    ImageDraw.Draw(image).polygon([(float(x), float(y)) for x, y in outline], fill=(180, 40, 40))
    return image


def test_a_turntables_pictures_get_their_cameras_and_one_scale(tmp_path: Path) -> None:
    source = tmp_path / "in"
    source.mkdir()
    for name in ("mug", "jug"):
        for i in range(12):
            photograph(90 - 30 * i, 20).save(source / f"{name}_{i + 1}.png")
    result = prepare(source, tmp_path / "out", size=64, elevation=(20, 20), turntable=(90, -30))
    data = load_dataset(tmp_path / "out")
    assert result.cameras and data.models == ("jug",) * 12 + ("mug",) * 12
    assert data.azimuth is not None and data.elevation is not None
    expected = np.radians(90 - 30 * np.arange(12))
    assert np.allclose(np.cos(data.azimuth[:12] - expected), 1, atol=1e-6) and np.allclose(
        data.elevation, np.radians(20)
    )
    widths = [np.ptp(np.nonzero(picture[..., 3] > 127)[1]) + 1 for picture in data.pictures[:12]]
    seen = [np.ptp(np.nonzero(np.asarray(photograph(90 - 30 * i, 20))[..., 1] < 200)[1]) + 1 for i in range(12)]
    assert np.allclose(np.array(widths) / max(widths), np.array(seen) / max(seen), atol=0.03)
    assert 45 < max(widths) < 64 and min(widths) < 0.65 * max(widths)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"turntable": (0, 30)}, "needs one height"),
        ({"turntable": (0, 30), "elevation": (10, 20)}, "needs one height"),
        ({"turntable": (0, 30), "elevation": (20, 20), "azimuth": (0, 90)}, "leave --azimuth out"),
        ({"turntable": (0, 0), "elevation": (20, 20)}, "--turntable is 0 0"),
        ({"turntable": (0, float("nan")), "elevation": (20, 20)}, "--turntable is 0 nan"),
        ({"turntable": (0, 120), "elevation": (20, 20)}, "5 pictures of 'mug', 120 degrees apart, go around more"),
    ],
)
def test_impossible_turntables_are_refused(tmp_path: Path, options: dict, words: str) -> None:
    (tmp_path / "in").mkdir()
    for i in range(5):
        disc_picture().save(tmp_path / "in" / f"mug_{i}.png")
    with pytest.raises(DatasetError, match=words) as error:
        prepare(tmp_path / "in", tmp_path / "out", **options)
    assert "\n" not in str(error.value) and [path.name for path in tmp_path.iterdir()] == ["in"]


def test_turntable_pictures_that_do_not_fit_are_named(tmp_path: Path) -> None:
    (tmp_path / "in").mkdir()
    for i in range(4):
        photograph(30 * i, 20).save(tmp_path / "in" / f"mug_{i}.png")
    photograph(30, 20).crop((0, 0, 390, 300)).save(tmp_path / "in" / "mug_1.png")
    noise = np.random.default_rng(0).integers(0, 256, (300, 400, 3), np.uint8)
    Image.fromarray(noise).save(tmp_path / "in" / "mug_2.png")
    result = prepare(tmp_path / "in", tmp_path / "out", elevation=(20, 20), turntable=(0, 30))
    data = load_dataset(tmp_path / "out")
    assert data.azimuth is not None and np.allclose(np.degrees(data.azimuth), [0, 90], atol=1e-3)
    assert (
        "mug_1.png (its sides are not as those" in result.skipped[0]
        and "mug_2.png (its background" in result.skipped[1]
    )


@pytest.mark.parametrize("cameras", [False, True])
def test_empty_pictures_are_never_learned_from(tmp_path: Path, cameras: bool) -> None:
    frames = []
    for i in range(4):
        (tmp_path / "in" / "images").mkdir(parents=True, exist_ok=True)
        image = disc_picture(64, 64)
        if i == 1:
            image.putalpha(0)
        if i == 2:
            image = Image.new("RGB", (64, 64), (255, 255, 255))
        image.save(tmp_path / "in" / "images" / f"{i}.png")
        frames.append({"file_path": f"images/{i}.png", "transform_matrix": camera_to_world(i, 0.3, 4.0).tolist()})
    if cameras:
        content = {"camera_angle_x": float(np.radians(30)), "frames": frames}
        (tmp_path / "in" / "transforms.json").write_text(json.dumps(content))
    result = prepare(tmp_path / "in", tmp_path / "out", size=16)
    assert [name.split(" ", 1)[0] for name in result.skipped] == ["images/1.png", "images/2.png"]
    for folder in (tmp_path / "in", tmp_path / "out"):
        data = load_dataset(folder)
        assert len(data.pictures) == 2 and (data.pictures[..., 3].max(axis=(1, 2)) > 200).all()
        if data.azimuth is not None:
            assert np.allclose(data.azimuth, [0, 3])
    told = load_dataset(tmp_path / "in").skipped
    assert told == ("1.png (fully transparent)", "2.png (of one colour throughout)")
