# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes to pictures, or to a model, in a process that outlives Blender's window. Standard library only.

Run by the Python that the user named, in which gen3d is installed with its extra `train`: renders the meshes and, where
a model is asked for, trains and exports. What it is doing stands in `job.json` of its folder; a file `stop` there ends
it early, and what a training has learned until then is exported. It holds a lock in the folder, which tells whether it
lives: a process's number tells less, for it is given to another one later.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

STATUS, STOP, LOG, LOCK = "job.json", "stop", "job.log", "job.lock"
RUN, CHECKPOINT = "run", "state.pt"
POLL_SECONDS = 0.5
BUSY_SECONDS = 10.0  # for which a file that another process reads is tried again, as it must be on Windows
ENDING_SECONDS = 90.0  # after which a step that was stopped is killed: more than it takes for itself
TAIL = 1 << 16  # bytes of the log in which a reason is looked for
MESSAGE = 500  # letters of it
TRAINER = Path(__file__).with_name("trainer.py").read_text(encoding="utf-8")  # now: the add-on may go before the job


class Failed(RuntimeError):
    """A step ended badly. The message is the last line that it wrote."""


def hold(folder: Path) -> IO[bytes] | None:
    """The folder's lock, held until the file is closed or this process ends however it may; None where another holds
    it. Raises FileNotFoundError where there never was one."""
    file = (folder / LOCK).open("r+b")
    try:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)
        else:
            import fcntl

            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError:
        file.close()
        return None
    return file


def lives(folder: Path) -> bool:
    """Whether the job of a folder does."""
    try:
        held = hold(folder)
    except OSError:
        return False
    if held is None:
        return True
    held.close()
    return False


def write_status(folder: Path, **values: object) -> None:
    """Replace job.json as a whole, so that a reader never sees half of it."""
    beside = folder / f".{STATUS}.partial"
    beside.write_text(json.dumps(values), encoding="utf-8")
    again(lambda: os.replace(beside, folder / STATUS))


def again(act: Callable[[], None]) -> None:
    """Do what another process may be in the way of, until it is not. Raises PermissionError."""
    end = time.monotonic() + BUSY_SECONDS
    while True:
        try:
            return act()
        except PermissionError:
            if time.monotonic() > end:
                raise
            time.sleep(0.1)


def step(folder: Path, stage: str, arguments: list[str], *, stoppable: bool = True) -> bool:
    """Run a gen3d-train command. Whether it was stopped. Raises Failed."""
    write_status(folder, stage=stage)
    with (folder / LOG).open("ab") as log:
        start = log.tell()
        child = subprocess.Popen(
            [sys.executable, "-I", "-c", TRAINER, *arguments], stdin=subprocess.PIPE, stdout=log, stderr=log
        )
        while child.poll() is None:
            if stoppable and (folder / STOP).exists():
                end(child)
                return True
            time.sleep(POLL_SECONDS)
    if child.returncode:
        raise Failed(last_line(folder, start) or f"{stage} failed")
    return False


def end(child: "subprocess.Popen[bytes]") -> None:
    """Let it save: it ends with its standard input."""
    if child.stdin is not None:
        child.stdin.close()
    try:
        child.wait(ENDING_SECONDS)
    except subprocess.TimeoutExpired:
        child.kill()
        child.wait()


def last_line(folder: Path, start: int = 0) -> str:
    """The last line of the log from a byte on, or nothing."""
    try:
        with (folder / LOG).open("rb") as log:
            log.seek(max(start, log.seek(0, os.SEEK_END) - TAIL))
            lines = log.read().decode("utf-8", "replace").replace("\r", "\n").split("\n")
    except OSError:
        return ""
    return next((line.strip()[:MESSAGE] for line in reversed(lines) if line.strip()), "")


def work(options: argparse.Namespace) -> str:
    """All steps. Returns what to tell. Raises Failed and OSError."""
    folder: Path = options.folder
    data, run = options.data or folder / "data", folder / RUN
    if not data.exists():
        render = ["render", str(folder / "meshes"), "--out", str(data), "--views", options.views]
        if step(folder, "rendering", [*render, *(["--blender", options.blender] if options.blender else [])]):
            raise Failed("Stopped")
    if options.model is None:
        return f"The pictures are in {data}"
    train = ["train", str(data), "--out", str(run), "--minutes", options.minutes, *options.settings]
    if step(folder, "training", train):
        again(lambda: (folder / STOP).unlink(missing_ok=True))
        if not (run / CHECKPOINT).exists():
            raise Failed("Stopped before anything was learned")
    step(folder, "exporting", ["export", str(run), "--out", str(options.model)], stoppable=False)
    return "The new model is in the list"


def main() -> int:
    parser = argparse.ArgumentParser(description="Render, train and export.")
    parser.add_argument("--folder", type=Path, required=True, help="holds meshes/; everything else is written into it")
    parser.add_argument("--blender", required=True, help="program that renders")
    parser.add_argument("--data", type=Path, help="where the pictures go (default: data, in the folder)")
    parser.add_argument("--model", type=Path, help="NAME.gen3d to write; without it, nothing is trained")
    parser.add_argument("--minutes", default="60")
    parser.add_argument("--views", required=True)
    parser.add_argument("--settings", nargs=argparse.REMAINDER, default=[], help="further settings of the training")
    options = parser.parse_args()
    (options.folder / LOCK).touch()
    lock = hold(options.folder)
    for _ in range(50):  # who asks whether the job lives holds it for a moment
        if lock is not None:
            break
        time.sleep(0.1)
        lock = hold(options.folder)
    if lock is None:
        sys.stderr.write(f"another job works in {options.folder}\n")
        return 1
    with lock:
        try:
            write_status(options.folder, stage="done", message=work(options))
        except (Failed, OSError) as error:
            write_status(options.folder, stage="failed", message=str(error))
            return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
