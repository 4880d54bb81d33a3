"""The worker process: reads requests from stdin, makes meshes, writes replies to stdout. See `gen3d_core.protocol`.

Run as `python -m gen3d_core.worker --folder DIR`, where DIR is a private folder that the client has made for it.
The worker ends when its stdin closes, and the folder with it, so that neither outlives a client that was killed.
"""

from __future__ import annotations

import argparse
import os
import shutil
import signal
import sys
import tempfile
import time
import traceback
from pathlib import Path
from typing import TYPE_CHECKING

from gen3d_core import limits, protocol
from gen3d_core.errors import Gen3DError, one_line
from gen3d_core.version import __version__
from gen3d_core.worker.handlers import Jobs
from gen3d_core.worker.pipe import Inbox, Outbox, Reader, claim_streams

if TYPE_CHECKING:
    from gen3d_core.progress import OnProgress

PROGRESS_SECONDS = 0.05


class JobCancelled(Exception):
    """Raised inside the progress callback of a job that the client no longer wants."""


class Worker:
    """Has the requests done one by one, and answers each."""

    def __init__(self, jobs: Jobs, inbox: Inbox, outbox: Outbox) -> None:
        self._jobs, self._inbox, self._outbox = jobs, inbox, outbox

    def serve(self) -> None:
        """Until the inbox closes."""
        while request := self._inbox.take():
            try:
                self._outbox.send(self._jobs.do(request, self._progress(request.id)))
            except JobCancelled:
                self._outbox.send(protocol.Cancelled(request.id))
            except (Gen3DError, OSError) as error:
                self._outbox.send(protocol.Error(request.id, one_line(error), traceback.format_exc()))
            except ImportError as error:
                message = f"the worker lacks a library ({one_line(error)}): install it again"
                self._outbox.send(protocol.Error(request.id, message, traceback.format_exc()))
            except MemoryError:
                message = "not enough memory for this: try a lower resolution"
                self._outbox.send(protocol.Error(request.id, message, traceback.format_exc()))
            except Exception as error:  # noqa: BLE001 - the process serves on, the failure belongs to this job's reply
                message = f"unexpected {type(error).__name__}: {one_line(error)}"
                self._outbox.send(protocol.Error(request.id, message, traceback.format_exc()))

    def _progress(self, id: int) -> OnProgress:
        last_time, last_stage = 0.0, ""

        def report(fraction: float, stage: str) -> None:
            nonlocal last_time, last_stage
            _check_wanted(self._inbox)
            now = time.monotonic()
            if stage != last_stage or now - last_time >= PROGRESS_SECONDS:
                last_time, last_stage = now, stage
                self._outbox.send(protocol.Progress(id, min(max(float(fraction), 0.0), 1.0), stage))

        return report


def _check_wanted(inbox: Inbox) -> None:
    """Raises `JobCancelled` where nobody waits for the running job any more."""
    if inbox.unwanted():
        raise JobCancelled


def main(arguments: list[str] | None = None) -> int:
    """Entry point. Returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="gen3d_core.worker", description="Make meshes for a client over stdin and stdout."
    )
    parser.add_argument(
        "--folder",
        type=Path,
        required=True,
        help="private folder for the arrays, made by the client; deleted at the end",
    )
    parser.add_argument(
        "--threads", type=int, default=None, help="processor threads (default: the processors, at most 4)"
    )
    options = parser.parse_args(arguments)
    if not options.folder.is_dir():
        sys.stderr.write(f"gen3d worker: {options.folder} is not a folder\n")
        return 2
    if options.threads is not None:
        try:
            limits.check_whole("--threads", options.threads, limits.THREADS)
        except Gen3DError as error:
            sys.stderr.write(f"gen3d worker: {error}\n")
            return 2
    requests, replies = claim_streams()
    signal.signal(
        signal.SIGINT, signal.SIG_IGN
    )  # Ctrl-C in the client's terminal reaches us too; its closing pipe ends us
    inbox, outbox = Inbox(), Outbox(replies)
    outbox.send(protocol.Hello(protocol.PROTOCOL_VERSION, __version__, sys.version.split()[0]))

    def leave() -> None:
        # A client that was killed deletes nothing any more.
        os.chdir(tempfile.gettempdir())  # Windows keeps the folder that a process is in
        shutil.rmtree(options.folder, ignore_errors=True)

    Reader(requests, inbox, outbox, leave).start()
    Worker(Jobs(options.folder, options.threads, lambda: _check_wanted(inbox)), inbox, outbox).serve()
    leave()
    return 0
