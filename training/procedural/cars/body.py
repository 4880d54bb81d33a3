"""Hull and cabin of procedural cars, with the windows."""

import numpy as np

from training.procedural.cars.plan import CarPlan, Range
from training.procedural.solids import Assembly, Colour, Floats, Solid, loft, plate

_GLASS: Colour = (0.24, 0.29, 0.35)


def hull(it: CarPlan) -> Solid:
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


def add_cabin(rng: np.random.Generator, build: Assembly, it: CarPlan, body: Colour, roof: Colour) -> None:
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


def _window(face: tuple[Floats, Floats, Floats, Floats], across: Range, up: Range) -> Solid:
    """A pane on part of a face with corners (lower start, lower end, upper end, upper start)."""
    a, b, c, d = face

    def at(u: float, v: float) -> Floats:
        return (1 - v) * ((1 - u) * a + u * b) + v * ((1 - u) * d + u * c)

    corners = [at(across[0], up[0]), at(across[1], up[0]), at(across[1], up[1]), at(across[0], up[1])]
    return plate(corners, 0.0, 0.05)
