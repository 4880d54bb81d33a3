"""What an ONNX graph from a stranger may hold, looked up in its protobuf before onnxruntime sees it.

Field numbers are those of onnx.proto (https://github.com/onnx/onnx/blob/main/onnx/onnx.proto). What could loop, call,
or read another file is not in what models are made of, so it is refused by name instead of being run with care.
"""

from __future__ import annotations

from gen3d_core.errors import Gen3DError, plain
from gen3d_core.model.wire import WireError, read_fields

OPERATORS = frozenset(
    (
        "Abs Add AveragePool Cast Clip Concat Constant Conv Cos DequantizeLinear Div Expand Gather Gemm Greater "
        "GridSample Identity LeakyRelu MatMul Max Min Mul Neg Pow Reciprocal ReduceL2 ReduceMax ReduceMean ReduceSum "
        "Relu Reshape Resize Shape Sigmoid Sin Slice Softmax Softplus Split Sqrt Squeeze Sub Tanh Transpose Unsqueeze "
        "Where"
    ).split()
)
"""What the exporter of this project writes, for every kind of field and for encoders: arithmetic on tensors alone."""
MOST_NODES = 10_000
MOST_TENSORS = 10_000
MOST_DESCRIPTION = 16 << 20
"""Bytes of a graph beside its weights."""

_STANDARD = ("", "ai.onnx")
_MODEL_GRAPH, _MODEL_OPSETS, _MODEL_TRAINING, _MODEL_FUNCTIONS = 7, 8, 20, 25
_GRAPH_NODE, _GRAPH_WEIGHTS, _GRAPH_SPARSE_WEIGHTS = 1, 5, 15
_NODE_OPERATOR, _NODE_ATTRIBUTE, _NODE_DOMAIN = 4, 5, 7
_ATTRIBUTE_TENSORS, _ATTRIBUTE_GRAPHS, _ATTRIBUTE_SPARSE, _ATTRIBUTE_TYPES = (5, 10), (6, 11), (22, 23), (14, 15)
_TENSOR_EXTERNAL, _TENSOR_PLACE = 13, 14


def check_graph(graph: bytes) -> None:
    """Raises `Gen3DError`, one line that says what in it no model is made of."""
    try:
        _check_model(memoryview(graph))
    except WireError as error:
        raise Gen3DError(f"cannot be opened: it is no ONNX graph, {error}") from error


def _check_model(model: memoryview) -> None:
    graphs = 0
    for number, value in read_fields(model):
        if number == _MODEL_GRAPH:
            graphs += 1
            _check_nodes(_message(value))
        elif number == _MODEL_OPSETS:
            for part, domain in read_fields(_message(value)):
                if part == 1:
                    _check_domain(_text(domain))
        elif number == _MODEL_FUNCTIONS:
            raise Gen3DError("refused, it holds functions of its own")
        elif number == _MODEL_TRAINING:
            raise Gen3DError("refused, it holds a way to train it")
    if graphs != 1:
        raise Gen3DError("cannot be opened: it is no ONNX graph, or more than one")


def _check_nodes(graph: memoryview) -> None:
    nodes = tensors = weights = 0
    for number, value in read_fields(graph):
        if number == _GRAPH_NODE:
            nodes += 1
            _check_node(_message(value))
        elif number == _GRAPH_WEIGHTS:
            tensors += 1
            weights += len(_message(value))
            _check_tensor(_message(value))
        elif number == _GRAPH_SPARSE_WEIGHTS:
            raise Gen3DError("refused, it holds sparse weights")
        if nodes > MOST_NODES or tensors > MOST_TENSORS:
            raise Gen3DError(f"refused, it has more than {MOST_NODES} operations or {MOST_TENSORS} weights")
    if len(graph) - weights > MOST_DESCRIPTION:
        raise Gen3DError(f"refused, it describes itself in more than {MOST_DESCRIPTION >> 20} MB")


def _check_node(node: memoryview) -> None:
    for number, value in read_fields(node):
        if number == _NODE_OPERATOR:
            operator = _text(value)
            if operator not in OPERATORS:
                raise Gen3DError(f"refused, it uses the operator {plain(operator, 60)!r}, which no model is made of")
        elif number == _NODE_DOMAIN:
            _check_domain(_text(value))
        elif number == _NODE_ATTRIBUTE:
            _check_attribute(_message(value))


def _check_attribute(attribute: memoryview) -> None:
    for number, value in read_fields(attribute):
        if number in _ATTRIBUTE_TENSORS:
            _check_tensor(_message(value))
        elif number in _ATTRIBUTE_GRAPHS:
            raise Gen3DError("refused, it holds a graph inside a graph")
        elif number in (*_ATTRIBUTE_SPARSE, *_ATTRIBUTE_TYPES):
            raise Gen3DError("refused, an operation of it is set by what no model is made of")


def _check_tensor(tensor: memoryview) -> None:
    for number, value in read_fields(tensor):
        if number == _TENSOR_EXTERNAL or (number == _TENSOR_PLACE and value != 0):
            raise Gen3DError("refused, it refers to data outside the model file")


def _check_domain(domain: str) -> None:
    if domain not in _STANDARD:
        raise Gen3DError(f"refused, it uses operators of {plain(domain, 60)!r}: expected those of ONNX itself")


def _message(value: int | memoryview) -> memoryview:
    if isinstance(value, int):
        raise WireError("a number stands where a part should be")
    return value


def _text(value: int | memoryview) -> str:
    return bytes(_message(value)[:256]).decode("utf-8", "replace")
