"""What a person is told: errors whose text is a single line that names what, where and what to do, and texts that come
from files, made fit to be shown. Standard library only."""

from __future__ import annotations

import errno
import re
from pathlib import Path

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and newline, marks that turn the direction of writing, halves of characters."""
REPLACEMENT = "\ufffd"


class Gen3DError(ValueError):
    """A mistake outside the program (a bad file, a bad number, a full disk). Command lines show its text without a
    traceback."""


class OutputError(Gen3DError):
    """A file could not be written; nothing half-written was left behind."""


def one_line(error: BaseException) -> str:
    """All that an error says, in one line; what kind it is where it says nothing."""
    return " ".join(shown(str(error)).split()) or type(error).__name__


def first_line(error: BaseException) -> str:
    """The first line of what another library's error says, not longer than a reader wants; what kind it is where it
    says nothing."""
    lines = shown(str(error)).strip().splitlines()
    return lines[0][:200] if lines else type(error).__name__


def output_error(path: Path, error: OSError) -> OutputError:
    """Turn the operating system's refusal to write `path` into one line."""
    if error.errno in (errno.ENOSPC, getattr(errno, "EDQUOT", errno.ENOSPC)):
        return OutputError(f"no space left on the disk for {path}: free some space and run again")
    return OutputError(f"cannot write {path}: {error.strerror or error}")


def shown(text: str) -> str:
    """The same lines, with nothing in them that a terminal would obey."""
    return _CONTROL.sub(REPLACEMENT, text.replace("\r\n", "\n"))


def plain(value: object, most: int = 1000) -> str:
    """One line of at most `most` characters that says what a value says."""
    text = value if isinstance(value, str) else str(value)
    text = shown(text[: 2 * most + 2]).replace("\n", " ").replace("\t", " ")
    return text if len(text) <= most else text[: most - 1] + "…"
