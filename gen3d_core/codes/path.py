"""Curves through codes, and the times at which to stop on the way. Numpy only.

Shape and appearance are separate tracks: each is asked at its own parameter, which counts keys: 0 is the first, 1 the
second, and on a closed path as many as there are keys is the first again.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from gen3d_core import limits
from gen3d_core.codes.codes import Codes, lerp, slerp
from gen3d_core.errors import Gen3DError

_PARTS = 4
"""Pieces of a step in which arc length is measured."""


@dataclass(frozen=True)
class Path:
    """A curve through two or more `keys`.

    `kind`: `lerp` in straight lines; `slerp` in arcs, which keep the typical length of a code on the way (Shoemake
    1985); `catmull-rom` without corners at the keys (Catmull and Rom, "A class of local interpolating splines", 1974,
    uniform knots), as long as a spline through the lengths of the codes. `closed` returns to the first key. Raises
    `Gen3DError` for fewer than two keys and for an unknown kind.

    >>> import gen3d_core
    >>> model = gen3d_core.load("cars")
    >>> path = gen3d_core.Path((model.codes(3), model.codes(8)), closed=True)
    >>> path.spans
    2
    >>> half_way = model.build(path.at(0.5), resolution=32)
    """

    keys: tuple[Codes, ...]
    kind: str = "slerp"
    closed: bool = False

    def __post_init__(self) -> None:
        if len(self.keys) < 2:
            raise Gen3DError(f"a path through {len(self.keys)} object: it needs two or more")
        limits.check_choice("path", self.kind, limits.MORPH_PATHS)

    @property
    def spans(self) -> int:
        """The parameter of the path's end."""
        return len(self.keys) if self.closed else len(self.keys) - 1

    def at(self, shape: float, appearance: float | None = None) -> Codes:
        """The codes at parameters from 0 to `spans`; the appearance follows the shape's unless given its own."""
        shaped = self._at(shape)
        return shaped if appearance is None else Codes(shaped.shape, self._at(appearance).appearance)

    def _at(self, t: float) -> Codes:
        if not 0 <= t <= self.spans:
            raise ValueError(f"a path of {self.spans} spans was asked at {t}")
        first = min(int(t), self.spans - 1)
        if t - first in (0.0, 1.0):  # to the last bit, so that a key is the object that it was
            return self._key(first + int(t - first))
        return _MIXES[self.kind](self, first, t - first)

    def _key(self, index: int) -> Codes:
        return self.keys[index % len(self.keys)]


def _straight(path: Path, first: int, t: float) -> Codes:
    return lerp(path._key(first), path._key(first + 1), t)


def _arc(path: Path, first: int, t: float) -> Codes:
    return slerp(path._key(first), path._key(first + 1), t)


def _spline(path: Path, first: int, t: float) -> Codes:
    def mixed(name: str) -> np.ndarray:
        codes = np.stack([getattr(key, name) for key in path.keys]).astype(np.float64)
        point = _catmull_rom(codes, path.closed, first, t)
        length = _catmull_rom(np.linalg.norm(codes, axis=1), path.closed, first, t)
        return (point * (length / max(float(np.linalg.norm(point)), 1e-9))).astype(np.float32)

    return Codes(mixed("shape"), mixed("appearance"))


def _catmull_rom(values: np.ndarray, closed: bool, first: int, t: float) -> np.ndarray:
    """Between values (K, ...) number `first` and the next: (...)."""
    if closed:
        before, a, b, after = (values[(first + offset) % len(values)] for offset in (-1, 0, 1, 2))
    else:  # mirrored beyond the ends, where the curve then has no curvature of its own
        a, b = values[first], values[first + 1]
        before = values[first - 1] if first > 0 else 2 * a - b
        after = values[first + 2] if first + 2 < len(values) else 2 * b - a
    quadratic, cubic = 2 * before - 5 * a + 4 * b - after, 3 * (a - b) + after - before
    return a + 0.5 * ((b - before) * t + quadratic * t**2 + cubic * t**3)


_MIXES: dict[str, Callable[[Path, int, float], Codes]] = {"lerp": _straight, "slerp": _arc, "catmull-rom": _spline}


def uniform_times(path: Path, steps: int) -> np.ndarray:
    """Parameters (steps,) float64, rising from 0, equally many between keys as far as they divide, every key among
    them.

    The last is the path's end, but on a closed path one step before it, so that the first follows the last. Raises
    `Gen3DError` for fewer steps than keys.
    """
    _check_steps(path, steps)
    ends = np.arange(path.spans + 1)
    return np.interp(np.arange(steps), np.rint(ends * _intervals(path, steps) / path.spans), ends)


def even_times(path: Path, steps: int, change: Callable[[float, float], float]) -> np.ndarray:
    """Parameters (steps,) between which the object changes equally much; as `uniform_times`, but only the ends are sure
    to be among them.

    `change` tells how much an object changes between two parameters that are near to each other; along a path where
    nothing changes, the times are uniform.
    """
    _check_steps(path, steps)
    intervals = _intervals(path, steps)
    fine = np.linspace(0.0, path.spans, _PARTS * intervals + 1)
    lengths = np.cumsum([0.0, *(change(a, b) for a, b in zip(fine[:-1], fine[1:], strict=True))])
    if not lengths[-1] > 0:
        return uniform_times(path, steps)
    return np.interp(lengths[-1] * np.arange(steps) / intervals, lengths, fine)


def _intervals(path: Path, steps: int) -> int:
    return steps if path.closed else steps - 1


def _check_steps(path: Path, steps: int) -> None:
    if steps < len(path.keys):
        raise Gen3DError(f"{steps} steps through {len(path.keys)} objects: it takes at least as many steps as objects")
