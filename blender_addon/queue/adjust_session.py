# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""An object that follows sliders along its model's directions.

While a slider moves, meshes of a low resolution come as fast as the worker makes them, always of the newest values;
when the hand rests, one of the full resolution takes their place.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import Any

from .. import compat
from ..worker.job import Job, State
from ..worker.results import GeneratedMesh
from .batch import Item, Priority, one_line
from .service import queue

LIVE_RESOLUTION = 64
REST_SECONDS = 0.4
SAME = 1e-4  # sliders hold single precision


@dataclass(frozen=True)
class Target:
    """The object that follows. ``exists``: whether it is still there; ``may_change``: whether it may be changed now;
    ``show`` gives it a mesh."""

    exists: Callable[[], bool]
    may_change: Callable[[], bool]
    show: Callable[[GeneratedMesh], object]


class Session:
    """One object being adjusted. The queue moves it on; ``ended`` once it is over, with a ``message`` where that has a
    reason; ``updates`` counts its meshes.

    fields: of the request for the object as it is, but for its resolution and moves; values: the sliders' of now.
    """

    priority = Priority.LIVE

    def __init__(self, target: Target, fields: dict[str, Any], values: dict[str, float], resolution: int) -> None:
        self.ended = False
        self.message = ""
        self.updates = 0
        self.start = dict(values)
        self.values = dict(values)
        self.job: Job | None = None
        self._target = target
        self._fields = fields
        self._resolution = resolution
        self._asked: tuple[dict[str, float], int] = (dict(values), resolution)
        self._made = self._asked  # what the newest mesh shows, which may still wait to be shown
        self._waiting: GeneratedMesh | None = None
        self._touched = 0.0
        self._closing = False

    @property
    def done(self) -> bool:
        return self.ended

    @property
    def settled(self) -> bool:
        """Whether the object shows the sliders' values at full resolution."""
        return self.job is None and self._waiting is None and self._made == (self.values, self._resolution)

    def touch(self, name: str, value: float) -> None:
        """A slider was moved."""
        if abs(self.values.get(name, 0.0) - value) > SAME:
            self.values[name] = value
            self._touched = time.monotonic()

    def refresh(self) -> None:
        """The scene may show another mesh than this session believes: make it again."""
        self._made, self._waiting = ({}, 0), None

    def close(self) -> None:
        """End once the object shows the sliders' values at full resolution."""
        self._closing = True

    def next_item(self) -> Item | None:
        self._receive()
        rests = self._closing or time.monotonic() - self._touched > REST_SECONDS
        stale = self._made[0] != self.values or (rests and self._made[1] != self._resolution)
        if self.ended or self.job is not None or not stale or not self._target.exists():
            return None
        resolution = self._resolution if rests else min(LIVE_RESOLUTION, self._resolution)
        self._asked = (dict(self.values), resolution)
        moves = {name: value for name, value in self.values.items() if abs(value - self.start.get(name, 0.0)) > SAME}
        recipe = replace(self._fields["recipe"], moves=moves)
        return Item(self._fields | {"recipe": recipe, "resolution": resolution}, self._target.show)

    def step(self) -> None:
        if self.ended:
            return
        if not self._target.exists():
            self._end("")
            return
        self._receive()
        job = self.job
        if job is not None and self._asked[0] != self.values and self._asked[1] > LIVE_RESOLUTION:
            job.cancel()  # a fine mesh that is no longer wanted is not waited for
        if self._waiting is not None and self._target.may_change():
            made, self._waiting = self._waiting, None
            self._target.show(made)
            self.updates += 1
        if self._closing and self.settled:
            self._end("")

    def fail(self, error: Exception) -> None:
        self._end(one_line(error))

    def _receive(self) -> None:
        """The mesh that was asked for last, once, when it has come."""
        job = self.job
        if job is None or not job.done:
            return
        self.job = None
        if job.state is State.FAILED:
            self._end(job.message)
        elif job.state is State.FINISHED and isinstance(job.result, GeneratedMesh):
            self._waiting, self._made = job.result, self._asked

    def _end(self, message: str) -> None:
        """The queue still follows a job that is under way, which is told to stop."""
        if self.ended:
            self.message = self.message or message
            return
        self.ended, self.message, self._waiting = True, message, None
        if self.job is not None:
            self.job.cancel()
        if self.updates and self._is_free():
            compat.push_undo("Adjust")

    def _is_free(self) -> bool:
        """Whether an undo step can be made now: it may be the scene that is gone."""
        try:
            return self._target.may_change()
        except RuntimeError:
            return False


class Live:
    """The session of the whole of Blender, if there is one: until it has ended, or its message has been seen."""

    def __init__(self) -> None:
        self._session: Session | None = None

    @property
    def session(self) -> Session | None:
        session = self._session
        return None if session is None or (session.ended and not session.message) else session

    @property
    def running(self) -> bool:
        return self._session is not None and not self._session.ended

    def begin(self, session: Session) -> None:
        self._session = session
        queue.add(session)

    def forget(self) -> None:
        self._session = None


live = Live()
