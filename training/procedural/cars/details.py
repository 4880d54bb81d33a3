"""What is fixed to a procedural car's body: cargo, wheels, bumpers, lamps and extras."""

import numpy as np

from training.procedural import palette
from training.procedural.cars.plan import TRIM, CarPlan
from training.procedural.solids import Assembly, Colour, box, disc

_TYRE: Colour = (0.2, 0.2, 0.21)
_LAMP: Colour = (0.92, 0.90, 0.78)
_TAIL: Colour = (0.82, 0.16, 0.14)


def add_cargo_bed(build: Assembly, it: CarPlan, body: Colour) -> None:
    """The walls of a pickup's bed."""
    rear, wall, half = -it.length / 2 + 0.03, 0.13, it.half_width * 0.97
    low = it.floor + (it.belt - it.floor) * 0.3
    build.pair(body, box((rear, half - wall, low), (it.rear_base + 0.05, half, it.belt - 0.01)))
    build.add(body, box((rear - 0.01, -half + 0.02, low), (rear + wall, half - 0.02, it.belt - 0.03)))


def add_cargo_box(rng: np.random.Generator, build: Assembly, it: CarPlan) -> None:
    """What a truck carries: a box, or a flat deck with a board."""
    top = it.height * rng.uniform(1.0, 1.3)
    colour = palette.paint(rng) if rng.uniform() < 0.5 else (0.88, 0.88, 0.86)
    half = it.half_width * rng.uniform(0.98, 1.06)
    if rng.uniform() < 0.7:
        build.add(colour, box((-it.length / 2 - 0.05, -half, it.wheel * 1.8), (it.rear_base - 0.06, half, top)))
    else:
        deck = it.wheel * 1.8
        build.add(colour, box((-it.length / 2 - 0.05, -half, deck), (it.rear_base - 0.04, half, deck + 0.25)))
        build.add(colour, box((it.rear_base - 0.25, -half, deck), (it.rear_base - 0.05, half, deck + 0.6)))
    build.add(TRIM, box((it.rear_base - 0.3, -half * 0.8, it.wheel), (it.rear_base + 0.1, half * 0.8, it.wheel * 1.85)))


def add_wheels(rng: np.random.Generator, build: Assembly, it: CarPlan) -> None:
    """Two or three axles, with hubs and sometimes arches."""
    hub = rng.choice([0.5, 0.62, 0.7]) * it.wheel
    metal = palette.metal(rng) if rng.uniform() < 0.4 else (0.72, 0.73, 0.75)
    places = [-it.length * rng.uniform(0.28, 0.33), it.length * rng.uniform(0.29, 0.335)]
    if it.kind == "truck" and rng.uniform() < 0.4:
        places.append(places[0] + it.wheel * 2.2)
    arch = rng.uniform() < 0.6
    for x in places:
        if arch:
            build.pair(TRIM, disc((x, it.half_width - 0.04, it.wheel), it.wheel * 1.16, 0.12, 20))
        build.pair(_TYRE, disc((x, it.half_width - 0.06, it.wheel), it.wheel, 0.26, 20))
        build.pair(metal, disc((x, it.half_width - 0.04, it.wheel), hub, 0.26, 14))


def add_ends(rng: np.random.Generator, build: Assembly, it: CarPlan, bumper: Colour) -> None:
    """Bumpers, lamps and a grille; all cut into the hull's flat ends."""
    half, width = it.length / 2, it.half_width * 0.9
    low = it.floor + 0.02
    for x in (half - 0.12, -half - 0.06):
        build.add(bumper, box((x, -width, low), (x + 0.18, width, low + rng.uniform(0.16, 0.24))))
    lamp, tall = rng.uniform(0.22, 0.4), rng.uniform(0.13, 0.2)
    z = it.nose - 0.09 - tall
    outer = it.half_width * 0.82
    build.pair(_LAMP, box((half - 0.15, outer - lamp, z), (half + 0.025, outer, z + tall)))
    if rng.uniform() < 0.7:
        build.add(
            TRIM,
            box((half - 0.15, -outer + lamp + 0.06, z - 0.02), (half + 0.02, outer - lamp - 0.06, z + tall - 0.02)),
        )
    top = {"pickup": it.belt - 0.05, "truck": it.wheel * 1.75}.get(it.kind, it.tail - 0.1)
    wide, high = (rng.uniform(0.2, 0.4), rng.uniform(0.14, 0.22)) if rng.uniform() < 0.6 else (0.17, 0.34)
    high = min(high, top - low - 0.25)
    outer = it.half_width * 0.88
    build.pair(_TAIL, box((-half - 0.03, outer - wide, top - high), (-half + 0.16, outer, top)))


def add_extras(rng: np.random.Generator, build: Assembly, it: CarPlan, body: Colour) -> None:
    """Mirrors, and now and then a spoiler, a roof sign or a roof rack."""
    if it.kind != "bus" and rng.uniform() < 0.6:
        x, y = it.front_base - 0.22 * (it.front_base - it.front_roof) - 0.12, it.half_width
        build.pair(body, box((x - 0.07, y * 0.86, it.belt - 0.04), (x + 0.07, y + 0.13, it.belt + 0.13)))
    middle = (it.rear_roof + it.front_roof) / 2
    pick = rng.uniform()
    if it.kind == "sports" and pick < 0.4:
        x, z = -it.length / 2 + 0.12, it.tail
        build.pair(body, box((x, it.half_width * 0.6, z - 0.1), (x + 0.14, it.half_width * 0.6 + 0.13, z + 0.2)))
        build.add(body, box((x - 0.1, -it.half_width * 0.92, z + 0.14), (x + 0.24, it.half_width * 0.92, z + 0.26)))
    elif it.kind in ("sedan", "suv", "hatchback") and pick < 0.07:
        colour = palette.fabric(rng)
        build.add(colour, box((middle - 0.13, -0.35, it.height - 0.04), (middle + 0.13, 0.35, it.height + 0.16)))
    elif it.kind in ("suv", "wagon", "van") and pick < 0.25:
        length = (it.front_roof - it.rear_roof) * 0.36
        build.add(
            TRIM,
            box(
                (middle - length, -it.half_width * 0.55, it.height - 0.04),
                (middle + length, it.half_width * 0.55, it.height + 0.13),
            ),
        )
