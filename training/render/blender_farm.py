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
from collections import deque
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_EXCEPTION, ThreadPoolExecutor, wait
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

from training.data.staging import DatasetError

SCRIPT = Path(__file__).with_name("blender_script.py")
PICTURES_PER_PROCESS = 300
SILENCE_LIMIT = 300.0  # seconds without a picture after which a process counts as hung


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
            finished, _ = wait(futures, return_when=FIRST_EXCEPTION)
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
            environment = {**os.environ, **places, "BLENDER_USER_RESOURCES": str(resources), "OMP_NUM_THREADS": "1"}
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
                    for text in output:
                        lines.put(text)
            lines.put(None)

        threading.Thread(target=read, daemon=True).start()
        noise: deque[str] = deque(maxlen=20)
        silent = 0.0
        while not self.stop.is_set():
            try:
                line = lines.get(timeout=0.5)
            except queue.Empty:
                silent += 0.5
                if silent > SILENCE_LIMIT:
                    return f"no picture for {SILENCE_LIMIT:.0f} seconds"
                continue
            if line is None:
                return f"exit status {process.wait()}" + "".join(f"; {text}" for text in list(noise)[-1:])
            if not line.startswith("GEN3D "):
                if line.strip():
                    noise.append(line.strip())
                continue
            silent = 0.0
            if self._handle(line.rstrip("\n").split(" ", 2)):
                return None
        return None

    def _handle(self, words: list[str]) -> bool:
        """Act on one message; whether it was the last."""
        kind, text = words[1], words[2] if len(words) > 2 else ""
        if kind == "picture":
            with self.lock:
                self.outcome.pictures.add(text)
                self.picture_done()
        elif kind == "note":
            message = json.loads(text)
            with self.lock:  # a process that was started again says the same again
                told = self.outcome.notes.setdefault(message["kind"], {}).setdefault(message["file"], [])
                if message["what"] not in told:
                    told.append(message["what"])
        elif kind == "skip":
            message = json.loads(text)
            self.outcome.skipped[message["file"]] = message["reason"]
        elif kind == "fail":
            message = json.loads(text)
            space = shutil.disk_usage(self.settings["folder"]).free
            if space < 1 << 20:
                raise OSError(errno.ENOSPC, os.strerror(errno.ENOSPC))
            raise DatasetError(f"Blender failed on {Path(message['file']).name}: {message['reason']}")
        return kind == "done"
