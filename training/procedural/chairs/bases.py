"""What carries a procedural chair's seat: legs, pedestals, panels, runners, blocks."""

import numpy as np

from training.procedural.chairs.plan import CLEAR, Colours, Seat
from training.procedural.solids import Assembly, Floats, box, column, rod


def _feet(seat: Seat, inset: float) -> list[tuple[float, float]]:
    """Front and rear leg tops (x, y > 0), far enough inside the outline for legs `inset` wide."""
    half_depth = (seat.front - seat.rear) / 2
    if len(seat.shape) == 20:
        reach = (half_depth - inset / 2) * 0.70
        return [(reach, reach), (-reach, reach)]
    pull = inset / 2 + (0.02 if len(seat.shape) == 8 else 0.002)
    return [(x, seat.half_width(x) - pull) for x in (seat.front - pull, seat.rear + pull)]


def _legs(rng: np.random.Generator, build: Assembly, seat: Seat, colours: Colours) -> None:
    width = rng.uniform(0.038, 0.062)
    taper = rng.choice([1.0, rng.uniform(0.68, 0.9)])
    sides = int(rng.choice([4, 4, 10]))
    splay = rng.choice([0.0, rng.uniform(0.03, 0.11)], p=[0.45, 0.55])
    out = rng.uniform(0.3, 1.0) * splay
    ends = []
    for (x, y), front in zip(_feet(seat, width), (1, -1), strict=True):
        top, foot = np.array([x, y, seat.root]), np.array([x + front * splay, y + out, 0.0])
        low, high = np.full(2, max(width * taper, 0.034) / 2), np.full(2, width / 2)
        build.pair(colours.frame, column([(foot, low), (top, high)], sides))
        ends.append((top, foot))

    def at(leg: int, z: float) -> Floats:
        top, foot = ends[leg]
        return foot + (top - foot) * z / seat.root

    style = rng.choice(["none", "h", "box", "sides"], p=[0.55, 0.15, 0.15, 0.15])
    bar = (rng.uniform(0.032, 0.042), rng.uniform(0.034, 0.05))
    z = rng.uniform(0.25, 0.6) * seat.root
    if style != "none":
        build.pair(colours.frame, rod(at(0, z), at(1, z), bar))
    flip = np.array([1, -1, 1])
    if style == "h":
        middle = (at(0, z) + at(1, z)) / 2
        build.add(colours.frame, rod(middle, middle * flip, bar))
    elif style == "box":
        for leg in (0, 1):
            build.add(colours.frame, rod(at(leg, z * 1.15), at(leg, z * 1.15) * flip, bar))


def _star(rng: np.random.Generator, build: Assembly, seat: Seat, colours: Colours) -> None:
    radius, hub = rng.uniform(0.024, 0.036), rng.uniform(0.06, 0.10)
    middle = (seat.front + seat.rear) / 2
    build.add(
        colours.frame, column([((middle, 0, 0.04), (radius, radius)), ((middle, 0, seat.root), (radius, radius))], 12)
    )
    build.add(colours.frame, column([((middle, 0, 0.03), (0.05, 0.05)), ((middle, 0, hub + 0.03), (0.045, 0.045))], 12))
    arms, reach = int(rng.choice([4, 5])), rng.uniform(0.22, 0.30)
    turn = rng.choice([0.0, 0.25]) if arms == 4 else rng.choice([0.0, 0.5])
    castors = rng.uniform() < 0.5
    lift = 0.05 if castors else 0.0
    for angle in (np.arange(arms) + turn * (2 if arms == 4 else 1)) * 2 * np.pi / arms:
        heading = np.array([np.cos(angle), np.sin(angle), 0.0])
        start, tip = np.array([middle, 0, hub]), heading * reach + (middle, 0, 0.02 + lift)
        build.add(colours.frame, rod(start, tip, (0.05, 0.05), (0.04, 0.038)))
        if castors:
            build.add(
                (0.22, 0.22, 0.23),
                column([((*(tip[:2] - heading[:2] * 0.018), z), (0.024, 0.024)) for z in (0, 0.065)], 8),
            )


def _disc(rng: np.random.Generator, build: Assembly, seat: Seat, colours: Colours) -> None:
    radius, plate, middle = rng.uniform(0.024, 0.05), rng.uniform(0.18, 0.26), (seat.front + seat.rear) / 2
    flare = rng.uniform(1.0, 2.2)
    build.add(
        colours.frame,
        column(
            [
                ((middle, 0, 0), (plate, plate)),
                ((middle, 0, 0.035), (plate, plate)),
                ((middle, 0, 0.05), (plate * 0.8, plate * 0.8)),
            ],
            20,
        ),
    )
    foot = min(radius * flare, plate * 0.6)
    build.add(
        colours.frame,
        column(
            [
                ((middle, 0, 0.03), (foot, foot)),
                ((middle, 0, 0.16), (radius, radius)),
                ((middle, 0, seat.root), (radius, radius)),
            ],
            12,
        ),
    )


def _panels(rng: np.random.Generator, build: Assembly, seat: Seat, colours: Colours) -> None:
    thick, inset = rng.uniform(0.036, 0.065), rng.choice([CLEAR, 0.03])
    width = seat.half_width(0) - inset
    cut = 0.055 if len(seat.shape) == 8 else 0.0
    front, rear = seat.front - cut - CLEAR, seat.rear + cut + CLEAR
    build.pair(colours.frame, box((rear, width - thick, 0), (front, width, seat.root)))
    if rng.uniform() < 0.4:
        build.add(
            colours.frame, box((rear, -width + 0.01, rng.choice([0.0, 0.15])), (rear + thick, width - 0.01, seat.root))
        )


def _sled(rng: np.random.Generator, build: Assembly, seat: Seat, colours: Colours) -> None:
    width = rng.uniform(0.036, 0.05)
    lean = rng.choice([0.0, rng.uniform(0.02, 0.08)])
    for (x, y), front in zip(_feet(seat, width), (1, -1), strict=True):
        build.pair(
            colours.frame,
            column([((x + front * lean, y, 0), (width / 2, width / 2)), ((x, y, seat.root), (width / 2, width / 2))]),
        )
    (x0, y0), (x1, y1) = _feet(seat, width)
    build.pair(
        colours.frame,
        rod((x0 + lean + width / 2, y0, width / 2), (x1 - lean - width / 2, y1, width / 2), (width, width)),
    )
    if rng.uniform() < 0.5:
        build.add(colours.frame, rod((x1 - lean, y1, width / 2), (x1 - lean, -y1, width / 2), (width, width)))


def _cantilever(rng: np.random.Generator, build: Assembly, seat: Seat, colours: Colours) -> None:
    width = rng.uniform(0.04, 0.052)
    (x0, y0), (x1, y1) = _feet(seat, width)
    build.pair(
        colours.frame, column([((x0, y0, 0), (width / 2, width / 2)), ((x0, y0, seat.root), (width / 2, width / 2))])
    )
    build.pair(colours.frame, rod((x0 + width / 2, y0, width / 2), (x1 - width / 2, y1, width / 2), (width, width)))
    build.add(colours.frame, rod((x1, y1, width / 2), (x1, -y1, width / 2), (width, width)))


def _block(rng: np.random.Generator, build: Assembly, seat: Seat, colours: Colours) -> None:
    foot = rng.choice([0.0, rng.uniform(0.05, 0.11)])
    width = seat.half_width(0) - 0.06
    build.add(
        colours.seat,
        box(
            (seat.rear + 0.005, -width - 0.055, foot),
            (seat.front - rng.choice([0.005, 0.06]), width + 0.055, seat.root),
        ),
    )
    if foot:
        for x in (seat.front - 0.11, seat.rear + 0.05):
            build.pair(
                colours.frame,
                column(
                    [((x, width - 0.01, 0), (0.024, 0.024)), ((x, width - 0.01, foot + 0.02), (0.032, 0.032))],
                    int(rng.choice([4, 10])),
                ),
            )


BASES = {
    "legs": _legs,
    "star": _star,
    "disc": _disc,
    "panels": _panels,
    "sled": _sled,
    "cantilever": _cantilever,
    "block": _block,
}
