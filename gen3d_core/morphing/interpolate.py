"""From one object of a model to others on a path: the codes on the way, and a morph or a flipbook of their meshes."""

from __future__ import annotations

from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

import numpy as np

from gen3d_core import limits
from gen3d_core.codes.by_value import ByValue
from gen3d_core.codes.codes import Codes
from gen3d_core.codes.path import Path, even_times, uniform_times
from gen3d_core.mesh.distance import surface_distances
from gen3d_core.mesh.extract import PointField, extract
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.morphing.report import MorphMeshes
from gen3d_core.morphing.track import flipbook, morph
from gen3d_core.progress import OnProgress, ignore_progress

if TYPE_CHECKING:
    from gen3d_core.model.model import Model

_COARSE = 32
"""Samples a side of the meshes whose change even timing measures."""
_TIMING_SHARE = 0.15


@dataclass(frozen=True, eq=False)
class Interpolation(ByValue):
    """`times` (steps,) float64 parameters of the path, `codes` of the object at each, and their meshes: `morph`, which
    covers fewer where it stopped at a change."""

    times: np.ndarray
    codes: tuple[Codes, ...]
    morph: MorphMeshes


def interpolate(
    model: Model,
    path: Path,
    steps: int,
    resolution: int = 128,
    *,
    kind: str = "morph",
    timing: str = "uniform",
    truncation: float | None = None,
    base: int = 0,
    after_change: str = "segment",
    progress: OnProgress = ignore_progress,
) -> Interpolation:
    """Meshes of `steps` objects along a path.

    >>> import gen3d_core
    >>> model = gen3d_core.load("cars")
    >>> path = gen3d_core.Path((model.codes(3), model.codes(8)))
    >>> made = gen3d_core.interpolate(model, path, steps=3, resolution=32)
    >>> len(made.codes), made.morph.segments[0].first
    (3, 0)

    Args:
        kind: `morph`, see `gen3d_core.morphing.track.morph` for it, `base` and `after_change`; or `flipbook`, whose
            every mesh is its own.
        timing: `uniform` in codes, stopping at every key of the path; or `even`, so that the mean distance of one mesh
            to the next is equal.

    Raises:
        Gen3DError: something is out of range, or an object has no surface.
    """
    limits.check_choice("kind", kind, limits.MORPH_KINDS)
    limits.check_choice("timing", timing, limits.MORPH_TIMINGS)
    steps = limits.check_whole("steps", steps, limits.MORPH_STEPS)
    resolution = limits.check_whole("resolution", resolution, limits.RESOLUTION)
    progress(0.0, "model")

    def field_at(time: float) -> PointField:
        return model.field(path.at(time), truncation)

    times, begin = uniform_times(path, steps), 0.0
    if timing == "even":
        measured = 0

        @lru_cache(maxsize=2)
        def coarse(time: float) -> Mesh:
            return extract(field_at(time), _COARSE)

        def change(a: float, b: float) -> float:
            nonlocal measured
            measured += 1
            progress(_TIMING_SHARE * measured / (measured + steps), "timing")
            one, other = coarse(a), coarse(b)
            return surface_distances(one.vertices, one.faces, other.vertices, other.faces).mean

        times, begin = even_times(path, steps, change), _TIMING_SHARE

    def rest(fraction: float, stage: str) -> None:
        progress(begin + (1 - begin) * fraction, stage)

    stops = times.tolist()
    if kind == "flipbook":
        made = flipbook(field_at, stops, resolution, progress=rest)
    else:
        made = morph(field_at, stops, resolution, base=base, after_change=after_change, progress=rest)
    return Interpolation(times, tuple(path.at(time) for time in stops), made)
