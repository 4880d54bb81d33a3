"""Files appear complete or not at all; what killed processes left half written is swept away."""

from __future__ import annotations

import os
import re
import stat
import struct
import time
import zipfile
import zlib
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gen3d_core.errors import OutputError, output_error
from gen3d_core.processes import is_running

PATIENCE = 10.0
"""Seconds for which a file that another program holds open is tried again."""
DAMAGED_ZIP = (
    zipfile.BadZipFile, ValueError, ArithmeticError, LookupError, RuntimeError, struct.error, OSError, EOFError,
    zlib.error,
)  # fmt: skip
"""What zipfile raises for bytes that nobody wrote: names in no encoding or of no length, offsets beyond 63 bits."""
_PAUSE = 0.1
_FILES = {
    ".glb", ".gltf", ".ply", ".obj", ".stl", ".png", ".jpg", ".gif", ".json", ".html", ".zip", ".gen3d", ".toml", ".pt",
}  # fmt: skip
_LEFTOVER = re.compile(r"\.(?P<name>.+)\.(?P<pid>\d+)\.partial")


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside `path` for writing; it takes `path`'s place when the block ends well and is removed otherwise.

    The folder must exist; what killed processes left half written in it is removed. Where another program holds the
    old file open for longer than `PATIENCE`, as it can on Windows, the old file stays and the new one is kept as
    NAME.new. Raises `OutputError` then, and when the disk is full or the place is not writable.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    sweep(path.parent)
    try:
        with beside.open("wb") as file:
            yield file
        try:
            move(beside, path)
        except PermissionError as error:
            raise _kept(beside, path) from error
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        with suppress(OSError):
            beside.unlink(missing_ok=True)


def move(source: Path, target: Path) -> None:
    """Rename a file or folder within its folder, a file in place of an older one; where another program is in the way,
    again for `PATIENCE` seconds. Raises OSError."""
    last = time.monotonic() + PATIENCE
    while True:
        try:
            return os.replace(source, target)
        except PermissionError:
            if time.monotonic() >= last:
                raise
            time.sleep(_PAUSE)


def sweep(folder: Path, *, own: str | None = None) -> None:
    """Remove what `replacing` left in this very folder when its process was killed.

    Only this user's files whose process is gone; with `own`, only those of target names that this pattern matches,
    and of this process too, which must not be writing there.
    """
    with suppress(OSError):
        for path in folder.glob(".*.partial"):
            found = _LEFTOVER.fullmatch(path.name)
            if not found or (own is not None and not re.fullmatch(own, found["name"])):
                continue
            number = int(found["pid"])
            ours = number == os.getpid()
            if (own is None and ours) or (not ours and is_running(number)):
                continue
            with suppress(OSError):
                _remove_own(path)


def read_regular(path: Path, most: int) -> bytes:
    """The bytes of a file, at most one more than `most`. Raises OSError, also for what is no file: a folder, or a named
    pipe, which would never end."""
    if not stat.S_ISREG(path.stat().st_mode):
        raise OSError("it is no file")
    with path.open("rb") as file:
        return file.read(most + 1)


def expect_folder(path: Path, words: str = "") -> None:
    """That a place for a folder is not called like a file, unless a folder of that name is there. Raises `OutputError`,
    with more `words` at its end."""
    if path.suffix.lower() in _FILES and not path.is_dir():
        raise OutputError(f"{path}: a folder is expected, which files with names of their own go into{words}")


def expect_working_folder() -> None:
    """That the folder in which the program was started is still there: libraries of numbers end a process without a
    word where it is not, and names relative to it mean nothing. Raises `OutputError`."""
    try:
        Path.cwd()
    except OSError as error:
        raise OutputError(
            "the folder in which this command was started is gone or cannot be read: change to another and run again"
        ) from error


def make_folder(path: Path) -> Path:
    """Create a folder and its parents where missing. Raises `OutputError` where that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(path, error) from error
    return path


def _remove_own(path: Path) -> None:
    told = path.lstat()
    if stat.S_ISREG(told.st_mode) and (not hasattr(os, "getuid") or told.st_uid == os.getuid()):
        path.unlink()


def _kept(beside: Path, path: Path) -> OutputError:
    """Keep what could not take its place, under a name that is seen."""
    new = path.with_name(path.name + ".new")
    os.replace(beside, new)
    return OutputError(
        f"cannot replace {path}: another program holds it open; it is as it was, and {new.name} beside it holds the "
        "new content: close that program and rename the file, or run again"
    )
