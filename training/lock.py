"""One training at a time writes to one place."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

from filelock import FileLock, Timeout

from gen3d_core.errors import Gen3DError


@contextmanager
def hold(lock_file: Path, what: Path, *, litter: bool = False) -> Iterator[None]:
    """Be the only one who writes `what`; the lock ends with the process, however that ends. Where the file would be
    `litter`, it is removed afterwards. Raises `Gen3DError` where another training holds it."""
    lock = FileLock(lock_file)
    try:
        lock.acquire(timeout=0)
    except Timeout as error:
        raise Gen3DError(
            f"another training is writing to {what}: wait for it, stop it, or choose another --out"
        ) from error
    try:
        yield
    finally:
        lock.release()
        if litter:
            with suppress(OSError):
                lock_file.unlink(missing_ok=True)
