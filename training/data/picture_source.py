"""Someone's pictures, in a folder or a zip, as (name, bytes): read with bounds, never unpacked onto the disk."""

import stat
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from gen3d_core import limits
from gen3d_core.errors import first_line
from gen3d_core.files import DAMAGED_ZIP, read_regular
from gen3d_core.pictures.opening import UnreadablePicture
from training.data.staging import DatasetError

SUFFIXES = frozenset({".png", ".jpg", ".jpeg", ".webp", ".bmp", ".tif", ".tiff", ".gif", ".tga"})
_NAMED = frozenset({".heic", ".heif", ".hif", ".avif", ".eps", ".psd", ".exr", ".dng", ".cr2", ".nef", ".arw"})
"""Pictures too: tried, and skipped by name where they cannot be read, but nothing that a source is made of."""


@dataclass(frozen=True)
class PictureSource:
    """The pictures of a folder or zip by their '/'-separated names, sorted, and the names of all its files."""

    names: tuple[str, ...]
    files: tuple[str, ...]
    _folder: Path
    _archive: zipfile.ZipFile | None

    def read(self, name: str) -> bytes:
        """The bytes of a file. Raises UnreadablePicture when it is missing, too large, damaged or encrypted."""
        try:
            if self._archive is None:
                data = read_regular(self._folder / name, limits.PICTURE_BYTES)
            else:
                with self._archive.open(name) as member:
                    data = member.read(limits.PICTURE_BYTES + 1)
        except (KeyError, FileNotFoundError) as error:
            raise UnreadablePicture("missing") from error
        except zlib.error as error:
            raise UnreadablePicture(f"damaged in the zip: {error}") from error
        except DAMAGED_ZIP as error:
            raise UnreadablePicture(first_line(error)) from error
        if len(data) > limits.PICTURE_BYTES:
            raise UnreadablePicture(f"larger than {limits.PICTURE_BYTES >> 20} MB")
        return data


@contextmanager
def open_source(source: Path) -> Iterator[PictureSource]:
    """The pictures at or below a folder, or in a zip.

    Raises DatasetError when there is no such source, it is something else, holds no pictures, or is a zip with a
    member whose path leaves its folder.
    """
    if source.is_dir():
        paths = [path.relative_to(source) for path in source.rglob("*") if path.is_file()]
        files = _visible([path.as_posix() for path in paths])
        yield PictureSource(_pictures(files, source), files, source, None)
        return
    if not source.is_file():
        raise DatasetError(f"{source} does not exist: SOURCE is a folder or a zip of pictures")
    try:
        archive = zipfile.ZipFile(source)
    except DAMAGED_ZIP as error:
        raise DatasetError(f"{source} is neither a folder nor a readable zip: {first_line(error)}") from error
    with archive:
        files = _visible(_member_names(archive, source))
        yield PictureSource(_pictures(files, source), files, source, archive)


def _member_names(archive: zipfile.ZipFile, source: Path) -> list[str]:
    names = []
    for info in archive.infolist():
        name = info.filename
        path = PurePosixPath(name.replace("\\", "/"))
        if path.is_absolute() or ".." in path.parts or ":" in name or stat.S_ISLNK(info.external_attr >> 16):
            raise DatasetError(f"{source}: member '{name}' leaves the zip's folder; this zip is not used")
        if name and not info.is_dir():
            names.append(name)
    return names


def _visible(names: list[str]) -> tuple[str, ...]:
    def hidden(name: str) -> bool:
        return any(part.startswith(".") or part == "__MACOSX" for part in PurePosixPath(name).parts)

    return tuple(sorted({name for name in names if not hidden(name)}))


def _pictures(names: tuple[str, ...], source: Path) -> tuple[str, ...]:
    found = tuple(name for name in names if PurePosixPath(name).suffix.lower() in SUFFIXES | _NAMED)
    if not found:
        raise DatasetError(f"{source} holds no pictures ({', '.join(sorted(s[1:] for s in SUFFIXES))})")
    return found
