# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one worker, queue and catalogue of the whole of Blender: operators and panels speak of the same."""

from pathlib import Path

import numpy as np

from .. import compat
from ..worker.client import WorkerClient, WorkerError, python_executable
from ..worker.job import Service
from .batch import Batch, Priority
from .models import Catalogue
from .queue import Queue


def start_worker() -> WorkerClient:
    """A worker on Blender's Python with the extension's wheels and Blender's numpy. Raises WorkerError."""
    if compat.files_are_gone():
        raise WorkerError(compat.FILES_GONE)
    return WorkerClient(python_executable(), compat.wheels_folder(), fallback=Path(np.__file__).resolve().parents[1])


service = Service(start_worker)
queue = Queue(service)
catalogue = Catalogue(service)


class Listing:
    """What the worker is asked about the models, one question at a time. ``message`` says why the last one failed."""

    def __init__(self) -> None:
        self._batch: Batch | None = None

    @property
    def message(self) -> str:
        return self._batch.message if self._batch is not None else ""

    def want(self) -> None:
        """Ask when nobody waits for the worker, unless that is under way. Draw functions may call this."""
        if self._batch is None or not queue.holds(self._batch):
            self._batch = Batch("Models", [catalogue.question()], priority=Priority.BACKGROUND)
            queue.add(self._batch)

    def clear(self) -> None:
        self._batch = None


listing = Listing()


def learn() -> None:
    """Ask the worker what the models hold, and wait for it."""
    queue.finish(Batch("Models", [catalogue.question()], priority=Priority.BACKGROUND))


def register() -> None:
    """Nothing: the worker starts when it is first asked for something."""


def unregister() -> None:
    queue.clear()
    listing.clear()
    service.stop()
    catalogue.close()
