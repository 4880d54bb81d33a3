"""Pictures as people have them: cut out and framed, or refused in one line that says why."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw
from skimage.color import rgb2lab

from gen3d_core import limits
from gen3d_core.colour import to_lab
from gen3d_core.errors import Gen3DError
from gen3d_core.pictures.cutout import resize
from gen3d_core.pictures.framing import network_input, read_framed, read_framed_array
from gen3d_core.pictures.pinhole import FILL

RED = (200, 30, 40)
SIZE = 100


def drawn(folder: Path, name: str = "chair.png", size: tuple[int, int] = (300, 200), ground: object = "white") -> Path:
    """A red box 60 wide and 40 high, off centre."""
    image = Image.new("RGBA" if ground is None else "RGB", size, ground)  # type: ignore[arg-type]
    ImageDraw.Draw(image).rectangle((20, 50, 79, 89), fill=RED)
    image.save(folder / name)
    return folder / name


def extent(picture: np.ndarray) -> tuple[int, int]:
    """Width and height of what is more than half opaque."""
    seen = picture[..., 3] > 127
    return int(seen.any(0).sum()), int(seen.any(1).sum())


def test_lab_is_that_of_scikit_image():
    colours = np.random.default_rng(0).random((500, 3))
    assert np.abs(to_lab(colours) - rgb2lab(colours)).max() < 0.01


@pytest.mark.parametrize("size", [(64, 64), (30, 90), (150, 70)])
def test_resampling_is_pillows(size: tuple[int, int]):
    pixels = np.random.default_rng(0).integers(0, 256, (90, 120, 4)).astype(np.uint8)
    pixels[..., 3] = 255
    theirs = Image.fromarray(pixels).resize(size, Image.Resampling.HAMMING)
    assert np.abs(resize(pixels, size[1], size[0]).astype(int) - np.asarray(theirs)).max() <= 1


@pytest.mark.parametrize("ground", ["white", (90, 120, 200), None])
def test_the_object_stands_in_the_middle_whatever_is_around_it(tmp_path: Path, ground: object):
    picture = read_framed(drawn(tmp_path, ground=ground), SIZE)
    width, height = extent(picture)
    assert width == pytest.approx(SIZE * FILL, abs=2) and height == pytest.approx(SIZE * FILL * 2 / 3, abs=2)
    assert np.abs(picture[SIZE // 2, SIZE // 2].astype(int) - [*RED, 255]).max() <= 1


def test_a_camera_held_upright_is_respected(tmp_path: Path):
    path = drawn(tmp_path, "turned.jpg")
    turned = Image.Exif()
    turned[0x0112] = 6
    Image.open(path).save(path, exif=turned)
    width, height = extent(read_framed(path, SIZE))
    assert height > width


def test_a_mask_says_what_belongs_to_it(tmp_path: Path):
    noise = np.random.default_rng(0).integers(0, 256, (200, 300, 3)).astype(np.uint8)
    Image.fromarray(noise).save(tmp_path / "busy.png")
    with pytest.raises(Gen3DError, match="busy.png: its background is neither transparent nor of one colour.*mask"):
        read_framed(tmp_path / "busy.png", SIZE)
    mask = Image.new("L", (600, 400))
    ImageDraw.Draw(mask).rectangle((200, 100, 279, 299), fill=255)
    mask.save(tmp_path / "mask.png")
    width, height = extent(read_framed(tmp_path / "busy.png", SIZE, tmp_path / "mask.png"))
    assert (width, height) == pytest.approx((0.4 * SIZE * FILL, SIZE * FILL), abs=2)


def test_a_mask_of_other_proportions_or_without_anything_is_refused(tmp_path: Path):
    picture = drawn(tmp_path)
    Image.new("L", (200, 200), 255).save(tmp_path / "square.png")
    with pytest.raises(Gen3DError, match="square.png: this mask has other proportions"):
        read_framed(picture, SIZE, tmp_path / "square.png")
    Image.new("L", (300, 200)).save(tmp_path / "empty.png")
    with pytest.raises(Gen3DError, match="transparent"):
        read_framed(picture, SIZE, tmp_path / "empty.png")


def test_bad_files_are_named_in_one_line(tmp_path: Path):
    (tmp_path / "text.png").write_text("no picture")
    whole = drawn(tmp_path).read_bytes()
    (tmp_path / "cut.png").write_bytes(whole[: len(whole) // 2])
    Image.new("RGB", (50, 50), "white").save(tmp_path / "blank.png")
    Image.new("1", (20_000, 6_000)).save(tmp_path / "huge.png")
    for name, reason in (
        ("text.png", "not a picture"),
        ("cut.png", "cut.png"),
        ("blank.png", "nothing stands out"),
        ("huge.png", "20000x6000 pixels: too large, at most 100 million"),
        ("none.png", "cannot be read: No such file"),
    ):
        with pytest.raises(Gen3DError, match=reason) as error:
            read_framed(tmp_path / name, SIZE)
        assert "\n" not in str(error.value) and name in str(error.value)


def test_a_very_wide_picture_is_read(tmp_path: Path):
    image = Image.new("RGB", (20_000, 400), "white")
    ImageDraw.Draw(image).rectangle((9_000, 20, 11_000, 380), fill=RED)
    image.save(tmp_path / "wide.jpg")
    assert extent(read_framed(tmp_path / "wide.jpg", SIZE))[0] == pytest.approx(SIZE * FILL, abs=3)


def test_networks_see_premultiplied_colours():
    picture = np.full((128, 128, 4), 255, np.uint8)
    picture[:, :64, 3] = 0
    seen = network_input([picture], 64)
    assert seen.shape == (1, 4, 64, 64) and seen.dtype == np.float32
    assert (seen[0, :, :, :31] == 0).all() and (seen[0, :, :, 33:] == 1).all()


def test_arrays_of_a_client_are_bounded(tmp_path: Path):
    def written(pixels: np.ndarray, name: str = "pixels") -> Path:
        np.savez_compressed(tmp_path / "picture.npz", **{name: pixels})  # pyright: ignore[reportArgumentType]
        return tmp_path / "picture.npz"

    box = np.zeros((40, 60, 4), np.uint8)
    box[10:30, 10:50] = 255
    assert extent(read_framed_array(written(box), SIZE)) == pytest.approx((SIZE * FILL, SIZE * FILL / 2), abs=2)
    side = limits.ENCODED_SIDE[1]
    for pixels, reason in (
        (np.zeros((8 * side, side, 4), np.uint8), "more than 1024x1024"),
        (np.zeros((side + 1, 8, 4), np.uint8), "expected 8 to 1024"),
        (np.zeros((8, 8, 3), np.uint8), "expected uint8"),
        (np.zeros((8, 8, 4), np.float32), "expected uint8"),
        (np.zeros((8, 8, 4), np.uint8), "fully transparent"),
    ):
        with pytest.raises(Gen3DError, match=reason):
            read_framed_array(written(pixels), SIZE)
    with pytest.raises(Gen3DError, match="not an .npz file of pixels"):
        read_framed_array(written(box, "other"), SIZE)
    (tmp_path / "text.npz").write_bytes(io.BytesIO(b"no zip").getvalue())
    with pytest.raises(Gen3DError, match="not an .npz file"):
        read_framed_array(tmp_path / "text.npz", SIZE)
