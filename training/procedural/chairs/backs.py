"""Backs and arms of procedural chairs."""

import numpy as np

from training.procedural.chairs.plan import CLEAR, Back, Colours, Seat
from training.procedural.solids import Assembly, Solid, box, column, loft, rod


def add_back(
    rng: np.random.Generator, build: Assembly, seat: Seat, colours: Colours, base: str
) -> tuple[Back, float | None]:
    """Add a back; also say how far out (half width) arms find something solid on it, or None."""
    thick = rng.uniform(0.036, 0.06) if base != "block" else rng.uniform(0.08, 0.15)
    is_round = len(seat.shape) == 20
    x = seat.rear + (
        0.32 * (seat.front - seat.rear) / 2 if is_round else thick / 2 + (0.03 if len(seat.shape) == 8 else 0.002)
    )
    half = seat.half_width(x) * (0.93 if is_round else rng.choice([0.985, rng.uniform(0.82, 0.985)]))
    height = rng.uniform(0.30, 0.60) + 0.6 * seat.thickness
    if seat.height > 0.55:
        height *= 0.65
    back = Back(
        (x, 0.0, seat.root), np.radians(rng.choice([rng.uniform(0, 5), rng.uniform(5, 20)])), half, height, thick
    )
    if base == "block":
        build.add(colours.seat, back.box((-half, half), (0, height)))
        return back, half
    style = str(
        rng.choice(
            ["panel", "rounded", "frame", "vslats", "hslats", "tee", "upper", "padded"],
            p=[0.17, 0.11, 0.13, 0.17, 0.14, 0.07, 0.14, 0.07],
        )
    )
    if style == "panel":
        build.add(colours.back, back.box((-half, half), (0, height)))
    elif style == "rounded":
        build.add(colours.back, _rounded_panel(rng, back))
    elif style == "tee":
        width = rng.uniform(0.04, 0.09)
        build.add(colours.frame, back.box((-width, width), (0, height)))
        build.add(colours.back, back.box((-half, half), (height * rng.uniform(0.55, 0.75), height), 1.15))
        return back, None
    elif style == "padded":
        build.add(colours.frame, back.box((-half, half), (0, height)))
        build.add(colours.seat, back.box((-half + 0.04, half - 0.04), (0.13, height - 0.035), 1.9))
    else:
        _framed_back(rng, build, back, colours, style)
    return back, half


def _rounded_panel(rng: np.random.Generator, back: Back) -> Solid:
    turn = np.linspace(0, np.pi, 9)
    rise = back.height * rng.uniform(0.25, 0.55)
    arch = np.stack([back.half_width * np.cos(turn), back.height - rise + rise * np.sin(turn)], 1)
    edge = np.vstack([[(-back.half_width * 0.97, 0), (back.half_width * 0.97, 0)], arch])
    rings = [np.column_stack([np.full(len(edge), s), edge]) for s in (-back.thickness / 2, back.thickness / 2)]
    return back.place(loft(rings))


def _framed_back(rng: np.random.Generator, build: Assembly, back: Back, colours: Colours, style: str) -> None:
    half, height = back.half_width, back.height
    stile, rail = rng.uniform(0.036, 0.055), rng.uniform(0.045, 0.10)
    build.pair(colours.frame, back.box((half - stile, half), (0, height)))
    inner = half - stile / 2
    if style == "upper":
        build.add(
            colours.back,
            back.box((-inner, inner), (height * rng.uniform(0.4, 0.65), height * rng.choice([1.0, 0.97])), 0.98),
        )
        return
    build.add(colours.frame, back.box((-inner, inner), (height - rail, height), 0.98))
    if style == "frame":
        if rng.uniform() < 0.5:
            low = 0.10 + rng.uniform(0, 0.1)
            build.add(colours.frame, back.box((-inner, inner), (low, low + 0.045), 0.98))
        return
    colour = colours.back
    if style == "vslats":
        count = int(rng.integers(1, 6))
        gap = 2 * (half - stile) / (2 * count + 1)
        width = min(max(gap * rng.uniform(0.9, 1.3), 0.036), 0.2)
        for centre in np.linspace(-half + stile, half - stile, count + 2)[1:-1]:
            build.add(colour, back.box((centre - width / 2, centre + width / 2), (0, height - rail / 2), 0.8))
    else:
        count = int(rng.integers(1, 4))
        low, high = 0.14, height - rail
        pitch = (high - low) / count
        width = max(pitch * rng.uniform(0.4, 0.6), 0.036)
        for i in range(count):
            start = low + pitch * i
            build.add(colour, back.box((-inner, inner), (start, start + width), 0.8))


def add_arms(
    rng: np.random.Generator, build: Assembly, seat: Seat, back: Back, edge: float | None, colours: Colours, base: str
) -> None:
    top = seat.height + rng.uniform(0.15, 0.25)
    straight = len(seat.shape) != 20
    if base == "block" or (straight and rng.uniform() < 0.3):
        _closed_arms(rng, build, seat, top, colours, base)
        return
    post, pad = rng.uniform(0.036, 0.05), rng.uniform(0.036, 0.05)
    x = (seat.front + seat.rear) / 2 + (seat.front - seat.rear) / 2 * rng.uniform(0.35, 0.75)
    y = seat.half_width(x) - post / 2 - 0.003
    out = rng.choice([0.0, rng.uniform(0.0, 0.05)])
    tip = np.array([x, y + out, top])
    build.pair(colours.arms, column([((x, y, seat.root), (post / 2, post / 2)), (tip, (post / 2, post / 2))]))
    if edge is not None and (top - back.origin[2]) / np.cos(back.lean) < back.height - 0.02:
        end = np.array([back.x_at(top), edge - 0.02, top])
    else:
        rear = min(seat.rear + 0.09, x - 0.12)
        end = np.array([rear, seat.half_width(rear) - post / 2 - 0.003, top])
        build.pair(colours.arms, column([((*end[:2], seat.root), (post / 2, post / 2)), (end, (post / 2, post / 2))]))
    along = (tip - end) / np.linalg.norm(tip - end)
    build.pair(
        colours.arms,
        rod(end, tip + along * (post / 2 + rng.uniform(0.0, 0.05)), (max(pad * rng.uniform(1, 1.6), 0.036), pad)),
    )


def _closed_arms(
    rng: np.random.Generator, build: Assembly, seat: Seat, top: float, colours: Colours, base: str
) -> None:
    thick = rng.uniform(0.07, 0.13) if base == "block" else rng.uniform(0.038, 0.06)
    width = seat.half_width(0)
    floor = (
        0.0
        if base == "panels"
        else (rng.uniform(0.08, 0.2) if base == "block" else seat.height - seat.thickness + CLEAR)
    )
    colour = colours.seat if base == "block" else colours.arms
    front, rear = seat.front - rng.choice([CLEAR, 0.06]), seat.rear + CLEAR
    build.pair(colour, box((rear, width - 0.012, floor), (front, width + thick - 0.012, top)))
    if rng.uniform() < 0.35:
        build.pair(
            colours.frame, box((rear - 0.01, width - 0.025, top - 0.01), (front + 0.01, width + thick, top + 0.032))
        )
