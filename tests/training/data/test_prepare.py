"""Preparing anyone's pictures: framing, cutting out, keeping cameras, and every kind of bad input.

One file because all is one command.
"""

import io
import json
import logging
import struct
import zlib
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw

from gen3d_core.errors import Gen3DError
from gen3d_core.pictures.pinhole import FILL, camera_to_world
from training.data.dataset import load_dataset
from training.data.prepare import prepare
from training.data.staging import DatasetError

RED, WHITE = (200, 30, 40), (255, 255, 255)


def disc_picture(width: int = 200, height: int = 150, background: tuple[int, ...] = (0, 0, 0, 0)) -> Image.Image:
    """A red ellipse 60 wide and 40 high, off centre, on a background."""
    image = Image.new("RGBA" if len(background) == 4 else "RGB", (width, height), background)
    ImageDraw.Draw(image).ellipse((20, 50, 79, 89), fill=RED)
    return image


def png_bytes(image: Image.Image) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, "PNG")
    return buffer.getvalue()


def output(folder: Path, index: int = 0) -> np.ndarray:
    return np.asarray(Image.open(folder / "images" / f"{index:06d}.png")).astype(int)


def assert_refused(error: pytest.ExceptionInfo[Gen3DError], out: Path) -> str:
    """One line, and nothing left behind."""
    assert "\n" not in str(error.value)
    assert list(out.parent.glob(out.name + "*")) == []
    return str(error.value)


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "dataset"


@pytest.mark.parametrize("background", [(0, 0, 0, 0), (0, 255, 0, 0), WHITE, (120, 160, 220)])
def test_the_object_is_centred_and_fills_its_share(source: Path, out: Path, background: tuple[int, ...]) -> None:
    disc_picture(background=background).save(source / "a.png")
    result = prepare(source, out, size=64)
    picture = output(out)
    alpha = picture[..., 3] / 255
    assert picture.shape == (64, 64, 4) and (result.pictures, result.opaque, result.skipped) == (1, 0, ())
    rows, columns = np.nonzero(alpha > 0.5)
    assert np.ptp(columns) + 1 == pytest.approx(64 * FILL, abs=1.5)
    assert np.ptp(rows) + 1 == pytest.approx(64 * FILL * 40 / 60, abs=1.5)
    assert (columns.mean(), rows.mean()) == pytest.approx((31.5, 31.5), abs=0.8)
    assert alpha.sum() == pytest.approx(np.pi / 4 * (64 * FILL) ** 2 * 40 / 60, rel=0.05)
    assert np.abs(picture[alpha > 0.95][:, :3] - RED).max() <= 3, "the background bled into the object"


@pytest.mark.parametrize("background", [(0, 0, 0, 0), WHITE])
def test_a_speck_or_a_watermark_does_not_change_the_frame(source: Path, out: Path, background: tuple[int, ...]) -> None:
    image = disc_picture(background=background)
    image.save(source / "a.png")
    ImageDraw.Draw(image).rectangle((190, 4, 192, 6), fill=RED)
    for x in range(100, 150, 9):
        ImageDraw.Draw(image).rectangle((x, 140, x + 3, 144), fill=(120, 120, 120))
    image.save(source / "b.png")
    prepare(source, out, size=64)
    assert np.array_equal(output(out, 0), output(out, 1))


def test_hidden_colours_do_not_bleed_through_transparent_pixels(source: Path, out: Path) -> None:
    disc_picture(background=(0, 255, 0, 0)).save(source / "a.png")
    prepare(source, out, size=32)
    picture = output(out)
    assert np.abs(picture[picture[..., 3] > 40][:, :3] - RED).max() <= 6


def test_a_hole_that_shows_the_background_is_cut_out(source: Path, out: Path) -> None:
    image = Image.new("RGB", (300, 300), WHITE)
    ImageDraw.Draw(image).rectangle((50, 50, 249, 249), outline=RED, width=40)
    image.save(source / "frame.png")
    prepare(source, out)
    alpha = output(out)[..., 3]
    assert alpha[32, 32] == 0 and alpha[32, 8] == 255


def test_a_picture_without_plain_background_stays_opaque_and_is_counted(
    source: Path, out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    noise = np.random.default_rng(0).integers(0, 256, (80, 120, 3), np.uint8)
    Image.fromarray(noise).save(source / "street.png")
    disc_picture().save(source / "object.png")
    with caplog.at_level(logging.WARNING):
        result = prepare(source, out)
    assert (result.pictures, result.opaque) == (2, 1) and "1 of 2 pictures" in caplog.text
    assert output(out, 1)[..., 3].min() == 255


def test_many_formats_modes_and_the_exif_orientation(source: Path, out: Path) -> None:
    disc_picture(background=WHITE).save(source / "a.jpg", quality=95)
    disc_picture(background=WHITE).convert("P").save(source / "b.gif")
    disc_picture(background=WHITE).convert("CMYK").save(source / "c.tif")
    disc_picture(background=(0, 0, 0, 0)).save(source / "d.webp", lossless=True)
    grey = np.asarray(disc_picture(background=WHITE).convert("L")).astype(np.uint16) * 257
    Image.fromarray(grey).save(source / "e.png")
    exif = Image.Exif()
    exif[0x0112] = 6  # stored turned by a quarter: the viewer turns it clockwise
    disc_picture(background=WHITE).save(source / "f.jpg", quality=95, exif=exif)
    result = prepare(source, out)
    assert (result.pictures, result.opaque, result.skipped) == (6, 0, ())
    for i in range(6):
        rows, columns = np.nonzero(output(out, i)[..., 3] > 127)
        wide = np.ptp(columns) > np.ptp(rows)
        assert wide == (i != 5), f"picture {i}"


def test_the_result_loads_as_a_data_set(source: Path, out: Path) -> None:
    for i in range(3):
        disc_picture().save(source / f"{i}.png")
    prepare(source, out, size=32, category="discs")
    dataset = load_dataset(out)
    assert dataset.pictures.shape == (3, 32, 32, 4) and dataset.azimuth is None
    assert (dataset.category, dataset.source, dataset.mirror) == ("discs", "source", False)
    assert str(source.parent) not in (out / "dataset.json").read_text(), "a data set must not tell where it was made"


def test_where_the_pictures_were_taken_from_becomes_the_pose_prior(source: Path, out: Path) -> None:
    disc_picture().save(source / "a.png")
    prepare(source, out, azimuth=(-60, 60), elevation=(0, 15))
    prior = load_dataset(out).prior
    assert (prior.azimuth_deg, prior.elevation_deg) == ((-60, 60), (0, 15))


@pytest.mark.parametrize(
    ("ranges", "said"),
    [
        ({"azimuth": (60.0, -60.0)}, "--azimuth is 60 -60: expected a range"),
        ({"azimuth": (-200.0, 200.0)}, "--azimuth goes around more than once"),
        ({"elevation": (5.0, 90.0)}, "--elevation is 5 90: expected .* -89 to 89"),
        ({"elevation": (float("nan"), 3.0)}, "--elevation is nan 3"),
    ],
)
def test_impossible_cameras_are_refused(source: Path, out: Path, ranges: dict, said: str) -> None:
    disc_picture().save(source / "a.png")
    with pytest.raises(DatasetError, match=said) as error:
        prepare(source, out, **ranges)
    assert_refused(error, out)


def test_pictures_with_cameras_are_only_resized(source: Path, out: Path) -> None:
    (source / "train").mkdir()
    frames = []
    for i in range(3):
        disc_picture(160, 160).save(source / "train" / f"r_{i}.png")
        frames.append(
            {"file_path": f"./train/r_{i}", "transform_matrix": camera_to_world(i, 0.3 + i / 9, 3.0).tolist()}
        )
    (source / "transforms.json").write_text(json.dumps({"camera_angle_x": 0.7, "frames": frames}))
    result = prepare(source, out, size=32)
    dataset = load_dataset(out)
    assert result.cameras and dataset.azimuth is not None and dataset.elevation is not None
    assert np.allclose(dataset.azimuth, [0, 1, 2]) and np.allclose(dataset.elevation, 0.3 + np.arange(3) / 9)
    assert dataset.prior.distance == pytest.approx(3.0) and dataset.prior.fov_deg == pytest.approx(np.degrees(0.7))
    _, columns = np.nonzero(output(out)[..., 3] > 127)
    assert (columns.min(), columns.max()) == pytest.approx((20 / 5, 79 / 5), abs=1)


def test_a_truncated_picture_among_many_is_named_skipped_and_counted(
    source: Path, out: Path, caplog: pytest.LogCaptureFixture
) -> None:
    for i in range(30):
        disc_picture().save(source / f"{i:02d}.png")
    (source / "11.png").write_bytes((source / "11.png").read_bytes()[:300])
    (source / "12.png").write_bytes(b"not a picture at all")
    with caplog.at_level(logging.WARNING):
        result = prepare(source, out)
    assert result.pictures == 28 and len(load_dataset(out).pictures) == 28
    assert "skipped 2 of 30" in caplog.text and "11.png (" in caplog.text and "12.png (not a picture)" in caplog.text


def test_tiny_empty_and_huge_pictures_are_skipped_by_name(source: Path, out: Path) -> None:
    disc_picture().save(source / "good.png")
    Image.new("RGB", (1, 1)).save(source / "one.png")
    Image.new("RGBA", (50, 50)).save(source / "clear.png")
    header = struct.pack(">IIBBBBB", 60000, 60000, 8, 2, 0, 0, 0)
    chunks = b""
    for chunk in (b"IHDR" + header, b"IDAT" + zlib.compress(bytes(100))):
        chunks += struct.pack(">I", len(chunk) - 4) + chunk + struct.pack(">I", zlib.crc32(chunk))
    (source / "bomb.png").write_bytes(b"\x89PNG\r\n\x1a\n" + chunks)
    Image.new("RGB", (50, 50), WHITE).save(source / "white.png")
    result = prepare(source, out)
    assert result.pictures == 1 and len(result.skipped) == 4
    reasons = " ".join(result.skipped)
    assert "one.png (1x1 pixels: too small" in reasons and "clear.png (fully transparent)" in reasons
    assert "bomb.png (Image size" in reasons and "white.png (nothing stands out" in reasons


def test_a_lone_1x1_picture_is_an_error(source: Path, out: Path) -> None:
    Image.new("RGB", (1, 1)).save(source / "dot.png")
    with pytest.raises(DatasetError) as error:
        prepare(source, out)
    assert "dot.png (1x1 pixels" in assert_refused(error, out)


def test_missing_and_empty_sources(source: Path, out: Path, tmp_path: Path) -> None:
    with pytest.raises(DatasetError, match="does not exist") as error:
        prepare(tmp_path / "nowhere", out)
    assert_refused(error, out)
    (source / "notes.txt").write_text("no pictures here")
    with pytest.raises(DatasetError, match="holds no pictures") as error:
        prepare(source, out)
    assert_refused(error, out)


def test_cameras_that_leave_the_folder_or_disagree_are_refused(source: Path, out: Path) -> None:
    disc_picture(64, 64).save(source / "a.png")
    near, far = camera_to_world(0.1, 0.3, 3.0).tolist(), camera_to_world(0.2, 0.3, 4.0).tolist()
    for frames, words in (
        ([{"file_path": "../a.png", "transform_matrix": near}], "leaves"),
        ([{"file_path": "a.png", "transform_matrix": m} for m in (near, near, far)], "one distance"),
    ):
        (source / "transforms.json").write_text(json.dumps({"camera_angle_x": 0.7, "frames": frames}))
        with pytest.raises(DatasetError, match=words) as error:
            prepare(source, out)
        assert_refused(error, out)


def test_given_cameras_need_no_ranges(source: Path, out: Path) -> None:
    disc_picture().save(source / "a.png")
    matrix = camera_to_world(0.3, 0.4, 4.0).tolist()
    frames = [{"file_path": "a.png", "transform_matrix": matrix}]
    (source / "transforms.json").write_text(json.dumps({"camera_angle_x": 0.5, "frames": frames}))
    with pytest.raises(DatasetError, match="says in transforms.json where its cameras stood") as error:
        prepare(source, out, elevation=(0.0, 10.0))
    assert_refused(error, out)


@pytest.mark.parametrize("size", [0, 7, 4096])
def test_impossible_sizes_are_refused(source: Path, out: Path, size: int) -> None:
    with pytest.raises(DatasetError, match=f"--size is {size}") as error:
        prepare(source, out, size=size)
    assert_refused(error, out)
