# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What has become of a generated mesh since: a scale or rotation that was applied, an origin that was moved, geometry
that was joined.

Every vertex keeps where it was made, in an attribute that Blender carries through edits, modifiers and files. Where the
vertices are now, against that, tells what happened to all of them.
"""

import secrets
from typing import Any

import bpy
import numpy as np

REST = ".gen3d_rest"
"""How the attribute's name begins: the dot keeps it out of lists and exports; the rest of it is the mesh's own, so that
of two joined meshes each knows its vertices."""
LIFT = np.array([0.0, 0.0, 1.0], np.float32)  # above nought, where Blender puts vertices that were joined
MOST = 4096  # vertices that a fit looks at
CLOSE = 1e-5  # of the mesh's span: what single precision leaves
SAME = 1e-4  # of the mesh's span: by how much the same codes may differ when they are generated again


class ForeignGeometryError(RuntimeError):
    """A mesh holds more than what was generated, which another mesh would take away. The message is one line."""


def keep_rest(mesh: bpy.types.Mesh, points: np.ndarray) -> None:
    """Let the vertices of a new mesh remember where they are made: points (V, 3), longest side 1, base at the
    origin."""
    attribute: Any = mesh.attributes.new(f"{REST}.{secrets.token_hex(4)}", "FLOAT_VECTOR", "POINT")
    attribute.data.foreach_set("vector", (points + LIFT).astype(np.float32).ravel())


def frame_of(placed: bpy.types.Object, size: float, again: np.ndarray | None = None) -> np.ndarray:
    """(4, 4) float64 from where vertices were made to where they are in the object's mesh.

    Where nothing was applied, that is `size` alone; a mesh that was sculpted or reduced in parts is followed in what
    moved the others. Meshes of older versions remember nothing: they are compared with `again` (V, 3), what was
    generated anew, and count as untouched where that is another mesh. Raises ForeignGeometryError.
    """
    plain = np.diag([size, size, size, 1.0])
    mesh: Any = placed.data
    points, rest = _vectors(mesh.attributes["position"]) if len(mesh.vertices) else np.empty((0, 3)), rest_of(placed)
    old = rest is None
    if old and again is not None and len(again) == len(points):
        rest = again
    if rest is None or np.linalg.matrix_rank(_sampled(_homogeneous(rest))) < 4:
        return plain
    if not old and _has_copies(rest, points):
        raise _foreign(placed)
    rest, points = _sampled(_homogeneous(rest)), _sampled(points)
    span = float(np.ptp(points, axis=0).max()) or 1.0
    fitted, error = _fit(rest, points, span)
    if old and error > SAME * span:  # as many vertices by chance, or other codes
        return plain
    if _error(rest, points, plain[:3].T) <= 3 * error + CLOSE * span:
        return plain
    return np.vstack([fitted.T, [0.0, 0.0, 0.0, 1.0]])


def size_of(placed: bpy.types.Object, size: float) -> float:
    """The longest side in metres of what was generated, as it stands in the scene; `size` as it was made."""
    try:
        frame, rest = frame_of(placed, size), rest_of(placed)
    except ForeignGeometryError:
        frame, rest = np.diag([size, size, size, 1.0]), None
    sides = np.ones(3) if rest is None else np.ptp(rest, axis=0)
    return longest_side(np.array(placed.matrix_world) @ frame, sides)


def longest_side(frame: np.ndarray, sides: np.ndarray) -> float:
    """Of a box with sides (3,) in a frame (4, 4), to six digits: more are not known."""
    return float(f"{(np.linalg.norm(frame[:3, :3], axis=0) * sides).max():.6g}")


def rest_of(placed: bpy.types.Object) -> np.ndarray | None:
    """(V, 3) where the vertices were made; None for a mesh that remembers nothing. Raises ForeignGeometryError."""
    mesh: Any = placed.data
    kept = [_vectors(each) for each in mesh.attributes if each.name.startswith(REST)]
    own = [each - LIFT for each in kept if len(each) and each[:, 2].min() > LIFT[2] - 1e-3]
    if kept and len(own) != 1 and len(mesh.vertices):
        raise _foreign(placed)
    return own[0] if own else None


def _foreign(placed: bpy.types.Object) -> ForeignGeometryError:
    return ForeignGeometryError(
        f"{placed.name} holds more than what was generated, which would be lost: separate it first (P in Edit Mode)"
    )


def _has_copies(rest: np.ndarray, points: np.ndarray) -> bool:
    """Whether one vertex as it was made is at two places, as after a join with a duplicate or an applied mirror."""
    order = np.argsort(rest @ np.array([1.0, np.pi, np.e]), kind="stable")
    one, two = order[:-1], order[1:]
    same = (rest[one] == rest[two]).all(axis=1)
    apart = np.abs(points[one] - points[two]).max(axis=1) > 1e-3 * np.ptp(points, axis=0).max()
    return bool((same & apart).any())


def _fit(rest: np.ndarray, points: np.ndarray, span: float) -> tuple[np.ndarray, float]:
    """The (4, 3) that takes most points of `rest` (N, 4) to `points` (N, 3), by least squares weighted anew until the
    sum of distances is least, and the median distance."""
    weights = np.ones(len(rest))
    for _ in range(30):
        root = np.sqrt(weights)[:, None]
        fitted = np.linalg.lstsq(root * rest, root * points, rcond=None)[0]
        error = _error(rest, points, fitted)
        if error < CLOSE * span / 10:
            break
        weights = 1.0 / np.maximum(np.linalg.norm(rest @ fitted - points, axis=1), 1e-6 * span)
    return fitted, error


def _error(rest: np.ndarray, points: np.ndarray, frame: np.ndarray) -> float:
    return float(np.median(np.linalg.norm(rest @ frame - points, axis=1)))


def _sampled(values: np.ndarray) -> np.ndarray:
    return values[:: -(-len(values) // MOST) or 1].astype(np.float64)


def _homogeneous(points: np.ndarray) -> np.ndarray:
    return np.concatenate([points, np.ones((len(points), 1), points.dtype)], axis=1)


def _vectors(attribute: Any) -> np.ndarray:
    values = np.empty(3 * len(attribute.data), np.float32)
    attribute.data.foreach_get("vector", values)
    return values.reshape(-1, 3)
