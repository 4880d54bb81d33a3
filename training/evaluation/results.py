"""What `gen3d-train evaluate` finds out about a model: rows of numbers, each with its floor, and what they cost."""

from __future__ import annotations

import json
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any, Literal

import numpy as np
import pydantic

from gen3d_core.errors import Gen3DError, first_line
from training.metrics.intervals import bootstrap_mean

FORMAT = "gen3d-evaluation"
VERSION = 1
FILE_NAME = "evaluation.json"
STRIPS = ("renders.png", "meshes.png", "interpolation.png")
"""Pictures beside the JSON that a comparison shows."""
MAX_BYTES = 16 << 20


@dataclass(frozen=True)
class Estimate:
    """A number and, where one makes sense, the bounds of its 95 % bootstrapped interval."""

    value: float
    low: float | None = None
    high: float | None = None

    @classmethod
    def of_mean(cls, values: np.ndarray, stream: list[int]) -> Estimate:
        """The mean of (N,) values; its interval is drawn from the random stream of that name.

        Equal values get none: resampling them cannot show how far off their mean may be.
        """
        numbers = np.asarray(values, np.float64)
        if np.ptp(numbers) == 0:
            return cls(float(numbers.mean()))
        low, high = bootstrap_mean(numbers, np.random.default_rng(stream))
        return cls(float(numbers.mean()), float(low), float(high))

    def overlaps(self, other: Estimate) -> bool:
        """Whether the intervals of both meet; a number without an interval stands for itself."""
        mine = (self.value if self.low is None else self.low, self.value if self.high is None else self.high)
        its = (other.value if other.low is None else other.low, other.value if other.high is None else other.high)
        return mine[0] <= its[1] and its[0] <= mine[1]


@dataclass(frozen=True)
class Row:
    """One metric.

    `result` is the model's, None where it could not be measured (`note` says why); `floor` is the same measure of real
    against real under the same counts. `best` says which way is better: towards `target` where that is "nearest".
    """

    key: str
    group: str
    name: str
    result: Estimate | None
    floor: Estimate | None = None
    best: Literal["lowest", "highest", "nearest", "none"] = "lowest"
    target: float | None = None
    unit: str = ""
    note: str = ""

    def distance(self, value: float) -> float:
        """How far a value is from the best there is, up to a constant: less is better."""
        if self.best == "nearest":
            return abs(value - (self.target or 0.0))
        return -value if self.best == "highest" else value


@dataclass(frozen=True)
class ModelRecord:
    """Which model was measured; `hash` is its file's SHA-256."""

    name: str
    category: str
    hash: str
    licence: str


@dataclass(frozen=True)
class DataRecord:
    """What it was measured against. Hashes are SHA-256 of the pictures with their cameras, and of the reference
    meshes drawn; None without references."""

    category: str
    source: str
    pictures: int
    size: int
    hash: str
    references: int
    references_hash: str | None


@dataclass(frozen=True)
class Options:
    """How it was measured. `pictures` generated ones were compared with as many real ones, `count` meshes were
    sampled from seeds `seed`, `seed` + 1, ...; `inception` is the SHA-256 of the Inception weights, None without. Of
    `wholes` seeds the parts were counted, at the resolution that users get; 0 in a file of before that, whose parts are
    those of the `count` meshes."""

    count: int
    pictures: int
    points: int
    resolution: int
    seed: int
    truncation: float
    inception: str | None
    wholes: int = 0


@dataclass(frozen=True)
class Cost:
    """What the model cost to train, as its file says (None where it does not), and costs to use, as measured here."""

    pictures_shown: int | None
    minutes: float | None
    pictures_per_second: float | None
    machine: str
    parameters: int
    file_bytes: int
    seconds_per_mesh: float | None
    seconds_per_picture: float
    measured_on: str


@dataclass(frozen=True)
class Evaluation:
    """Everything about one model. `curve` holds equally long lists by name, empty where the file records none."""

    model: ModelRecord
    data: DataRecord
    options: Options
    rows: tuple[Row, ...]
    cost: Cost
    curve: Mapping[str, tuple[float | None, ...]] = field(default_factory=dict)
    remarks: tuple[str, ...] = ()


def to_json(evaluation: Evaluation) -> bytes:
    """The evaluation as readable JSON; infinite and undefined numbers are not in it."""
    content = {"format": FORMAT, "version": VERSION, **asdict(evaluation)}
    return json.dumps(content, indent=1, ensure_ascii=False, allow_nan=False).encode() + b"\n"


def read_evaluation(folder: Path) -> Evaluation:
    """The evaluation that a folder holds. Raises Gen3DError with one line when it holds none that can be used."""
    path = folder / FILE_NAME
    if not path.is_file():
        raise Gen3DError(f"{folder} holds no {FILE_NAME}: give the --out of gen3d-train evaluate")
    if path.stat().st_size > MAX_BYTES:
        raise Gen3DError(f"{path} has {path.stat().st_size >> 20} MB: too large for an evaluation")
    try:
        content = json.loads(path.read_bytes().decode(), parse_constant=_no_number)
    except (ValueError, RecursionError) as error:
        raise Gen3DError(f"{path} is not JSON: {first_line(error)}") from error
    if not isinstance(content, dict) or content.pop("format", None) != FORMAT:
        raise Gen3DError(f"{path} is not a Gen3D evaluation: give the --out of gen3d-train evaluate")
    if (version := content.pop("version", None)) != VERSION:
        raise Gen3DError(f"{path} is of version {version!r}, this program reads {VERSION}: evaluate again")
    return _check(content, path)


def _no_number(text: str) -> float:
    raise ValueError(f"{text} is no number of an evaluation")


def _check(content: dict[str, Any], path: Path) -> Evaluation:
    try:
        return pydantic.TypeAdapter(Evaluation).validate_python(content)
    except pydantic.ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"])
        raise Gen3DError(f"{path} is damaged: {where}: {first['msg'].lower()}: evaluate again") from error
