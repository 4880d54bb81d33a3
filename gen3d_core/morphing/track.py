"""One mesh that follows a field along a path: equal triangles at every key as long as the surface stays in one piece of
one kind, and a fresh mesh from where it does not."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

import numpy as np

from gen3d_core import limits
from gen3d_core.mesh.distance import surface_distances
from gen3d_core.mesh.extract import PointField, extract
from gen3d_core.mesh.geometry import areas
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.mesh.sequence import Segment
from gen3d_core.mesh.sparse_lattice import LogitFunction
from gen3d_core.morphing.level_set import Advection, Tracked
from gen3d_core.morphing.report import KeyReport, MorphMeshes
from gen3d_core.progress import OnProgress, ignore_progress

FieldAt = Callable[[float], PointField]
"""The field of the object at a parameter of the path."""

_APART = 2.0
"""Surfaces farther than this from each other, in spacings, are not one surface met twice."""
_MOST_STRIDES = 8
"""Steps from one key to the next."""
_DEGENERATE = 1e-3
"""Area of a degenerate triangle at most, in squared spacings."""
_POINTS_AT_ONCE = 1 << 14


@dataclass(frozen=True)
class _Key:
    """A mesh in the canonical frame, how it is carried on, and how good it is."""

    mesh: Mesh
    advection: Advection
    now: Tracked
    report: KeyReport


def morph(
    field_at: FieldAt,
    times: Sequence[float],
    resolution: int,
    *,
    base: int = 0,
    after_change: str = "segment",
    progress: OnProgress = ignore_progress,
) -> MorphMeshes:
    """The mesh of key `base` carried to all others along the level sets of the field, both ways.

    Where the mesh has lost the surface, a part of which came or went, or folds over itself, the topology is taken to
    have changed at the first of the keys just before whose Euler number differs as well, or else at that key. `stop`
    leaves out that key and those beyond it; `segment` starts anew there from the key's own mesh. Small holes that open
    and close again are told in the reports only.

    Args:
        times: parameters of the keys, rising.
        resolution: samples a side of extracted meshes; also the scale of all steps.
        progress: whatever it raises stops the work.

    Raises:
        Gen3DError: the arguments are out of range, or the field has no surface at some key.
    """
    _check(times, resolution)
    base = limits.check_whole("base", base, (0, len(times) - 1))
    limits.check_choice("after_change", after_change, limits.MORPH_AFTER_CHANGE)
    walk = _Walk(field_at, resolution, len(times), after_change == "segment", progress)
    onward = walk.segments([float(time) for time in times[base:]])
    backward = walk.segments([float(time) for time in times[base::-1]], onward[0][0])
    middle = backward[0][:0:-1] + onward[0]
    runs = [run[::-1] for run in backward[:0:-1]] + [middle] + onward[1:]
    covered = sum(map(len, backward))
    segments, first = [], base + 1 - covered
    for run in runs:
        segments.append(_segment(first, run))
        first += len(run)
    progress(1.0, "morph")
    return MorphMeshes(tuple(segments), tuple(key.report for run in runs for key in run))


def flipbook(
    field_at: FieldAt, times: Sequence[float], resolution: int, *, progress: OnProgress = ignore_progress
) -> MorphMeshes:
    """A mesh of its own for every key, of any topology: each is a segment. Raises like `morph`."""
    _check(times, resolution)
    walk = _Walk(field_at, resolution, len(times), True, progress)
    keys = [walk.start(float(time)) for time in times]
    progress(1.0, "flipbook")
    segments = tuple(_segment(n, [key]) for n, key in enumerate(keys))
    return MorphMeshes(segments, tuple(key.report for key in keys))


def _check(times: Sequence[float], resolution: int) -> None:
    limits.check_whole("steps", len(times), limits.MORPH_STEPS)
    limits.check_whole("resolution", resolution, limits.RESOLUTION)
    limits.check_whole("resolution² × steps", resolution**2 * len(times), limits.MORPH_SIZE)


def _segment(first: int, run: Sequence[_Key]) -> Segment:
    meshes = [key.mesh.normalised() for key in run]
    return Segment(
        first,
        run[0].mesh.faces,
        np.stack([mesh.vertices for mesh in meshes]),
        np.stack([mesh.colours for mesh in meshes]),
    )


class _Walk:
    """The work of one call: keys in a row, and how far it is."""

    def __init__(self, field_at: FieldAt, resolution: int, count: int, anew: bool, progress: OnProgress) -> None:
        self._field_at, self._resolution, self._anew = field_at, resolution, anew
        self._spacing = 2.0 / (resolution - 1)
        self._count, self._done, self._progress = count, 0, progress

    def segments(self, times: Sequence[float], first: _Key | None = None) -> list[list[_Key]]:
        """Keys at times that rise or fall, grouped by topology, the first of them given or made."""
        key = first or self.start(times[0])
        found, run, place = [], [key], 0
        while place + 1 < len(times):
            now = self._carried(key.advection, key.now, times[place], times[place + 1])
            key = self._judged(key.advection, now, self._field_at(times[place + 1]))
            if not key.report.lost:
                run.append(key)
                place += 1
                continue
            while len(run) > 1 and run[-1].report.changed:  # the change that led to the loss began here
                run.pop()
                place -= 1
            found.append(run)
            if not self._anew:
                return found
            place += 1
            key = self.start(times[place])
            run = [key]
        return [*found, run]

    def start(self, time: float) -> _Key:
        """A key with a mesh of its own."""
        field = self._field_at(time)
        mesh = self._fresh(field)
        advection = Advection(mesh.faces, len(mesh.vertices), self._spacing)
        now = advection.project(self._watched(field.logit), mesh.vertices)
        return self._judged(advection, now, field, mesh)

    def _carried(self, advection: Advection, now: Tracked, begin: float, end: float) -> Tracked:
        """From one key to the next in strides of about a spacing."""
        time, stride = begin, end - begin
        while time != end:
            stride = min(stride, end - time, key=abs)
            logit = self._watched(self._field_at(time + stride).logit)
            if advection.stride(now, logit) > 1.0 and abs(stride) > abs(end - begin) / _MOST_STRIDES * (1 + 1e-9):
                stride /= 2
                continue
            time = end if stride == end - time else time + stride
            now = advection.advance(now, logit)
        return now

    def _judged(self, advection: Advection, now: Tracked, field: PointField, fresh: Mesh | None = None) -> _Key:
        fresh = fresh or self._fresh(field)
        faces, vertices = advection.faces, now.vertices
        side = float(np.ptp(fresh.vertices, axis=0).max())
        apart = surface_distances(vertices, faces, fresh.vertices, fresh.faces)
        report = KeyReport(
            residual_logit=float(np.abs(now.logits).mean()),
            residual=float(now.distances.mean()) / side,
            worst_residual=float(now.distances.max()) / side,
            distance=apart.mean / side,
            apart=apart.share_beyond(_APART * self._spacing),
            flipped=float(advection.flipped(now).mean()),
            degenerate=float((areas(vertices, faces) < _DEGENERATE * self._spacing**2).mean()),
            euler=_euler(len(vertices), faces),
            fresh_euler=_euler(len(fresh.vertices), fresh.faces),
        )
        self._report(0.9)
        colours = np.clip(np.asarray(field.colour(vertices), np.float32), 0.0, 1.0)
        self._done += 1
        return _Key(Mesh(vertices, faces, colours), advection, now, report)

    def _fresh(self, field: PointField) -> Mesh:
        """The mesh of a field, asked sparingly also where its lattice is cheap."""
        mesh = extract(_Sparse(self._watched(field.logit)), self._resolution)
        limits.check_whole("vertices of all keys", len(mesh.vertices) * self._count, limits.MORPH_VERTICES)
        return mesh

    def _watched(self, logit: LogitFunction) -> LogitFunction:
        """The same logit, asked a few points at a time, so that a slow one can be stopped."""

        def asked(points: np.ndarray) -> np.ndarray:
            parts = []
            for start in range(0, len(points), _POINTS_AT_ONCE):
                self._report(0.5)
                parts.append(logit(points[start : start + _POINTS_AT_ONCE]))
            return np.concatenate(parts)

        return asked

    def _report(self, part: float) -> None:
        self._progress(min((self._done + part) / self._count, 1.0), f"key {min(self._done + 1, self._count)}")


@dataclass(frozen=True)
class _Sparse:
    """A field without its lattice and its colours, which only vertices that stay are asked for."""

    ask: LogitFunction

    def logit(self, points: np.ndarray) -> np.ndarray:
        return self.ask(points)

    def colour(self, points: np.ndarray) -> np.ndarray:
        return np.zeros_like(points)


def _euler(vertices: int, faces: np.ndarray) -> int:
    """V - E + F of a closed mesh, in which three halves as many edges as faces."""
    return vertices - len(faces) // 2
