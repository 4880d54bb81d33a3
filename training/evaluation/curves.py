"""Training curves: what a model file records of them, and as lines to draw."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

Curve = Mapping[str, tuple[float | None, ...]]
"""Equally long lists by name: `images` shown, `minutes`, and what was logged then, None where it was not."""

MAX_POINTS, MAX_SERIES, MAX_VALUE = 100_000, 32, 1e30
KEPT = 400
"""Points of a curve that a page draws: more than its pixels show."""
COLOURS = ("#2c6fbb", "#c4572e", "#3f8f5b", "#8757a8", "#a08327", "#3c8e96", "#b3477f", "#6b6b6b")
WIDTH, HEIGHT = 320, 130
_AXES = {"images": "pictures shown", "minutes": "minutes"}


@dataclass(frozen=True)
class Line:
    """One model's line: `points` in the drawing's pixels, as SVG writes them."""

    name: str
    colour: str
    points: str


@dataclass(frozen=True)
class Chart:
    """One quantity over the pictures shown or the minutes of training, as `axis` says; `low` and `high` are the bounds
    of its own axis, `last` of the other."""

    name: str
    lines: tuple[Line, ...]
    low: float
    high: float
    last: float
    axis: str


def recorded_curve(training: Mapping[str, Any]) -> Curve:
    """The curve in a model's training record, thinned to what can be seen; empty when there is none that can be
    used."""
    given = training.get("curve")
    if not isinstance(given, dict) or not isinstance(given.get("images"), list) or len(given) > MAX_SERIES:
        return {}
    count = len(given["images"])
    lists = {str(name): values for name, values in given.items() if isinstance(values, list) and len(values) == count}
    if not 2 <= count <= MAX_POINTS:
        return {}
    places = sorted({round(i * (count - 1) / (KEPT - 1)) for i in range(KEPT)}) if count > KEPT else range(count)
    return {name: tuple(_number(values[i]) for i in places) for name, values in lists.items()}


def charts(curves: Sequence[tuple[str, Curve]], axis: str = "images") -> list[Chart]:
    """A chart for each quantity that any of the named models logged, in the order of their logs, over its `axis`."""
    names = dict.fromkeys(name for _, curve in curves for name in curve if name not in _AXES)
    found = [_chart(name, curves, axis) for name in names]
    return [chart for chart in found if chart is not None]


def _chart(name: str, curves: Sequence[tuple[str, Curve]], axis: str) -> Chart | None:
    series = [
        (model, [(x, y) for x, y in zip(curve[axis], curve[name], strict=False) if x is not None and y is not None])
        if name in curve and axis in curve
        else (model, [])
        for model, curve in curves
    ]
    xs = [x for _, pairs in series for x, _ in pairs]
    ys = [y for _, pairs in series for _, y in pairs]
    if len(ys) < 2 or max(xs) <= 0:
        return None
    low, high, last = min(ys), max(ys), max(xs)
    span = (high - low) or 1.0

    def place(x: float, y: float) -> str:
        return f"{WIDTH * x / last:.1f},{HEIGHT * (1 - (y - low) / span):.1f}"

    lines = tuple(
        Line(model, COLOURS[number % len(COLOURS)], " ".join(place(x, y) for x, y in pairs))
        for number, (model, pairs) in enumerate(series)
        if pairs
    )
    return Chart(name, lines, low, high, last, _AXES[axis])


def _number(value: Any) -> float | None:
    """A number from a stranger's file; None for whatever else stands there."""
    if isinstance(value, bool) or not isinstance(value, (int, float)) or not abs(value) < MAX_VALUE:
        return None
    return float(value)
