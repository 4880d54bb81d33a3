"""Real meshes as clouds of points, ready to have sets of generated meshes compared with them."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from gen3d_core.mesh.mesh import Mesh
from training.data.meshes import RealMeshes
from training.metrics.points import chamfer_matrix, visible_points
from training.metrics.sets import SetScores, compare_sets

HALVINGS = 20
"""Times that references are halved at random where there are no further real meshes."""


@dataclass(frozen=True)
class RealSet:
    """Clouds (N, P, 3) of the references and the distances among them; `floor` is what real meshes score in place of
    generated ones, `origin` says which.

    `halves` (H, 2, N // 2) are places of references halved at random, for want of further real meshes: then every score
    is the mean over them, the floor's of one half against the other, generated meshes' of as many against the other
    half. So both are of sets of one size, which they depend on, and no one split decides.
    """

    clouds: np.ndarray
    within: np.ndarray
    floor: SetScores
    origin: str
    seed: int
    halves: np.ndarray | None = None

    @classmethod
    def of(cls, real: RealMeshes, count: int, points: int, seed: int) -> RealSet:
        """The first `count` references with `points` points of what is visible of each."""
        references = clouds(real.references[:count], points, [seed, 30], "points of references")
        within = _distances(references, references, "real to real")
        if real.others is None:
            halves = _halve(count, [seed, 35])
            floor = _mean_scores(within, within, within, [(one, two) for one, two in halves])
            origin = (
                f"For want of further real meshes the {count} references are halved at random, {HALVINGS} times. "
                "Floor: one half against the other. Generated: as many against the other half."
            )
            return cls(references, within, floor, origin, seed, halves)
        others = clouds(real.others[:count], points, [seed, 34], "points of further real")
        between = _distances(others, references, "further real to real")
        floor = compare_sets(between, _distances(others, others, "further real to further real"), within)
        return cls(references, within, floor, f"Floor: {count} training meshes in place of the generated ones.", seed)

    @property
    def size(self) -> int:
        """How many meshes of each kind are compared."""
        return len(self.clouds) if self.halves is None else self.halves.shape[2]

    def scores(self, meshes: Sequence[Mesh]) -> SetScores:
        """MMD-CD, COV-CD and 1-NNA of as many generated meshes as there are references."""
        generated = clouds(meshes, self.clouds.shape[1], [self.seed, 31], "points of generated")
        between = _distances(generated, self.clouds, "generated to real")
        among = _distances(generated, generated, "generated to generated")
        if self.halves is None:
            return compare_sets(between, among, self.within)
        rng = np.random.default_rng([self.seed, 36])
        pairs = [(rng.permutation(len(generated))[: self.size], its) for _, its in self.halves]
        return _mean_scores(between, among, self.within, pairs)


def _halve(count: int, stream: list[int]) -> np.ndarray:
    """Two halves of `count` places without a common one, `HALVINGS` times: (H, 2, count // 2)."""
    rng, half = np.random.default_rng(stream), count // 2
    return np.stack([rng.permutation(count)[: 2 * half].reshape(2, half) for _ in range(HALVINGS)])


def _mean_scores(
    between: np.ndarray, among: np.ndarray, within: np.ndarray, pairs: Sequence[tuple[np.ndarray, np.ndarray]]
) -> SetScores:
    """Mean scores over `pairs` of places: of samples, and of the references that those are compared with.

    What each object contributes is its mean over the pairs, so that intervals resample objects and do not take the
    repeated halving of few for more than it is.
    """
    samples, references = between.shape
    correct, nearest, covered, apart = (_Mean(n) for n in (samples, references, references, references))
    for mine, its in pairs:
        found = compare_sets(between[np.ix_(mine, its)], among[np.ix_(mine, mine)], within[np.ix_(its, its)])
        correct.add(mine, found.correct[: len(mine)])
        nearest.add(its, found.nearest)
        covered.add(its, found.covered)
        apart.add(its, found.correct[len(mine) :])
    return SetScores(nearest.values, covered.values, np.concatenate([correct.values, apart.values]))


class _Mean:
    """Means of what is added at places, of those at which anything was."""

    def __init__(self, count: int) -> None:
        self._sum, self._times = np.zeros(count), np.zeros(count, int)

    def add(self, places: np.ndarray, values: np.ndarray) -> None:
        self._sum[places] += values
        self._times[places] += 1

    @property
    def values(self) -> np.ndarray:
        there = self._times > 0
        return self._sum[there] / self._times[there]


def clouds(meshes: Sequence[Mesh], count: int, stream: list[int], what: str) -> np.ndarray:
    """`count` points of each mesh's visible surface: (N, count, 3). A mesh's points depend on its place alone."""
    found = [
        visible_points(mesh, count, np.random.default_rng([*stream, index]))
        for index, mesh in enumerate(tqdm(meshes, desc=what, unit="mesh", leave=False))
    ]
    return np.stack(found)


def _distances(one: np.ndarray, two: np.ndarray, what: str) -> np.ndarray:
    """Chamfer distances between clouds (N, P, 3) and (M, P, 3): (N, M)."""
    with tqdm(
        total=100.0, desc=what, bar_format="{desc} {percentage:3.0f} %|{bar}| {elapsed}<{remaining}", leave=False
    ) as bar:

        def progress(fraction: float) -> None:
            bar.update(100 * fraction - bar.n)

        return chamfer_matrix(one, two, progress)
