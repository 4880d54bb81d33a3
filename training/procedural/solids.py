"""Closed convex-ish building blocks (lofts, boxes, columns, rods) from which the procedural families are assembled.

Frame: right-handed, Z up, front +X, any unit of length. Every solid is closed and wound outward.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import ArrayLike, NDArray

Floats = NDArray[np.float64]
Colour = tuple[float, float, float]


@dataclass(frozen=True)
class Solid:
    """A closed triangle mesh: vertices (V,3) float64, faces (F,3) int32 wound outward."""

    vertices: Floats
    faces: NDArray[np.int32]

    def transform(self, axes: ArrayLike, origin: ArrayLike = (0.0, 0.0, 0.0)) -> "Solid":
        """Send each vertex v to origin + v @ axes; the rows of `axes` (3,3) are the images of the unit vectors."""
        return _face_outward(self.vertices @ np.asarray(axes, float) + np.asarray(origin, float), self.faces)

    def reflect(self) -> "Solid":
        """The reflection in the xz plane (y becomes -y)."""
        return self.transform(np.diag([1.0, -1.0, 1.0]))


@dataclass(frozen=True)
class Part:
    """A solid with one uniform colour (sRGB, 0..1)."""

    solid: Solid
    colour: Colour


class Assembly:
    """Collects coloured solids; `pair` also adds the mirror image, which keeps an object left-right symmetric."""

    def __init__(self) -> None:
        self.parts: list[Part] = []

    def add(self, colour: Colour, *solids: Solid) -> None:
        """Add solids as they are."""
        self.parts += [Part(solid, colour) for solid in solids]

    def pair(self, colour: Colour, *solids: Solid) -> None:
        """Add solids and their reflections in the xz plane."""
        for solid in solids:
            self.add(colour, solid, solid.reflect())


def signed_volume(vertices: Floats, faces: NDArray[np.int32]) -> float:
    """Volume enclosed by a closed mesh; positive when the faces are wound outward."""
    a, b, c = (vertices[faces[:, i]] for i in range(3))
    return float(np.einsum("ij,ij->i", a, np.cross(b, c)).sum() / 6.0)


def loft(rings: ArrayLike) -> Solid:
    """The solid through a stack of rings, (R,n,3) with R >= 2: rings of n corners each, both ends closed by fans.

    The end rings must be convex; rings follow each other without crossing.
    """
    stack = np.asarray(rings, float)
    levels, corners = stack.shape[:2]
    faces: list[tuple[int, int, int]] = []
    for level in range(levels - 1):
        for i in range(corners):
            j = (i + 1) % corners
            a, b, c, d = (
                level * corners + i,
                level * corners + j,
                (level + 1) * corners + j,
                (level + 1) * corners + i,
            )
            faces += [(a, b, c), (a, c, d)]
    last = (levels - 1) * corners
    for i in range(1, corners - 1):
        faces += [(0, i + 1, i), (last, last + i, last + i + 1)]
    return _face_outward(stack.reshape(-1, 3), np.asarray(faces, np.int32))


def box(low: ArrayLike, high: ArrayLike) -> Solid:
    """The axis-aligned box between two opposite corners."""
    (x0, y0, z0), (x1, y1, z1) = np.asarray(low, float), np.asarray(high, float)
    return loft([[(x0, y0, z), (x1, y0, z), (x1, y1, z), (x0, y1, z)] for z in (z0, z1)])


def outline(half_depth: float, half_width: float, sides: int) -> Floats:
    """A polygon (n,2) in the xy plane, symmetric in y: 4 sides give the rectangle, more an ellipse with that many."""
    if sides == 4:
        return np.array([(-1, -1), (1, -1), (1, 1), (-1, 1)]) * (half_depth, half_width)
    turn = (np.arange(sides) + 0.5) * 2 * np.pi / sides
    return np.stack([half_depth * np.cos(turn), half_width * np.sin(turn)], 1)


def slab(shape: Floats, bottom: float, top: float, bevel: float = 0.0) -> Solid:
    """A polygon (n,2) raised from z = bottom to z = top; `bevel` slopes the upper edge by that length."""
    centre = (shape.min(0) + shape.max(0)) / 2
    extent = np.ptp(shape, axis=0)
    levels = [(bottom, 0.0), (top, 0.0)] if bevel <= 0 else [(bottom, 0.0), (top - bevel, 0.0), (top, bevel)]
    rings = [
        np.column_stack([(shape - centre) * (1 - 2 * inset / extent) + centre, np.full(len(shape), z)])
        for z, inset in levels
    ]
    return loft(rings)


def column(stations: Sequence[tuple[ArrayLike, ArrayLike]], sides: int = 4) -> Solid:
    """A post through horizontal sections, each (centre (3,), half sizes (x, y)): its foot stays flat on the floor."""
    rings = []
    for centre, (half_x, half_y) in ((np.asarray(c, float), np.asarray(h, float)) for c, h in stations):
        ring = outline(float(half_x), float(half_y), sides)
        rings.append(np.column_stack([ring + centre[:2], np.full(len(ring), centre[2])]))
    return loft(rings)


def rod(start: ArrayLike, end: ArrayLike, size: ArrayLike, end_size: ArrayLike | None = None, sides: int = 4) -> Solid:
    """A bar from `start` to `end`; sizes are full (across, upright) widths at each end. It must not be vertical."""
    a, b = np.asarray(start, float), np.asarray(end, float)
    along = (b - a) / np.linalg.norm(b - a)
    across = np.cross((0.0, 0.0, 1.0), along)
    across /= np.linalg.norm(across)
    upright = np.cross(along, across)
    rings = []
    for centre, full in ((a, size), (b, size if end_size is None else end_size)):
        half = np.asarray(full, float) / 2
        ring = outline(half[0], half[1], sides)
        rings.append(centre + ring[:, :1] * across + ring[:, 1:] * upright)
    return loft(rings)


def disc(centre: ArrayLike, radius: float, thickness: float, sides: int = 16) -> Solid:
    """A wheel: a cylinder whose axis is y."""
    middle = np.asarray(centre, float)
    turn = (np.arange(sides) + 0.5) * 2 * np.pi / sides
    ring = np.stack([radius * np.cos(turn), np.zeros(sides), radius * np.sin(turn)], 1) + middle
    offset = np.array([0.0, thickness / 2, 0.0])
    return loft([ring - offset, ring + offset])


def plate(corners: ArrayLike, inset: float, thickness: float) -> Solid:
    """A thin panel on a flat quadrilateral (4,3), drawn in by `inset` (share of the half size), thick both ways."""
    quad = np.asarray(corners, float)
    centre = quad.mean(0)
    normal = np.cross(quad[2] - quad[0], quad[3] - quad[1])
    normal *= thickness / 2 / np.linalg.norm(normal)
    small = centre + (quad - centre) * (1 - inset)
    return loft([small - normal, small + normal])


def _face_outward(vertices: Floats, faces: NDArray[np.int32]) -> Solid:
    return Solid(vertices, faces if signed_volume(vertices, faces) > 0 else np.ascontiguousarray(faces[:, ::-1]))
