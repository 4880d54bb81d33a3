# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether a Python can train, asked by running it."""

import subprocess
import tempfile
import time
from pathlib import Path
from typing import IO

import bpy

from .. import compat
from ..worker.client import worker_environment
from . import job as train_job

TICK_SECONDS = 0.2
TEST_SECONDS = 120.0


class PythonTest:
    """Asks a Python what it has, from Blender's timer. ``outcome`` is its answer, or its error in full."""

    def __init__(self, python: Path) -> None:
        self.outcome = ""
        self.passed = False
        self._end = time.monotonic() + TEST_SECONDS
        self._answer: IO[bytes] = tempfile.TemporaryFile()
        self._child = subprocess.Popen(
            [str(python), "-I", "-c", train_job.TRAINER, "--about"],  # as it trains
            stdin=subprocess.DEVNULL,
            stdout=self._answer,
            stderr=subprocess.STDOUT,
            env=worker_environment(),
            creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
        )

    def __call__(self) -> float | None:
        late = time.monotonic() > self._end
        if self._child.poll() is None and not late:
            return TICK_SECONDS
        self.stop()
        self._answer.seek(0)
        said = self._answer.read().decode("utf-8", "replace").strip()
        self._answer.close()
        self.passed = self._child.returncode == 0
        self.outcome = said or ("It gave no answer" if late else f"It ended with code {self._child.returncode}")
        for window in compat.windows():
            for area in window.screen.areas:
                area.tag_redraw()
        return None

    def stop(self) -> None:
        if self._child.poll() is None:
            self._child.kill()
        self._child.wait()


class Latest:
    """The test that runs or ran last."""

    def __init__(self) -> None:
        self.test: PythonTest | None = None

    def begin(self, python: Path) -> None:
        """Test a Python. Raises OSError where it does not start."""
        self.test = PythonTest(python)
        bpy.app.timers.register(self.test, first_interval=TICK_SECONDS)

    def clear(self) -> None:
        if self.test is None:
            return
        if bpy.app.timers.is_registered(self.test):
            bpy.app.timers.unregister(self.test)
        self.test.stop()
        self.test = None


latest = Latest()
