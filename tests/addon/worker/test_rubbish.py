# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whatever a worker says, does not say or ends with, Blender's timer and window go on, and the next worker is right.

Inside Blender: see `in_blender`. A worker's place is taken by a program that is started as it is.
"""

import logging
import tempfile
import time
from pathlib import Path
from typing import Any

import pytest

from tests.addon.harness import addon, enqueue, in_blender, item, queue, run_queue, service, state, wait_until

pytestmark = pytest.mark.own_blender

BEGIN = """
import json, os, sys, time
def say(text):
    os.write(1, text if isinstance(text, bytes) else (json.dumps(text) + "\\n").encode())
def hear():
    return json.loads(sys.stdin.readline())
hello = {"type": "hello", "protocol": VERSION, "version": "1", "python": "3"}
"""


def stand_in(program: str) -> None:
    """From now on workers are this program, which may `say` what it likes and `hear` requests."""
    from gen3d_core import protocol

    client = addon("worker.client")
    folder = Path(tempfile.mkdtemp())
    (folder / "gen3d_core").mkdir()
    (folder / "gen3d_core" / "__init__.py").touch()
    text = BEGIN.replace("VERSION", str(protocol.PROTOCOL_VERSION)) + program
    (folder / "gen3d_core" / "worker.py").write_text(text)
    service().stop()
    service()._start = lambda: client.WorkerClient(client.python_executable(), folder, folder)


def the_right_one_works() -> None:
    service().stop()
    service()._start = addon("queue.service").start_worker
    batch = enqueue([item("ellipsoids", 3)])
    run_queue("a batch after the rubbish")
    assert batch.state is state("FINISHED"), batch.message


class Complaints(logging.Handler):
    """What the timer would have raised."""

    def __init__(self) -> None:
        super().__init__(logging.WARNING)
        self.said: list[str] = []
        logging.getLogger(addon("queue.queue").__name__).addHandler(self)

    def emit(self, record: logging.LogRecord) -> None:
        self.said.append(self.format(record))


def fails(seconds: float = 20.0) -> Any:
    """A batch that fails in one line, while all that a panel shows of it can be shown."""
    complaints = Complaints()
    batch = enqueue([item("ellipsoids", 1)])
    end = time.monotonic() + seconds
    while queue()() is not None:
        shown = addon("queue.report").progress_of(batch)
        assert isinstance(shown, str) and "\n" not in shown and len(shown) < 1200
        assert time.monotonic() < end, f"never ended: {batch.stage}"
        time.sleep(0.01)
    assert batch.state is state("FAILED"), batch.state
    assert batch.message and len(batch.message.splitlines()) == 1 and len(batch.message) < 1200
    assert complaints.said == [], complaints.said
    return batch


@in_blender
def test_lines_that_are_no_replies():
    addon("worker.job").HELLO_SECONDS = 20.0
    for program in (
        r'say(b"\n")',
        r'say(b"{\"type\": \"hel")',
        r'say(b"\xff\xfe\x00rubbish\n"); time.sleep(60)',
        r'say(b"null\n"); time.sleep(60)',
        r'say(b"[" * 100000 + b"\n"); time.sleep(60)',
        r'say(b"1" * 5000 + b"\n"); time.sleep(60)',
        r'say(b"{\"type\": \"progress\", \"id\": " + b"1" * 5000 + b"}\n"); time.sleep(60)',
        r'say(b"x" * 3000000); time.sleep(60)',
        r'say(b"Traceback (most recent call last):\n"); time.sleep(60)',
        r'say({"type": "hello", "protocol": 1, "version": "1", "python": "3"}); time.sleep(60)',
        r'say({"type": "hello", "protocol": [1], "version": 1, "python": {}}); time.sleep(60)',
        r'say({"type": "other", "id": 1}); time.sleep(60)',
        r"import os; os._exit(7)",
        r"raise SystemExit('no words')",
        r"import os; os.close(1); time.sleep(60)",
        r"import os; os.close(0); say(hello); os.close(1); time.sleep(60)",
    ):
        stand_in(program)
        fails()
    the_right_one_works()


@in_blender
def test_replies_that_hold_what_they_should_not():
    for reply in (
        '{"type": "progress", "id": id, "fraction": 0.5, "stage": ["a"]}',
        '{"type": "progress", "id": id, "fraction": "0.5", "stage": "a"}',
        '{"type": "progress", "id": id, "fraction": 10**400, "stage": "a"}',
        '{"type": "progress", "id": [id], "fraction": 0.5, "stage": "a"}',
        '{"type": "error", "id": id, "message": None}',
        '{"type": "error", "id": id, "message": "long\\n" * 100000, "detail": "long" * 1000}',
        '{"type": "error", "id": id, "message": ""}',
        '{"type": "error", "id": None, "message": "no request"}',
        '{"type": "mesh_result", "id": id}',
        '{"type": "mesh_result", "id": id, "arrays": "../../a.npz", "model": {}, "version": 1, "truncation": 1}',
        '{"type": "models", "id": id, "models": [], "broken": []}',
        '{"type": "models", "id": id, "models": {"a": 1}, "broken": 3}',
    ):
        stand_in(f"say(hello)\nid = hear()['id']\nsay({reply})\ntime.sleep(60)")
        fails()
    the_right_one_works()


MESH = """
from pathlib import Path
folder = Path(sys.argv[sys.argv.index("--folder") + 1])
say(hello)
id = hear()["id"]
summary = {"shape_code": [0.0], "appearance_code": [0.0], "positions": {}, "resolution": 32, "floaters": 1.0,
           "vertices": 3, "faces": 1}
model = dict.fromkeys(("name", "file", "hash", "category", "identity"), "a")
"""
REPLY = """
say({"type": "mesh_result", "id": id, "arrays": "a.npz", "model": model, "version": "1", "truncation": 1.0,
     "summary": summary, "seed": 1})
time.sleep(60)
"""


@in_blender
def test_arrays_that_are_none():
    for arrays in (
        "",
        "(folder / 'a.npz').mkdir()",
        "(folder / 'a.npz').write_bytes(b'PK' + bytes(5000))",
        "(folder / 'a.npz').write_bytes(b'\\x80\\x04K\\x01.')",
    ):
        stand_in(MESH + arrays + REPLY)
        assert "cannot be read" in fails().message
    the_right_one_works()


@in_blender
def test_a_worker_that_ends_at_any_byte():
    """Of a greeting, progress and a result; with what it has said so far, and its pipe, gone."""
    whole = MESH + REPLY.replace("time.sleep(60)", "")
    cut = whole.replace("say(hello)", "said = b''\nsend = os.write\nos.write = cut\nsay(hello)", 1)
    for least in range(0, 700, 35):
        program = (
            f"def cut(to, text):\n    global said\n    said += text\n    if len(said) > {least}:\n"
            f"        send(1, text[:len(text) - len(said) + {least}])\n        os._exit(3)\n    send(1, text)\n"
        )
        stand_in(program + cut)
        fails()
    the_right_one_works()


@in_blender
def test_a_worker_that_speaks_without_end_is_ended():
    say = "say(hello)\nid = hear()['id']\nwhile True:\n    "
    stand_in(say + 'say({"type": "cancelled", "id": id + 1})')
    assert "without end" in fails().message
    stand_in(say + 'say({"type": "progress", "id": id, "fraction": 0.5, "stage": "a"})')
    addon("worker.job").CANCEL_SECONDS = 0.3
    batch = enqueue([item("ellipsoids", 1)])
    wait_until(lambda: (queue()(), batch.fraction == 0.5)[1], "it is followed")
    time.sleep(1.0)  # as while Blender renders
    assert len(service().client.replies()) < 3
    batch.cancel()
    run_queue("the batch")
    assert batch.state is state("CANCELLED")
    stand_in("say(hello)\nwhile True:\n    os.write(2, b'x' * 100000)")
    batch = enqueue([item("ellipsoids", 1)])
    wait_until(lambda: (queue()(), service().client.greeted)[1], "it is followed")
    batch.cancel()
    run_queue("the batch")
    the_right_one_works()


@in_blender
def test_a_worker_that_begins_late_is_not_waited_for():
    """A request of nearly the greatest length does not fit into a pipe that nobody reads."""
    from gen3d_core import protocol

    stand_in("time.sleep(2)\nsay(hello)\nid = hear()['id']\nsay({'type': 'error', 'id': id, 'message': 'heard'})")
    parent = protocol.Parent([0.1234567890123456] * 500, [0.5])
    keys = [protocol.Recipe(1, parents=[parent], shape_weights=[1.0], appearance_weights=[1.0])] * 90
    request = {"model": "a", "keys": keys, "settings": protocol.MorphSettings(2, 32)}
    before = time.monotonic()
    job = service().submit(protocol.Morph, **request)
    job.poll()
    assert time.monotonic() - before < 1.0 and not job.done
    wait_until(job.poll, "it is answered")
    assert job.message == "heard"
    stand_in("time.sleep(60)")
    job = service().submit(protocol.Morph, **request)
    before = time.monotonic()
    service().stop()
    assert time.monotonic() - before < 1.0 and job.state is state("CANCELLED")
    the_right_one_works()


@in_blender
def test_a_request_that_is_too_long_is_refused_and_the_worker_lives():
    from gen3d_core import protocol

    the_right_one_works()
    worker = service().client.pid
    parent = protocol.Parent([0.1234567890123456] * 256, [0.1234567890123456] * 256)
    key = protocol.Recipe(1, parents=[parent], shape_weights=[1.0], appearance_weights=[1.0])
    fields = {"model": "ellipsoids", "keys": [key] * 256, "settings": protocol.MorphSettings(256, 32)}
    batches = addon("queue.batch")
    batch = batches.Batch("Bake", [batches.Item(fields, print, protocol.Morph)])
    queue().add(batch)
    run_queue("the refusal")
    assert batch.message == "This is more than the worker takes at once: choose fewer steps, or fewer objects"
    batch = enqueue([item("ellipsoids", 3)])
    run_queue("a batch")
    assert batch.state is state("FINISHED") and service().client.pid == worker
