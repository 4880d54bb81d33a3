# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""One request from the asking to its result, and the service that runs one at a time. No ``bpy`` here.

Whoever drives a job calls ``poll`` from the main thread: a timer in a window, a loop in background mode, a test.
"""

import enum
import time
import traceback
from collections.abc import Callable
from typing import Any

from gen3d_core import protocol

from .client import Incoming, WorkerClient, WorkerError
from .results import Outcome, read_result

BUSY = "A generation is already running: wait for it or cancel it first"
TOO_MUCH = "This is more than the worker takes at once: choose fewer steps, or fewer objects"
FOREVER = float("inf")
MOST_LETTERS = 1000  # of a message
HELLO_SECONDS = 120.0  # a first start can wait for a virus scanner to read every wheel
CANCEL_SECONDS = 5.0  # a worker that is still busy after this is killed


class State(enum.Enum):
    """A job is RUNNING (perhaps CANCELLING), then for ever FINISHED, CANCELLED or FAILED."""

    RUNNING = enum.auto()
    CANCELLING = enum.auto()
    FINISHED = enum.auto()
    CANCELLED = enum.auto()
    FAILED = enum.auto()


ENDED = frozenset({State.FINISHED, State.CANCELLED, State.FAILED})


class Job:
    """One request to a worker. ``poll`` moves it on; the other attributes only tell.

    fraction: 0..1; stage: what the worker is doing; result: what came of it once FINISHED; message: one line for the
    user once CANCELLED or FAILED; detail: for a log; lost_worker: whether it failed because the worker ended or never
    began.
    """

    def __init__(self, client: WorkerClient, request: protocol.Job) -> None:
        self.request = request
        self.state = State.RUNNING
        self.fraction = 0.0
        self.stage = "Starting"
        self.result: Outcome | None = None
        self.message = ""
        self.detail = ""
        self.lost_worker = False
        self._client = client
        self._deadline = FOREVER if client.greeted else time.monotonic() + HELLO_SECONDS
        client.send(request)

    @property
    def done(self) -> bool:
        return self.state in ENDED

    def poll(self) -> bool:
        """Take in what the worker has said since the last call, without waiting. True when the job has ended."""
        if self.done:
            return True
        ended = self._client.ended  # asked before reading: what was said before the end counts
        for reply in self._client.replies():
            self._receive(reply)
            if self.done:
                return True
        late = time.monotonic() > self._deadline
        if self.state is State.CANCELLING and (ended or late):
            self._client.stop(patience=0.0)
            self._end(State.CANCELLED, "Cancelled")
        elif ended:
            self.lost_worker = True
            self._end(State.FAILED, self._client.epitaph(), self._client.error_output())
        elif late:
            self._give_up(f"The Gen3D worker did not start within {HELLO_SECONDS:.0f} s. Press Generate to try again")
        return self.done

    def cancel(self) -> None:
        """Ask the worker to give up; ``poll`` tells when it has. One that does not is killed after a few seconds.

        A result that nobody has taken out of ``result`` yet is dropped.
        """
        if self.state is State.FINISHED and self.result is not None:
            self.result = None
            self._end(State.CANCELLED, "Cancelled")
        if self.state is not State.RUNNING:
            return
        self.state = State.CANCELLING
        self.stage = "Cancelling"
        self._deadline = time.monotonic() + CANCEL_SECONDS
        try:
            self._client.send(protocol.Cancel(self.request.id))
        except WorkerError:
            pass  # already gone: poll finds that out and ends the job

    def abandon(self, error: Exception) -> None:
        """Fail because of an error in following the job, whose worker is not to be trusted with another one."""
        reason = f"{error or type(error).__name__}"
        self._give_up(f"The Gen3D worker cannot be followed: {reason}", traceback.format_exc(), lost=False)

    def _receive(self, reply: Incoming) -> None:
        match reply:
            case protocol.ProtocolError():
                self._give_up(f"The Gen3D worker cannot be understood, restart Blender: {reply}")
            case protocol.Hello():
                self._client.greeted = True
                if self.state is State.RUNNING:
                    self._deadline = FOREVER
            case protocol.Error(id=None):
                self._give_up(reply.message.strip() or "The Gen3D worker gave no reason", reply.detail)
            case protocol.Progress() if reply.id == self.request.id and self.state is State.RUNNING:
                self.fraction, self.stage = reply.fraction, " ".join(reply.stage[:MOST_LETTERS].split())
            case protocol.Cancelled() if reply.id == self.request.id:
                self._end(State.CANCELLED, "Cancelled")
            case protocol.Error() if reply.id == self.request.id:
                self._end(State.FAILED, reply.message.strip() or "The Gen3D worker gave no reason", reply.detail)
            case protocol.Result() | protocol.ModelList() if reply.id == self.request.id:
                self._finish(reply)

    def _finish(self, reply: protocol.JobResult) -> None:
        try:
            result = read_result(self.request, reply, self._client.folder)
        except Exception as error:  # noqa: BLE001  whatever a reader stumbles over ends this job and no more
            reason = f"{error or type(error).__name__}"
            self._give_up(f"The Gen3D worker's result cannot be read: {reason}", traceback.format_exc(), lost=False)
            return
        if self.state is State.CANCELLING:  # it finished before it heard
            self._end(State.CANCELLED, "Cancelled")
            return
        self.result, self.fraction = result, 1.0
        self._end(State.FINISHED)

    def _give_up(self, message: str, detail: str = "", *, lost: bool = True) -> None:
        """Fail, and end a worker that is not to be trusted with another job."""
        self.lost_worker = lost
        detail = detail or self._client.error_output()
        self._end(State.FAILED, message, detail)
        self._client.stop(patience=0.0)

    def _end(self, state: State, message: str = "", detail: str = "") -> None:
        self.state, self.message, self.detail = state, " ".join(message[:MOST_LETTERS].split()), detail


class Service:
    """Keeps one worker between jobs, so that its models stay open, and runs one job at a time.

    start: makes a started WorkerClient; called at the first job and again whenever the worker is gone.
    """

    def __init__(self, start: Callable[[], WorkerClient]) -> None:
        self.job: Job | None = None
        self.client: WorkerClient | None = None
        self._start = start
        self._count = 0

    @property
    def busy(self) -> bool:
        return self.job is not None and not self.job.done

    def submit(self, kind: type[protocol.Job], /, **fields: Any) -> Job:
        """Start a job: a request of a kind with its fields but for the id. Raises WorkerError when one is running (it
        goes on), no worker can be started, or a field does not fit."""
        if self.busy:
            raise WorkerError(BUSY)
        self._count += 1
        try:
            request = kind(self._count, **fields)
        except protocol.Gen3DError as error:
            raise WorkerError(str(error)) from error
        client = self.ready()
        try:
            self.job = Job(client, request)
        except protocol.ProtocolError as error:  # nothing was sent, and the worker is as well as before
            raise WorkerError(TOO_MUCH, str(error)) from error
        except WorkerError:  # it died since the last job: a new one serves as well
            client.stop(patience=0.0)
            self.client = None
            self.job = Job(self.ready(), request)
        return self.job

    def ready(self) -> WorkerClient:
        """The worker, started where there is none that lives. Raises WorkerError when it cannot be."""
        if self.client is None or self.client.ended:
            if self.client is not None:
                self.client.stop(patience=0.0)
                self.client = None
            self.client = self._start()
        return self.client

    def stop(self) -> None:
        """End the worker: at once when it is busy, politely when it is not. A running job ends as CANCELLED."""
        if self.client is None:
            return
        running = self.job if self.job is not None and not self.job.done else None
        if running is not None:
            running.cancel()
        self.client.stop(patience=0.0 if running is not None else 1.0)
        if running is not None:
            running.poll()
        self.client = None
