"""Cameras as the tools of the field write them: read, moved around the origin, or refused by name, never dropped."""

import io
import json
import logging
import math
import zipfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image

from gen3d_core.pictures.pinhole import camera_to_world
from training.data.dataset import load_dataset
from training.data.prepare import prepare
from training.data.staging import DatasetError

SIDE, FOV = 64, math.radians(30)
FOCAL = SIDE / 2 / math.tan(FOV / 2)
AZIMUTH = np.linspace(-2.5, 2.5, 9)
ELEVATION = np.linspace(0.1, 0.6, 9)
PINHOLE = {"fl_x": FOCAL, "fl_y": FOCAL, "cx": SIDE / 2, "cy": SIDE / 2, "w": SIDE, "h": SIDE}


def picture() -> bytes:
    pixels = np.zeros((SIDE, SIDE, 4), np.uint8)
    pixels[20:44, 16:48] = (200, 30, 40, 255)
    buffer = io.BytesIO()
    Image.fromarray(pixels).save(buffer, "PNG")
    return buffer.getvalue()


def matrices(centre: tuple[float, ...] = (0, 0, 0), distance: float = 4.0) -> list[np.ndarray]:
    found = [camera_to_world(*angles, distance) for angles in zip(AZIMUTH, ELEVATION, strict=True)]
    for matrix in found:
        matrix[:3, 3] += centre
    return found


def frames(extension: str = ".png", each: dict[str, Any] | None = None, **where: Any) -> list[dict[str, Any]]:
    return [
        {"file_path": f"images/{i:03d}{extension}", "transform_matrix": matrix.tolist(), **(each or {})}
        for i, matrix in enumerate(matrices(**where))
    ]


def source(folder: Path, **files: dict[str, Any]) -> Path:
    """Nine pictures and JSON files of these names."""
    (folder / "images").mkdir(parents=True)
    for i in range(9):
        (folder / "images" / f"{i:03d}.png").write_bytes(picture())
    for name, content in files.items():
        (folder / f"{name}.json").write_text(json.dumps(content))
    return folder


def assert_read(folder: Path, out: Path) -> None:
    """`train` and `prepare` see the cameras that were meant."""
    prepare(folder, out, size=32)
    for each in (folder, out):
        dataset = load_dataset(each)
        assert dataset.azimuth is not None and dataset.elevation is not None
        assert np.allclose(dataset.azimuth, AZIMUTH, atol=1e-5) and np.allclose(dataset.elevation, ELEVATION, atol=1e-5)
        assert (dataset.prior.distance, dataset.prior.fov_deg) == pytest.approx((4.0, 30.0), abs=1e-6)


def refusals(folder: Path, out: Path) -> str:
    """The one line with which both refuse."""
    lines = []
    for call in (lambda: prepare(folder, out, size=32), lambda: load_dataset(folder)):
        with pytest.raises(DatasetError) as error:
            call()
        lines.append(str(error.value))
    assert not any("\n" in line for line in lines) and not out.exists()
    return " | ".join(lines)


def test_split_files_and_names_without_extension(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    """The layout of NeRF's synthetic scenes; some tools list a picture in two splits."""
    all_of_them = [{**frame, "file_path": f"./{frame['file_path']}"} for frame in frames("")]
    parts = {"train": all_of_them[:6], "val": all_of_them[5:], "test": []}
    content = {f"transforms_{name}": {"camera_angle_x": FOV, "frames": part} for name, part in parts.items()}
    with caplog.at_level(logging.INFO):
        assert_read(source(tmp_path / "set", **content), tmp_path / "out")
    assert "transforms_train.json (6), transforms_val.json (4), transforms_test.json (0)" in caplog.text


def test_names_without_extension_are_those_of_the_files_that_are_there(tmp_path: Path) -> None:
    folder = source(tmp_path / "set", transforms={"camera_angle_x": FOV, "frames": frames("")})
    for path in (folder / "images").iterdir():
        Image.open(path).convert("RGB").save(path.with_suffix(".jpg"))
        path.unlink()
    assert_read(folder, tmp_path / "out")


def test_splits_of_different_lenses_are_refused(tmp_path: Path) -> None:
    parts = {
        "transforms_train": {"camera_angle_x": FOV, "frames": frames()[:5]},
        "transforms_val": {"camera_angle_x": 2 * FOV, "frames": frames()[5:]},
    }
    told = refusals(source(tmp_path / "set", **parts), tmp_path / "out")
    assert told.count("transforms_val.json has another field of view") == 2


@pytest.mark.parametrize("each", [False, True])
def test_a_pinhole_in_pixels_for_all_pictures_or_for_each(tmp_path: Path, each: bool) -> None:
    told = {**PINHOLE, "k1": 0.0, "k2": 0, "p1": 0.0, "p2": 0}
    content = {"frames": frames(each=told)} if each else {**told, "frames": frames()}
    assert_read(source(tmp_path / "set", transforms={"camera_model": "OPENCV", **content}), tmp_path / "out")


@pytest.mark.parametrize("angle", [False, True])
@pytest.mark.parametrize("each", [False, True])
@pytest.mark.parametrize(
    ("change", "words"),
    [
        ({"k1": 0.02}, "k1 is 0.02.*undistort"),
        ({"p2": -0.001}, "p2 is -0.001.*undistort"),
        ({"cx": 40.0}, "cx is 40, the middle 32"),
        ({"cy": 20.0}, "cy is 20, the middle 32"),
        ({"fl_y": 1.5 * FOCAL}, "fl_y is 179.* square pixels"),
        ({"camera_angle_y": 2 * FOV}, "camera_angle_y is 1.04.* square pixels"),
        ({"camera_model": "OPENCV_FISHEYE"}, "OPENCV_FISHEYE.*pinhole"),
        ({"fl_x": "wide"}, "could not convert"),
        ({"fl_x": 0}, "fl_x is 0: expected a positive"),
        ({"w": None}, "'w' is missing beside"),
    ],
)
def test_what_is_no_such_pinhole_is_refused_by_name(
    tmp_path: Path, change: dict[str, Any], words: str, each: bool, angle: bool
) -> None:
    """Beside a `camera_angle_x` too, which made them be ignored."""
    lens: dict[str, Any] = {**PINHOLE, **change, **({"camera_angle_x": FOV} if angle else {})}
    lens = {name: value for name, value in lens.items() if value is not None}
    content = {"frames": frames(each=lens)} if each else {**lens, "frames": frames()}
    folder = source(tmp_path / "set", transforms=content)
    with pytest.raises(DatasetError, match=f"transforms.json: .*{words}"):
        load_dataset(folder)
    refusals(folder, tmp_path / "out")


def test_two_fields_of_view_are_refused(tmp_path: Path) -> None:
    both = source(tmp_path / "both", transforms={**PINHOLE, "camera_angle_x": 0.6, "frames": frames()})
    assert "two fields of view, in degrees: camera_angle_x 34.38, fl_x 30.00" in refusals(both, tmp_path / "out")
    listed = frames(each=PINHOLE)
    listed[4] = {**listed[4], "fl_x": 2 * FOCAL, "fl_y": 2 * FOCAL}
    other = source(tmp_path / "other", transforms={"frames": listed})
    assert "'images/004.png' has another field of view than the first" in refusals(other, tmp_path / "out")


@pytest.mark.parametrize(("centre", "distance"), [((0.7, -0.3, 5.0), 10.0), ((120.0, 40.0, -7.0), 0.3)])
def test_a_scene_off_centre_is_moved_to_the_origin(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, centre: tuple[float, ...], distance: float
) -> None:
    content = {"camera_angle_x": FOV, "frames": frames(centre=centre, distance=distance)}
    with caplog.at_level(logging.INFO):
        assert_read(source(tmp_path / "set", transforms=content), tmp_path / "out")
    said = [record.getMessage() for record in caplog.records if "moved to the origin" in record.getMessage()]
    assert said == [f"cameras look at ({', '.join(f'{c:.3g}' for c in centre)}): moved to the origin, "
                    f"distances scaled by {4 / distance:.4g}"] * 2  # fmt: skip


def test_a_centred_scene_far_out_of_scale_is_rescaled_and_another_kept(tmp_path: Path) -> None:
    for distance, kept in ((300.0, 4.0), (0.2, 4.0), (3.5, 3.5), (6.0, 6.0)):
        folder = source(
            tmp_path / str(distance), transforms={"camera_angle_x": FOV, "frames": frames(distance=distance)}
        )
        prepare(folder, tmp_path / f"out{distance}", size=32)
        assert load_dataset(tmp_path / f"out{distance}").prior.distance == pytest.approx(kept)


def test_cameras_that_look_at_no_one_point_are_refused_by_name(tmp_path: Path) -> None:
    listed = frames(centre=(0.7, -0.3, 5.0))
    listed[3]["transform_matrix"][0][3] += 1.0
    aside = source(tmp_path / "aside", transforms={"camera_angle_x": FOV, "frames": listed})
    assert refusals(aside, tmp_path / "out").count("images/003.png: its camera misses (") == 2
    parallel = [np.array(camera_to_world(0.3, 0.2, 4.0)) for _ in range(9)]
    for i, matrix in enumerate(parallel):
        matrix[:3, 3] += 0.3 * (i + 1) * matrix[:3, 0]
    listed = [{**frame, "transform_matrix": m.tolist()} for frame, m in zip(frames(), parallel, strict=True)]
    scan = source(tmp_path / "scan", transforms={"camera_angle_x": FOV, "frames": listed})
    assert refusals(scan, tmp_path / "out").count("images/000.png: its camera does not look at the origin") == 2


def zipped(folder: Path, path: Path, top: str) -> Path:
    with zipfile.ZipFile(path, "w") as archive:
        for each in sorted(folder.rglob("*")):
            if each.is_file():
                archive.write(each, f"{top}{each.relative_to(folder).as_posix()}")
                archive.writestr(f"__MACOSX/{top}._{each.name}", b"\x00\x05\x16\x07")
    return path


@pytest.mark.parametrize("top", ["", "scene/", "a/b/"])
def test_cameras_inside_the_only_folder_of_a_zip_or_folder_are_read(tmp_path: Path, top: str) -> None:
    content = {"transforms": {"camera_angle_x": FOV, "frames": frames()}}
    folder = source(tmp_path / "plain" / top, **content)
    prepare(zipped(folder, tmp_path / "scene.zip", top), tmp_path / "zipped", size=32)
    prepare(tmp_path / "plain", tmp_path / "nested", size=32)
    for out in (tmp_path / "zipped", tmp_path / "nested"):
        dataset = load_dataset(out)
        assert dataset.azimuth is not None and np.allclose(dataset.azimuth, AZIMUTH, atol=1e-5)
        assert dataset.skipped == () and len(dataset.pictures) == 9


@pytest.mark.parametrize(
    ("name", "content", "words"),
    [
        ("pose/000000.txt", b"1 0 0 0", "SRN"),
        ("chair/intrinsics.txt", b"64 32 32", "SRN"),
        ("dataset.json", json.dumps({"labels": [["images/000.png", [0.0] * 25]]}).encode(), "EG3D"),
        ("poses_bounds.npy", b"", "LLFF"),
        ("cameras_sphere.npz", b"", "NeuS"),
        ("sparse/0/cameras.bin", b"", "COLMAP"),
        ("second/transforms.json", b"{}", "prepare its folder by itself"),
    ],
)
def test_cameras_that_are_not_read_are_named(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, name: str, content: bytes, words: str
) -> None:
    folder = source(tmp_path / "set")
    (folder / name).parent.mkdir(parents=True, exist_ok=True)
    (folder / name).write_bytes(content)
    result = prepare(folder, tmp_path / "out", size=32)
    assert not result.cameras and name in caplog.text and words in caplog.text
    if words == "EG3D":
        with pytest.raises(DatasetError, match="EG3D's layout"):
            load_dataset(folder)


def test_damaged_cameras_and_pictures_without_any_are_told(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    folder = source(tmp_path / "set", transforms={"camera_angle_x": FOV, "frames": frames()[:7]})
    prepare(folder, tmp_path / "out", size=32)
    assert "left out 2 pictures that have no camera, such as images/007.png" in caplog.text
    path = zipped(folder, tmp_path / "scene.zip", "")
    data = bytearray(path.read_bytes())
    at = data.index(b"camera_angle_x")
    data[at : at + 4] = b"xxxx"
    path.write_bytes(bytes(data))
    with pytest.raises(DatasetError, match=r"transforms\.json cannot be read: Bad CRC"):
        prepare(path, tmp_path / "again", size=32)
