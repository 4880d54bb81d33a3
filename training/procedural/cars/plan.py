"""What the parts of a procedural car need to know of each other (metres, floor at z = 0, front +X)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.procedural.solids import Colour

TRIM: Colour = (0.27, 0.27, 0.28)
Range = tuple[float, float]


@dataclass(frozen=True)
class _Kind:
    """Ranges in metres; the last four are places along the car, 0 at the rear and 1 at the front."""

    weight: float
    length: Range
    width: Range
    height: Range
    belt: Range  # share of the height at which the windows begin
    wheel: Range  # radius
    rear_base: Range
    rear_roof: Range
    front_roof: Range
    front_base: Range


_KINDS: Mapping[str, _Kind] = {
    "sedan": _Kind(0.22, (4.2, 4.9), (1.7, 1.9), (1.38, 1.52), (0.60, 0.66), (0.31, 0.36),
                   (0.12, 0.20), (0.29, 0.36), (0.50, 0.57), (0.66, 0.72)),
    "hatchback": _Kind(0.18, (3.5, 4.2), (1.62, 1.8), (1.42, 1.6), (0.58, 0.64), (0.29, 0.35),
                       (0.01, 0.03), (0.09, 0.2), (0.52, 0.60), (0.70, 0.77)),
    "wagon": _Kind(0.08, (4.4, 4.9), (1.7, 1.9), (1.42, 1.55), (0.60, 0.65), (0.31, 0.36),
                   (0.01, 0.03), (0.06, 0.11), (0.51, 0.57), (0.66, 0.72)),
    "suv": _Kind(0.16, (4.1, 4.9), (1.78, 2.0), (1.66, 1.9), (0.60, 0.66), (0.36, 0.44),
                 (0.01, 0.03), (0.05, 0.13), (0.53, 0.60), (0.66, 0.73)),
    "van": _Kind(0.10, (4.4, 5.3), (1.8, 2.05), (1.85, 2.3), (0.55, 0.62), (0.32, 0.37),
                 (0.01, 0.02), (0.02, 0.05), (0.66, 0.76), (0.82, 0.90)),
    "pickup": _Kind(0.09, (4.8, 5.5), (1.8, 2.0), (1.65, 1.9), (0.58, 0.64), (0.36, 0.43),
                    (0.36, 0.44), (0.40, 0.47), (0.54, 0.60), (0.66, 0.73)),
    "sports": _Kind(0.10, (4.0, 4.6), (1.78, 1.95), (1.14, 1.3), (0.60, 0.66), (0.32, 0.37),
                    (0.08, 0.22), (0.30, 0.37), (0.43, 0.49), (0.60, 0.68)),
    "truck": _Kind(0.04, (5.4, 6.8), (2.0, 2.3), (2.0, 2.4), (0.52, 0.58), (0.40, 0.46),
                   (0.62, 0.66), (0.63, 0.67), (0.80, 0.86), (0.88, 0.94)),
    "bus": _Kind(0.03, (6.2, 8.0), (2.1, 2.4), (2.4, 2.9), (0.42, 0.5), (0.42, 0.5),
                 (0.0, 0.0), (0.0, 0.01), (0.94, 0.98), (0.985, 0.995)),
}  # fmt: skip

KINDS = tuple(_KINDS)


@dataclass(frozen=True)
class CarPlan:
    """The measures that the parts share, metres; x places are in the car's frame (front +X, centre 0)."""

    kind: str
    length: float
    half_width: float
    height: float
    belt: float
    wheel: float
    floor: float
    rear_base: float
    rear_roof: float
    front_roof: float
    front_base: float
    nose: float  # height of the bonnet's front edge
    tail: float  # height of the boot's rear edge


def draw_plan(rng: np.random.Generator) -> CarPlan:
    """The measures of one random car."""
    names = list(_KINDS)
    weights = np.array([kind.weight for kind in _KINDS.values()])
    name = str(rng.choice(names, p=weights / weights.sum()))
    kind = _KINDS[name]
    length, height, wheel = rng.uniform(*kind.length), rng.uniform(*kind.height), rng.uniform(*kind.wheel)
    belt = height * rng.uniform(*kind.belt)
    floor = wheel * rng.uniform(0.55, 0.8)
    places = [
        (rng.uniform(*ends) - 0.5) * length
        for ends in (kind.rear_base, kind.rear_roof, kind.front_roof, kind.front_base)
    ]
    nose = floor + (belt - floor) * (rng.uniform(0.62, 0.85) if name != "bus" else 1.0)
    tail = floor + (belt - floor) * (rng.uniform(0.85, 1.0) if name in ("sedan", "sports") else 1.0)
    rear_base, rear_roof, front_roof, front_base = places
    half_width = rng.uniform(*kind.width) / 2
    return CarPlan(
        name, length, half_width, height, belt, wheel, floor, rear_base, rear_roof, front_roof, front_base, nose, tail
    )
