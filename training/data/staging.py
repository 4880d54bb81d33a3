"""Data sets appear whole or not at all: they are built in a folder beside the target and renamed at the end."""

import shutil
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from gen3d_core.errors import Gen3DError, output_error
from gen3d_core.files import move

_MARK = ".gen3d-unfinished"
_LOCK = ".gen3d-lock"


class DatasetError(Gen3DError):
    """A data set cannot be made or read; the message is one line that says what, where and what to do."""


@contextmanager
def stage_folder(out: Path, needed_bytes: int = 0) -> Iterator[Path]:
    """Yield an empty folder OUT.partial that becomes `out` on success and is removed otherwise.

    One process at a time works there; what a killed one left is cleared. A finished set that cannot be renamed stays,
    and the error says where. Raises DatasetError when `out` exists, another process is making it or fewer than
    `needed_bytes` are free there, and OutputError for a full disk or a folder that cannot be written, wherever inside
    the block that shows.
    """
    out = out.absolute()
    if out.exists():
        raise DatasetError(f"{out} exists already: choose another --out, or remove it first")
    partial = out.with_name(out.name + ".partial")
    lock = _take(partial, out)
    try:
        free = shutil.disk_usage(partial).free
        if free < needed_bytes:
            raise DatasetError(
                f"not enough space on the disk of {out}: "
                f"about {_megabytes(needed_bytes)} needed, {_megabytes(free)} free"
            )
        yield partial
        (partial / _MARK).unlink()  # from here on nobody takes it for remains
    except OSError as error:
        _discard(partial, lock)
        raise output_error(out, error) from error
    except Gen3DError as error:
        _discard(partial, lock)
        if str(partial) in str(error):  # what was to be written is named by where it would have been
            raise type(error)(str(error).replace(str(partial), str(out))) from error
        raise
    except BaseException:
        _discard(partial, lock)
        raise
    _finish(partial, out, lock)


def _take(partial: Path, out: Path) -> FileLock:
    """Make the folder, empty and held by this process alone."""
    try:
        if not partial.exists():
            partial.mkdir(parents=True)
        if partial.is_dir() and not any(partial.iterdir()):  # new, or of a process that was killed just then
            (partial / _MARK).touch()
        _see_that_it_is_ours(partial)
        lock = FileLock(partial / _LOCK)
        lock.acquire(timeout=0)
        try:
            _see_that_it_is_ours(partial)  # it may have been finished in between
            _empty(partial)
        except BaseException:
            lock.release()
            raise
    except Timeout as error:
        raise DatasetError(
            f"another prepare or render is writing to {out}: wait for it, stop it, or choose another --out"
        ) from error
    except OSError as error:
        raise output_error(out, error) from error
    return lock


def _see_that_it_is_ours(partial: Path) -> None:
    if not (partial / _MARK).is_file():
        raise DatasetError(
            f"{partial} is in the way: it is a finished data set that could not be named, or was not made here: "
            "rename it, or choose another --out"
        )


def _empty(partial: Path) -> None:
    for path in partial.iterdir():
        if path.is_dir() and not path.is_symlink():
            shutil.rmtree(path)
        elif path.name not in (_MARK, _LOCK):
            path.unlink()


def _discard(partial: Path, lock: FileLock) -> None:
    with suppress(OSError):
        _empty(partial)
    lock.release()
    with suppress(OSError):
        (partial / _LOCK).unlink(missing_ok=True)
        (partial / _MARK).unlink(missing_ok=True)
        partial.rmdir()


def _finish(partial: Path, out: Path, lock: FileLock) -> None:
    """Give the finished set its name. The lock goes first: Windows renames no folder in which a file is open."""
    lock.release()
    try:
        (partial / _LOCK).unlink(missing_ok=True)
        if out.exists():
            raise FileExistsError(f"{out.name} has come into being meanwhile")
        move(partial, out)
    except OSError as error:
        raise DatasetError(
            f"the data set is finished but cannot be named {out} ({error.strerror or error}): it lies whole in "
            f"{partial}: rename that folder"
        ) from error


def _megabytes(count: int) -> str:
    return f"{max(count, 0) / 2**20:,.0f} MB"
