"""Zips of pictures: read where they lie, refused where their paths lead elsewhere."""

import random
import zipfile
from pathlib import Path

import pytest

from gen3d_core.pictures.opening import UnreadablePicture
from tests.training.data.test_prepare import assert_refused, disc_picture, png_bytes
from training.data.dataset import load_dataset
from training.data.picture_source import open_source
from training.data.prepare import prepare
from training.data.staging import DatasetError


@pytest.fixture
def source(tmp_path: Path) -> Path:
    folder = tmp_path / "source"
    folder.mkdir()
    return folder


@pytest.fixture
def out(tmp_path: Path) -> Path:
    return tmp_path / "out" / "dataset"


def test_a_zip_is_read_without_unpacking(source: Path, out: Path) -> None:
    path = source / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("set/a.png", png_bytes(disc_picture()))
        archive.writestr("set/b.png", png_bytes(disc_picture())[:200])
        archive.writestr("__MACOSX/set/._a.png", b"junk")
        archive.writestr("readme.txt", "hello")
    result = prepare(path, out)
    assert result.pictures == 1 and len(result.skipped) == 1 and result.skipped[0].startswith("set/b.png (")
    assert [p.name for p in source.iterdir()] == ["pictures.zip"]
    assert load_dataset(out).category == "pictures"


@pytest.mark.parametrize("name", ["../escape.png", "/absolute.png", "a/../../b.png", "C:\\windows.png", "..\\up.png"])
def test_a_zip_whose_paths_leave_its_folder_is_refused(source: Path, out: Path, name: str) -> None:
    path = source / "evil.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("good.png", png_bytes(disc_picture()))
        archive.writestr(name, png_bytes(disc_picture()))
    with pytest.raises(DatasetError, match="leaves the zip's folder") as error:
        prepare(path, out)
    assert_refused(error, out)


def test_a_file_that_is_no_zip_and_a_damaged_zip(source: Path, out: Path) -> None:
    path = source / "pictures.zip"
    with zipfile.ZipFile(path, "w") as archive:
        archive.writestr("a.png", png_bytes(disc_picture()))
    whole = path.read_bytes()
    for content in (b"hello", whole[: len(whole) // 2]):
        path.write_bytes(content)
        with pytest.raises(DatasetError, match="readable zip") as error:
            prepare(path, out)
        assert_refused(error, out)
    damaged = bytearray(whole)
    damaged[60:90] = b"x" * 30
    path.write_bytes(bytes(damaged))
    with pytest.raises(DatasetError, match="none of the 1 pictures.*a.png") as error:
        prepare(path, out)
    assert_refused(error, out)


def test_no_damage_to_a_zip_is_more_than_a_refusal(source: Path) -> None:
    path = source / "pictures.zip"
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("a.png", bytes(60))
        archive.writestr("ä/b.png", bytes(50))
    whole, rng = path.read_bytes(), random.Random(0)
    refused = 0
    for place in range(len(whole)):
        for value in (0, 255, rng.randrange(256)):
            path.write_bytes(whole[:place] + bytes([value]) + whole[place + 1 :])
            try:
                with open_source(path) as pictures:
                    for name in pictures.names:
                        pictures.read(name)
            except (DatasetError, UnreadablePicture):
                refused += 1
    assert refused > len(whole) / 4
