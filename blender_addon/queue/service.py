# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one worker, desk and catalogue of the whole of Blender: operators and panels speak of the same."""

import logging
import time
from collections.abc import Callable
from pathlib import Path

import bpy
import numpy as np

from .. import compat
from ..worker.client import WorkerClient, WorkerError, python_executable
from ..worker.job import Job, Service
from .models import Catalogue
from .queue import TICK_SECONDS, Desk, redraw_panels

log = logging.getLogger(__name__)


def start_worker() -> WorkerClient:
    """A worker on Blender's Python with the extension's wheels and Blender's numpy. Raises WorkerError."""
    return WorkerClient(python_executable(), compat.wheels_folder(), fallback=Path(np.__file__).resolve().parents[1])


service = Service(start_worker)
desk = Desk()
catalogue = Catalogue(service)


class Errand:
    """Something to ask the worker beside the works, from Blender's timer, once it is free.

    ask: submits the job, may raise WorkerError; take: is given the job when it has ended, whichever way.
    """

    def __init__(self, ask: Callable[[], Job], take: Callable[[Job], None]) -> None:
        self.wanted = False
        self._ask, self._take = ask, take
        self._job: Job | None = None

    @property
    def fraction(self) -> float:
        return self._job.fraction if self._job is not None else 0.0

    def want(self) -> None:
        """Ask soon. Draw functions may call this: it changes nothing but a timer."""
        if not self.wanted:
            self.wanted = True
            bpy.app.timers.register(self, first_interval=TICK_SECONDS, persistent=True)

    def __call__(self) -> float | None:
        if self._job is None:
            if service.busy or desk.busy:
                return TICK_SECONDS
            try:
                self._job = self._ask()
            except WorkerError as error:
                log.error("%s", f"{error}\n{error.detail}".rstrip())
                return self._end()
        if not self._job.poll():
            return TICK_SECONDS
        self._take(self._job)
        return self._end()

    def clear(self) -> None:
        if bpy.app.timers.is_registered(self):
            bpy.app.timers.unregister(self)
        self._end()

    def _end(self) -> None:
        self.wanted, self._job = False, None
        redraw_panels()


listing = Errand(catalogue.ask, catalogue.take)


def learn() -> None:
    """Ask the worker what the models hold, and wait for it. Raises WorkerError."""
    job = catalogue.ask()
    while not job.poll():
        time.sleep(0.01)
    catalogue.take(job)


def register() -> None:
    """Nothing: the worker starts when it is first asked for something."""


def unregister() -> None:
    listing.clear()
    desk.clear()
    service.stop()
    catalogue.close()
