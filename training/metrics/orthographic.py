"""Orthographic views of a mesh in the unit box from all around: which face each pixel sees, either side of it."""

from __future__ import annotations

import numpy as np

from gen3d_core.pictures.pinhole import axes_towards
from gen3d_core.pictures.rasterise import rasterise


class View:
    """What a camera infinitely far away in the direction `back` sees of a mesh within the unit box around the origin.

    The picture has `size` x `size` pixels of width `pixel`: the box lies within a sphere of diameter sqrt(3).
    """

    def __init__(
        self, vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray, back: np.ndarray, size: int
    ) -> None:
        self.back, self.size, self.pixel = back, size, 3**0.5 / size
        self._axes = axes_towards(back)
        seen = vertices @ self._axes.T
        away = normals @ back < 0  # the rasteriser culls these: show it their other side
        # It interpolates one over the depth linearly in the picture, as perspective asks for; under an orthographic
        # projection that is the nearness itself.
        depth = 1.0 / (seen[:, 2] + 2.0)
        hits = rasterise(self._places(seen), depth, np.where(away[:, None], faces[:, ::-1], faces), size)
        self._hit = hits.face >= 0
        face = np.maximum(hits.face, 0)
        self._corner = vertices[faces[face, 0]]
        self._normal = normals[face] * np.where(away, -1.0, 1.0)[face, None]

    def heights(self, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """For points (N, 3): whether the pixel over each sees a face, (N,) bool, and how far the point is in front of
        that face's plane, (N,) float64, negative behind it. Beside a pixel's centre the face goes on as its plane."""
        column, row = np.clip(self._places(points @ self._axes.T).astype(np.int64), 0, self.size - 1).T
        place = row * self.size + column
        return self._hit[place], np.einsum("nk,nk->n", points - self._corner[place], self._normal[place])

    def _places(self, seen: np.ndarray) -> np.ndarray:
        """Pixel positions (N, 2) of points (N, 3) in the camera's axes: x right, y down."""
        return seen[:, :2] * [1, -1] / self.pixel + self.size / 2


def look_around(vertices: np.ndarray, faces: np.ndarray, normals: np.ndarray, count: int, size: int) -> list[View]:
    """Views of a mesh in the unit box, with unit normals (F, 3), from `count` directions spread evenly."""
    return [View(vertices, faces, normals, back, size) for back in _directions(count)]


def _directions(count: int) -> np.ndarray:
    """Unit vectors (count, 3) spread evenly over the sphere, none along an axis: a Fibonacci lattice."""
    z = 1 - (2 * np.arange(count) + 1) / count
    turn = np.arange(count) * np.pi * (3 - np.sqrt(5)) + 0.3
    return np.stack([np.sqrt(1 - z**2) * np.cos(turn), np.sqrt(1 - z**2) * np.sin(turn), z], axis=1)
