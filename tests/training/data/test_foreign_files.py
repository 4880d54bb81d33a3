"""Files that are no pictures, in sources and data sets: named and skipped, never started, never waited for."""

import logging
import os
from pathlib import Path

import numpy as np
import pytest
from PIL import EpsImagePlugin, Image

from tests.training.data.test_dataset import make_dataset
from training.data.dataset import DatasetError, load_dataset
from training.data.meshes import read_mesh
from training.data.prepare import prepare

EPS = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 16 16\n%%EndComments\n0 0 16 16 rectfill\nshowpage\n%%EOF\n"
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "
HEIC = b"\x00\x00\x00\x18ftypheic\x00\x00\x00\x00mif1heic"


@pytest.fixture(autouse=True)
def no_program(monkeypatch: pytest.MonkeyPatch) -> None:
    def started(*_: object, **__: object) -> None:
        raise AssertionError("an outside program was started")

    monkeypatch.setattr(EpsImagePlugin, "Ghostscript", started)
    monkeypatch.setitem(__import__("sys").modules, "pillow_heif", None)


def picture(path: Path) -> None:
    pixels = np.zeros((40, 40, 4), np.uint8)
    pixels[10:30, 5:35] = (200, 30, 40, 255)
    Image.fromarray(pixels).save(path)


def test_a_source_of_pictures_names_what_is_none(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    source = tmp_path / "source"
    source.mkdir()
    picture(source / "a.png")
    for name, data in {"b.png": EPS, "c.eps": EPS, "d.jpg": POINTER, "e.png": DOUBLE, "f.HEIC": HEIC}.items():
        (source / name).write_bytes(data)
    with caplog.at_level(logging.WARNING):
        result = prepare(source, tmp_path / "out")
    assert result.pictures == 1 and len(result.skipped) == 5 and "skipped 5 of 6 pictures" in caplog.text
    reasons = "; ".join(result.skipped)
    for words in ("b.png (PostScript", "c.eps (PostScript", "d.jpg (a Git LFS pointer", "e.png (what macOS keeps"):
        assert words in reasons
    assert "f.HEIC (a HEIC picture: install pillow-heif" in reasons


def test_a_source_of_nothing_else_says_so(tmp_path: Path) -> None:
    (tmp_path / "phone").mkdir()
    (tmp_path / "phone" / "IMG_1.heic").write_bytes(HEIC)
    with pytest.raises(DatasetError, match=r"none of the 1 pictures .*IMG_1\.heic \(a HEIC picture"):
        prepare(tmp_path / "phone", tmp_path / "out")


def test_a_data_set_names_what_is_no_picture(tmp_path: Path) -> None:
    pictures = make_dataset(tmp_path, count=6)
    for index, data in enumerate((EPS, POINTER, DOUBLE, b"")):
        (tmp_path / "images" / f"{index:06d}.png").write_bytes(data)
    dataset = load_dataset(tmp_path)
    assert np.array_equal(dataset.pictures, pictures[4:])
    told = "; ".join(dataset.skipped)
    for words in ("PostScript", "Git LFS pointer", "AppleDouble", "an empty file"):
        assert words in told


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="no named pipes here")
@pytest.mark.parametrize("cameras", [False, True])
def test_a_named_pipe_is_skipped_by_name(tmp_path: Path, cameras: bool) -> None:
    make_dataset(tmp_path / "set", count=3, cameras=cameras)
    path = tmp_path / "set" / "images" / "000001.png"
    path.unlink()
    os.mkfifo(path)
    assert load_dataset(tmp_path / "set").skipped == ("000001.png (it is no file)",)
    if cameras:
        assert prepare(tmp_path / "set", tmp_path / "out", size=16).skipped == ("images/000001.png (it is no file)",)


@pytest.mark.parametrize("cameras", [False, True])
def test_sixteen_bits_are_learned_from_as_eight(tmp_path: Path, cameras: bool) -> None:
    make_dataset(tmp_path, count=2, cameras=cameras)
    grey = np.arange(256, dtype=np.uint8).reshape(16, 16)
    Image.fromarray(grey).save(tmp_path / "images" / "000000.png")
    Image.fromarray(grey.astype(np.uint16) * 257).save(tmp_path / "images" / "000001.png")
    first, second = load_dataset(tmp_path).pictures
    assert np.array_equal(first, second) and np.array_equal(first[..., 0], grey)


@pytest.mark.parametrize(("data", "words"), [(POINTER, "git lfs pull"), (DOUBLE, "AppleDouble"), (b"", "empty")])
def test_meshes_that_are_none_are_named(tmp_path: Path, data: bytes, words: str) -> None:
    (tmp_path / "chair.glb").write_bytes(data)
    with pytest.raises(ValueError, match=words):
        read_mesh(tmp_path / "chair.glb")
