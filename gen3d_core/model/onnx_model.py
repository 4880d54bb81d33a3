"""A model file as plain numpy callables, run by onnxruntime. Never imports torch."""

from __future__ import annotations

import os
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

# onnxruntime 1.29 and later report sessions to their makers unless told otherwise before the import.
os.environ.setdefault("ORT_DISABLE_TELEMETRY", "1")

import onnxruntime  # noqa: E402
from onnxruntime.capi import onnxruntime_pybind11_state as ort_state  # noqa: E402  # pyright: ignore[reportAttributeAccessIssue]

from gen3d_core.codes.codes import Codes  # noqa: E402
from gen3d_core.codes.prior import NORMAL, CodePriors  # noqa: E402
from gen3d_core.errors import first_line  # noqa: E402
from gen3d_core.model.archive import GRAPHS, PRIORS, ModelFileError, read_model, read_priors  # noqa: E402
from gen3d_core.model.prediction import AZIMUTHS  # noqa: E402

POINTS_AT_ONCE = 1 << 16
"""Points of one call to a graph: keeps a layer of 256 hidden floats per point within 64 MB."""

# What shape.onnx returns is handed to the other graphs as `conditioning`, whatever it is: (1, 3, C, R, R) feature
# planes of a tri-plane, (1, D) the truncated shape code of a network that is conditioned on it.
_INPUTS = {
    "shape.onnx": {"shape_code", "truncation"},
    "lattice.onnx": {"conditioning", "x", "y", "z"},
    "occupancy.onnx": {"conditioning", "points"},
    "colour.onnx": {"conditioning", "appearance_code", "truncation", "points"},
    "encoder.onnx": {"pictures"},
}
_FORMER_NAMES = {"planes": "conditioning"}
"""Inputs of graphs in older files, by what they are called now."""
_EXTERNAL_DATA_KEY = b"\x0a\x08location"  # protobuf of {key: "location"}: a tensor whose bytes lie in another file


class OnnxModel:
    """The graphs of a `.gen3d` file; each session is created when first used and kept."""

    def __init__(
        self,
        path: Path,
        manifest: dict[str, Any],
        graphs: Mapping[str, bytes],
        threads: int,
        priors: CodePriors = NORMAL,
    ) -> None:
        self.path = path
        self.manifest = manifest
        self.priors = priors
        self._graphs = graphs
        self._threads = threads
        self._sessions: dict[str, onnxruntime.InferenceSession] = {}
        self._lock = threading.Lock()

    @classmethod
    def open(cls, path: Path, threads: int | None = None) -> OnnxModel:
        """Read and check the file. `threads` defaults to the processors, at most 4. Raises `ModelFileError`."""
        archive = read_model(path, only=(*GRAPHS, *PRIORS))
        graphs = {name: member for name, member in archive.members.items() if name in GRAPHS}
        for name, graph in graphs.items():
            if _EXTERNAL_DATA_KEY in graph:
                raise ModelFileError(f"{path}: refused, {name} refers to data outside the model file")
        return cls(Path(path), archive.manifest, graphs, threads or min(os.cpu_count() or 1, 4), read_priors(archive))

    def field(self, codes: Codes, truncation: float) -> OnnxField:
        """The field of one object, a `SeparableOnnxField` where the file has a lattice graph: runs the shape graph
        once."""
        expected = (self.manifest["shape_dim"],), (self.manifest["appearance_dim"],)
        if (codes.shape.shape, codes.appearance.shape) != expected:
            raise ValueError(f"codes have shapes {codes.shape.shape} and {codes.appearance.shape}: expected {expected}")
        amount = np.float32(truncation)
        conditioning = self.run("shape.onnx", shape_code=codes.shape[None], truncation=amount)
        kind = SeparableOnnxField if "lattice.onnx" in self._graphs else OnnxField
        return kind(self, conditioning, codes.appearance[None], amount)

    def predict(self, pictures: np.ndarray) -> np.ndarray:
        """What the encoder says of framed pictures, premultiplied RGBA in [0, 1]: (N, 4, side, side) -> (N, answer),
        as `gen3d_core.model.prediction` takes it apart. Raises `ModelFileError` where the file has no encoder."""
        if "encoder.onnx" not in self._graphs:
            raise ModelFileError(
                f"{self.path} cannot encode pictures: "
                f"gen3d-train encoder {self.path} --out {self.path.name} adds what it lacks"
            )
        width = self.manifest["shape_dim"] + self.manifest["appearance_dim"] + AZIMUTHS + 1
        answers = self.run("encoder.onnx", pictures=pictures)
        if answers.shape != (len(pictures), width) or not np.isfinite(answers).all():
            raise ModelFileError(f"{self.path}: encoder.onnx gave no usable codes: train it again")
        return answers

    def run(self, graph: str, **inputs: Any) -> np.ndarray:
        """Run a graph; arrays are passed as contiguous float32. Returns its only output."""
        session = self._session(graph)
        own = {_present_name(value.name): value.name for value in session.get_inputs()}
        feed = {own[name]: np.asarray(value, dtype=np.float32, order="C") for name, value in inputs.items()}
        try:
            return np.asarray(session.run(None, feed)[0])
        except _onnxruntime_errors() as error:
            raise ModelFileError(f"{self.path}: {graph} failed: {first_line(error)}") from error

    def _session(self, graph: str) -> onnxruntime.InferenceSession:
        with self._lock:
            if graph not in self._sessions:
                self._sessions[graph] = self._create(graph)
            return self._sessions[graph]

    def _create(self, graph: str) -> onnxruntime.InferenceSession:
        options = onnxruntime.SessionOptions()
        options.log_severity_level = 3
        options.intra_op_num_threads = self._threads
        options.inter_op_num_threads = 1
        options.use_deterministic_compute = True
        try:
            session = onnxruntime.InferenceSession(self._graphs[graph], options, providers=["CPUExecutionProvider"])
        except _onnxruntime_errors() as error:
            raise ModelFileError(f"{self.path}: {graph} cannot be opened: {first_line(error)}") from error
        inputs = sorted(_present_name(value.name) for value in session.get_inputs())
        if inputs != sorted(_INPUTS[graph]) or len(session.get_outputs()) != 1:
            wanted = ", ".join(sorted(_INPUTS[graph]))
            raise ModelFileError(f"{self.path}: {graph} takes {', '.join(inputs)}: expected {wanted} and one output")
        return session


@dataclass(frozen=True)
class OnnxField:
    """One object as functions of position in the canonical frame (Z up, front +X, inside the unit sphere).

    `conditioning` is what the shape graph returned for it.
    """

    model: OnnxModel
    conditioning: np.ndarray
    appearance_code: np.ndarray
    truncation: np.float32

    def logit(self, points: np.ndarray) -> np.ndarray:
        """Logit of occupancy at points: (N, 3) -> (N,) float32, positive inside."""
        chunks = [
            self.model.run("occupancy.onnx", conditioning=self.conditioning, points=chunk[None])[0]
            for chunk in _chunks(points)
        ]
        return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)

    def colour(self, points: np.ndarray) -> np.ndarray:
        """Unlit sRGB colour at points: (N, 3) -> (N, 3) float32 in [0, 1]."""
        code, amount = self.appearance_code, self.truncation
        chunks = [
            self.model.run(
                "colour.onnx",
                conditioning=self.conditioning,
                appearance_code=code,
                truncation=amount,
                points=chunk[None],
            )[0]
            for chunk in _chunks(points)
        ]
        return np.clip(np.concatenate(chunks), 0.0, 1.0) if chunks else np.zeros((0, 3), np.float32)


@dataclass(frozen=True)
class SeparableOnnxField(OnnxField):
    """An object whose logit is cheap on the grid of three axes."""

    def lattice(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Logit on the grid of three axes: (X,), (Y,), (Z,) -> (X, Y, Z) float32, positive inside. The caller bounds
        the size."""
        return self.model.run("lattice.onnx", conditioning=self.conditioning, x=x, y=y, z=z)[0]


def _present_name(name: str) -> str:
    return _FORMER_NAMES.get(name, name)


def _chunks(points: np.ndarray) -> list[np.ndarray]:
    return [points[start : start + POINTS_AT_ONCE] for start in range(0, len(points), POINTS_AT_ONCE)]


def _onnxruntime_errors() -> tuple[type[Exception], ...]:
    """onnxruntime's exceptions have no common base but live in one module."""
    return tuple(
        value for value in vars(ort_state).values() if isinstance(value, type) and issubclass(value, Exception)
    )
