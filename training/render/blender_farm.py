"""Blender as child processes: several at once, restarted often, retried when one dies. Renders what it is told to."""

import errno
import importlib.util
import json
import os
import queue
import shutil
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from contextlib import suppress
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from training.data.staging import DatasetError

SCRIPT = Path(__file__).with_name("blender_script.py")
PICTURES_PER_PROCESS = 300
SILENCE_LIMIT = 300.0  # seconds without a picture, whatever else is said, after which a process counts as hung
LINE_LIMIT = 1 << 20
FIELDS = {
    "picture": (), "done": (), "skip": ("file", "reason"), "fail": ("file", "reason"), "note": ("file", "kind", "what"),
}  # fmt: skip
"""What the script says, and what its messages hold."""


@dataclass(frozen=True)
class RenderView:
    """One picture to render: its file name and the camera-to-world matrix, (4,4) as nested lists."""

    name: str
    camera: list[list[float]]


@dataclass(frozen=True)
class RenderModel:
    """A mesh file and the pictures wanted of it."""

    file: str
    pictures: tuple[RenderView, ...]


@dataclass
class Outcome:
    """What became of a rendering: the names of the pictures written, why each unusable file was skipped, and by kind
    and file what is drawn otherwise than the file says."""

    pictures: set[str] = field(default_factory=set)
    skipped: dict[str, str] = field(default_factory=dict)
    notes: dict[str, dict[str, list[str]]] = field(default_factory=dict)


def blender_command(blender: Path | None = None) -> list[str]:
    """How to start Blender with a script: a given program, $GEN3D_BLENDER, `blender` on the path, or the bpy module."""
    chosen = str(blender) if blender else os.environ.get("GEN3D_BLENDER")
    if chosen and not shutil.which(chosen):
        raise DatasetError(f"there is no Blender program at {chosen}")
    program = chosen or shutil.which("blender")
    if program:
        return [program, "-b", "--factory-startup", "--python-exit-code", "1", "-P", str(SCRIPT)]
    if importlib.util.find_spec("bpy"):
        return [sys.executable, str(SCRIPT)]
    raise DatasetError(
        "rendering needs Blender: install it, name it with --blender, or install Gen3D's extra 'blender'"
    )


def render_models(
    models: Sequence[RenderModel],
    settings: dict[str, Any],
    command: Sequence[str],
    picture_done: Callable[[], None],
    scratch: Path,
    processes: int | None = None,
) -> Outcome:
    """Render every picture of every model; `settings` holds folder, size, samples, radius, fov, light and leave_out.

    The processes keep what is theirs in `scratch`, an existing folder that goes away with the data set's: nothing of
    a killed rendering is left elsewhere.

    A process that dies is started again once for what it left; a model on which it dies twice is skipped by name.
    Raises DatasetError when Blender cannot work at all, OSError (ENOSPC) when its disk is full.
    """
    farm = _Farm(settings, list(command), picture_done, scratch)
    workers = processes or min(os.cpu_count() or 1, 8)
    with ThreadPoolExecutor(workers) as pool:
        futures = [pool.submit(farm.render_batch, batch) for batch in _batches(models, workers)]
        try:
            finished, running = wait(futures, timeout=1.0, return_when=FIRST_EXCEPTION)
            while running and not any(each.exception() for each in finished):
                # Bit by bit: on Windows Ctrl-C ends no wait without an end.
                finished, running = wait(futures, timeout=1.0, return_when=FIRST_EXCEPTION)
        finally:
            farm.stop.set()
            pool.shutdown(cancel_futures=True)
    for future in finished:
        future.result()
    return farm.outcome


def _batches(models: Sequence[RenderModel], workers: int) -> list[list[RenderModel]]:
    """Consecutive models, about PICTURES_PER_PROCESS pictures each, and fewer where processes would stay idle."""
    total = sum(len(model.pictures) for model in models)
    limit = max(1, min(PICTURES_PER_PROCESS, -(-total // workers)))
    batches: list[list[RenderModel]] = []
    room = 0
    for model in models:
        if room <= 0:
            batches.append([])
            room = limit
        batches[-1].append(model)
        room -= len(model.pictures)
    return batches


class _Farm:
    def __init__(
        self, settings: dict[str, Any], command: list[str], picture_done: Callable[[], None], scratch: Path
    ) -> None:
        self.settings, self.command, self.picture_done, self.scratch = settings, command, picture_done, scratch
        self.outcome, self.stop, self.lock = Outcome(), threading.Event(), threading.Lock()

    def render_batch(self, batch: list[RenderModel]) -> None:
        """All pictures of a batch, by as many processes as it takes."""
        died_on: str | None = None
        while left := self._remainder(batch):
            if self.stop.is_set():
                return
            ending = self._run(left)
            if ending is None:
                continue
            now_left = self._remainder(left)
            if not now_left:
                return
            culprit = now_left[0].file
            if culprit != died_on:
                died_on = culprit
                continue
            if not self.outcome.pictures:
                raise DatasetError(f"Blender ends without rendering anything ({' '.join(self.command[:1])}): {ending}")
            self.outcome.skipped[culprit] = f"Blender ends while rendering it: {ending}"

    def _remainder(self, batch: list[RenderModel]) -> list[RenderModel]:
        left = []
        for model in batch:
            pictures = tuple(p for p in model.pictures if p.name not in self.outcome.pictures)
            if pictures and model.file not in self.outcome.skipped:
                left.append(RenderModel(model.file, pictures))
        return left

    def _run(self, models: list[RenderModel]) -> str | None:
        """One child process; None when it did all it was asked, else how it ended."""
        with tempfile.TemporaryDirectory(dir=self.scratch, ignore_cleanup_errors=True) as scratch:
            job = Path(scratch) / "job.json"
            job.write_text(json.dumps({**self.settings, "models": [asdict(m) for m in models]}), encoding="utf-8")
            resources = Path(scratch) / "blender"
            resources.mkdir()
            places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), scratch)  # Blender leaves a folder there
            environment = {
                **os.environ, **places, "BLENDER_USER_RESOURCES": str(resources), "OMP_NUM_THREADS": "1",
                "PYTHONIOENCODING": "utf-8",  # what is read here, whatever the user's own Python is told to write
            }  # fmt: skip
            try:
                process = subprocess.Popen(
                    [*self.command, "--", str(job)], env=environment, stdin=subprocess.DEVNULL, cwd=scratch,
                    stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, encoding="utf-8", errors="replace",
                )  # fmt: skip
            except OSError as error:
                raise DatasetError(f"cannot start Blender ({self.command[0]}): {error.strerror or error}") from error
            try:
                return self._listen(process)
            finally:
                process.kill()
                process.wait()

    def _listen(self, process: subprocess.Popen[str]) -> str | None:
        lines: queue.Queue[str | None] = queue.Queue()

        def read() -> None:
            if process.stdout is not None:
                with process.stdout as output:
                    while text := output.readline(LINE_LIMIT):
                        lines.put(text)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        noise, without = "", 0.0
        while not self.stop.is_set():
            before, line = time.monotonic(), ""
            with suppress(queue.Empty):
                line = lines.get(timeout=0.5)
            without += min(time.monotonic() - before, 1.0)  # a machine that slept was not waiting
            if line is None:
                return f"exit status {process.wait()}" + (f"; {noise}" if noise else "")
            message = _message(line)
            if message is None:
                noise = line.strip()[:200] or noise
            elif self._handle(*message):
                return None
            elif message[0] in ("picture", "skip"):
                without = 0.0
            if without > SILENCE_LIMIT:
                return f"no picture for {SILENCE_LIMIT:g} seconds" + (f"; {noise}" if noise else "")
        return None

    def _handle(self, kind: str, told: dict[str, str]) -> bool:
        """Act on one message; whether it was the last."""
        if kind == "picture":
            with self.lock:
                self.outcome.pictures.add(told["name"])
                self.picture_done()
        elif kind == "note":
            with self.lock:  # a process that was started again says the same again
                noted = self.outcome.notes.setdefault(told["kind"], {}).setdefault(told["file"], [])
                if told["what"] not in noted:
                    noted.append(told["what"])
        elif kind == "skip":
            self.outcome.skipped[told["file"]] = told["reason"]
        elif kind == "fail":
            space = shutil.disk_usage(self.settings["folder"]).free
            if space < 1 << 20:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise DatasetError(f"Blender failed on {Path(told['file']).name}: {told['reason']}")
        return kind == "done"


def _message(line: str) -> tuple[str, dict[str, str]] | None:
    """Kind and content of a line of the script's; None for what Blender says, or where both wrote at once."""
    mark, _, rest = line.rstrip("\n").partition(" ")
    kind, _, text = rest.partition(" ")
    if mark != "GEN3D" or kind not in FIELDS:
        return None
    if kind in ("picture", "done"):
        return kind, {"name": text}
    try:
        told = json.loads(text)
        return kind, {name: str(told[name]) for name in FIELDS[kind]}
    except (KeyError, TypeError, ValueError):
        return None
