"""Built-in families of varied, plausible objects with known geometry: something to train on without any download.

Canonical frame: Z up, front +X, bounding-box centre at the origin, farthest vertex at radius `RADIUS`.
"""

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from gen3d_core.mesh.mesh import Mesh
from training.procedural.cars.family import car, car_kind
from training.procedural.cars.plan import KINDS as CAR_KINDS
from training.procedural.chairs.family import KINDS as CHAIR_KINDS
from training.procedural.chairs.family import chair, chair_kind
from training.procedural.solids import Part

RADIUS = 0.95
FAMILIES: Mapping[str, Callable[[np.random.Generator], list[Part]]] = {"chairs": chair, "cars": car}
KINDS: Mapping[str, tuple[str, ...]] = {"chairs": CHAIR_KINDS, "cars": CAR_KINDS}
"""Kinds that the objects of a family have, by its name."""
_KIND_OF: Mapping[str, Callable[[np.random.Generator], str]] = {"chairs": chair_kind, "cars": car_kind}
SOURCE = "procedural:"
"""What data sets of a family are from: this and the family's name."""
DATASET_SEEDS = 10_000_000
"""Seeds set aside for one data set; held-out shapes use the upper half."""


def family_of(source: str) -> str | None:
    """The family that a data set is from, by its description's `source`; None for another one."""
    name = source.removeprefix(SOURCE)
    return name if source.startswith(SOURCE) and name in FAMILIES else None


def shape_parts(family: str, seed: int) -> list[Part]:
    """The coloured solids of one object in its family's own unit of length, before normalising.

    Raises ValueError for an unknown family; the same family and seed always give the same parts.
    """
    numbers = _numbers(family, seed)
    return FAMILIES[family](numbers)


def shape_kind(family: str, seed: int) -> str:
    """Which of the family's `KINDS` the object of that seed is. Raises ValueError as `shape_parts` does."""
    numbers = _numbers(family, seed)
    return _KIND_OF[family](numbers)


def make_shape(family: str, seed: int) -> Mesh:
    """One object of a family ("chairs" or "cars") in the canonical frame. Deterministic; left-right symmetric."""
    parts = shape_parts(family, seed)
    starts = np.cumsum([0] + [len(part.solid.vertices) for part in parts])
    vertices = np.concatenate([part.solid.vertices for part in parts])
    faces = np.concatenate([part.solid.faces + start for part, start in zip(parts, starts, strict=False)])
    colours = np.repeat([part.colour for part in parts], [len(part.solid.vertices) for part in parts], axis=0)
    return Mesh(normalise(vertices).astype(np.float32), faces.astype(np.int32), colours.astype(np.float32))


def _numbers(family: str, seed: int) -> np.random.Generator:
    if family not in FAMILIES:
        raise ValueError(f"unknown procedural family '{family}'; there are: {', '.join(FAMILIES)}")
    return np.random.default_rng([seed, list(FAMILIES).index(family)])


def normalise(vertices: NDArray[np.float64]) -> NDArray[np.float64]:
    """Move (V,3) so that the bounding box is centred at the origin and the farthest vertex lies at `RADIUS`."""
    centred = vertices - (vertices.min(0) + vertices.max(0)) / 2
    return centred * (RADIUS / np.linalg.norm(centred, axis=1).max())
