"""Procedural cars: bodies, cabins with windows, wheels and lamps drawn at random (metres, floor at z = 0, front +X)."""

import numpy as np

from training.procedural import palette
from training.procedural.cars.body import add_cabin, hull
from training.procedural.cars.details import add_cargo_bed, add_cargo_box, add_ends, add_extras, add_wheels
from training.procedural.cars.plan import TRIM, CarPlan, draw_plan
from training.procedural.solids import Assembly, Colour, Part


def car(rng: np.random.Generator) -> list[Part]:
    """The parts of one random car."""
    build = Assembly()
    trim = TRIM
    body, it = _begin(rng)
    build.add(body, hull(it))
    roof = body if rng.uniform() < 0.8 else palette.paint(rng)
    add_cabin(rng, build, it, body, roof)
    if it.kind == "pickup":
        add_cargo_bed(build, it, body)
    elif it.kind == "truck":
        add_cargo_box(rng, build, it)
    add_wheels(rng, build, it)
    add_ends(rng, build, it, body if rng.uniform() < 0.35 else trim)
    add_extras(rng, build, it, body)
    return build.parts


def car_kind(rng: np.random.Generator) -> str:
    """Which kind of car `car` makes of the same numbers."""
    return _begin(rng)[1].kind


def _begin(rng: np.random.Generator) -> tuple[Colour, CarPlan]:
    """What stands first, and decides the rest."""
    return palette.paint(rng), draw_plan(rng)
