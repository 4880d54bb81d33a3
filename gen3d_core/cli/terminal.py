"""What commands say, and how far they are."""

from __future__ import annotations

import sys
import time
from typing import TextIO


class Meter:
    """Progress with the time left, redrawn in place on a terminal; elsewhere only whole lines appear."""

    def __init__(self, count: int) -> None:
        self._count, self._done, self._start, self._drawn = count, 0, time.monotonic(), 0.0
        self._live = sys.stderr.isatty()

    def report(self, fraction: float, stage: str) -> None:
        now = time.monotonic()
        if not self._live or now - self._drawn < 0.1:
            return
        self._drawn = now
        total = (self._done + fraction) / self._count
        left = _duration((now - self._start) * (1 - total) / total) + " left" if total > 0.02 else ""
        sys.stderr.write(f"\r\033[K{self._done + 1} of {self._count}  {stage:<8} {100 * total:3.0f} %  {left}")
        sys.stderr.flush()

    def line(self, text: str) -> None:
        """One more is done, or something to say of it."""
        self._done = min(self._done + 1, self._count)
        if self._live:
            sys.stderr.write("\r\033[K")
            sys.stderr.flush()
        say(text)


def _duration(seconds: float) -> str:
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours} h {minutes:02d} min" if hours else f"{minutes} min {seconds:02d} s" if minutes else f"{seconds} s"


def say(text: str, stream: TextIO | None = None) -> None:
    """Everything the command says goes through here; characters that a terminal cannot show are replaced."""
    stream = stream or sys.stdout
    if stream is None:  # a windowed Python has no streams
        return
    encoding = stream.encoding or "utf-8"
    stream.write(text.encode(encoding, "replace").decode(encoding) + "\n")
    stream.flush()


def fail(message: str) -> int:
    """Say what is wrong in one line; the exit code of a mistake."""
    say(f"gen3d: error: {' '.join(message.split())}", sys.stderr)
    return 2
