"""What commands say, and how far they are."""

from __future__ import annotations

import os
import sys
import time
from collections.abc import Callable
from typing import TextIO

from gen3d_core.errors import shown


class Meter:
    """Progress with the time left, redrawn in place on a terminal; elsewhere only whole lines appear."""

    def __init__(self, count: int) -> None:
        self._count, self._done, self._start, self._drawn = count, 0, time.monotonic(), 0.0
        self._live = sys.stderr is not None and sys.stderr.isatty()

    def report(self, fraction: float, stage: str) -> None:
        now = time.monotonic()
        if not self._live or now - self._drawn < 0.1:
            return
        self._drawn = now
        done = min(self._done, self._count - 1)
        total = (done + min(max(fraction, 0.0), 1.0)) / self._count
        left = _duration((now - self._start) * (1 - total) / total) + " left" if total > 0.02 else ""
        sys.stderr.write(f"\r\033[K{done + 1} of {self._count}  {stage:<8} {100 * total:3.0f} %  {left}")
        sys.stderr.flush()

    def line(self, text: str) -> None:
        """One more is done, and what there is to say of it."""
        self._done = min(self._done + 1, self._count)
        self.note(text)

    def note(self, text: str) -> None:
        """Something to say while the work goes on."""
        if self._live:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
        say(text)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def say(text: str, stream: TextIO | None = None) -> None:
    """A line or more to stdout, or to another stream: everything the command says goes through here. What a terminal
    would obey is not passed on, and characters that it cannot show are replaced."""
    _write(text, sys.stdout if stream is None else stream)


def complain(text: str) -> None:
    """A line to stderr; none where there is no stderr."""
    _write(text, sys.stderr)


def _write(text: str, stream: TextIO | None) -> None:
    if stream is None:  # a windowed Python has no streams
        return
    encoding = stream.encoding or "utf-8"
    stream.write(shown(text).encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()


def fail(message: str) -> int:
    """Say what is wrong in one line; the exit code of a mistake."""
    complain(f"gen3d: error: {' '.join(message.split())}")
    return 2


def run_while_read(run: Callable[[], int]) -> int:
    """What a command returns; 1, without a word, where the reader of its output leaves before the end, as `head`
    does."""
    try:
        try:
            return run()
        finally:
            if sys.stdout is not None:
                sys.stdout.flush()
    except BrokenPipeError:
        # What Python still holds must not raise again at exit.
        if sys.stdout is not None:
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
