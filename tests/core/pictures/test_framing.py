"""The frame is around the object, whatever small things and soft shadows a picture has beside it."""

import io
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageDraw, ImageFilter

from gen3d_core.errors import Gen3DError
from gen3d_core.pictures.components import meaningful
from gen3d_core.pictures.cutout import VISIBLE, frame_object, remove_background, resize
from gen3d_core.pictures.framing import read_framed
from gen3d_core.pictures.pinhole import FILL

SIZE = 128
BROWN = (120, 60, 30)


def chair(colour: tuple[int, ...] = BROWN, ground: tuple[int, ...] = (250, 250, 250)) -> Image.Image:
    image = Image.new("RGBA" if len(ground) == 4 else "RGB", (400, 400), ground)
    draw = ImageDraw.Draw(image)
    for box in ((140, 100, 260, 250), (125, 250, 275, 275), (130, 275, 145, 360), (255, 275, 270, 360)):
        draw.rectangle(box, fill=colour)
    return image


def shadowed(image: Image.Image) -> Image.Image:
    """With a soft shadow below, as a lamp from the left gives on a backdrop."""
    light = Image.new("L", image.size, 255)
    ImageDraw.Draw(light).ellipse((110, 340, 360, 390), fill=150)
    light = np.asarray(light.filter(ImageFilter.GaussianBlur(9)), np.float64)[..., None] / 255
    solid = np.asarray(chair((0, 0, 0, 255), (0, 0, 0, 0)))[..., 3:] > 0
    pixels = np.asarray(image).astype(np.float64)
    return Image.fromarray(np.where(solid, pixels, pixels * light).round().astype(np.uint8))


def seen(folder: Path, image: Image.Image, name: str = "chair.png", **options: object) -> np.ndarray:
    image.save(folder / name, **options)  # pyright: ignore[reportArgumentType]
    return read_framed(folder / name, SIZE)[..., 3] > 127


def overlap(one: np.ndarray, other: np.ndarray) -> float:
    return float((one & other).sum() / (one | other).sum())


@pytest.fixture
def clean(tmp_path: Path) -> np.ndarray:
    return seen(tmp_path, chair(), "clean.png")


@pytest.mark.parametrize("ground", [(250, 250, 250), (120, 160, 220), (0, 0, 0, 0)])
def test_a_speck_of_nine_pixels_changes_nothing(tmp_path: Path, ground: tuple[int, ...]):
    clean = seen(tmp_path, chair(ground=ground), "clean.png")
    image = chair(ground=ground)
    ImageDraw.Draw(image).rectangle((4, 390, 6, 392), fill=BROWN)
    assert np.array_equal(seen(tmp_path, image), clean)


def test_a_watermark_changes_nothing(tmp_path: Path, clean: np.ndarray):
    image = chair()
    ImageDraw.Draw(image).text((6, 384), "studio 2026", fill=(150, 150, 150))
    assert np.array_equal(seen(tmp_path, image), clean)


def test_remnants_of_compression_hardly_matter(tmp_path: Path, clean: np.ndarray):
    assert overlap(seen(tmp_path, chair(), "chair.jpg", quality=15), clean) > 0.95


@pytest.mark.parametrize("kind", ["PNG", "JPEG"])
@pytest.mark.parametrize("ground", [(250, 250, 250), (225, 225, 225), (230, 215, 190)])
def test_a_soft_shadow_is_left_out(tmp_path: Path, ground: tuple[int, ...], kind: str):
    clean = seen(tmp_path, chair(ground=ground), "clean.png")
    buffer = io.BytesIO()
    shadowed(chair(ground=ground)).save(buffer, kind, quality=90)
    assert overlap(seen(tmp_path, Image.open(buffer)), clean) > 0.97


@pytest.mark.parametrize("blur", [0, 1])
@pytest.mark.parametrize("grey", [60, 130, 147, 160, 180, 200])
def test_a_soft_shadow_under_a_grey_object_is_left_out(tmp_path: Path, clean: np.ndarray, grey: int, blur: int):
    """Where both are as light as each other, no edge tells the ends of legs from the shadow around them."""
    image = shadowed(chair((grey, grey, grey))).filter(ImageFilter.GaussianBlur(blur))
    assert overlap(seen(tmp_path, image), clean) > (0.9 if grey in (147, 160) else 0.97)


def test_a_grey_object_is_not_taken_for_its_shadow(tmp_path: Path):
    for image in (chair((130, 130, 130)), chair((130, 130, 130)).filter(ImageFilter.GaussianBlur(2))):
        assert overlap(seen(tmp_path, image), seen(tmp_path, chair(), "clean.png")) > 0.9


def test_white_on_white_is_told_apart_where_the_backdrop_is_even(tmp_path: Path, clean: np.ndarray):
    image = chair((236, 236, 234), (255, 255, 255))
    assert overlap(seen(tmp_path, image), clean) > 0.98
    noisy = np.asarray(image) - np.random.default_rng(0).integers(0, 12, (400, 400, 1)).astype(np.uint8)
    with pytest.raises(Gen3DError, match="nothing stands out"):
        seen(tmp_path, Image.fromarray(noisy))


def as_before(pixels: np.ndarray, size: int) -> np.ndarray:
    """The object framed by everything that is visible."""
    visible = pixels[..., 3] >= VISIBLE
    rows, columns = np.flatnonzero(visible.any(1)), np.flatnonzero(visible.any(0))
    crop = pixels[rows[0] : rows[-1] + 1, columns[0] : columns[-1] + 1]
    height, width = crop.shape[:2]
    side = round(max(width, height) / FILL)
    square = np.zeros((side, side, 4), np.uint8)
    top, left = (side - height) // 2, (side - width) // 2
    square[top : top + height, left : left + width] = crop
    return resize(square, size, size)


def test_clean_cut_outs_keep_their_bytes():
    """Thin legs that break into dashes, and pairs of things, are one object."""
    pair = Image.new("RGBA", (300, 200))
    ImageDraw.Draw(pair).ellipse((10, 20, 90, 120), fill=BROWN)
    ImageDraw.Draw(pair).ellipse((180, 100, 240, 150), fill=BROWN)
    lamp = Image.new("RGBA", (200, 300))
    ImageDraw.Draw(lamp).ellipse((40, 10, 160, 90), fill=BROWN)
    for y in range(92, 290, 6):
        ImageDraw.Draw(lamp).rectangle((99, y, 100, y + 3), fill=BROWN)
    antenna = Image.new("RGBA", (64, 64))
    ImageDraw.Draw(antenna).rectangle((20, 40, 60, 60), fill=BROWN)
    ImageDraw.Draw(antenna).line((20, 40, 4, 4), fill=BROWN)
    for image in (chair(ground=(0, 0, 0, 0)), pair, lamp, antenna):
        pixels = np.array(image)
        assert np.array_equal(frame_object(pixels, 64), as_before(pixels, 64))


def test_what_is_meaningful():
    mask = np.zeros((300, 300), bool)
    assert np.array_equal(meaningful(mask), mask)
    mask[100:200, 100:200] = True
    alone = mask.copy()
    mask[10:13, 280:283] = True
    assert np.array_equal(meaningful(mask), alone)
    mask[20:80, 20:60] = True
    assert meaningful(mask)[30, 30] and not meaningful(mask)[11, 281]


def test_a_plain_picture_is_cut_as_before():
    """Without shadow or specks the background is what is near the border's colour and connected to it."""
    pixels = np.dstack([np.asarray(chair()), np.full((400, 400), 255, np.uint8)])
    cut = remove_background(pixels)
    assert cut is not None
    solid = np.asarray(chair((0, 0, 0, 255), (0, 0, 0, 0)))[..., 3] > 0
    inner = solid.copy()
    for axis, step in ((0, 1), (0, -1), (1, 1), (1, -1)):
        inner &= np.roll(solid, step, axis)
    assert np.array_equal(cut[..., 3] > 0, inner)


@pytest.mark.parametrize("size", [64, 256])
def test_a_data_set_frames_as_encoding_does(tmp_path: Path, size: int):
    """A shadow, a watermark, a pale object and a large picture look the same to both."""
    from training.data.prepare import prepare

    shown = shadowed(chair((180, 180, 180)))
    ImageDraw.Draw(shown).text((6, 4), "studio 2026", fill=(150, 150, 150))
    (tmp_path / "source").mkdir()
    for name, image in (
        ("a", shown),
        ("b", chair((236, 236, 234), (255, 255, 255))),
        ("c", shown.resize((1500, 1500))),
    ):
        image.convert("RGB").save(tmp_path / "source" / f"{name}.png")
    prepare(tmp_path / "source", tmp_path / "out", size=size)
    for number, name in enumerate("abc"):
        made = np.asarray(Image.open(tmp_path / "out" / "images" / f"{number:06d}.png"))
        assert np.array_equal(made, read_framed(tmp_path / "source" / f"{name}.png", size))
