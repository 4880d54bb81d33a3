"""Answers of graphs: checked once, within one budget of memory, silent, and ended when nobody waits."""

import _thread
import os
import subprocess
import sys
import threading
import time
from pathlib import Path

import numpy as np
import pytest
from onnx import TensorProto, helper

import gen3d_core
from gen3d_core.errors import Gen3DError
from gen3d_core.model.archive import read_model, write_model
from tests.analytic import onnx_model, write_ellipsoid_model

ROOT = Path(__file__).resolve().parents[3]


def with_graph(source: Path, path: Path, name: str, graph: bytes) -> Path:
    """A copy of a model file with another graph in the place of one."""
    archive = read_model(source)
    write_model(path, archive.manifest, {**archive.members, name: graph})
    return path


def colour_graph(nodes: list, shape: list, constants: dict[str, np.ndarray] | None = None) -> bytes:
    inputs = {"conditioning": [1, 3, 1, 1, 1], "appearance_code": [1, 3], "truncation": [], "points": [1, "N", 3]}
    return onnx_model(nodes, inputs, {"rgb": shape}, constants or {})


def said(path: Path) -> str:
    with pytest.raises(Gen3DError) as caught:
        gen3d_core.load(path, threads=1).sample(0, 16)
    text = str(caught.value)
    assert "\n" not in text and path.name in text and "colour.onnx" in text
    return text


SCALAR = helper.make_node("ReduceSum", ["points"], ["rgb"], keepdims=0)
NOTHING = [helper.make_node("Slice", ["points", "zero", "zero"], ["rgb"])]
TOO_FEW = [helper.make_node("ReduceSum", ["points"], ["rgb"], keepdims=1)]
TO_TEXT = [helper.make_node("Cast", ["points"], ["rgb"], to=TensorProto.STRING)]
TO_WHOLE = [helper.make_node("Cast", ["points"], ["rgb"], to=TensorProto.INT64)]
NOT_FINITE = [helper.make_node("Div", ["points", "none"], ["rgb"])]


def test_answers_of_another_shape(ellipsoids: Path, tmp_path: Path):
    for name, graph in {
        "scalar": colour_graph([SCALAR], []),
        "nothing": colour_graph(NOTHING, ["a", "b", "c"], {"zero": np.array([0])}),
        "few": colour_graph(TOO_FEW, [1, 1, 1]),
    }.items():
        assert "of shape" in said(with_graph(ellipsoids, tmp_path / f"{name}.gen3d", "colour.onnx", graph))


def test_answers_of_another_type(ellipsoids: Path, tmp_path: Path):
    for name, nodes, kind in (("text", TO_TEXT, TensorProto.STRING), ("whole", TO_WHOLE, TensorProto.INT64)):
        inputs = {"conditioning": [1], "appearance_code": [1], "truncation": [], "points": [1, "N", 3]}
        values = [helper.make_tensor_value_info(key, TensorProto.FLOAT, shape) for key, shape in inputs.items()]
        answer = helper.make_tensor_value_info("rgb", kind, [1, "N", 3])
        graph = helper.make_model(
            helper.make_graph(nodes, name, values, [answer]), opset_imports=[helper.make_opsetid("", 17)], ir_version=8
        ).SerializeToString()
        assert "expected tensor(float)" in said(
            with_graph(ellipsoids, tmp_path / f"{name}.gen3d", "colour.onnx", graph)
        )


def test_answers_that_are_not_finite(ellipsoids: Path, tmp_path: Path):
    graph = colour_graph(NOT_FINITE, [1, "N", 3], {"none": np.zeros(1, np.float32)})
    assert "not finite" in said(with_graph(ellipsoids, tmp_path / "infinite.gen3d", "colour.onnx", graph))


def test_an_answer_beyond_the_budget_is_never_made(ellipsoids: Path, tmp_path: Path):
    """1.6 GB of ones; the process stays small."""
    nodes = [
        helper.make_node("Expand", ["points_sum", "form"], ["many"]),
        helper.make_node("Identity", ["many"], ["rgb"]),
    ]
    nodes.insert(0, helper.make_node("ReduceSum", ["points"], ["points_sum"], keepdims=0))
    graph = colour_graph(nodes, ["a", "b", "c"], {"form": np.array([1, 400 << 10, 1 << 10])})
    path = with_graph(ellipsoids, tmp_path / "many.gen3d", "colour.onnx", graph)
    script = (
        "import sys, gen3d_core; from tests.memory import peak_mb\n"
        "try: gen3d_core.load(sys.argv[1]).sample(0, 16)\n"
        "except ValueError as error: print(error)\n"
        "print(peak_mb())\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, str(path)], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    complaint, peak = done.stdout.splitlines()
    assert "more memory than 512 MB" in complaint and done.stderr == ""
    assert int(peak) < 1000


def test_a_graph_that_fails_says_so_once(ellipsoids: Path, tmp_path: Path):
    """onnxruntime's own log stays silent: what fails is raised."""
    nodes = [helper.make_node("Reshape", ["points", "form"], ["rgb"])]
    graph = colour_graph(nodes, [1, 7, 3], {"form": np.array([1, 7, 3])})
    path = with_graph(ellipsoids, tmp_path / "odd.gen3d", "colour.onnx", graph)
    command = [sys.executable, "-m", "gen3d_core", "sample", "--model", str(path), "--resolution", "16"]
    done = subprocess.run(
        [*command, "--out", str(tmp_path / "out")], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert done.returncode == 2 and done.stdout == ""
    assert len(done.stderr.splitlines()) == 1 and "colour.onnx failed" in done.stderr


def test_whatever_on_wait_raises_ends_a_run(slow_ellipsoids: Path):
    class Enough(Exception):
        pass

    calls = []

    def stop() -> None:
        calls.append(time.monotonic())
        if len(calls) == 3:
            raise Enough

    model = gen3d_core.load(slow_ellipsoids, threads=1, on_wait=stop)
    field = model.field(model.codes(1))
    axis = np.linspace(-1, 1, 8, dtype=np.float32)
    start = time.monotonic()
    with pytest.raises(Enough):
        for _ in range(20):
            field.lattice(axis, axis, axis)  # pyright: ignore[reportAttributeAccessIssue]
    assert time.monotonic() - calls[2] < 0.5 * max(1.0, calls[2] - start)


def test_ctrl_c_ends_a_run(tmp_path: Path):
    path = write_ellipsoid_model(tmp_path / "slow.gen3d", work=400)
    model = gen3d_core.load(path, threads=1)
    field = model.field(model.codes(1))
    axis = np.linspace(-1, 1, 8, dtype=np.float32)
    threading.Timer(0.5, _thread.interrupt_main).start()
    start = time.monotonic()
    with pytest.raises(KeyboardInterrupt):
        field.lattice(axis, axis, axis)  # pyright: ignore[reportAttributeAccessIssue]
    assert time.monotonic() - start < 5


def test_threads_are_checked_and_never_more_than_processors(ellipsoids: Path):
    many, one = gen3d_core.load(ellipsoids, threads=1000), gen3d_core.load(ellipsoids, threads=1)
    assert np.array_equal(many.sample(1, 16).vertices, one.sample(1, 16).vertices)
    assert many.runtime._threads <= (os.cpu_count() or 1)
    for wrong in (0, -1, 10**6):
        with pytest.raises(Gen3DError, match="threads"):
            gen3d_core.load(ellipsoids, threads=wrong)


def test_weights_with_names_that_are_no_text(ellipsoids: Path, tmp_path: Path):
    """An input whose name is not UTF-8 is another input, not a traceback."""
    graph = read_model(ellipsoids).members["colour.onnx"]
    path = with_graph(
        ellipsoids, tmp_path / "name.gen3d", "colour.onnx", graph.replace(b"truncation", b"trunc\xff\xfeion")
    )
    assert "colour.onnx" in said(path)


def test_points_are_asked_in_halves_where_a_graph_needs_much(ellipsoids: Path, tmp_path: Path):
    """256 KB a point: all at once would be 1 GB, and the colours are those of any smaller question."""
    nodes = [
        helper.make_node("Mul", ["points", "none"], ["zero"]),
        helper.make_node("Expand", ["zero_wide", "form"], ["wide"]),
        helper.make_node("ReduceSum", ["wide", "last"], ["sum"], keepdims=0),
        helper.make_node("Add", ["points", "sum"], ["rgb"]),
    ]
    nodes.insert(1, helper.make_node("Unsqueeze", ["zero", "last"], ["zero_wide"]))
    constants = {
        "none": np.zeros(1, np.float32), "last": np.array([3]), "form": np.array([1, 1, 3, 20_000]),
    }  # fmt: skip
    path = with_graph(ellipsoids, tmp_path / "wide.gen3d", "colour.onnx", colour_graph(nodes, [1, "N", 3], constants))
    model = gen3d_core.load(path, threads=1)
    points = np.random.default_rng(0).uniform(0, 1, (4000, 3)).astype(np.float32)
    assert np.array_equal(model.field(model.codes(1)).colour(points), points)


def test_both_names_of_what_the_shape_graph_gives(ellipsoids: Path, tmp_path: Path):
    nodes = [helper.make_node("Sigmoid", ["points"], ["rgb"])]
    inputs = {"appearance_code": [1, 3], "truncation": [], "points": [1, "N", 3]}
    meshes = []
    for name in ("planes", "conditioning"):
        graph = onnx_model(nodes, {name: [1, 3, 1, 1, 1], **inputs}, {"rgb": [1, "N", 3]}, {})
        path = with_graph(ellipsoids, tmp_path / f"{name}.gen3d", "colour.onnx", graph)
        meshes.append(gen3d_core.load(path).sample(1, 16))
    assert np.array_equal(meshes[0].colours, meshes[1].colours)
