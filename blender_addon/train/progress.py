# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a training that goes on elsewhere tells. No ``bpy`` here."""

import json
import time
from pathlib import Path
from typing import Any

from . import job as train_job

READ_SECONDS = 1.0
ENDED = ("done", "failed")
FOREVER = float("inf")
STARTING_SECONDS = 120.0  # a first start can wait for a virus scanner


class Progress:
    """What a training folder tells, read at most once a second."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.stage = "starting"
        self.message = ""
        self.images = 0
        self.minutes = 0.0
        self.grid: Path | None = None
        self._read = 0.0

    @property
    def ended(self) -> bool:
        return self.stage in ENDED

    def update(self) -> "Progress":
        now = time.monotonic()
        if now - self._read < READ_SECONDS:
            return self
        self._read = now
        status = self._status()
        self.stage, self.message = str(status.get("stage", self.stage)), str(status.get("message", ""))
        line = _tail(self.folder / "run" / "log.jsonl").strip().rpartition("\n")[2]
        told = _json(line)
        self.images = int(_number(told.get("images"), self.images))
        self.minutes = _number(told.get("minutes"), self.minutes)
        self.grid = max((self.folder / "run" / "samples").glob("*.png"), default=None)
        return self

    def stop(self) -> None:
        """End the training early: what was learned is exported. Raises OSError."""
        (self.folder / train_job.STOP).touch()

    def _status(self) -> dict[str, Any]:
        """What the job says of itself, or what became of it where it can say no more."""
        alive = train_job.lives(self.folder)
        status = _json(_tail(self.folder / train_job.STATUS))  # read last: what a job that ended said is its last word
        if alive or status.get("stage") in ENDED:
            return status
        if status:
            if train_job.lives(self.folder):  # it began in between
                return status
            return {"stage": "failed", "message": self._epitaph()}
        if self._age() > STARTING_SECONDS:
            said = train_job.last_line(self.folder)
            return {"stage": "failed", "message": f"The training did not start{said and ': '}{said}"}
        return status

    def _epitaph(self) -> str:
        message = "The process of this training is gone, ended by somebody or with the computer"
        run = self.folder / train_job.RUN
        if not (run / train_job.CHECKPOINT).is_file():
            return f"{message}, before anything was learned"
        return f"{message}. What it learned is in {run}: gen3d-train export makes a model of it"

    def _age(self) -> float:
        """Seconds since the meshes were written, with which a training begins."""
        try:
            return time.time() - (self.folder / "meshes").stat().st_mtime
        except OSError:
            return FOREVER


def _tail(path: Path) -> str:
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - 4096))
            return file.read().decode("utf-8", "replace")
    except OSError:
        return ""


def _number(value: object, otherwise: float) -> float:
    """What was told, where it is a number that can be shown."""
    if isinstance(value, int | float) and not isinstance(value, bool) and abs(value) < 1e15:
        return float(value)
    return otherwise


def _json(text: str) -> dict[str, Any]:
    try:
        found = json.loads(text)
    except ValueError:
        return {}
    return found if isinstance(found, dict) else {}
