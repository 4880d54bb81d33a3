import json
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import trimesh

import gen3d_core
from gen3d_core import protocol
from gen3d_core.protocol import Cancel, Generate, Hello, Models, ProtocolError, Shutdown, decode, encode
from tests.analytic import half_axes, write_ellipsoid_model

Reply = TypeVar("Reply")
ROOT = Path(__file__).resolve().parents[2]
MESSAGES = [
    Generate(1, "chairs", 7, 128),
    Generate(2, "C:\\ünï\\a b.gen3d", 0, 16, 0.5, 0.25),
    Models(3),
    Cancel(1),
    Shutdown(),
    Hello(protocol.PROTOCOL_VERSION, "1.0", "3.11"),
    protocol.Progress(1, 0.5, "shape"),
    protocol.Result(1, "result-1.npz", {"seed": 7}),
    protocol.ModelList(3, [{"name": "chairs"}]),
    protocol.Cancelled(1),
    protocol.Error(None, "bad", "line 1\nline 2"),
]


# ---- messages


@pytest.mark.parametrize("message", MESSAGES, ids=lambda message: message.type)
def test_messages_survive_the_wire(message: protocol.Message):
    line = message.line()
    assert line.endswith(b"\n") and line.count(b"\n") == 1
    parse = (
        protocol.parse_request if isinstance(message, Generate | Models | Cancel | Shutdown) else protocol.parse_reply
    )
    assert parse(decode(line)) == message


@pytest.mark.parametrize(
    "line",
    [b"", b"\n", b"hello\n", b"[1]\n", b"3\n", b"{}\n", b'{"type":3}\n', b'{"type":"x"\n', b'{"type":"x","n":NaN}\n']
    + [
        b"\xff\xfe\n",
        b"[" * 200_000,
        b'{"type":"' + b"x" * protocol.MAX_LINE + b'"}',
        b'{"type":"x","n":' + b"1" * 5000 + b"}",
    ],
)
def test_lines_that_are_no_messages(line: bytes):
    with pytest.raises(ProtocolError) as caught:
        decode(line)
    assert "\n" not in str(caught.value) and len(str(caught.value)) < 300


def test_messages_that_cannot_be_sent():
    for message in (
        {"type": "x", "n": float("inf")},
        {"type": "x", "n": b""},
        {"type": "x", "n": "a" * protocol.MAX_LINE},
    ):
        with pytest.raises(ProtocolError):
            encode(message)


GOOD = Generate(5, "chairs", 7, 128).as_dict()


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"type": "nothing"}, "nothing"),
        ({"seed": -1}, "seed"),
        ({"seed": "7"}, "seed"),
        ({"seed": True}, "seed"),
        ({"resolution": 8}, "resolution"),
        ({"resolution": 10**9}, "resolution"),
        ({"truncation": "a"}, "truncation"),
        ({"floaters": None}, "floaters"),
        ({"model": ""}, "model"),
        ({"model": "a\0b"}, "model"),
        ({"colour": "red"}, "colour"),
    ],
)
def test_requests_with_a_mistake_keep_their_id(change: dict, named: str):
    with pytest.raises(ProtocolError, match=named) as caught:
        protocol.parse_request({**GOOD, **change})
    assert caught.value.id == 5


def test_requests_that_lack_something():
    with pytest.raises(ProtocolError, match="generate lacks .*model"):
        protocol.parse_request({"type": "generate", "id": 1, "seed": 1, "resolution": 64})
    for id in (None, -1, 1.5, "1", True, 2**60):
        with pytest.raises(ProtocolError, match="id is") as caught:
            protocol.parse_request({"type": "cancel", "id": id})
        assert caught.value.id is None


@pytest.mark.parametrize("name", ["../a.npz", "/tmp/a.npz", "a.npy", "a/b.npz", "C:a.npz", ".npz", 3, None])
def test_results_name_a_file_in_the_clients_folder(name: object):
    with pytest.raises(ProtocolError):
        protocol.parse_reply({"type": "result", "id": 1, "arrays": name, "info": {}})


def test_another_protocol_is_refused():
    with pytest.raises(ProtocolError, match="protocol 99"):
        protocol.parse_reply({"type": "hello", "protocol": 99, "version": "9", "python": "4"})


# ---- the process


class Client:
    """The simplest client: writes lines, reads lines."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        command = [sys.executable, "-m", "gen3d_core.worker", "--folder", str(folder), "--threads", "1"]
        self.process = subprocess.Popen(
            command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )

    def send(self, message: protocol.Message | bytes) -> None:
        assert self.process.stdin
        self.process.stdin.write(message if isinstance(message, bytes) else message.line())
        self.process.stdin.flush()

    def read(self) -> protocol.Reply:
        assert self.process.stdout
        return protocol.parse_reply(decode(self.process.stdout.readline()))

    def until(self, kind: type[Reply]) -> Reply:
        """The next reply of a kind; only progress may come before it."""
        while not isinstance(reply := self.read(), kind):
            assert isinstance(reply, protocol.Progress), reply
        return reply

    def end(self) -> int:
        """Close the pipe and wait."""
        self.process.communicate(timeout=20)
        return self.process.returncode


@pytest.fixture
def client(tmp_path: Path) -> Iterator[Client]:
    client = Client(tmp_path)
    assert isinstance(client.read(), Hello)
    yield client
    client.process.kill()
    client.process.wait()
    for pipe in (client.process.stdin, client.process.stdout, client.process.stderr):
        assert pipe
        pipe.close()


def test_a_mesh_through_the_worker(client: Client, ellipsoids: Path):
    client.send(Generate(1, str(ellipsoids), 7, 48))
    progress = []
    while isinstance(reply := client.read(), protocol.Progress):
        progress.append(reply.fraction)
    assert len(progress) > 2 and progress == sorted(progress)
    assert isinstance(reply, protocol.Result) and reply.id == 1, reply
    with np.load(client.folder / reply.arrays, allow_pickle=False) as arrays:
        mesh = gen3d_core.Mesh(arrays["vertices"], arrays["faces"], arrays["colours"])
    model = gen3d_core.load(ellipsoids, threads=1)
    direct = model.sample(7, 48)
    for ours, theirs in zip(vars(mesh).values(), vars(direct).values(), strict=True):
        assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)
    codes = model.codes(7)
    assert np.allclose(np.ptp(mesh.vertices, axis=0), half_axes(codes) / half_axes(codes).max(), atol=3e-3)
    assert trimesh.Trimesh(mesh.vertices, mesh.faces).is_watertight
    info = reply.info
    assert (info["model"], info["seed"], info["resolution"], info["truncation"]) == ("ellipsoids", 7, 48, 1.0)
    assert info["model_hash"] == model.hash and Path(info["model_file"]) == ellipsoids
    assert np.array_equal(np.float32(info["shape_code"]), codes.shape)
    assert np.array_equal(np.float32(info["appearance_code"]), codes.appearance)
    assert [path.name for path in client.folder.iterdir()] == [reply.arrays]
    assert client.end() == 0


def test_mistakes_are_answered_and_do_not_end_it(client: Client, ellipsoids: Path, tmp_path: Path):
    client.send(b"this is not json\n")
    assert client.until(protocol.Error) == protocol.Error(
        None, "line is not JSON: Expecting value: line 1 column 1 (char 0)"
    )
    client.send(b"\n" + b"x" * (3 * protocol.MAX_LINE) + b"\n")
    assert "longer" in client.until(protocol.Error).message
    client.send(encode({**GOOD, "resolution": 5}))
    assert client.until(protocol.Error) == protocol.Error(5, "resolution is 5: expected 16 to 512")
    for id, model, said in ((6, "nothing", "no model"), (7, str(tmp_path / "no.gen3d"), "no such file")):
        client.send(Generate(id, model, 1, 32))
        error = client.until(protocol.Error)
        assert error.id == id and said in error.message and "\n" not in error.message and "Traceback" in error.detail
    empty = write_ellipsoid_model(tmp_path / "empty.gen3d", empty=True)
    client.send(Generate(8, str(empty), 1, 32))
    assert "no surface" in client.until(protocol.Error).message
    client.send(Cancel(99))
    client.send(Models(9))
    assert isinstance(client.until(protocol.ModelList), protocol.ModelList)
    client.send(Generate(10, str(ellipsoids), 1, 16))
    assert client.until(protocol.Result).id == 10


def test_a_model_file_that_changes_is_read_again(client: Client, tmp_path: Path):
    path = tmp_path / "a.gen3d"
    hashes = []
    for name in ("first", "second-name"):
        write_ellipsoid_model(path, name=name)
        client.send(Generate(len(hashes), str(path), 1, 16))
        info = client.until(protocol.Result).info
        assert info["model"] == name
        hashes.append(info["model_hash"])
    assert hashes[0] != hashes[1]


def test_cancel_while_running_and_while_waiting(client: Client, slow_ellipsoids: Path, ellipsoids: Path):
    client.send(Generate(1, str(slow_ellipsoids), 1, 64))
    client.send(Generate(2, str(slow_ellipsoids), 2, 64))
    client.send(Generate(3, str(ellipsoids), 3, 16))
    while not (isinstance(reply := client.read(), protocol.Progress) and reply.fraction > 0):
        pass
    client.send(Generate(1, str(ellipsoids), 3, 16))
    assert "already under way" in client.until(protocol.Error).message
    client.send(Cancel(2))
    assert client.until(protocol.Cancelled).id == 2
    client.send(Cancel(1))
    assert client.until(protocol.Cancelled).id == 1
    assert client.until(protocol.Result).id == 3
    assert [path.name for path in client.folder.iterdir()] == ["result-3.npz"]


@pytest.mark.parametrize("ending", ["closed pipe", "shutdown"])
def test_it_ends_in_the_middle_of_a_job(client: Client, slow_ellipsoids: Path, ending: str):
    client.send(Generate(1, str(slow_ellipsoids), 1, 128))
    client.until(protocol.Progress)
    start = time.monotonic()
    if ending == "shutdown":
        client.send(Shutdown())
    assert client.process.stdin and client.process.stdout
    if ending == "closed pipe":
        client.process.stdin.close()
    rest = client.process.stdout.read()
    assert client.process.wait(timeout=10) == 0
    assert time.monotonic() - start < 5
    assert b'"result"' not in rest and list(client.folder.iterdir()) == []


def test_it_does_not_outlive_a_killed_client(slow_ellipsoids: Path, tmp_path: Path):
    script = (
        "import subprocess, sys, time\n"
        "worker = subprocess.Popen([sys.executable, '-m', 'gen3d_core.worker', '--folder', sys.argv[1]],"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "worker.stdin.write(sys.argv[2].encode()); worker.stdin.flush()\n"
        "worker.stdout.readline(); worker.stdout.readline()\n"
        "print('started', flush=True); time.sleep(60)\n"
    )
    request = Generate(1, str(slow_ellipsoids), 1, 128).line().decode()
    command = [sys.executable, "-c", script, str(tmp_path), request]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert parent.stdout and parent.stderr
    assert parent.stdout.readline().strip() == b"started"
    parent.kill()
    start = time.monotonic()
    parent.stderr.read()  # the worker holds the other end until it is gone
    assert time.monotonic() - start < 10
    parent.wait()
    parent.stdout.close()
    parent.stderr.close()


def test_stray_prints_cannot_reach_the_replies():
    script = (
        "import os, sys\n"
        "from gen3d_core.worker_io import claim_streams\n"
        "requests, replies = claim_streams()\n"
        "print('from python', flush=True); os.write(1, b'from below\\n'); os.system('echo from a child')\n"
        "assert sys.stdin.read() == ''\n"
        "replies.write(requests.readline()); replies.flush()\n"
    )
    done = subprocess.run([sys.executable, "-c", script], cwd=ROOT, input=b"ping\n", capture_output=True, timeout=20)
    assert (done.returncode, done.stdout) == (0, b"ping\n")
    assert [line.strip() for line in done.stderr.splitlines()] == [b"from python", b"from below", b"from a child"]


def test_a_missing_folder_is_named(tmp_path: Path):
    command = [sys.executable, "-m", "gen3d_core.worker", "--folder", str(tmp_path / "no")]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
    assert done.returncode == 2 and done.stdout == ""
    assert done.stderr.splitlines() == [f"gen3d worker: {tmp_path / 'no'} is not a folder"]


def test_requests_are_plain_json(ellipsoids: Path):
    """What a client in another language would write."""
    line = json.dumps({"id": 1, "type": "generate", "model": str(ellipsoids), "seed": 7, "resolution": 32}) + "\n"
    assert protocol.parse_request(decode(line.encode())) == Generate(1, str(ellipsoids), 7, 32)
