"""A mesh carried along by a level set that moves: same triangles, new places.

The level set f(x, z) = 0 moves with dx/dt = -(df/dz dz/dt) grad f / |grad f|^2 (Osher and Sethian 1988, Stam and
Schmidt, "On the velocity of an implicit surface", 2011), which is the motion along the normal; Newton steps
x - f grad f / |grad f|^2 bring vertices back onto it. f is the logit: occupancy saturates, and its gradient vanishes.
Nothing fixes the motion along the surface, so the vertices are spread evenly there.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gen3d_core.mesh.sparse_lattice import LogitFunction

_CORNERS = np.array([[1, 1, 1], [1, -1, -1], [-1, 1, -1], [-1, -1, 1]], np.float32)
"""Of a tetrahedron: four values tell the gradient as well as six would."""
_STENCIL = 0.25
"""Its size in spacings."""
_REACH = 0.5
"""The longest step of a vertex in spacings: beyond, the gradient says nothing of where the surface is."""
_CLOSE = 0.02
"""Vertices nearer to the surface than this, in spacings, have arrived."""
_NEWTON_STEPS = 4
_SPREADS = 20
_SPREAD = 0.5
_REPAIRS = 8
_PULLS = 3
_FLATTEST = 0.01
"""Gradients are taken to be at least this share of the median one: towards zero, steps would run away."""


@dataclass(frozen=True)
class Tracked:
    """Vertices (V, 3) float32 on or near the zero level of a logit, its values (V,) and gradients (V, 3) there."""

    vertices: np.ndarray
    logits: np.ndarray
    gradients: np.ndarray

    @property
    def distances(self) -> np.ndarray:
        """From the level set to first order, |f| / |grad f|: (V,), in the vertices' units."""
        return np.abs(self.logits) / _steepness(self.gradients)


class Advection:
    """Triangles (F, 3) of a closed mesh of `count` vertices that follow a level set; `spacing` is the size of their
    details."""

    def __init__(self, faces: np.ndarray, count: int, spacing: float) -> None:
        self.faces, self._spacing = faces, spacing
        ends = np.concatenate([faces[:, [0, 1]], faces[:, [1, 2]], faces[:, [2, 0]]])
        ends = ends[np.argsort(ends[:, 0], kind="stable")]
        self._neighbours = ends[:, 1]
        self._valence = np.bincount(ends[:, 0], minlength=count)
        self._first = np.cumsum(self._valence) - self._valence

    def project(self, logit: LogitFunction, vertices: np.ndarray) -> Tracked:
        """The vertices moved onto the level set by Newton steps; those that have not arrived after some stay where they
        are."""
        values, gradients = self._probe(logit, vertices)
        vertices = vertices + self._newton_step(values, gradients)
        vertices += self._newton_step(logit(vertices), gradients)  # what the corners' mean differs from the centre
        values = logit(vertices)
        for _ in range(_NEWTON_STEPS):
            far = np.flatnonzero(Tracked(vertices, values, gradients).distances > _CLOSE * self._spacing)
            if not len(far):
                break
            at, slope = self._probe(logit, vertices[far])
            vertices[far] += self._newton_step(at, slope)
            values[far], gradients[far] = logit(vertices[far]), slope
        return Tracked(vertices, values, gradients)

    def advance(self, before: Tracked, logit: LogitFunction) -> Tracked:
        """The mesh on the level set of another logit, to which little changed."""
        values = logit(before.vertices)
        if (np.abs(values) < _CLOSE * self._spacing * _steepness(before.gradients)).all():
            return Tracked(before.vertices, values, before.gradients)
        vertices = before.vertices + self._newton_step(values, before.gradients)
        now = self.project(logit, self._spread(vertices, before.gradients))
        for rings in range(_REPAIRS):
            wrong = now.distances > _REACH * self._spacing
            wrong[self.faces[self.flipped(now)]] = True
            if not wrong.any():
                break
            for _ in range(rings):  # what a fold needs to open is room, more of it the longer it lasts
                wrong[self.faces[wrong[self.faces].any(axis=1)]] = True
            now = self._pulled(now, logit, np.flatnonzero(wrong))
        return now

    def stride(self, before: Tracked, logit: LogitFunction) -> float:
        """How far the way to another logit's level set is for nine vertices in ten at most, in spacings."""
        moves = np.abs(logit(before.vertices)) / _steepness(before.gradients)
        return float(np.quantile(moves, 0.9) / self._spacing)

    def flipped(self, now: Tracked) -> np.ndarray:
        """Which triangles (F,) face inward: against the logit's fall."""
        a, b, c = (now.vertices[self.faces[:, corner]] for corner in range(3))
        return np.einsum("ij,ij->i", np.cross(b - a, c - a), now.gradients[self.faces].sum(axis=1)) > 0

    def _probe(self, logit: LogitFunction, points: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        """Logits (N,) and gradients (N, 3) from the corners of a tetrahedron around each point."""
        offsets = _CORNERS * np.float32(_STENCIL * self._spacing)
        at = logit((points + offsets[:, None]).reshape(-1, 3)).reshape(4, -1)
        return at.mean(axis=0), np.einsum("kn,kc->nc", at, _CORNERS) / (4 * _STENCIL * self._spacing)

    def _newton_step(self, values: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        step = -gradients * (values / _steepness(gradients) ** 2)[:, None]
        length = np.linalg.norm(step, axis=1, keepdims=True)
        return (step * np.minimum(1.0, _REACH * self._spacing / np.maximum(length, 1e-12))).astype(np.float32)

    def _spread(self, vertices: np.ndarray, gradients: np.ndarray) -> np.ndarray:
        """Each vertex towards the mean of its neighbours, but only along the surface."""
        normals = gradients / np.maximum(np.linalg.norm(gradients, axis=1, keepdims=True), 1e-12)
        for _ in range(_SPREADS):
            pull = self._means(vertices) - vertices
            pull -= np.einsum("ij,ij->i", pull, normals)[:, None] * normals
            vertices = vertices + _SPREAD * pull
        return vertices.astype(np.float32)

    def _pulled(self, now: Tracked, logit: LogitFunction, which: np.ndarray) -> Tracked:
        """Vertices that folded or were left behind, drawn into the midst of their neighbours and projected again."""
        vertices, logits, gradients = now.vertices.copy(), now.logits.copy(), now.gradients.copy()
        for _ in range(_PULLS):
            vertices[which] = self._means(vertices)[which]
        moved = self.project(logit, vertices[which])
        vertices[which], logits[which], gradients[which] = moved.vertices, moved.logits, moved.gradients
        return Tracked(vertices, logits, gradients)

    def _means(self, vertices: np.ndarray) -> np.ndarray:
        return np.add.reduceat(vertices[self._neighbours], self._first, axis=0) / self._valence[:, None]


def _steepness(gradients: np.ndarray) -> np.ndarray:
    """Lengths (N,) of gradients (N, 3), none less than a share of the median."""
    lengths = np.linalg.norm(gradients, axis=1)
    return np.maximum(lengths, max(_FLATTEST * float(np.median(lengths)), 1e-9))
