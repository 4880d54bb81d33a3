"""Procedural chairs: seats, bases, backs and arms drawn at random (metres, floor at z = 0, front +X)."""

import numpy as np

from training.procedural import palette
from training.procedural.chairs.backs import add_arms, add_back
from training.procedural.chairs.bases import BASES
from training.procedural.chairs.plan import Colours, Seat
from training.procedural.solids import Assembly, Floats, Part, outline, slab

HIGH = 0.55
"""Metres above which a seat is a bar stool's: no other is higher than 0.50, none of these lower than 0.58."""
KIND_OF_BASE = {
    "legs": "legs", "star": "pedestal", "disc": "pedestal", "panels": "panels", "sled": "sledge",
    "cantilever": "sledge", "block": "armchair",
}  # fmt: skip
KINDS = ("legs", "pedestal", "panels", "sledge", "armchair", "stool")


def chair(rng: np.random.Generator) -> list[Part]:
    """The parts of one random chair."""
    build = Assembly()
    base, colours, seat = _begin(rng)
    build.add(colours.seat, slab(seat.shape, seat.height - seat.thickness, seat.height, rng.choice([0.0, 0.012])))
    BASES[base](rng, build, seat, colours)
    back, edges = add_back(rng, build, seat, colours, base)
    if base == "block" or rng.uniform() < 0.45:
        add_arms(rng, build, seat, back, edges, colours, base)
    return build.parts


def chair_kind(rng: np.random.Generator) -> str:
    """Which of `KINDS` the chair is that `chair` makes of the same numbers: told by its base, or a seat too high."""
    base, _, seat = _begin(rng)
    return "stool" if seat.height > HIGH else KIND_OF_BASE[base]


def _begin(rng: np.random.Generator) -> tuple[str, Colours, Seat]:
    """What stands first, and decides the rest."""
    base = str(
        rng.choice(
            ["legs", "star", "disc", "panels", "sled", "cantilever", "block"],
            p=[0.56, 0.09, 0.07, 0.09, 0.07, 0.04, 0.08],
        )
    )
    colours = _colours(rng, metal=base in ("star", "disc", "sled", "cantilever"))
    return base, colours, _seat(rng, base)


def _colours(rng: np.random.Generator, metal: bool) -> Colours:
    frame = (
        palette.metal(rng)
        if rng.uniform() < (0.75 if metal else 0.15)
        else (palette.wood(rng) if rng.uniform() < 0.65 else palette.paint(rng))
    )
    seat = frame if rng.uniform() < 0.22 else (palette.fabric(rng) if rng.uniform() < 0.75 else palette.wood(rng))
    back = seat if rng.uniform() < 0.5 else frame
    return Colours(frame, seat, back, frame if rng.uniform() < 0.7 else seat)


def _seat(rng: np.random.Generator, base: str) -> Seat:
    half_width, half_depth = rng.uniform(0.20, 0.28), rng.uniform(0.19, 0.26)
    height, thickness = rng.uniform(0.38, 0.50), rng.uniform(0.04, 0.075)
    if rng.uniform() < 0.3:
        thickness = rng.uniform(0.075, 0.13)
    if base == "block":
        half_width, half_depth = rng.uniform(0.24, 0.34), rng.uniform(0.24, 0.30)
        height, thickness = rng.uniform(0.34, 0.44), rng.uniform(0.10, 0.17)
    elif base in ("legs", "disc") and rng.uniform() < 0.08:
        height = rng.uniform(0.58, 0.70)
    if base in ("legs", "star", "disc") and rng.uniform() < 0.25:
        radius = min(half_width, half_depth) * 1.05
        return Seat(outline(radius, radius, 20), height, thickness)
    shape = outline(half_depth, half_width, 4)
    if base not in ("panels", "block") and rng.uniform() < 0.4:
        shape[shape[:, 0] < 0, 1] *= rng.uniform(0.78, 0.95)
    if rng.uniform() < 0.3:
        shape = _cut_corners(shape, rng.uniform(0.03, 0.055))
    return Seat(shape, height, thickness)


def _cut_corners(shape: Floats, length: float) -> Floats:
    before, after = np.roll(shape, 1, 0) - shape, np.roll(shape, -1, 0) - shape
    towards = [shape + side / np.linalg.norm(side, axis=1, keepdims=True) * length for side in (before, after)]
    return np.stack(towards, 1).reshape(-1, 2)
