# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What waits in the queue: items, and batches of items that belong together. No ``bpy`` here."""

import collections
import enum
import logging
import traceback
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Protocol

from gen3d_core import protocol

from ..worker.client import WorkerError
from ..worker.job import Job, State

log = logging.getLogger(__name__)


class Priority(enum.IntEnum):
    """Whose turn it is when the worker is free: the smallest number's."""

    LIVE = 0  # follows the user's hand
    PRESSED = 1  # the user waits for it
    BACKGROUND = 2  # nobody waits for it


@dataclass(frozen=True)
class Item:
    """One thing to ask the worker for: the fields of its request, what is done with its result, the kind of request,
    and what leaves files for the worker in its folder.

    What these raise is the item's error; a text that ``apply`` returns is for the user.
    """

    fields: dict[str, Any]
    apply: Callable[[Any], object]
    kind: type[protocol.Job] = protocol.Generate
    leave: Callable[[Path], None] | None = None


class Source(Protocol):
    """What the queue holds. ``job`` is what the worker does for it; the queue sets it and polls it."""

    priority: Priority
    job: Job | None

    @property
    def done(self) -> bool:
        """Whether it can be forgotten."""
        ...

    def next_item(self) -> Item | None:
        """What to ask the worker for now; None where nothing is wanted, or while something is under way."""
        ...

    def step(self) -> None:
        """Take in the job where it has ended, without waiting."""
        ...

    def fail(self, error: Exception) -> None:
        """Something was raised while this was asked for or moved on: that is the end of its item, if not of it all."""
        ...


class Batch:
    """Items that belong together. The queue moves it on; the attributes only tell.

    label: name of its undo step; state, message, detail: as a job's, the message telling also what failed of several;
    fraction, stage: of the whole; applied: how many items have been.
    may_apply: whether results may be applied now; where it raises, that is the end of the batch. seal: what is done
    once at the end if anything was applied.
    """

    def __init__(
        self,
        label: str,
        items: Sequence[Item],
        *,
        priority: Priority = Priority.PRESSED,
        may_apply: Callable[[], bool] = lambda: True,
        seal: Callable[[], None] = lambda: None,
    ) -> None:
        self.label = label
        self.priority = priority
        self.state = State.RUNNING
        self.message = self.detail = ""
        self.job: Job | None = None
        self.applied = 0
        self._items = collections.deque(items)
        self._total = len(items)
        self._may_apply = may_apply
        self._seal = seal
        self._waits = False
        self._told = ""
        self._failures: list[str] = []
        self._details: list[str] = []

    @property
    def fraction(self) -> float:
        return (self._gone + (self.job.fraction if self.job else 0.0)) / self._total

    @property
    def stage(self) -> str:
        stage = "ready, waits for Object Mode" if self._waits else self.job.stage if self.job else "starting"
        stage = stage[:1].upper() + stage[1:]
        return stage if self._total == 1 else f"{min(self._gone + 1, self._total)} of {self._total}: {stage}"

    @property
    def done(self) -> bool:
        return self.state not in (State.RUNNING, State.CANCELLING)

    def next_item(self) -> Item | None:
        return self._items[0] if self.state is State.RUNNING and self.job is None else None

    def step(self) -> None:
        if self.done or self.job is None or not self.job.done:
            return
        if self.job.state is State.FAILED:
            self._drop_item(self.job.message, self.job.detail, last=self.job.lost_worker)
        elif self.job.state is State.CANCELLED or self.state is State.CANCELLING:
            self._end(State.CANCELLED, "Cancelled")
        else:
            self._apply(self.job)

    def cancel(self) -> None:
        """Give up what has not come yet; ``done`` tells when that is over."""
        if self.done:
            return
        if self.job is None:
            self._end(State.CANCELLED, "Cancelled")
            return
        self.state = State.CANCELLING
        self.job.cancel()

    def fail(self, error: Exception) -> None:
        if self.done:
            self.state, self.message, self.detail = State.FAILED, one_line(error), detail_of(error)
        else:
            self._drop_item(one_line(error), detail_of(error))

    @property
    def _gone(self) -> int:
        return self._total - len(self._items)

    def _apply(self, job: Job) -> None:
        try:
            self._waits = not self._may_apply()
        except Exception as error:  # noqa: BLE001  nothing of this batch can be applied any more
            self._drop_item(one_line(error), detail_of(error), last=True)
            return
        if self._waits:
            return
        made, job.result = job.result, None
        told = self._items[0].apply(made)  # what it raises comes back by `fail`
        self._told = told if isinstance(told, str) else ""
        self.applied += 1
        self._next()

    def _drop_item(self, message: str, detail: str, *, last: bool = False) -> None:
        self._failures.append(message)
        self._details.append(detail)
        log.error("%s", f"{message}\n{detail}".rstrip())
        if last:
            self._items.clear()
        self._next()

    def _next(self) -> None:
        self.job = None
        if self._items:
            self._items.popleft()
        if self._items and self.state is not State.CANCELLING:
            return
        if self.state is State.CANCELLING:
            self._end(State.CANCELLED, "Cancelled")
        elif self._failures:
            self._end(State.FAILED, self._summary(), "\n".join(filter(None, self._details)))
        else:
            self._end(State.FINISHED, self._told)

    def _summary(self) -> str:
        """What failed, in one line."""
        reasons = "; ".join(dict.fromkeys(self._failures))
        return f"{self._total - self.applied} of {self._total} failed: {reasons}" if self.applied else reasons

    def _end(self, state: State, message: str, detail: str = "") -> None:
        self.state, self.message, self.detail = state, message, detail
        self._waits = False
        if self.applied:
            self._seal()


def one_line(error: Exception) -> str:
    """An error in one line for the user; Blender's own begin with a word that a report puts before them anyway."""
    lines = str(error).strip().removeprefix("Error: ").splitlines()
    return lines[0] if lines else type(error).__name__


def detail_of(error: Exception) -> str:
    """What is known of an error, for a report."""
    if isinstance(error, WorkerError):
        return error.detail
    return "".join(traceback.format_exception(error)).rstrip()
