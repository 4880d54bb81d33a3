"""Procedural cars: bodies, cabins with windows, wheels and lamps drawn at random (metres, floor at z = 0, front +X)."""

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np

from training.procedural import palette
from training.procedural.solids import Assembly, Colour, Floats, Part, Solid, box, disc, loft, plate

_TYRE: Colour = (0.2, 0.2, 0.21)
_GLASS: Colour = (0.24, 0.29, 0.35)
_TRIM: Colour = (0.27, 0.27, 0.28)
_LAMP: Colour = (0.92, 0.90, 0.78)
_TAIL: Colour = (0.82, 0.16, 0.14)
_Range = tuple[float, float]


@dataclass(frozen=True)
class _Kind:
    """Ranges in metres; the last four are places along the car, 0 at the rear and 1 at the front."""

    weight: float
    length: _Range
    width: _Range
    height: _Range
    belt: _Range  # share of the height at which the windows begin
    wheel: _Range  # radius
    rear_base: _Range
    rear_roof: _Range
    front_roof: _Range
    front_base: _Range


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


@dataclass(frozen=True)
class _Car:
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


def car(rng: np.random.Generator) -> list[Part]:
    """The parts of one random car."""
    build = Assembly()
    body, trim = palette.paint(rng), _TRIM
    it = _measures(rng)
    build.add(body, _hull(it))
    roof = body if rng.uniform() < 0.8 else palette.paint(rng)
    _cabin(rng, build, it, body, roof)
    if it.kind == "pickup":
        _cargo_bed(build, it, body)
    elif it.kind == "truck":
        _cargo_box(rng, build, it)
    _wheels(rng, build, it)
    _ends(rng, build, it, body if rng.uniform() < 0.35 else trim)
    _extras(rng, build, it, body)
    return build.parts


def _measures(rng: np.random.Generator) -> _Car:
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
    return _Car(
        name, length, half_width, height, belt, wheel, floor, rear_base, rear_roof, front_roof, front_base, nose, tail
    )


def _hull(it: _Car) -> Solid:
    """The body below the windows: sections across the car, from the rear bumper to the front one."""
    half, bed = it.length / 2, it.kind in ("pickup", "truck")
    low = it.floor + (it.belt - it.floor) * 0.45
    deck = {"pickup": low, "truck": it.wheel * 1.9}.get(it.kind, it.belt)
    rear_top = deck if bed else it.tail
    stations = [(-half, rear_top - 0.06, 0.93), (-half + 0.12, rear_top, 0.985)]
    if bed:
        stations += [(it.rear_base - 0.02, deck, 1.0), (it.rear_base, it.belt, 1.0)]
    else:
        stations += [(max(it.rear_base, -half + 0.2), it.belt, 1.0)]
    front = min(it.front_base, half - 0.25)
    stations += [(front, it.belt, 1.0), (half - 0.16, it.nose + 0.03, 0.97), (half, it.nose - 0.07, 0.88)]
    return loft([_section(x, it.floor, top, it.half_width * share) for x, top, share in stations])


def _section(x: float, bottom: float, top: float, half: float) -> list[tuple[float, float, float]]:
    waist = bottom + (top - bottom) * 0.5
    right = [(0.92 * half, bottom), (half, bottom + (top - bottom) * 0.2), (half, waist), (0.94 * half, top)]
    return [(x, y, z) for y, z in right] + [(x, -y, z) for y, z in reversed(right)]


def _cabin(rng: np.random.Generator, build: Assembly, it: _Car, body: Colour, roof: Colour) -> None:
    """The part above the belt line, with a windscreen, a rear window and side windows lying on its faces."""
    low, high = (
        it.half_width * 0.93,
        it.half_width * (rng.uniform(0.74, 0.84) if it.kind not in ("van", "bus", "truck") else 0.88),
    )
    bottom, top = it.belt - 0.03, it.height - 0.05
    base = np.array([(it.rear_base, -low), (it.front_base, -low), (it.front_base, low), (it.rear_base, low)])
    crown = np.array([(it.rear_roof, -high), (it.front_roof, -high), (it.front_roof, high), (it.rear_roof, high)])
    rings = [np.column_stack([ring, np.full(4, z)]) for ring, z in ((base, bottom), (crown, top))]
    build.add(body, loft(rings))
    cap = (crown - crown.mean(0)) * 0.9 + crown.mean(0)
    build.add(
        roof,
        loft(
            [
                np.column_stack([crown * (1.0, 1.01), np.full(4, top - 0.04)]),
                np.column_stack([cap, np.full(4, it.height)]),
            ]
        ),
    )
    (a, b, c, d), (e, f, g, h) = rings
    build.add(_GLASS, _window((b, c, g, f), (0.05, 0.95), (0.12, 0.93)))
    if it.kind not in ("truck",) and not (it.kind == "van" and rng.uniform() < 0.4):
        build.add(_GLASS, _window((d, a, e, h), (0.08, 0.92), (0.2, 0.9)))
    side = (d, c, g, h)
    length = it.front_base - it.rear_base
    panes = {"truck": 1, "pickup": int(rng.choice([1, 2])), "sports": 1, "bus": 5}.get(
        it.kind, 3 if length > 2.9 else 2
    )
    if it.kind == "van" and rng.uniform() < 0.5:
        build.pair(_GLASS, _window(side, (0.68, 0.94), (0.14, 0.92)))
        return
    edges = np.linspace(0.04, 0.96, panes + 1)
    for start, end in zip(edges[:-1], edges[1:], strict=True):
        build.pair(_GLASS, _window(side, (start + 0.012, end - 0.012), (0.14, 0.9)))


def _window(face: tuple[Floats, Floats, Floats, Floats], across: _Range, up: _Range) -> Solid:
    """A pane on part of a face with corners (lower start, lower end, upper end, upper start)."""
    a, b, c, d = face

    def at(u: float, v: float) -> Floats:
        return (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * d + u * c)

    corners = [at(across[0], up[0]), at(across[1], up[0]), at(across[1], up[1]), at(across[0], up[1])]
    return plate(corners, 0.0, 0.05)


def _cargo_bed(build: Assembly, it: _Car, body: Colour) -> None:
    rear, wall, half = -it.length / 2 + 0.03, 0.13, it.half_width * 0.97
    low = it.floor + (it.belt - it.floor) * 0.3
    build.pair(body, box((rear, half - wall, low), (it.rear_base + 0.05, half, it.belt - 0.01)))
    build.add(body, box((rear - 0.01, -half + 0.02, low), (rear + wall, half - 0.02, it.belt - 0.03)))


def _cargo_box(rng: np.random.Generator, build: Assembly, it: _Car) -> None:
    top = it.height * rng.uniform(1.0, 1.3)
    colour = palette.paint(rng) if rng.uniform() < 0.5 else (0.88, 0.88, 0.86)
    half = it.half_width * rng.uniform(0.98, 1.06)
    if rng.uniform() < 0.7:
        build.add(colour, box((-it.length / 2 - 0.05, -half, it.wheel * 1.8), (it.rear_base - 0.06, half, top)))
    else:
        deck = it.wheel * 1.8
        build.add(colour, box((-it.length / 2 - 0.05, -half, deck), (it.rear_base - 0.04, half, deck + 0.25)))
        build.add(colour, box((it.rear_base - 0.25, -half, deck), (it.rear_base - 0.05, half, deck + 0.6)))
    build.add(
        _TRIM, box((it.rear_base - 0.3, -half * 0.8, it.wheel), (it.rear_base + 0.1, half * 0.8, it.wheel * 1.85))
    )


def _wheels(rng: np.random.Generator, build: Assembly, it: _Car) -> None:
    hub = rng.choice([0.5, 0.62, 0.7]) * it.wheel
    metal = palette.metal(rng) if rng.uniform() < 0.4 else (0.72, 0.73, 0.75)
    places = [-it.length * rng.uniform(0.28, 0.33), it.length * rng.uniform(0.29, 0.335)]
    if it.kind == "truck" and rng.uniform() < 0.4:
        places.append(places[0] + it.wheel * 2.2)
    arch = rng.uniform() < 0.6
    for x in places:
        if arch:
            build.pair(_TRIM, disc((x, it.half_width - 0.04, it.wheel), it.wheel * 1.16, 0.12, 20))
        build.pair(_TYRE, disc((x, it.half_width - 0.06, it.wheel), it.wheel, 0.26, 20))
        build.pair(metal, disc((x, it.half_width - 0.04, it.wheel), hub, 0.26, 14))


def _ends(rng: np.random.Generator, build: Assembly, it: _Car, bumper: Colour) -> None:
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
            _TRIM,
            box((half - 0.15, -outer + lamp + 0.06, z - 0.02), (half + 0.02, outer - lamp - 0.06, z + tall - 0.02)),
        )
    top = {"pickup": it.belt - 0.05, "truck": it.wheel * 1.75}.get(it.kind, it.tail - 0.1)
    wide, high = (rng.uniform(0.2, 0.4), rng.uniform(0.14, 0.22)) if rng.uniform() < 0.6 else (0.17, 0.34)
    high = min(high, top - low - 0.25)
    outer = it.half_width * 0.88
    build.pair(_TAIL, box((-half - 0.03, outer - wide, top - high), (-half + 0.16, outer, top)))


def _extras(rng: np.random.Generator, build: Assembly, it: _Car, body: Colour) -> None:
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
            _TRIM,
            box(
                (middle - length, -it.half_width * 0.55, it.height - 0.04),
                (middle + length, it.half_width * 0.55, it.height + 0.13),
            ),
        )
