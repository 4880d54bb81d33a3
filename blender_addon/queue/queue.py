# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The queue before the one worker: whose turn it is, and the one place where the worker is polled.

In a window a timer calls the ``Queue`` and Blender never waits; in background mode ``Queue.finish`` does. Whatever an
item raises, in asking, polling, reading or applying, is that item's error: the timer and all other items go on.
"""

import logging
import time
from collections.abc import Callable
from typing import TypeVar

import bpy

from .. import compat
from ..worker.job import Service, State
from .batch import Batch, Item, Priority, Source
from .report import TICK_SECONDS, progress_of, show_progress, tell

LIVE_TICK_SECONDS = 0.01

log = logging.getLogger(__name__)

T = TypeVar("T")


class Queue:
    """Sources of items, those of a higher priority first, those of one priority one after another."""

    def __init__(self, service: Service) -> None:
        self._service = service
        self._sources: list[Source] = []
        self._last: Batch | None = None
        self._shown: str | None = None
        self._untold: list[str] = []

    @property
    def pressed(self) -> list[Batch]:
        """The batches that the user waits for; the first one's turn it is."""
        return [each for each in self._sources if isinstance(each, Batch) and each.priority is Priority.PRESSED]

    @property
    def current(self) -> Batch | None:
        """The pressed batch whose turn it is, else the one that ended last."""
        return next(iter(self.pressed), self._last)

    @property
    def waiting(self) -> list[Batch]:
        """The pressed batches behind the current one."""
        return self.pressed[1:]

    @property
    def busy(self) -> bool:
        """Whether the user waits for something."""
        return bool(self.pressed)

    def add(self, source: Source) -> None:
        """Do this when its turn comes, from Blender's timer. Draw functions may call this: it changes nothing but a
        timer."""
        self._sources.append(source)
        if not bpy.app.timers.is_registered(self):
            bpy.app.timers.register(self, first_interval=0.0, persistent=True)

    def holds(self, source: Source) -> bool:
        return any(each is source for each in self._sources)

    def finish(self, batch: Batch) -> None:
        """Do a batch here and now, before those that wait. A KeyboardInterrupt cancels it."""
        self._sources.insert(0, batch)
        try:
            self._finish(batch)
        except KeyboardInterrupt:
            batch.cancel()
            self._finish(batch)
            raise

    def cancel(self) -> None:
        """Give up the current batch; those that wait come next."""
        if self.pressed:
            self.pressed[0].cancel()

    def clear(self) -> None:
        """Forget everything, without a step for what was applied, and stop the timer."""
        self._sources.clear()
        self._untold.clear()
        self._last = None
        if bpy.app.timers.is_registered(self):
            bpy.app.timers.unregister(self)
            self._show(None)

    def step(self) -> None:
        """Move on without waiting."""
        self._poll()
        self._ask(Priority.LIVE)  # first, so that the worker is at it while Blender shows what has come
        for source in self._turns():
            self._guard(source, source.step)
        self._forget_done()
        self._ask(Priority.BACKGROUND)

    def __call__(self) -> float | None:
        """Blender's timer. Returns the seconds to the next call, None when nothing is left."""
        for act in (self.step, self._show_current, self._tell_failures):
            try:
                act()
            except Exception:  # a timer that raises is not called again
                log.exception("Gen3D's queue")
        if not self._sources and not self._service.busy:
            return None
        return LIVE_TICK_SECONDS if any(each.priority is Priority.LIVE for each in self._sources) else TICK_SECONDS

    def _finish(self, batch: Batch) -> None:
        while not batch.done and self.holds(batch):
            self.step()
            time.sleep(0.01)
        self._forget_done()

    def _turns(self) -> list[Source]:
        """The first source of each priority."""
        heads: dict[Priority, Source] = {}
        for source in self._sources:
            heads.setdefault(source.priority, source)
        return [heads[priority] for priority in sorted(heads)]

    def _poll(self) -> None:
        """Whatever the worker does is followed to its end, also when nobody wants it any more."""
        job = self._service.job
        if job is None or job.done:
            return
        try:
            job.poll()
        except Exception as error:  # noqa: BLE001  this job's, and no other's
            job.abandon(error)

    def _ask(self, least: Priority) -> None:
        """Ask the worker for the next item, where it is free and something of at least this priority is wanted."""
        for source in self._turns():
            if self._service.busy or source.priority > least:
                return
            item = self._guard(source, source.next_item)
            if item is not None:
                self._guard(source, lambda source=source, item=item: self._submit(source, item))

    def _submit(self, source: Source, item: Item) -> None:
        if item.leave is not None:
            item.leave(self._service.ready().folder)
        source.job = self._service.submit(item.kind, **item.fields)

    def _guard(self, source: Source, act: Callable[[], T]) -> T | None:
        """Do something for a source; what it raises is the source's."""
        try:
            return act()
        except Exception as error:  # noqa: BLE001  told by the source
            try:
                source.fail(error)
            except Exception:  # not even that: the others shall go on
                log.exception("Gen3D's queue")
                self._sources = [each for each in self._sources if each is not source]
        return None

    def _forget_done(self) -> None:
        done = [each for each in self._sources if each.done]
        if not done:
            return
        self._sources = [each for each in self._sources if not each.done]
        for each in done:
            if isinstance(each, Batch) and each.priority is Priority.PRESSED:
                self._last = each
                if each.state is State.FAILED:
                    self._untold.append(each.message)
        compat.redraw_panels()

    def _tell_failures(self) -> None:
        while self._untold:
            tell(self._untold.pop(0))

    def _show_current(self) -> None:
        self._show(progress_of(self.pressed[0]) if self.pressed else None)

    def _show(self, progress: str | None) -> None:
        """In the panels and the status bar, where it is news: drawing takes time from the worker."""
        if progress != self._shown:
            self._shown = progress
            compat.redraw_panels()
            show_progress(progress)
