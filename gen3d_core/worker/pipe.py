"""The worker's side of the pipe: requests come in on their own thread, replies go out whole, stray prints go
elsewhere."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections import deque
from collections.abc import Callable
from typing import BinaryIO

from gen3d_core import protocol

GRACE_SECONDS = 2.0
"""How long a running step may take to notice that the client is gone."""


class Outbox:
    """Replies, one line each, from any thread. Becomes silent when the client is gone."""

    def __init__(self, stream: BinaryIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def send(self, reply: protocol.Message) -> None:
        try:
            line = reply.line()
        except protocol.ProtocolError as error:
            line = protocol.Error(getattr(reply, "id", None), f"reply could not be sent: {error}").line()
        with self._lock:
            try:
                self._stream.write(line)
                self._stream.flush()
            except (OSError, ValueError):
                pass  # the client is gone; the end of stdin tells the main loop


class Inbox:
    """Requests that wait, and the one that runs."""

    def __init__(self) -> None:
        self._waiting: deque[protocol.Job] = deque()
        self._running: int | None = None
        self._cancelled = False
        self._closed = False
        self._changed = threading.Condition()

    def put(self, request: protocol.Job) -> bool:
        """Queue a request; False when a job of that id is under way."""
        with self._changed:
            if request.id == self._running or any(request.id == other.id for other in self._waiting):
                return False
            self._waiting.append(request)
            self._changed.notify()
            return True

    def take(self) -> protocol.Job | None:
        """Wait for the next request; None when closed. Whatever was taken before counts as done."""
        with self._changed:
            self._running, self._cancelled = None, False
            while not self._waiting and not self._closed:
                self._changed.wait()
            if self._closed:
                return None
            request = self._waiting.popleft()
            self._running = request.id
            return request

    def cancel(self, id: int) -> bool:
        """Flag the running job, or drop a waiting one. True when it was waiting: then nobody else will answer it."""
        with self._changed:
            if id == self._running:
                self._cancelled = True
                return False
            for request in self._waiting:
                if request.id == id:
                    self._waiting.remove(request)
                    return True
            return False

    def close(self) -> None:
        with self._changed:
            self._closed = True
            self._changed.notify()

    def unwanted(self) -> bool:
        """Whether the running job should stop."""
        return self._cancelled or self._closed


class Reader(threading.Thread):
    """Turns lines into requests while the main thread computes, so that a cancel is seen at once.

    When the lines end it closes the inbox and, should the main thread not be done soon, calls `leave` and ends the
    process.
    """

    def __init__(self, stream: BinaryIO, inbox: Inbox, outbox: Outbox, leave: Callable[[], None]) -> None:
        super().__init__(name="gen3d-reader", daemon=True)
        self._stream, self._inbox, self._outbox, self._leave = stream, inbox, outbox, leave

    def run(self) -> None:
        try:
            while line := self._stream.readline(protocol.MAX_LINE + 1):
                if len(line) > protocol.MAX_LINE:
                    self._skip_rest(line)
                if line.strip() and not self._act_on(line):
                    break
        except OSError:
            pass  # a broken pipe is an end too
        finally:
            self._inbox.close()
        time.sleep(GRACE_SECONDS)
        self._leave()
        os._exit(0)  # a step inside onnxruntime or marching cubes cannot be interrupted, and nobody waits for it

    def _skip_rest(self, line: bytes) -> None:
        while line and not line.endswith(b"\n"):
            line = self._stream.readline(protocol.MAX_LINE)

    def _act_on(self, line: bytes) -> bool:
        try:
            request = protocol.parse_request(protocol.decode(line))
        except protocol.ProtocolError as error:
            self._outbox.send(protocol.Error(error.id, str(error)))
            return True
        if isinstance(request, protocol.Shutdown):
            return False
        if isinstance(request, protocol.Cancel):
            if self._inbox.cancel(request.id):
                self._outbox.send(protocol.Cancelled(request.id))
        elif not self._inbox.put(request):
            self._outbox.send(protocol.Error(None, f"a job with id {request.id} is already under way"))
        return True


def claim_streams() -> tuple[BinaryIO, BinaryIO]:
    """Take stdin and stdout for the protocol alone: descriptor 1 then leads to stderr and descriptor 0 to nothing.

    A stray print, also from C code, cannot corrupt the replies; and on Windows a library that asks about stdin cannot
    block on the reader thread's pending read.
    """
    sys.stdout.flush()
    requests, replies = os.dup(0), os.dup(1)
    nothing = os.open(os.devnull, os.O_RDWR)
    try:
        os.fstat(2)
    except OSError:
        os.dup2(nothing, 2)  # started without a stderr
    os.dup2(2, 1)
    os.dup2(nothing, 0)
    os.close(nothing)
    if sys.platform == "win32":
        import msvcrt

        msvcrt.setmode(requests, os.O_BINARY)
        msvcrt.setmode(replies, os.O_BINARY)
    return os.fdopen(requests, "rb"), os.fdopen(replies, "wb")
