# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker process as Blender sees it: start it, send requests, collect replies, end it.

Nothing here waits for the worker except ``stop``, and nothing here knows ``bpy``. One thread writes requests, one reads
the worker's replies into a queue, another keeps the end of its error output, so that a full pipe can never block either
side. Whatever the worker says, none of them ends before it has told that the worker is gone.
"""

import collections
import os
import queue
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import IO

from gen3d_core import protocol

ERROR_LINES = 60
ERROR_LINE_BYTES = 4096
MOST_REPLIES = 1000  # that nobody has taken

# The worker must see only its own interpreter and the extension's wheels: what a launcher or Blender put into these
# belongs to another Python.
FOREIGN_VARIABLES = ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH")

BOOTSTRAP = """\
import runpy, sys
first, last = sys.argv[1:3]
del sys.argv[1:3]
sys.path.insert(0, first)
sys.path.append(last)
runpy.run_module("gen3d_core.worker", run_name="__main__", alter_sys=True)
"""


Incoming = protocol.Reply | protocol.ProtocolError


class WorkerError(RuntimeError):
    """The worker cannot be started or reached. The message is one line meant for the user; ``detail`` is for a log."""

    def __init__(self, message: str, detail: str = "") -> None:
        super().__init__(message)
        self.detail = detail


def worker_environment() -> dict[str, str]:
    """This process's environment without what would lead the worker to another Python's files, and offline."""
    kept = {name: value for name, value in os.environ.items() if name not in FOREIGN_VARIABLES}
    # Unless told otherwise, onnxruntime 1.29 and later report each session to its makers and keep an identifier for it.
    return {**kept, "ORT_DISABLE_TELEMETRY": "1"}


class WorkerClient:
    """One worker process, started by the constructor, with a private temporary folder for its arrays.

    python: interpreter to run; site_packages: folder that holds gen3d_core and its needs, searched first; fallback:
    folder searched last (where Blender keeps numpy).
    greeted: whether its hello has been seen; kept for whoever reads the replies.
    Raises WorkerError when the process cannot be started.
    """

    def __init__(self, python: Path, site_packages: Path, fallback: Path) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="gen3d-", ignore_cleanup_errors=True)
        bootstrap = ["-I", "-c", BOOTSTRAP, str(site_packages), str(fallback)]
        try:
            self._process = subprocess.Popen(
                [str(python), *bootstrap, "--folder", self._folder.name],
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                env=worker_environment(),
                cwd=self._folder.name,
                creationflags=getattr(subprocess, "CREATE_NO_WINDOW", 0),
                # A Ctrl-C in the terminal that started Blender is for Blender.
                start_new_session=True,
            )
        except OSError as error:
            self._folder.cleanup()
            raise WorkerError(f"The Gen3D worker could not be started with {python}: {error}") from error
        self.greeted = False
        self._stdin, stdout, stderr = self._process.stdin, self._process.stdout, self._process.stderr
        if self._stdin is None or stdout is None or stderr is None:
            raise WorkerError("The Gen3D worker has no pipes")
        self._replies: list[Incoming] = []
        self._replies_change = threading.Lock()
        self._errors: collections.deque[str] = collections.deque(maxlen=ERROR_LINES)
        self._ended = threading.Event()
        self._requests: queue.SimpleQueue[bytes | None] = queue.SimpleQueue()
        self._writer = _thread("gen3d-requests", self._write_requests, self._stdin)
        self._reader = _thread("gen3d-replies", self._read_replies, stdout)
        self._error_reader = _thread("gen3d-errors", self._read_errors, stderr)

    @property
    def folder(self) -> Path:
        """The private folder in which the worker leaves its arrays; deleted by ``stop``."""
        return Path(self._folder.name)

    @property
    def pid(self) -> int:
        return self._process.pid

    @property
    def ended(self) -> bool:
        """True once the worker has closed its output and every reply it sent has been queued."""
        return self._ended.is_set()

    def send(self, request: protocol.Request) -> None:
        """Have one request written. Raises ProtocolError for one that is too long, WorkerError when the worker is
        gone."""
        line = request.line()
        if self.ended or self._process.poll() is not None:
            raise WorkerError(self.epitaph(), self.error_output())
        self._requests.put(line)

    def replies(self) -> list[Incoming]:
        """All that has come until now, oldest first; an unreadable reply comes as its error. Never waits."""
        with self._replies_change:
            found, self._replies = self._replies, []
        return found

    def error_output(self) -> str:
        """The last lines that the worker wrote to its error output."""
        if self.ended:
            self._error_reader.join(timeout=1.0)
        return "\n".join(self._errors)

    def epitaph(self) -> str:
        """One line for the user about a worker that ended by itself."""
        code = self._process.poll()
        how = "" if code is None else f" (exit code {code})"
        return (
            f"The Gen3D worker stopped unexpectedly{how}. Press Generate to start a new one; "
            "if it happens again, try a lower resolution"
        )

    def stop(self, patience: float = 1.0) -> None:
        """End the worker and delete its folder: ask, wait up to ``patience`` seconds, then kill. Safe to call twice."""
        if self._process.poll() is None and patience > 0:
            try:
                self.send(protocol.Shutdown())
            except WorkerError:
                patience = 0.0
        deadline = time.monotonic() + patience
        self._requests.put(None)
        try:
            self._process.wait(timeout=max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
        for thread in (self._writer, self._reader, self._error_reader):
            thread.join(timeout=1.0)
        self._folder.cleanup()

    def _write_requests(self, stream: IO[bytes]) -> None:
        try:
            with stream:  # closing it ends the worker
                while line := self._requests.get():
                    stream.write(line)
                    stream.flush()
        except OSError:  # one that cannot be told anything is of no use
            self._process.kill()

    def _read_replies(self, stream: IO[bytes]) -> None:
        try:
            with stream:
                while line := stream.readline(protocol.MAX_LINE + 1):
                    if self._keep(protocol.parse_reply(protocol.decode(line))) > MOST_REPLIES:
                        raise protocol.ProtocolError("it speaks without end")
        except protocol.ProtocolError as error:
            self._keep(error)
        except Exception as error:  # noqa: BLE001  whatever a line leads to is told where replies are
            self._keep(protocol.ProtocolError(f"{type(error).__name__}: {error}"))
        try:
            self._process.wait(timeout=1.0)
        except subprocess.TimeoutExpired:
            self._process.kill()
        self._ended.set()

    def _keep(self, reply: Incoming) -> int:
        """Until it is taken; of reports of progress the newest alone. Returns how many are kept."""
        with self._replies_change:
            if isinstance(reply, protocol.Progress) and self._replies:
                if isinstance(self._replies[-1], protocol.Progress):
                    self._replies.pop()
            self._replies.append(reply)
            return len(self._replies)

    def _read_errors(self, stream: IO[bytes]) -> None:
        with stream:
            while line := stream.readline(ERROR_LINE_BYTES):
                self._errors.append(line.decode("utf-8", "replace").rstrip())


def python_executable() -> Path:
    """The Python that Blender runs on. Raises WorkerError where Blender does not tell it."""
    name = f"python{sys.version_info.major}.{sys.version_info.minor}"
    beside = Path(sys.base_prefix) / ("python.exe" if os.name == "nt" else f"bin/{name}")
    for candidate in (Path(sys.executable), beside):
        if candidate.name.lower().startswith("python") and candidate.is_file():
            return candidate
    raise WorkerError(f"Blender's own Python was not found: neither {sys.executable!r} nor {str(beside)!r} is one")


def _thread(name: str, target: Callable[[IO[bytes]], None], stream: IO[bytes]) -> threading.Thread:
    thread = threading.Thread(name=name, target=target, args=(stream,), daemon=True)
    thread.start()
    return thread
