"""Data sets appear whole or not at all: they are built in a folder beside the target and renamed at the end."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from gen3d_core.errors import Gen3DError, output_error

_MARK = ".gen3d-unfinished"


class DatasetError(Gen3DError):
    """A data set cannot be made or read; the message is one line that says what, where and what to do."""


@contextmanager
def stage_folder(out: Path, needed_bytes: int = 0) -> Iterator[Path]:
    """Yield an empty folder OUT.partial that becomes `out` on success and is removed otherwise.

    Raises DatasetError when `out` exists or fewer than `needed_bytes` are free there, and OutputError for a full disk
    or a folder that cannot be written, wherever inside the block that shows.
    """
    out = out.absolute()
    if out.exists():
        raise DatasetError(f"{out} exists already: choose another --out, or remove it first")
    partial = out.with_name(out.name + ".partial")
    try:
        if partial.exists():
            if not (partial / _MARK).is_file():
                raise DatasetError(f"{partial} is in the way and was not made here: move it, or choose another --out")
            shutil.rmtree(partial)
        partial.mkdir(parents=True)
        (partial / _MARK).touch()
    except OSError as error:
        raise output_error(out, error) from error
    try:
        free = shutil.disk_usage(partial).free
        if free < needed_bytes:
            raise DatasetError(
                f"not enough space on the disk of {out}: "
                f"about {_megabytes(needed_bytes)} needed, {_megabytes(free)} free"
            )
        yield partial
        (partial / _MARK).unlink()
        partial.rename(out)
    except OSError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise output_error(out, error) from error
    except BaseException:
        shutil.rmtree(partial, ignore_errors=True)
        raise


def _megabytes(count: int) -> str:
    return f"{max(count, 0) / 2**20:,.0f} MB"
