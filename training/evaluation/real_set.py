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


@dataclass(frozen=True)
class RealSet:
    """Clouds (N, P, 3) of the references and the distances among them; `floor` is what real meshes score in place of
    generated ones, `origin` says which."""

    clouds: np.ndarray
    within: np.ndarray
    floor: SetScores
    origin: str
    seed: int

    @classmethod
    def of(cls, real: RealMeshes, count: int, points: int, seed: int) -> RealSet:
        """The first `count` references with `points` points of what is visible of each."""
        references = clouds(real.references[:count], points, [seed, 30], "points of references")
        within = _distances(references, references, "real to real")
        if real.others is None:
            half = count // 2
            one, two = slice(0, half), slice(half, 2 * half)
            floor = compare_sets(within[one, two], within[one, one], within[two, two])
            origin = (
                f"Floor: one half of the references against the other, {half} each, for want of further real meshes."
            )
        else:
            others = clouds(real.others[:count], points, [seed, 34], "points of further real")
            between = _distances(others, references, "further real to real")
            floor = compare_sets(between, _distances(others, others, "further real to further real"), within)
            origin = f"Floor: {count} training meshes in place of the generated ones."
        return cls(references, within, floor, origin, seed)

    def scores(self, meshes: Sequence[Mesh]) -> SetScores:
        """MMD-CD, COV-CD and 1-NNA of generated meshes; 1-NNA has its chance level at one half for as many of them as
        there are references."""
        generated = clouds(meshes, self.clouds.shape[1], [self.seed, 31], "points of generated")
        between = _distances(generated, self.clouds, "generated to real")
        return compare_sets(between, _distances(generated, generated, "generated to generated"), self.within)


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
