"""Values that no program of ours writes into a model file's JSON."""

from __future__ import annotations

from random import Random
from typing import Any


def nested(depth: int) -> list:
    value: list = []
    for _ in range(depth):
        value = [value]
    return value


ODD: tuple[Any, ...] = (
    None, True, False, -1, 0, 0.5, 1e308, -1e308, 2**63, 10**400, float("nan"), float("inf"), "", "1", "x" * 100_000,
    "\x1b[31mred\x1b[0m", "a\nb\rc", "\u202egnp", "\ud800", "../../x", "é" * 300, [], {}, [[]], [None] * 1000,
    {"": 0}, {"\x07": "\x9b2J"}, nested(40), nested(300), list(range(5000)), [1e400], {"value": 10**30},
)  # fmt: skip


def odd(rng: Random) -> Any:
    """One of them."""
    return rng.choice(ODD)


def with_odd_leaf(rng: Random, value: Any) -> Any:
    """A copy of a JSON value in which something, however deep, is odd, missing or too much."""
    if isinstance(value, dict) and value and rng.random() < 0.9:
        key = rng.choice(sorted(value))
        chance = rng.random()
        if chance < 0.1:
            return {name: each for name, each in value.items() if name != key}
        if chance < 0.2:
            return {**value, str(odd(rng))[:2000]: odd(rng)}
        return {**value, key: with_odd_leaf(rng, value[key])}
    if isinstance(value, list) and value and rng.random() < 0.7:
        place = rng.randrange(len(value))
        return [*value[:place], with_odd_leaf(rng, value[place]), *value[place + 1 :]]
    if isinstance(value, int | float) and not isinstance(value, bool) and rng.random() < 0.4:
        return rng.choice([-value, value * 1000, value * 10**9, value + 0.5, value - 1])
    return odd(rng)
