"""A model file as plain numpy callables, run by onnxruntime. Never imports torch."""

from __future__ import annotations

import os
import threading
from collections.abc import Callable, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from gen3d_core import limits
from gen3d_core.codes.codes import Codes, check_codes
from gen3d_core.codes.prior import NORMAL, CodePriors
from gen3d_core.errors import Gen3DError
from gen3d_core.model.archive import GRAPHS, ModelArchive, ModelFileError, read_priors
from gen3d_core.model.graph_check import check_graph
from gen3d_core.model.prediction import AZIMUTHS
from gen3d_core.model.sessions import (
    GraphMemoryError,
    OnWait,
    check_answer,
    check_signature,
    open_session,
    run_session,
)

if TYPE_CHECKING:
    from onnxruntime import InferenceSession

POINTS_AT_ONCE = 1 << 16
"""Points of one call to a graph of a separable field, whose networks are small ..."""
POINTWISE_AT_ONCE = 1 << 14
"""... and of another: UNISURF's colours need 20 KB a point. Values do not depend on either."""
_FEWEST_POINTS = 1 << 10
LARGEST_CONDITIONING = 64 << 20
"""Bytes that the shape graph may answer with."""

# What shape.onnx returns is handed to the other graphs as `conditioning`, whatever it is: (1, 3, C, R, R) feature
# planes of a tri-plane, (1, D) the truncated shape code of a network that is conditioned on it.
_INPUTS = {
    "shape.onnx": frozenset({"shape_code", "truncation"}),
    "lattice.onnx": frozenset({"conditioning", "x", "y", "z"}),
    "occupancy.onnx": frozenset({"conditioning", "points"}),
    "colour.onnx": frozenset({"conditioning", "appearance_code", "truncation", "points"}),
    "encoder.onnx": frozenset({"pictures"}),
}
_FORMER_NAMES = {"planes": "conditioning"}
"""Inputs of graphs in older files, by what they are called now."""
_THREADS_UNTOLD = 4
_CALLERS = 4
"""Threads of a program that may ask one model at the same time."""


def nobody_asks() -> None:
    """For those who wait to the end."""


class ModelMemoryError(ModelFileError):
    """A graph needs more memory than it may have for what it was asked."""


class OnnxModel:
    """The graphs of a `.gen3d` file; each session is created when first used and kept.

    `threads` are at most as many as there are processors. While a graph runs, `on_wait` is called now and then, and
    what it raises ends the run; so does Ctrl-C. Raises `ModelFileError` for graphs that no model is made of.
    """

    def __init__(
        self,
        path: Path,
        manifest: dict[str, Any],
        graphs: Mapping[str, bytes],
        threads: int | None = None,
        on_wait: OnWait = nobody_asks,
        priors: CodePriors = NORMAL,
    ) -> None:
        if threads is not None:
            limits.check_whole("threads", threads, limits.THREADS)
        self.path = path
        self.manifest = manifest
        self.priors = priors
        self._graphs = dict(graphs)
        self._names = frozenset(graphs)
        self._threads = min(threads or _THREADS_UNTOLD, os.cpu_count() or 1)
        self._on_wait = on_wait
        self._sessions: dict[str, tuple[InferenceSession, dict[str, str]]] = {}
        self._lock = threading.Lock()
        self._beside = ThreadPoolExecutor(_CALLERS, "gen3d-graph")
        for name, graph in self._graphs.items():
            try:
                check_graph(graph)
            except Gen3DError as error:
                raise ModelFileError(f"{path}: {name} {error}") from error

    @classmethod
    def of(
        cls, path: Path, archive: ModelArchive, threads: int | None = None, on_wait: OnWait = nobody_asks
    ) -> OnnxModel:
        """The graphs of a file that was read or is to be written, with how its codes are distributed.

        Raises `ModelFileError`.
        """
        graphs = {name: member for name, member in archive.members.items() if name in GRAPHS}
        return cls(path, archive.manifest, graphs, threads, on_wait, read_priors(archive))

    def field(self, codes: Codes, truncation: float) -> OnnxField:
        """The field of one object, a `SeparableOnnxField` where the file has a lattice graph: runs the shape graph
        once. Raises `Gen3DError` for codes that are not this model's."""
        check_codes(codes, self.manifest["shape_dim"], self.manifest["appearance_dim"])
        amount = np.float32(truncation)
        conditioning = self.run("shape.onnx", None, shape_code=codes.shape[None], truncation=amount)
        if conditioning.ndim < 2 or len(conditioning) != 1 or not 0 < conditioning.nbytes <= LARGEST_CONDITIONING:
            raise ModelFileError(
                f"{self.path}: shape.onnx gave values of shape {conditioning.shape[:8]}: expected those of one object"
            )
        kind = SeparableOnnxField if "lattice.onnx" in self._names else OnnxField
        return kind(self, conditioning, codes.appearance[None], amount)

    def predict(self, pictures: np.ndarray) -> np.ndarray:
        """What the encoder says of framed pictures, premultiplied RGBA in [0, 1]: (N, 4, side, side) -> (N, answer),
        as `gen3d_core.model.prediction` takes it apart. Raises `ModelFileError` where the file has no encoder."""
        if "encoder.onnx" not in self._names:
            raise ModelFileError(
                f"{self.path} cannot encode pictures: "
                f"gen3d-train encoder {self.path} --out {self.path.name} adds what it lacks"
            )
        width = self.manifest["shape_dim"] + self.manifest["appearance_dim"] + AZIMUTHS + 1
        return self.run("encoder.onnx", (len(pictures), width), pictures=pictures)

    def run(self, graph: str, shape: tuple[int, ...] | None, **inputs: Any) -> np.ndarray:
        """Run a graph; arrays are passed as contiguous float32. Returns its only answer, float32, finite and of this
        shape (None: of any). Raises `ModelFileError`: no answer is checked anywhere else."""
        try:
            session, own = self._session(graph)
            feed = {own[name]: np.asarray(value, dtype=np.float32, order="C") for name, value in inputs.items()}
            answer = run_session(session, feed, self._beside, self._on_wait)
            return check_answer(answer, answer.shape if shape is None else shape)
        except GraphMemoryError as error:
            raise ModelMemoryError(f"{self.path}: {graph} {error}") from error
        except Gen3DError as error:
            raise ModelFileError(f"{self.path}: {graph} {error}") from error

    def _session(self, graph: str) -> tuple[InferenceSession, dict[str, str]]:
        """A graph ready to run, and what it calls each of its inputs."""
        with self._lock:
            if graph not in self._sessions:
                session = open_session(self._graphs[graph], self._threads)
                self._sessions[graph] = session, check_signature(session, _INPUTS[graph], _FORMER_NAMES)
                del self._graphs[graph]  # the session has it now
            return self._sessions[graph]


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

        def ask(some: np.ndarray) -> np.ndarray:
            shape = (1, len(some))
            return self.model.run("occupancy.onnx", shape, conditioning=self.conditioning, points=some[None])[0]

        chunks = [part for chunk in self._chunks(points) for part in _within_memory(ask, chunk)]
        return np.concatenate(chunks) if chunks else np.zeros(0, np.float32)

    def colour(self, points: np.ndarray) -> np.ndarray:
        """Unlit sRGB colour at points: (N, 3) -> (N, 3) float32 in [0, 1]."""
        look = {
            "conditioning": self.conditioning,
            "appearance_code": self.appearance_code,
            "truncation": self.truncation,
        }

        def ask(some: np.ndarray) -> np.ndarray:
            return self.model.run("colour.onnx", (1, len(some), 3), **look, points=some[None])[0]

        chunks = [part for chunk in self._chunks(points) for part in _within_memory(ask, chunk)]
        return np.clip(np.concatenate(chunks), 0.0, 1.0) if chunks else np.zeros((0, 3), np.float32)

    def _chunks(self, points: np.ndarray) -> list[np.ndarray]:
        size = POINTS_AT_ONCE if isinstance(self, SeparableOnnxField) else min(POINTWISE_AT_ONCE, POINTS_AT_ONCE)
        return [points[start : start + size] for start in range(0, len(points), size)]


@dataclass(frozen=True)
class SeparableOnnxField(OnnxField):
    """An object whose logit is cheap on the grid of three axes."""

    def lattice(self, x: np.ndarray, y: np.ndarray, z: np.ndarray) -> np.ndarray:
        """Logit on the grid of three axes: (X,), (Y,), (Z,) -> (X, Y, Z) float32, positive inside. The caller bounds
        the size."""
        shape = (1, len(x), len(y), len(z))
        try:
            return self.model.run("lattice.onnx", shape, conditioning=self.conditioning, x=x, y=y, z=z)[0]
        except ModelMemoryError:
            if len(x) < 2:
                raise
        middle = len(x) // 2  # its networks are too wide for all at once
        return np.concatenate([self.lattice(x[:middle], y, z), self.lattice(x[middle:], y, z)])


def _within_memory(ask: Callable[[np.ndarray], np.ndarray], points: np.ndarray) -> list[np.ndarray]:
    """What a graph says of points, asked in halves where its networks are too wide for all at once."""
    try:
        return [ask(points)]
    except ModelMemoryError:
        if len(points) <= _FEWEST_POINTS:
            raise
    middle = len(points) // 2
    return _within_memory(ask, points[:middle]) + _within_memory(ask, points[middle:])
