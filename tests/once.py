"""What is made once in a session of tests, also where several processes share the work."""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest
from filelock import FileLock

WORKER = "PYTEST_XDIST_WORKER"  # set in each of several processes


def make_once(factory: pytest.TempPathFactory, name: str, make: Callable[[Path], object]) -> Path:
    """The session's folder `name`, filled by `make` in whichever process asks first. Not to be written to."""
    base = factory.getbasetemp()
    shared = (base.parent if WORKER in os.environ else base) / "shared"
    shared.mkdir(exist_ok=True)
    folder, ready = shared / name, shared / f"{name}.ready"
    with FileLock(shared / f"{name}.lock"):
        if not ready.exists():
            shutil.rmtree(folder, ignore_errors=True)  # what a failed attempt left
            folder.mkdir()
            make(folder)
            ready.touch()
    return folder
