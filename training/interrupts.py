"""Ctrl-C, and what a system or a parent sends in its place, waits for the end of a step.

An exception in the middle of one would leave half an update in the checkpoint, or a lock of a library taken for ever.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

_NAMES = ("SIGINT", "SIGTERM", "SIGBREAK")  # the last is Windows'


def take_an_end_as_an_interrupt() -> None:
    """What ends this process politely, as a system that shuts down does, raises KeyboardInterrupt like Ctrl-C."""
    if threading.current_thread() is threading.main_thread():
        for number in _numbers():
            if signal.getsignal(number) is signal.SIG_DFL:
                signal.signal(number, signal.default_int_handler)


@contextmanager
def held_interrupts() -> Iterator[Callable[[], bool]]:
    """In this block an interrupt raises nothing: what is yielded tells whether one has come. A third one, from somebody
    who insists where others pass on twice what they are sent, raises KeyboardInterrupt where it comes. Signals that
    are ignored stay so; outside the main thread nothing is held."""
    count = 0

    def hold(number: int, frame: FrameType | None) -> None:
        nonlocal count
        count += 1
        if count > 2:
            raise KeyboardInterrupt

    before = {}
    if threading.current_thread() is threading.main_thread():
        before = {number: signal.getsignal(number) for number in _numbers()}
    try:
        for number, handler in before.items():
            if handler is signal.default_int_handler:
                signal.signal(number, hold)
        yield lambda: count > 0
    finally:
        for number, handler in before.items():
            if handler is signal.default_int_handler:
                signal.signal(number, handler)


def _numbers() -> list[signal.Signals]:
    return [getattr(signal, name) for name in _NAMES if hasattr(signal, name)]
