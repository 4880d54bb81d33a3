"""The one family of errors that is meant for a person: its text is a single line that names what, where and what to
do."""

from __future__ import annotations

import errno
from pathlib import Path

from gen3d_core.texts import shown


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
