"""One file because all stands on one worker process."""

import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

import numpy as np
import pytest
import trimesh

import gen3d_core
import gen3d_core.model.model
from gen3d_core import protocol
from gen3d_core.codes.codes import Codes
from gen3d_core.codes.path import Path as CodePath
from gen3d_core.model.archive import sha256
from gen3d_core.morphing.interpolate import interpolate
from gen3d_core.pictures.preview import front_view
from gen3d_core.protocol import (
    Cancel,
    Encode,
    Generate,
    Hello,
    Models,
    Morph,
    MorphSettings,
    Parent,
    Recipe,
    Shutdown,
    Thumbnails,
    decode,
    encode,
)
from tests.analytic import half_axes, write_ellipsoid_model

Reply = TypeVar("Reply")
ROOT = Path(__file__).resolve().parents[3]
KEYS = [Recipe(1), Recipe(2)]


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
    client.send(Generate(1, str(ellipsoids), Recipe(7), 48))
    progress = []
    while isinstance(reply := client.read(), protocol.Progress):
        progress.append(reply.fraction)
    assert len(progress) > 2 and progress == sorted(progress)
    assert isinstance(reply, protocol.MeshResult) and reply.id == 1, reply
    with np.load(client.folder / reply.arrays, allow_pickle=False) as arrays:
        mesh = gen3d_core.Mesh(arrays["vertices"], arrays["faces"], arrays["colours"])
    model = gen3d_core.load(ellipsoids, threads=1)
    direct = model.sample(7, 48)
    for ours, theirs in zip(vars(mesh).values(), vars(direct).values(), strict=True):
        assert ours.dtype == theirs.dtype and np.array_equal(ours, theirs)
    codes = model.codes(7)
    assert np.allclose(np.ptp(mesh.vertices, axis=0), half_axes(codes) / half_axes(codes).max(), atol=3e-3)
    assert trimesh.Trimesh(mesh.vertices, mesh.faces).is_watertight
    summary = reply.summary
    assert (reply.model.name, reply.seed, summary.resolution, reply.truncation) == ("ellipsoids", 7, 48, 1.0)
    assert reply.model.hash == model.hash and Path(reply.model.file) == ellipsoids
    assert (summary.vertices, summary.faces) == (len(mesh.vertices), len(mesh.faces))
    assert np.array_equal(codes_of(summary).shape, codes.shape)
    assert np.array_equal(codes_of(summary).appearance, codes.appearance)
    assert [path.name for path in client.folder.iterdir()] == [reply.arrays]
    assert client.end() == 0


def test_a_picture_through_the_worker(client: Client, ellipsoids: Path, tmp_path_factory: pytest.TempPathFactory):
    reader = write_ellipsoid_model(tmp_path_factory.mktemp("models") / "reader.gen3d", encoder=True)
    pixels = np.zeros((90, 120, 4), np.uint8)
    pixels[20:70, 30:100] = 255
    np.savez(client.folder / "picture.npz", pixels=pixels)
    client.send(Encode(1, str(reader), ["picture.npz"], 48))
    progress = []
    while isinstance(reply := client.read(), protocol.Progress):
        progress.append(reply.fraction)
    assert isinstance(reply, protocol.EncodedResult) and progress == sorted(progress), reply
    codes = codes_of(reply.summary)
    assert 0 < reply.confidence == reply.cameras[0].overlap <= 1
    camera = reply.cameras[0]
    assert np.shape(camera.matrix) == (4, 4) and 0 < camera.half < 1 and np.shape(camera.shift) == (2,)
    with np.load(client.folder / reply.arrays, allow_pickle=False) as arrays:
        assert np.array_equal(arrays["vertices"], gen3d_core.load(reader, threads=1).build(codes, 48).vertices)
    for number, model, name, said in (
        (2, reader, "none.npz", "none.npz: cannot be read"),
        (3, ellipsoids, "picture.npz", "cannot encode pictures"),
    ):
        client.send(Encode(number, str(model), [name], 48))
        assert said in client.until(protocol.Error).message
    assert client.end() == 0


def codes_of(summary: protocol.ObjectSummary) -> Codes:
    return Codes(np.array(summary.shape_code, np.float32), np.array(summary.appearance_code, np.float32))


def made_with(client: Client, id: int, model: str, recipe: Recipe) -> tuple[Codes, dict[str, float]]:
    """The codes of what a recipe makes, and where it stands along the model's directions."""
    client.send(Generate(id, model, recipe, 16))
    summary = client.until(protocol.MeshResult).summary
    return codes_of(summary), summary.positions


def test_objects_from_parents_seeds_and_moves(client: Client, tmp_path: Path):
    """Kept, mixed, varied, moved: every object of the panel is one of these recipes."""
    taller = {"name": "tall", "code": "shape", "vector": [0, 0, 1, 0], "low": -2, "high": 2, "share": 0.5}
    path = str(write_ellipsoid_model(tmp_path / "eggs.gen3d", name="eggs", directions=[taller]))
    model = gen3d_core.load(path, threads=1)
    a, b, drawn = model.codes(1), model.codes(2), model.codes(9)
    parents = [Parent(each.shape.tolist(), each.appearance.tolist()) for each in (a, b)]
    first = Recipe(9, parents=parents[:1], shape_weights=[1.0], appearance_weights=[1.0])

    crossed, _ = made_with(client, 1, path, Recipe(9, appearance_seed=4))
    assert np.array_equal(crossed.shape, drawn.shape)
    assert np.array_equal(crossed.appearance, model.codes(4).appearance)

    same, positions = made_with(client, 2, path, replace(first, moves={"tall": 1.25}))
    assert np.allclose(same.shape, [*a.shape[:2], 1.25, a.shape[3]], atol=1e-6)
    assert np.allclose(same.appearance, a.appearance, atol=1e-6)
    assert abs(positions["tall"] - 1.25) < 1e-6

    both = Recipe(9, parents=parents, shape_weights=[1.0, 0.0], appearance_weights=[0.0, 1.0])
    mixed, _ = made_with(client, 3, path, both)
    assert np.allclose(mixed.shape, a.shape, atol=1e-6) and np.allclose(mixed.appearance, b.appearance, atol=1e-6)

    varied, _ = made_with(client, 4, path, replace(first, shape_strength=0.6))
    assert np.allclose(varied.shape, 0.8 * a.shape + 0.6 * drawn.shape, atol=1e-5)
    assert np.allclose(varied.appearance, a.appearance, atol=1e-6)

    for id, moves, said in ((5, {"wide": 1.0}, "no direction 'wide'"), (7, {"tall": 3.0}, "tall is 3")):
        client.send(Generate(id, path, Recipe(9, moves=moves), 16))
        assert said in client.until(protocol.Error).message
    client.send(Generate(6, path, replace(first, parents=[Parent([1.0], [1.0])]), 16))
    assert "not of the model eggs" in client.until(protocol.Error).message


def test_thumbnails_show_what_the_seeds_give(client: Client, ellipsoids: Path):
    client.send(Thumbnails(1, str(ellipsoids), [Recipe(3), Recipe(5), Recipe(3, 5)], 32))
    reply = client.until(protocol.ThumbnailsResult)
    assert reply.model.name == "ellipsoids" and reply.truncation == 1.0
    with np.load(client.folder / reply.arrays, allow_pickle=False) as arrays:
        pictures = arrays["pictures"]
    model = gen3d_core.load(ellipsoids, threads=1)
    meshes = [model.sample(3, 64), model.sample(5, 64), model.sample(3, 64, appearance_seed=5)]
    for picture, mesh in zip(pictures, meshes, strict=True):
        assert np.array_equal(picture, front_view(mesh, 32)) and picture[..., 3].max() == 255


def test_a_morph_of_a_shipped_model_through_the_worker(client: Client):
    """What the worker sends is what Python makes, keys given as seeds and as codes."""
    model = gen3d_core.load("cars", threads=1)
    third = model.codes(9)
    kept = Recipe(
        0,
        parents=[Parent(third.shape.tolist(), third.appearance.tolist())],
        shape_weights=[1.0],
        appearance_weights=[1.0],
    )
    settings = MorphSettings(5, 24, path="catmull-rom", base=2)
    client.send(Morph(1, "cars", [Recipe(2), Recipe(3, appearance_seed=2), kept], settings))
    progress = []
    while isinstance(reply := client.read(), protocol.Progress):
        progress.append(reply.fraction)
    assert len(progress) > 3 and progress == sorted(progress)
    assert isinstance(reply, protocol.MorphResult), reply
    path = CodePath((model.codes(2), model.codes(3, 2), third), "catmull-rom")
    direct = interpolate(model, path, 5, 24, base=2)
    with np.load(client.folder / reply.arrays, allow_pickle=False) as arrays:
        expected = {"shape_codes", "appearance_codes"}
        for number, segment in enumerate(direct.morph.segments):
            for name in ("faces", "vertices", "colours"):
                array = arrays[f"{name}_{number}"]
                assert array.dtype == getattr(segment, name).dtype and np.array_equal(array, getattr(segment, name))
                expected.add(f"{name}_{number}")
        assert set(arrays) == expected
        assert np.array_equal(arrays["shape_codes"], np.stack([codes.shape for codes in direct.codes]))
        assert np.array_equal(arrays["appearance_codes"][4], third.appearance)
    assert (reply.model.name, reply.model.hash, reply.settings) == ("cars", model.hash, settings)
    assert reply.times == [0, 0.5, 1, 1.5, 2]
    assert sum(segment.steps for segment in reply.segments) == len(reply.reports) == 5
    assert reply.segments[0].vertices == len(direct.morph.segments[0].vertices[0])
    assert [vars(report) for report in reply.reports] == [vars(report) for report in direct.morph.reports]
    assert max(report.distance for report in reply.reports) < 0.02


def test_a_flipbook_through_the_worker(client: Client, ellipsoids: Path):
    client.send(Morph(1, str(ellipsoids), KEYS, MorphSettings(3, 16, "flipbook", timing="even", closed=True)))
    reply = client.until(protocol.MorphResult)
    assert [segment.first for segment in reply.segments] == [0, 1, 2]
    client.send(Morph(2, str(ellipsoids), [Recipe(1), Recipe(1, moves={"tall": 1.0})], MorphSettings(3, 16)))
    assert "no direction 'tall'" in client.until(protocol.Error).message
    client.send(Morph(3, str(ellipsoids), KEYS * 2, MorphSettings(3, 16)))
    assert "3 steps through 4 objects" in client.until(protocol.Error).message


def test_a_morph_is_cancelled(client: Client):
    client.send(Morph(1, "chairs", KEYS, MorphSettings(64, 128)))
    client.until(protocol.Progress)
    client.send(Cancel(1))
    start = time.monotonic()
    assert client.until(protocol.Cancelled).id == 1 and time.monotonic() - start < 5
    assert list(client.folder.iterdir()) == []


def test_models_are_listed_from_the_package_and_from_further_places(client: Client, tmp_path: Path):
    kept = tmp_path / "kept"
    kept.mkdir()
    direction = {"name": "tall", "code": "shape", "vector": [0, 0, 1, 0], "low": -2, "high": 2, "share": 0.5}
    path = write_ellipsoid_model(kept / "eggs.gen3d", name="eggs", directions=[direction], attribution=["Ann"])
    (kept / "broken.gen3d").write_bytes(path.read_bytes()[:500])
    client.send(Models(1, [str(kept), str(tmp_path / "none")]))
    listed = client.until(protocol.ModelList)
    shipped = gen3d_core.model.model.shipped_models()
    assert [entry.file for entry in listed.models[:-1]] == [str(file) for file in shipped]
    for entry in listed.models[:-1]:
        assert (client.folder / entry.preview).read_bytes().startswith(b"\x89PNG")
    told = {each.name: each for each in listed.broken}
    assert set(told) == {"broken", "none"}
    assert "damaged" in told["broken"].error and told["broken"].file == str(kept / "broken.gen3d")
    assert "no such" in told["none"].error
    del direction["vector"]
    assert listed.models[-1] == protocol.ModelEntry(
        "eggs", "ellipsoids", str(path), sha256(path), gen3d_core.load(path).identity, 4, 3, 1.0, "CC0-1.0", ["Ann"],
        [protocol.ModelDirection(**direction)], "",
    )  # fmt: skip


def test_mistakes_are_answered_and_do_not_end_it(client: Client, ellipsoids: Path, tmp_path: Path):
    client.send(b"this is not json\n")
    assert client.until(protocol.Error) == protocol.Error(
        None, "line is not JSON: Expecting value: line 1 column 1 (char 0)"
    )
    client.send(b"\n" + b"x" * (3 * protocol.MAX_LINE) + b"\n")
    assert "longer" in client.until(protocol.Error).message
    client.send(encode({**Generate(5, "chairs", Recipe(7), 128).as_dict(), "resolution": 5}))
    assert client.until(protocol.Error) == protocol.Error(5, "resolution is 5: expected 16 to 512")
    for id, model, said in ((6, "nothing", "no model"), (7, str(tmp_path / "no.gen3d"), "no such file")):
        client.send(Generate(id, model, Recipe(1), 32))
        error = client.until(protocol.Error)
        assert error.id == id and said in error.message and "\n" not in error.message and "Traceback" in error.detail
    empty = write_ellipsoid_model(tmp_path / "empty.gen3d", empty=True)
    client.send(Generate(8, str(empty), Recipe(1), 32))
    assert "no surface" in client.until(protocol.Error).message
    client.send(Cancel(99))
    client.send(Models(9))
    assert isinstance(client.until(protocol.ModelList), protocol.ModelList)
    client.send(Generate(10, str(ellipsoids), Recipe(1), 16))
    assert client.until(protocol.Result).id == 10


def test_a_model_file_that_changes_is_read_again(client: Client, tmp_path: Path):
    path = tmp_path / "a.gen3d"
    hashes = []
    for name in ("first", "second-name"):
        write_ellipsoid_model(path, name=name)
        client.send(Generate(len(hashes), str(path), Recipe(1), 16))
        made_by = client.until(protocol.Result).model
        assert made_by.name == name
        hashes.append(made_by.hash)
    assert hashes[0] != hashes[1]


def test_cancel_while_running_and_while_waiting(client: Client, slow_ellipsoids: Path, ellipsoids: Path):
    client.send(Generate(1, str(slow_ellipsoids), Recipe(1), 64))
    client.send(Generate(2, str(slow_ellipsoids), Recipe(2), 64))
    client.send(Generate(3, str(ellipsoids), Recipe(3), 16))
    while not (isinstance(reply := client.read(), protocol.Progress) and reply.fraction > 0):
        pass
    client.send(Generate(1, str(ellipsoids), Recipe(3), 16))
    assert "already under way" in client.until(protocol.Error).message
    client.send(Cancel(2))
    assert client.until(protocol.Cancelled).id == 2
    client.send(Cancel(1))
    assert client.until(protocol.Cancelled).id == 1
    assert client.until(protocol.Result).id == 3
    assert [path.name for path in client.folder.iterdir()] == ["result-3.npz"]


@pytest.mark.parametrize("ending", ["closed pipe", "shutdown"])
def test_it_ends_in_the_middle_of_a_job(client: Client, slow_ellipsoids: Path, ending: str):
    client.send(Generate(1, str(slow_ellipsoids), Recipe(1), 128))
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
    assert b'"mesh_result"' not in rest and not client.folder.exists()


def test_it_does_not_outlive_a_killed_client(slow_ellipsoids: Path, tmp_path: Path):
    script = (
        "import subprocess, sys, time\n"
        "worker = subprocess.Popen([sys.executable, '-m', 'gen3d_core.worker', '--folder', sys.argv[1]],"
        " stdin=subprocess.PIPE, stdout=subprocess.PIPE)\n"
        "worker.stdin.write(sys.argv[2].encode()); worker.stdin.flush()\n"
        "worker.stdout.readline(); worker.stdout.readline()\n"
        "print('started', flush=True); time.sleep(60)\n"
    )
    request = Generate(1, str(slow_ellipsoids), Recipe(1), 128).line().decode()
    folder = tmp_path / "private"
    folder.mkdir()
    command = [sys.executable, "-c", script, str(folder), request]
    parent = subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE)
    assert parent.stdout and parent.stderr
    assert parent.stdout.readline().strip() == b"started"
    parent.kill()
    start = time.monotonic()
    parent.stderr.read()  # the worker holds the other end until it is gone
    assert time.monotonic() - start < 10 and not folder.exists()
    parent.wait()
    parent.stdout.close()
    parent.stderr.close()


def test_stray_prints_cannot_reach_the_replies():
    script = (
        "import os, sys\n"
        "from gen3d_core.worker.pipe import claim_streams\n"
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
