"""Principal directions of a model: what its sliders move. Numpy only.

A model file lists unit vectors in the space of standard normal codes, perpendicular to each other, so that an object
stands at one value along each and moving one leaves the others.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

import numpy as np

from gen3d_core import limits
from gen3d_core.codes.by_value import ByValue
from gen3d_core.codes.codes import Codes
from gen3d_core.errors import Gen3DError

MOST = 64
"""Directions of a model file."""
FARTHEST = (-8.0, 8.0)
"""Values that a range may reach: beyond, no code was ever drawn."""


@dataclass(frozen=True, eq=False)
class Direction(ByValue):
    """A direction of the shape code or of the appearance `code`.

    `vector` (D,) has length 1, so values along it are standard deviations of drawn codes; within [`low`, `high`]
    objects stay of their kind. `share` is how much of the variance of geometry or colour it explains.
    """

    name: str
    code: Literal["shape", "appearance"]
    vector: np.ndarray
    low: float
    high: float
    share: float

    def value(self, codes: Codes) -> float:
        """Where an object stands."""
        return float(self.vector.astype(np.float64) @ getattr(codes, self.code))

    def move(self, codes: Codes, value: float) -> Codes:
        """The same codes but for standing at `value`. Raises `Gen3DError` outside the range."""
        limits.check_real(self.name, value, (self.low, self.high))
        change = ((value - self.value(codes)) * self.vector.astype(np.float64)).astype(np.float32)
        return replace(codes, **{self.code: getattr(codes, self.code) + change})


def read_directions(manifest: Mapping[str, Any]) -> tuple[Direction, ...]:
    """The directions that a model file lists, named ones first; none where it lists none.

    Raises `Gen3DError` for a malformed list.
    """
    listed = manifest.get("directions", [])
    if not isinstance(listed, list) or len(listed) > MOST:
        raise Gen3DError(f"directions is not a list of at most {MOST}")
    found = tuple(_direction(entry, manifest) for entry in listed)
    if len({each.name for each in found}) < len(found):
        raise Gen3DError("two directions have one name")
    return found


def _direction(entry: object, manifest: Mapping[str, Any]) -> Direction:
    if not isinstance(entry, dict) or entry.get("code") not in ("shape", "appearance"):
        raise Gen3DError("a direction says neither shape nor appearance")
    name, vector = entry.get("name"), entry.get("vector")
    if not isinstance(name, str) or not 0 < len(name) <= 64 or "=" in name or not name.isprintable():
        raise Gen3DError("a direction has no usable name")
    size = manifest[f"{entry['code']}_dim"]
    if not isinstance(vector, list) or len(vector) != size:
        raise Gen3DError(f"direction {name} has no vector of {size} numbers")
    numbers = np.array([limits.check_real(f"direction {name}", value, (-1.0, 1.0)) for value in vector], np.float32)
    if abs(float(np.linalg.norm(numbers)) - 1) > 1e-3:
        raise Gen3DError(f"direction {name} has not length 1")
    low, high = (limits.check_real(f"direction {name}: {end}", entry.get(end), FARTHEST) for end in ("low", "high"))
    share = limits.check_real(f"direction {name}: share", entry.get("share"), (0.0, 1.0))
    return Direction(name, entry["code"], numbers, low, high, share)
