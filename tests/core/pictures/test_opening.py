"""Every picture is opened in one place: no outside program, the same in 16 bits and under any colour profile, and what
is no picture is named."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image, ImageCms

from gen3d_core.errors import Gen3DError
from gen3d_core.pictures.cutout import decode
from gen3d_core.pictures.framing import read_framed
from gen3d_core.pictures.opening import FORMATS, UnreadablePicture, open_picture, to_rgba

ROOT = Path(__file__).resolve().parents[3]
EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 64 64\n%%EndComments\n0 0 64 64 rectfill\nshowpage\n%%EOF\n"
WIDE = (0.64, 0.33, 0.21, 0.71, 0.15, 0.06)
"""Chromaticities of Adobe RGB (1998): red, green, blue."""


def file_of(image: Image.Image, kind: str = "PNG", **options: object) -> bytes:
    buffer = io.BytesIO()
    image.save(buffer, kind, **options)  # pyright: ignore[reportArgumentType]
    return buffer.getvalue()


def pixels_of(data: bytes) -> np.ndarray:
    with open_picture(data) as image:
        return np.asarray(to_rgba(image))


@pytest.fixture
def ghostscript(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[object]:
    """Calls of the program to which Pillow hands PostScript, by a harmless stand-in."""
    calls: list[object] = []

    def stand_in(*_: object, **__: object) -> None:
        calls.append(_)
        raise OSError("the stand-in was started")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", stand_in)
    return calls


@pytest.mark.parametrize("name", ["logo.eps", "logo.png", "logo.jpg"])
def test_postscript_starts_no_program_whatever_it_is_called(tmp_path: Path, ghostscript: list[object], name: str):
    (tmp_path / name).write_bytes(EPS)
    with pytest.raises(Gen3DError, match=f"{name}: PostScript, not a picture: save it as PNG"):
        read_framed(tmp_path / name, 64)
    with pytest.raises(Gen3DError, match="PostScript"):
        read_framed(tmp_path / name, 64, tmp_path / name)
    assert ghostscript == []
    with pytest.raises(OSError, match="stand-in"):
        Image.open(io.BytesIO(EPS)).load()  # what it is kept from


def test_no_other_place_opens_pictures():
    sources = [path for package in ("gen3d_core", "training", "benchmarks") for path in (ROOT / package).rglob("*.py")]
    opening = [path.name for path in sources if re.search(r"\b(Image|pillow)\.open\(", path.read_text("utf-8"))]
    assert opening == ["opening.py"]


def test_the_formats_that_people_have_are_read():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 24, 3), np.uint8))
    for kind in ("PNG", "JPEG", "WEBP", "TIFF", "BMP", "GIF", "TGA", "PPM"):
        assert kind in FORMATS and pixels_of(file_of(image, kind)).shape == (16, 24, 4), kind


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (b"", "an empty file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:0\nsize 9\n", "a Git LFS pointer.*git lfs pull"),
        (b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        ", "AppleDouble.*leave it out"),
        (b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", "HEIC|cannot|Invalid"),
        (b"%PDF-1.7\n", "a PDF"),
        (b"no picture at all", "not a picture"),
    ],
)
def test_what_is_no_picture_is_named(data: bytes, words: str):
    with pytest.raises(UnreadablePicture, match=words):
        decode(data, 64)


def test_a_heic_picture_is_named_where_its_plug_in_is_missing(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)
    with pytest.raises(UnreadablePicture, match="a HEIC picture: install pillow-heif, or save it as JPEG or PNG"):
        decode(b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic", 64)


@pytest.mark.parametrize("brightest", [1.0, 0.003])
@pytest.mark.parametrize("kind", ["PNG", "TIFF"])
def test_sixteen_bits_are_the_same_picture_as_eight(kind: str, brightest: float):
    """However dark it is: 16 bits have one white."""
    grey = np.rint(np.linspace(0, 255 * brightest, 32 * 32)).astype(np.uint8).reshape(32, 32)
    narrow, wide = file_of(Image.fromarray(grey), kind), file_of(Image.fromarray(grey.astype(np.uint16) * 257), kind)
    assert np.array_equal(pixels_of(narrow), pixels_of(wide))
    assert np.array_equal(decode(narrow, 64), decode(wide, 64))


def profile(chromaticities: tuple[float, ...] | None) -> bytes:
    """A profile of sRGB, or of the same curve with other primaries: its matrix, adapted to D50 as profiles are."""
    whole = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    if chromaticities is None:
        return whole
    data = bytearray(whole)
    xyz = np.array([[x / y, 1, (1 - x - y) / y] for x, y in np.reshape(chromaticities, (3, 2))]).T
    white = np.array([0.95047, 1.0, 1.08883])
    matrix = xyz * np.linalg.solve(xyz, white)
    bradford = np.array([[0.8951, 0.2664, -0.1614], [-0.7502, 1.7135, 0.0367], [0.0389, -0.0685, 1.0296]])
    scale = bradford @ np.array([0.9642, 1.0, 0.8249]) / (bradford @ white)
    matrix = np.linalg.inv(bradford) @ np.diag(scale) @ bradford @ matrix
    for column, tag in enumerate((b"rXYZ", b"gXYZ", b"bXYZ")):
        at = data.index(tag) + 4
        offset = int.from_bytes(data[at : at + 4], "big") + 8
        numbers = np.rint(matrix[:, column] * 65536).astype(">i4").tobytes()
        data[offset : offset + 12] = numbers
    return bytes(data)


@pytest.mark.parametrize("kind", ["PNG", "TIFF", "WEBP"])
@pytest.mark.parametrize("alpha", [False, True])
def test_colours_under_a_profile_become_those_of_srgb(kind: str, alpha: bool):
    """Pure green of Adobe RGB lies outside sRGB; a red of sRGB has another number there, by the two matrices."""
    lossless = {"lossless": True, "exact": True} if kind == "WEBP" else {}
    meant = np.full((16, 16, 3), (200, 60, 40), np.uint8)
    to_wide = ImageCms.buildTransform(ImageCms.createProfile("sRGB"), io.BytesIO(profile(WIDE)), "RGB", "RGB")
    stored = ImageCms.applyTransform(Image.fromarray(meant), to_wide)
    assert stored is not None and np.abs(np.asarray(stored).astype(int) - meant).max() > 15
    if alpha:
        stored.putalpha(Image.fromarray(np.tile(np.arange(16, dtype=np.uint8) * 10, (16, 1))))
    seen = pixels_of(file_of(stored, kind, icc_profile=profile(WIDE), **lossless))
    assert np.abs(seen[..., :3].astype(int) - meant).max() <= 2
    assert np.array_equal(seen[0, :, 3], np.arange(16) * 10 if alpha else np.full(16, 255))


def test_a_profile_of_srgb_or_a_damaged_one_changes_no_byte():
    image = Image.fromarray(np.random.default_rng(0).integers(0, 256, (16, 16, 3), np.uint8))
    plain = pixels_of(file_of(image))
    for given in (profile(None), b"no profile", profile(WIDE)[:90]):
        assert np.array_equal(pixels_of(file_of(image, icc_profile=given)), plain)
    grey = image.convert("CMYK")  # a profile that does not fit its picture
    assert np.array_equal(pixels_of(file_of(grey, "TIFF", icc_profile=profile(WIDE))), pixels_of(file_of(grey, "TIFF")))
