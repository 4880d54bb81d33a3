"""Things with known answers: fields with exact depth, normal and volume, and a real model file whose graphs are such
a field.

One file because solids and the model files of them belong together.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gen3d_core.codes.codes import Codes
from gen3d_core.model.archive import write_model
from gen3d_core.model.prediction import AZIMUTHS, SIDE

# ---- fields: points (..., 3) -> logit (...), positive inside


@dataclass(frozen=True)
class Sphere:
    """Logit = sharpness * signed distance to the surface (positive inside)."""

    radius: float = 0.5
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    sharpness: float = 20.0

    def logit(self, points: np.ndarray) -> np.ndarray:
        return self.sharpness * (self.radius - np.linalg.norm(points - np.asarray(self.centre), axis=-1))

    def depth(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Distance to the first crossing along unit directions; NaN where there is none."""
        offset = origins - np.asarray(self.centre)
        b = np.sum(offset * directions, axis=-1)
        under = b**2 - (np.sum(offset**2, axis=-1) - self.radius**2)
        near = -b - np.sqrt(np.where(under >= 0, under, np.nan))
        return np.where(near > 0, near, np.nan)

    def normal(self, points: np.ndarray) -> np.ndarray:
        offset = points - np.asarray(self.centre)
        return offset / np.linalg.norm(offset, axis=-1, keepdims=True)

    @property
    def volume(self) -> float:
        return 4.0 / 3.0 * np.pi * self.radius**3

    @property
    def area(self) -> float:
        return 4.0 * np.pi * self.radius**2


@dataclass(frozen=True)
class Box:
    """Axis-aligned box; logit = sharpness * signed distance (positive inside)."""

    half: tuple[float, float, float] = (0.5, 0.4, 0.3)
    centre: tuple[float, float, float] = (0.0, 0.0, 0.0)
    sharpness: float = 20.0

    def logit(self, points: np.ndarray) -> np.ndarray:
        q = np.abs(points - np.asarray(self.centre)) - np.asarray(self.half)
        outside = np.linalg.norm(np.maximum(q, 0.0), axis=-1)
        return -self.sharpness * (outside + np.minimum(q.max(axis=-1), 0.0))

    def depth(self, origins: np.ndarray, directions: np.ndarray) -> np.ndarray:
        """Slab test: distance to the first crossing along unit directions; NaN where there is none."""
        with np.errstate(divide="ignore"):
            inverse = 1.0 / directions
        offset = np.asarray(self.centre) - origins
        one, two = (offset - self.half) * inverse, (offset + np.asarray(self.half)) * inverse
        near, far = np.minimum(one, two).max(axis=-1), np.maximum(one, two).min(axis=-1)
        return np.where((near <= far) & (near > 0), near, np.nan)

    def normal(self, points: np.ndarray) -> np.ndarray:
        """Of the face that a surface point lies on."""
        offset = points - np.asarray(self.centre)
        face = np.abs(np.abs(offset) - self.half).argmin(axis=-1)
        return np.sign(offset) * np.eye(3)[face]

    @property
    def volume(self) -> float:
        return float(8.0 * np.prod(self.half))

    @property
    def area(self) -> float:
        a, b, c = self.half
        return 8.0 * (a * b + b * c + c * a)


@dataclass(frozen=True)
class Torus:
    """Around the z axis: `major` to the tube's centre, `minor` its radius. Euler number 0."""

    major: float = 0.5
    minor: float = 0.2
    sharpness: float = 20.0

    def logit(self, points: np.ndarray) -> np.ndarray:
        ring = np.linalg.norm(points[..., :2], axis=-1) - self.major
        return self.sharpness * (self.minor - np.hypot(ring, points[..., 2]))

    def normal(self, points: np.ndarray) -> np.ndarray:
        flat = points * np.array([1.0, 1.0, 0.0])
        offset = points - self.major * flat / np.linalg.norm(flat, axis=-1, keepdims=True)
        return offset / np.linalg.norm(offset, axis=-1, keepdims=True)

    @property
    def volume(self) -> float:
        return 2.0 * np.pi**2 * self.major * self.minor**2

    @property
    def area(self) -> float:
        return 4.0 * np.pi**2 * self.major * self.minor


@dataclass(frozen=True)
class Union:
    """The union of fields: their greatest logit."""

    parts: Sequence[Sphere | Box | Torus]

    def logit(self, points: np.ndarray) -> np.ndarray:
        return np.max([part.logit(points) for part in self.parts], axis=0)


@dataclass(frozen=True)
class Hollow:
    """`outer` with `inner` taken out."""

    outer: Sphere | Box | Torus
    inner: Sphere | Box | Torus

    def logit(self, points: np.ndarray) -> np.ndarray:
        return np.minimum(self.outer.logit(points), -self.inner.logit(points))


@dataclass(frozen=True)
class SolidField:
    """A field in the form that `gen3d_core.mesh.extract.extract` takes, painted by position."""

    solid: Sphere | Box | Torus | Union | Hollow

    def lattice(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        return self.solid.logit(np.stack(np.meshgrid(x, y, z, indexing="ij"), axis=-1)).astype(np.float32)

    def colour(self, points: np.ndarray) -> np.ndarray:
        return ((points + 1.0) / 2.0).astype(np.float32)


# ---- a model file: an ellipsoid whose half axes follow the shape code, painted by the appearance code and the position

SHAPE_DIM = 4
APPEARANCE_DIM = 3
SHARPNESS = 20.0
FLOATER = Sphere(0.1, (0.0, 0.0, 0.85), SHARPNESS)


def half_axes(codes: Codes, truncation: float = 1.0) -> np.ndarray:
    """The ellipsoid's half axes (3,) along x, y, z: between 0.35 and 0.65."""
    return 0.5 + 0.15 * np.tanh(truncation * codes.shape[:3].astype(np.float64))


def colour_at(points: np.ndarray, codes: Codes, truncation: float = 1.0) -> np.ndarray:
    """sRGB at canonical points (N, 3): sigmoid(truncation * code + 2 * position)."""
    return 1.0 / (1.0 + np.exp(-(truncation * codes.appearance.astype(np.float64) + 2.0 * points)))


def write_ellipsoid_model(
    path: Path,
    *,
    name: str = "ellipsoids",
    floater: bool = False,
    empty: bool = False,
    work: int = 0,
    encoder: bool = False,
    conditioning: str = "conditioning",
    **manifest: object,
) -> Path:
    """Write a real `.gen3d` file and return its path.

    `floater`: a small sphere (`FLOATER`) hovers above. `empty`: nothing is inside anywhere. `work`: products of 1024
    x 1024 matrices per box of the lattice, to make a job slow (about 20-50 ms each); the shape stays the same.
    `encoder`: one that answers `ENCODED` to every picture. `conditioning`: what the other graphs
    call the shape graph's answer.
    """
    graphs = {
        "shape.onnx": _shape_graph(),
        "lattice.onnx": _lattice_graph(conditioning, floater, empty, work),
        "occupancy.onnx": _occupancy_graph(conditioning, floater, empty),
        "colour.onnx": _colour_graph(conditioning),
    }
    if encoder:
        graphs["encoder.onnx"] = _encoder_graph()
    described = {
        "name": name,
        "category": "ellipsoids",
        "shape_dim": SHAPE_DIM,
        "appearance_dim": APPEARANCE_DIM,
        "truncation": 1.0,
        "config": {},
        "training": {"data": "analytic"},
        "metrics": {},
        "licence": "CC0-1.0",
    }
    write_model(path, {**described, **manifest}, graphs)
    return path


def onnx_model(
    nodes: list, inputs: dict[str, Sequence], outputs: dict[str, Sequence], constants: dict[str, np.ndarray]
) -> bytes:
    """Bytes of a float32 graph from its nodes and the shapes of its inputs and outputs."""
    from onnx import TensorProto, checker, helper, numpy_helper

    def values(shapes: dict[str, Sequence]) -> list:
        return [helper.make_tensor_value_info(key, TensorProto.FLOAT, list(shape)) for key, shape in shapes.items()]

    tensors = [numpy_helper.from_array(value, key) for key, value in constants.items()]
    graph = helper.make_graph(nodes, "analytic", values(inputs), values(outputs), tensors)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 17)], ir_version=8)
    checker.check_model(model)
    return model.SerializeToString()


ENCODED = Codes(np.array([1.0, -1.0, 0.5, 0.0], np.float32), np.array([0.5, -0.5, 1.0], np.float32))
"""What the analytic encoder says of every picture ..."""
ENCODED_DIRECTION, ENCODED_ELEVATION = 3, 0.4
"""... with the camera in this one of the directions, and so high (radians)."""


def _encoder_graph() -> bytes:
    from onnx.helper import make_node

    directions = np.full(AZIMUTHS, -20.0, np.float32)
    directions[ENCODED_DIRECTION] = 0.0
    answer = np.concatenate([ENCODED.shape, ENCODED.appearance, directions, _f(ENCODED_ELEVATION)])[None]
    nodes = [
        make_node("ReduceMean", ["pictures"], ["mean"], axes=[1, 2, 3], keepdims=0),
        make_node("Unsqueeze", ["mean", "one"], ["column"]),
        make_node("Mul", ["column", "zero"], ["nothing"]),
        make_node("Add", ["nothing", "answer"], ["answers"]),
    ]
    constants = {"one": np.array([1]), "zero": _f(0.0), "answer": answer}
    return onnx_model(nodes, {"pictures": ["N", 4, SIDE, SIDE]}, {"answers": ["N", answer.shape[1]]}, constants)


def _f(*values: float) -> np.ndarray:
    return np.array(values, np.float32)


def _shape_graph() -> bytes:
    from onnx.helper import make_node

    nodes = [
        make_node("Slice", ["shape_code", "from", "to", "axis"], ["first"]),
        make_node("Mul", ["first", "truncation"], ["scaled"]),
        make_node("Tanh", ["scaled"], ["bounded"]),
        make_node("Mul", ["bounded", "range"], ["offset"]),
        make_node("Add", ["offset", "middle"], ["axes"]),
        make_node("Reshape", ["axes", "form"], ["conditioning"]),
    ]
    constants = {
        "from": np.array([0]), "to": np.array([3]), "axis": np.array([1]), "form": np.array([1, 3, 1, 1, 1]),
        "range": _f(0.15), "middle": _f(0.5),
    }  # fmt: skip
    inputs = {"shape_code": [1, SHAPE_DIM], "truncation": []}
    return onnx_model(nodes, inputs, {"conditioning": [1, 3, 1, 1, 1]}, constants)


def _lattice_graph(conditioning: str, floater: bool, empty: bool, work: int) -> bytes:
    from onnx.helper import make_node

    nodes = [
        make_node("Reshape", [conditioning, "form3"], ["axes"]),
        make_node("Split", ["axes"], ["a0", "a1", "a2"], axis=0),
    ]
    constants: dict[str, np.ndarray] = {"form3": np.array([3]), "sharp": _f(SHARPNESS), "one": _f(1.0)}
    for i, axis in enumerate("xyz"):
        constants[f"free_{axis}"] = np.array([k for k in range(4) if k != i + 1])
        nodes += [
            make_node("Div", [axis, f"a{i}"], [f"u_{axis}"]),
            make_node("Unsqueeze", [f"u_{axis}", f"free_{axis}"], [f"v_{axis}"]),
        ]
    nodes += _radius("v", "r")
    nodes += [make_node("Sub", ["one", "r"], ["inside"]), make_node("Mul", ["inside", "sharp"], ["body"])]
    last = "body"
    if floater:
        for axis, value in zip("xyz", FLOATER.centre, strict=True):
            constants[f"c_{axis}"] = _f(value)
            nodes += [
                make_node("Sub", [axis, f"c_{axis}"], [f"d_{axis}"]),
                make_node("Unsqueeze", [f"d_{axis}", f"free_{axis}"], [f"w_{axis}"]),
            ]
        constants["small"] = _f(FLOATER.radius)
        nodes += _radius("w", "q")
        nodes += [
            make_node("Sub", ["small", "q"], ["near"]),
            make_node("Mul", ["near", "sharp"], ["ball"]),
            make_node("Max", [last, "ball"], ["both"]),
        ]
        last = "both"
    if empty:
        constants["much"] = _f(1000.0)
        nodes.append(make_node("Sub", [last, "much"], ["nothing"]))
        last = "nothing"
    if work:
        constants |= {"square": np.array([1024, 1024]), "tiny": _f(1e-4), "zero": _f(0.0), "corner": np.array([1])}
        nodes += [make_node("Mul", ["a0", "tiny"], ["seed"]), make_node("Expand", ["seed", "square"], ["m0"])]
        nodes += [make_node("MatMul", [f"m{i}", "m0"], [f"m{i + 1}"]) for i in range(work)]
        nodes += [
            make_node("ReduceMax", [f"m{work}"], ["top"], keepdims=0),
            make_node("Mul", ["top", "zero"], ["none"]),
            make_node("Add", [last, "none"], ["slow"]),
        ]
        last = "slow"
    nodes.append(make_node("Identity", [last], ["logit"]))
    inputs = {conditioning: [1, 3, 1, 1, 1], "x": ["X"], "y": ["Y"], "z": ["Z"]}
    return onnx_model(nodes, inputs, {"logit": [1, "X", "Y", "Z"]}, constants)


def _radius(name: str, result: str) -> list:
    from onnx.helper import make_node

    squares = [make_node("Mul", [f"{name}_{axis}"] * 2, [f"{name}2_{axis}"]) for axis in "xyz"]
    return [
        *squares,
        make_node("Add", [f"{name}2_x", f"{name}2_y"], [f"{name}_xy"]),
        make_node("Add", [f"{name}_xy", f"{name}2_z"], [f"{name}_xyz"]),
        make_node("Sqrt", [f"{name}_xyz"], [result]),
    ]


def _occupancy_graph(conditioning: str, floater: bool, empty: bool) -> bytes:
    from onnx.helper import make_node

    nodes = [
        make_node("Reshape", [conditioning, "form"], ["axes"]),
        make_node("Div", ["points", "axes"], ["scaled"]),
        make_node("ReduceL2", ["scaled"], ["r"], axes=[2], keepdims=0),
        make_node("Sub", ["one", "r"], ["inside"]),
        make_node("Mul", ["inside", "sharp"], ["body"]),
    ]
    constants = {"form": np.array([1, 1, 3]), "sharp": _f(SHARPNESS), "one": _f(1.0)}
    last = "body"
    if floater:
        constants |= {"centre": _f(*FLOATER.centre).reshape(1, 1, 3), "small": _f(FLOATER.radius)}
        nodes += [
            make_node("Sub", ["points", "centre"], ["moved"]),
            make_node("ReduceL2", ["moved"], ["q"], axes=[2], keepdims=0),
            make_node("Sub", ["small", "q"], ["near"]),
            make_node("Mul", ["near", "sharp"], ["ball"]),
            make_node("Max", [last, "ball"], ["both"]),
        ]
        last = "both"
    if empty:
        constants["much"] = _f(1000.0)
        nodes.append(make_node("Sub", [last, "much"], ["nothing"]))
        last = "nothing"
    nodes.append(make_node("Identity", [last], ["logit"]))
    inputs = {conditioning: [1, 3, 1, 1, 1], "points": [1, "N", 3]}
    return onnx_model(nodes, inputs, {"logit": [1, "N"]}, constants)


def _colour_graph(conditioning: str) -> bytes:
    from onnx.helper import make_node

    nodes = [
        make_node("Mul", ["appearance_code", "truncation"], ["scaled"]),
        make_node("Unsqueeze", ["scaled", "second"], ["code"]),
        make_node("Mul", ["points", "two"], ["place"]),
        make_node("Add", ["place", "code"], ["paint"]),
        make_node("Sigmoid", ["paint"], ["own"]),
        make_node("ReduceSum", [conditioning, "all"], ["total"], keepdims=0),
        make_node("Mul", ["total", "zero"], ["none"]),
        make_node("Add", ["own", "none"], ["rgb"]),
    ]
    constants = {"second": np.array([1]), "two": _f(2.0), "zero": np.array(0.0, np.float32), "all": np.arange(5)}
    inputs = {
        conditioning: [1, 3, 1, 1, 1],
        "appearance_code": [1, APPEARANCE_DIM],
        "truncation": [],
        "points": [1, "N", 3],
    }
    return onnx_model(nodes, inputs, {"rgb": [1, "N", 3]}, constants)
