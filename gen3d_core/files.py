"""Files appear complete or not at all."""

from __future__ import annotations

import os
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO

from gen3d_core.errors import output_error


@contextmanager
def replacing(path: Path) -> Iterator[BinaryIO]:
    """Open a file beside `path` for writing; it takes `path`'s place when the block ends well and is removed otherwise.

    The folder must exist. Raises `OutputError` when the disk is full or the place is not writable.
    """
    beside = path.with_name(f".{path.name}.{os.getpid()}.partial")
    try:
        with beside.open("wb") as file:
            yield file
        os.replace(beside, path)
    except OSError as error:
        raise output_error(path, error) from error
    finally:
        with suppress(OSError):  # what went wrong before it is what the user should read
            beside.unlink(missing_ok=True)


def make_folder(path: Path) -> Path:
    """Create a folder and its parents where missing. Raises `OutputError` where that is not possible."""
    try:
        path.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise output_error(path, error) from error
    return path
