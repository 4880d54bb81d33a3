"""Exact-enough questions about solids: which points are inside, which parts touch."""

import numpy as np
from numpy.typing import NDArray

from training.procedural.solids import Part, Solid


def inside(points: NDArray[np.float64], solid: Solid) -> NDArray[np.bool_]:
    """Whether each point (N,3) lies in a closed solid: the winding number, from Van Oosterom's solid angle."""
    a, b, c = (solid.vertices[solid.faces[:, i]][None] - points[:, None] for i in range(3))
    la, lb, lc = (np.linalg.norm(v, axis=-1) for v in (a, b, c))
    numerator = (a * np.cross(b, c)).sum(-1)
    denominator = la * lb * lc + (a * b).sum(-1) * lc + (b * c).sum(-1) * la + (c * a).sum(-1) * lb
    return np.arctan2(numerator, denominator).sum(1) / (2 * np.pi) > 0.5


def samples(solid: Solid, per_face: int = 24) -> NDArray[np.float64]:
    """Points (N,3) spread over the surface, corners included."""
    rng = np.random.default_rng(0)
    corners = solid.vertices[solid.faces]
    weights = rng.dirichlet((1.0, 1.0, 1.0), (len(corners), per_face))
    return np.concatenate([solid.vertices, np.einsum("fpk,fkd->fpd", weights, corners).reshape(-1, 3)])


def pieces(parts: list[Part]) -> int:
    """Number of groups of parts that penetrate each other."""
    group = list(range(len(parts)))
    clouds = [samples(part.solid) for part in parts]
    for i in range(len(parts)):
        for j, second in enumerate(parts):
            if group[i] == group[j]:
                continue
            low, high = second.solid.vertices.min(0), second.solid.vertices.max(0)
            near = clouds[i][((clouds[i] > low) & (clouds[i] < high)).all(1)]
            if len(near) and inside(near, second.solid).any():
                old, new = group[j], group[i]
                group = [new if g == old else g for g in group]
    return len(set(group))
