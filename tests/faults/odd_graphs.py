"""Graphs that are valid, or nearly, and not what a model is made of. Each would end by itself."""

from __future__ import annotations

from random import Random
from typing import Any

import numpy as np
import onnx
from onnx import TensorProto, helper, numpy_helper

STRANGE = ("Loop", "If", "Scan", "SequenceAt", "StringNormalizer", "Multinomial", "Custom", "", "Add\x1b[0m", "NonZero")
USUAL = ("Add", "Mul", "Relu", "Reshape", "Expand", "Gather", "Split", "Cast", "Shape", "MatMul", "Concat", "Softmax")


def odd_graph(rng: Random, graph: bytes) -> tuple[str, bytes]:
    """What was done to a graph, and the graph."""
    model = onnx.load_from_string(graph)
    change = rng.choice(CHANGES)
    change(rng, model)
    return change.__name__, model.SerializeToString()


def operator(rng: Random, model: onnx.ModelProto) -> None:
    rng.choice(model.graph.node).op_type = rng.choice(STRANGE)


def other_operator(rng: Random, model: onnx.ModelProto) -> None:
    rng.choice(model.graph.node).op_type = rng.choice(USUAL)


def domain(rng: Random, model: onnx.ModelProto) -> None:
    rng.choice(model.graph.node).domain = rng.choice(["com.microsoft", "x", "ai.onnx.ml"])


def lost_node(rng: Random, model: onnx.ModelProto) -> None:
    del model.graph.node[rng.randrange(len(model.graph.node))]


def rewired(rng: Random, model: onnx.ModelProto) -> None:
    node = rng.choice([each for each in model.graph.node if each.input])
    names = [name for each in model.graph.node for name in each.output] + [each.name for each in model.graph.input]
    node.input[rng.randrange(len(node.input))] = rng.choice(names)


def inner_graph(rng: Random, model: onnx.ModelProto) -> None:
    values = [helper.make_tensor_value_info(name, TensorProto.FLOAT, [1]) for name in "ab"]
    body = helper.make_graph([helper.make_node("Identity", ["a"], ["b"])], "inner", values[:1], values[1:])
    rng.choice(model.graph.node).attribute.append(helper.make_attribute("body", body))


def other_file(rng: Random, model: onnx.ModelProto) -> None:
    if not model.graph.initializer:
        return
    tensor = rng.choice(model.graph.initializer)
    tensor.external_data.add(key="location", value=rng.choice(["beside.bin", "../x", "/dev/null"]))
    if rng.random() < 0.7:
        tensor.data_location = TensorProto.EXTERNAL


def other_size(rng: Random, model: onnx.ModelProto) -> None:
    """Weights that say to be larger than they are."""
    if model.graph.initializer:
        tensor = rng.choice(model.graph.initializer)
        tensor.dims.append(rng.choice([0, 2, 1 << 20, 1 << 40, -1]))


def other_kind(rng: Random, model: onnx.ModelProto) -> None:
    if model.graph.initializer:
        rng.choice(model.graph.initializer).data_type = rng.choice([0, 2, 7, 8, 10, 11, 16, 99])


def other_value(rng: Random, model: onnx.ModelProto) -> None:
    if model.graph.initializer:
        tensor = rng.choice(model.graph.initializer)
        value = np.array(numpy_helper.to_array(tensor))
        value[...] = rng.choice([0, -1, 1, 1000])
        tensor.CopyFrom(numpy_helper.from_array(value, tensor.name))


def not_finite(rng: Random, model: onnx.ModelProto) -> None:
    _after(model, "Mul", np.array(rng.choice([np.nan, np.inf]), np.float32))


def far_too_many(rng: Random, model: onnx.ModelProto) -> None:
    """An answer of up to four billion numbers."""
    rank = len(model.graph.output[0].type.tensor_type.shape.dim)
    _after(model, "Expand", np.array([rng.choice([2, 1 << 10, 1 << 29, 1 << 32]), *[1] * rank], np.int64))


def reduced(rng: Random, model: onnx.ModelProto) -> None:
    _after(model, "ReduceSum", None, keepdims=rng.choice([0, 1]))


def retyped(rng: Random, model: onnx.ModelProto) -> None:
    kind = rng.choice([TensorProto.STRING, TensorProto.INT64, TensorProto.BOOL, TensorProto.DOUBLE])
    _after(model, "Cast", None, to=kind)
    if rng.random() < 0.7:
        model.graph.output[0].type.tensor_type.elem_type = kind


def cut(rng: Random, model: onnx.ModelProto) -> None:
    _after(model, "Reshape", np.array([rng.choice([-1, 1, 0])], np.int64))


def renamed_input(rng: Random, model: onnx.ModelProto) -> None:
    rng.choice(model.graph.input).name = rng.choice(["x", "conditioning", "", "a\x1b[1m", "é" * 100])


def more_outputs(rng: Random, model: onnx.ModelProto) -> None:
    model.graph.output.append(rng.choice(model.graph.input))


def no_output(rng: Random, model: onnx.ModelProto) -> None:
    del model.graph.output[:]


def a_long_description(rng: Random, model: onnx.ModelProto) -> None:
    model.doc_string = "x" * rng.choice([1 << 10, 20 << 20])
    model.graph.doc_string = model.doc_string


def another_version(rng: Random, model: onnx.ModelProto) -> None:
    model.opset_import[0].version = rng.choice([0, 1, 6, 1000, -1])


CHANGES = (
    operator, other_operator, domain, lost_node, rewired, inner_graph, other_file, other_size, other_kind, other_value,
    not_finite, far_too_many, reduced, retyped, cut, renamed_input, more_outputs, no_output, a_long_description,
    another_version,
)  # fmt: skip


def _after(model: onnx.ModelProto, kind: str, constant: np.ndarray | None, **attributes: Any) -> None:
    """Another operation between the graph and its answer."""
    name = model.graph.output[0].name
    for node in model.graph.node:
        node.output[:] = ["before" if each == name else each for each in node.output]
    inputs = ["before"]
    if constant is not None:
        model.graph.initializer.append(numpy_helper.from_array(constant, "constant"))
        inputs.append("constant")
    model.graph.node.append(helper.make_node(kind, inputs, [name], **attributes))
