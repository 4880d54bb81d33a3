"""Graphs from strangers: what no model is made of is refused by name, before onnxruntime sees it."""

from collections.abc import Callable
from pathlib import Path

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper

import gen3d_core
from gen3d_core.errors import Gen3DError
from gen3d_core.model.archive import GRAPHS, read_model, write_model
from gen3d_core.model.graph_check import OPERATORS, check_graph
from gen3d_core.model.model import shipped_models
from gen3d_core.model.wire import WireError, read_fields
from tests.analytic import onnx_model, write_ellipsoid_model


def plain_graph() -> onnx.ModelProto:
    nodes = [helper.make_node("Add", ["x", "one"], ["y"])]
    data = onnx_model(nodes, {"x": [1]}, {"y": [1]}, {"one": np.ones(1, np.float32)})
    return onnx.load_from_string(data)


def complaint(model: onnx.ModelProto) -> str:
    with pytest.raises(Gen3DError) as caught:
        check_graph(model.SerializeToString())
    assert "\n" not in str(caught.value)
    return str(caught.value)


@pytest.mark.parametrize("path", shipped_models(), ids=lambda path: path.stem)
def test_shipped_models_are_made_of_what_is_allowed(path: Path):
    for name, graph in read_model(path, only=GRAPHS).members.items():
        check_graph(graph)
        assert {node.op_type for node in onnx.load_from_string(graph).graph.node} <= OPERATORS, name


def body(name: str) -> onnx.GraphProto:
    values = [helper.make_tensor_value_info(each, TensorProto.FLOAT, [1]) for each in ("a", "b")]
    return helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], name, values[:1], values[1:])


def a_loop_that_ends_at_once(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("Loop", ["none", "", "x"], ["z"], body=body("once")))


def a_choice(model: onnx.ModelProto) -> None:
    model.graph.node.append(helper.make_node("If", ["x"], ["z"], then_branch=body("yes"), else_branch=body("no")))


def a_graph_in_an_allowed_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("hidden", body("inner")))


def graphs_in_an_allowed_operator(model: onnx.ModelProto) -> None:
    model.graph.node[0].attribute.append(helper.make_attribute("hidden", [body("inner")]))


def a_function(model: onnx.ModelProto) -> None:
    model.functions.append(
        helper.make_function("own", "f", ["a"], ["b"], [helper.make_node("Identity", ["a"], ["b"])], [])
    )


def another_domain(model: onnx.ModelProto) -> None:
    model.graph.node[0].domain = "com.example"


def another_set(model: onnx.ModelProto) -> None:
    model.opset_import.append(helper.make_opsetid("com.example", 1))


def weights_in_another_file(model: onnx.ModelProto) -> None:
    tensor = model.graph.initializer[0]
    tensor.data_location = TensorProto.EXTERNAL
    tensor.external_data.add(key="offset", value="0")  # the key that a search for "location" finds comes second
    tensor.external_data.add(key="location", value="beside.bin")


def a_constant_in_another_file(model: onnx.ModelProto) -> None:
    tensor = TensorProto(name="c", data_type=TensorProto.FLOAT, dims=[1], data_location=TensorProto.EXTERNAL)
    tensor.external_data.add(key="location", value="beside.bin")
    model.graph.node.append(helper.make_node("Constant", [], ["c"], value=tensor))


def sparse_weights(model: onnx.ModelProto) -> None:
    model.graph.sparse_initializer.add()


def a_training(model: onnx.ModelProto) -> None:
    model.training_info.add()


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        (a_loop_that_ends_at_once, "operator 'Loop'"), (a_choice, "operator 'If'"),
        (a_graph_in_an_allowed_operator, "graph inside a graph"),
        (graphs_in_an_allowed_operator, "graph inside a graph"), (a_function, "functions of its own"),
        (another_domain, "'com.example'"), (another_set, "'com.example'"),
        (weights_in_another_file, "outside the model file"),
        (a_constant_in_another_file, "outside the model file"), (sparse_weights, "sparse"), (a_training, "train"),
    ],
    ids=lambda value: getattr(value, "__name__", ""),
)  # fmt: skip
def test_what_no_model_is_made_of(change: Callable[[onnx.ModelProto], None], expected: str):
    model = plain_graph()
    check_graph(model.SerializeToString())
    change(model)
    assert expected in complaint(model)


def test_it_is_refused_when_the_file_is_opened(ellipsoids: Path, tmp_path: Path):
    archive = read_model(ellipsoids)
    graph = onnx.load_from_string(archive.members["lattice.onnx"])
    a_loop_that_ends_at_once(graph)
    members = {**archive.members, "lattice.onnx": graph.SerializeToString()}
    write_model(tmp_path / "loop.gen3d", archive.manifest, members)
    with pytest.raises(Gen3DError, match=r"loop.gen3d: lattice.onnx refused, it uses the operator 'Loop'"):
        gen3d_core.load(tmp_path / "loop.gen3d")


def test_counts_are_bounded(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr("gen3d_core.model.graph_check.MOST_NODES", 3)
    model = plain_graph()
    model.graph.node.extend(helper.make_node("Relu", ["y"], [f"y{i}"]) for i in range(3))
    assert "more than 3 operations" in complaint(model)
    monkeypatch.setattr("gen3d_core.model.graph_check.MOST_DESCRIPTION", 10)
    assert "describes itself" in complaint(plain_graph())


def test_fields_are_those_that_the_library_writes():
    model = plain_graph()
    fields = list(read_fields(memoryview(model.SerializeToString())))
    assert (1, 8) in fields  # ir_version
    assert [bytes(value) for number, value in fields if number == 7 and not isinstance(value, int)] == [
        model.graph.SerializeToString()
    ]


@pytest.mark.parametrize(
    "wrong", [b"\x0a", b"\x0a\x05ab", b"\x08", b"\x08" + b"\xff" * 10, b"\x00\x01", b"\x0b", b"\x0d\x01"]
)
def test_bytes_that_are_no_message(wrong: bytes):
    with pytest.raises(WireError):
        list(read_fields(memoryview(wrong)))


def test_every_operator_of_the_analytic_models_is_allowed(tmp_path: Path):
    path = write_ellipsoid_model(tmp_path / "a.gen3d", floater=True, empty=True, work=1, encoder=True)
    assert gen3d_core.load(path).name == "ellipsoids"
