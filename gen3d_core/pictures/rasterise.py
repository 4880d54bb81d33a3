"""Which triangle each pixel sees, in numpy: an exact z-buffer, fast enough for preview pictures."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

_SAMPLES_AT_ONCE = 1 << 17


@dataclass(frozen=True)
class Hits:
    """Per pixel of an (S, S) picture, row-major: `face` (S*S,) int64, -1 where nothing is hit; `weights` (S*S, 3)
    barycentric, perspective-correct; `nearness` (S*S,) one over the depth, 0 where nothing is hit."""

    face: np.ndarray
    weights: np.ndarray
    nearness: np.ndarray


def rasterise(pixels: np.ndarray, depth: np.ndarray, faces: np.ndarray, size: int) -> Hits:
    """`pixels` (V, 2): x right, y down, in pixel units, pixel (i, j) has its centre at (j + .5, i + .5); `depth` (V,)
    > 0.

    Faces that turn away are culled: seen from outside, corners run counter-clockwise.
    """
    hits = Hits(np.full(size * size, -1), np.zeros((size * size, 3)), np.zeros(size * size))
    corners, near = pixels[faces], 1.0 / depth[faces]
    a, b, c = corners[:, 0], corners[:, 1], corners[:, 2]
    doubled = (b[:, 1] - a[:, 1]) * (c[:, 0] - a[:, 0]) - (b[:, 0] - a[:, 0]) * (c[:, 1] - a[:, 1])
    low = np.clip(np.ceil(np.minimum(np.minimum(a, b), c) - 0.5), 0, size).astype(np.int64)
    high = np.clip(np.floor(np.maximum(np.maximum(a, b), c) - 0.5), -1, size - 1).astype(np.int64)
    extent = high - low + 1
    seen = (doubled > 1e-12) & (extent[:, 0] > 0) & (extent[:, 1] > 0)
    longest = np.maximum(extent[:, 0], extent[:, 1])
    side = 1
    while seen.any():
        group = np.flatnonzero(seen & (longest <= side))
        seen[group] = False
        step = max(1, _SAMPLES_AT_ONCE // side**2)
        for start in range(0, len(group), step):
            part = group[start : start + step]
            _fill(hits, part, corners[part], near[part], doubled[part], low[part], side, size)
        side *= 2
    return hits


def _fill(
    hits: Hits,
    index: np.ndarray,
    corners: np.ndarray,
    near: np.ndarray,
    doubled: np.ndarray,
    low: np.ndarray,
    side: int,
    size: int,
) -> None:
    """Test a square of `side` by `side` pixel centres against each triangle of a group."""
    columns, rows = low[:, :1] + np.arange(side), low[:, 1:] + np.arange(side)
    inside = (rows < size)[:, :, None] & (columns < size)[:, None, :]
    edges = []
    for corner in range(3):
        p, q = corners[:, (corner + 1) % 3], corners[:, (corner + 2) % 3]
        along_x = (q[:, 1:] - p[:, 1:]) * (columns + 0.5 - p[:, :1])
        along_y = (q[:, :1] - p[:, :1]) * (rows + 0.5 - p[:, 1:])
        edge = along_x[:, None, :] - along_y[:, :, None]
        inside &= edge >= 0
        edges.append(edge)
    which, row, column = np.nonzero(inside)
    w = np.stack([edge[which, row, column] for edge in edges], axis=1) * (near[which] / doubled[which, None])
    nearness = w[:, 0] + w[:, 1] + w[:, 2]
    place = rows[which, row] * size + columns[which, column]
    np.maximum.at(hits.nearness, place, nearness)
    wins = nearness >= hits.nearness[place]
    place = place[wins]
    hits.face[place] = index[which[wins]]
    hits.weights[place] = w[wins] / nearness[wins, None]
