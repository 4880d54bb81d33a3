"""A command started as its user's shell does it, by the console script, in a group of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
PATIENCE = 120.0
"""Seconds after which a command counts as hung."""
_SCRIPTS = Path(sys.executable).parent
_WINDOWS = sys.platform == "win32"


@dataclass(frozen=True)
class Ended:
    """How a command ended; what was said is cut into lines, and of a bar that is redrawn in place the last state."""

    code: int
    said: str
    complaints: list[str]
    seconds: float

    @property
    def traces(self) -> list[str]:
        """Words that no user should read."""
        marks = ("Traceback", "Exception ignored", "Fatal Python", "Segmentation", "Warning: ")
        return [line for line in self.complaints if any(mark in line for mark in marks)]


def environment(private: Path) -> dict[str, str]:
    """One in which what is left in a home or among temporary files is seen: both are folders below `private`."""
    places = {"HOME": private / "home", "USERPROFILE": private / "home", "TMPDIR": private / "tmp"}
    for place in places.values():
        place.mkdir(parents=True, exist_ok=True)
    made = {name: str(place) for name, place in places.items()} | dict.fromkeys(("TEMP", "TMP"), str(private / "tmp"))
    return {**os.environ, **made, "PYTHONPATH": str(ROOT), "OMP_NUM_THREADS": "1"}


def start(words: list[str], given: Mapping[str, str], folder: Path, **options: Any) -> subprocess.Popen[bytes]:
    """The command, running. `folder` is where it is started; further options are those of Popen."""
    program = shutil.which(words[0], path=str(_SCRIPTS))
    if program is None:
        raise FileNotFoundError(f"{words[0]} is not installed beside {sys.executable}")
    alone: dict[str, Any] = {"creationflags": 0x200} if _WINDOWS else {"start_new_session": True}
    pipes = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.PIPE}
    chosen: dict[str, Any] = {**pipes, **alone, **options}
    child: Any = subprocess.Popen([program, *words[1:]], env=dict(given), cwd=folder, **chosen)
    return child


def wait(process: subprocess.Popen[bytes], began: float) -> Ended:
    """How it ends. One that hangs is killed and has the code of a kill, with a word of it."""
    note = ""
    try:
        said, complaints = process.communicate(timeout=PATIENCE)
    except subprocess.TimeoutExpired:
        note = "\nTraceback of a command that hangs, or of a child that holds its streams"
        end_group(process)
        said, complaints = process.communicate()
    text = (complaints or b"").decode("utf-8", "replace") + note
    lines = [line.rpartition("\r")[2] for line in text.replace("\r\n", "\n").split("\n")]
    shown = [line for line in lines if line.strip()]
    return Ended(process.returncode, (said or b"").decode("utf-8", "replace"), shown, time.monotonic() - began)


def run(words: list[str], given: Mapping[str, str], folder: Path, **options: Any) -> Ended:
    """Start and wait."""
    began = time.monotonic()
    return wait(start(words, given, folder, **options), began)


def _interrupt(process: subprocess.Popen[bytes]) -> None:
    if sys.platform == "win32":
        process.send_signal(signal.CTRL_BREAK_EVENT)  # Ctrl-C reaches no process group of its own
    else:
        os.killpg(process.pid, signal.SIGINT)  # the terminal sends it to all of them


WAYS: dict[str, Callable[[subprocess.Popen[bytes]], None]] = {
    "killed": subprocess.Popen.kill,  # TerminateProcess on Windows
    "interrupted": _interrupt,
    **({} if _WINDOWS else {"ended": subprocess.Popen.terminate}),
}
"""From its end that nothing can be done about, to those that it is asked for."""


def end_group(process: subprocess.Popen[bytes]) -> None:
    """All that is left of it."""
    if sys.platform == "win32":
        process.kill()
        return
    try:
        os.killpg(process.pid, signal.SIGKILL)
    except ProcessLookupError:
        return


def left_running(process: subprocess.Popen[bytes], patience: float = 5.0) -> bool:
    """Whether something of the group lives on after so many seconds. On Windows children are seen by the streams that
    they hold: `wait` hangs."""
    last = time.monotonic() + patience
    while not _WINDOWS and _lives(process.pid):
        if time.monotonic() > last:
            return True
        time.sleep(0.05)
    return False


def _lives(group: int) -> bool:
    try:
        os.killpg(group, 0)
    except ProcessLookupError:
        return False
    told = subprocess.run(["ps", "-A", "-o", "pgid=,stat="], capture_output=True, text=True).stdout
    return any(words[0] == str(group) and not words[1].startswith("Z") for words in map(str.split, told.splitlines()))
