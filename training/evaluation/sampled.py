"""Meshes from a model, as whoever uses it gets them."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

from tqdm import tqdm

from gen3d_core.mesh.extract import MeshError
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.model.model import Model


@dataclass(frozen=True)
class Sampled:
    """`meshes` has one entry per seed, None where the model gave none; `seconds` is the median time of one, None
    without any."""

    meshes: tuple[Mesh | None, ...]
    seconds: float | None

    @property
    def survivors(self) -> tuple[Mesh, ...]:
        """The meshes that there are."""
        return tuple(mesh for mesh in self.meshes if mesh is not None)


def sample_meshes(model: Model, seeds: range, resolution: int, truncation: float) -> Sampled:
    """`Model.sample`'s own, one per seed."""
    meshes: list[Mesh | None] = []
    seconds: list[float] = []
    for seed in tqdm(seeds, desc="meshes", unit="mesh", leave=False):
        began = time.perf_counter()
        try:
            meshes.append(model.sample(seed, resolution, truncation=truncation))
        except MeshError:
            meshes.append(None)
            continue
        seconds.append(time.perf_counter() - began)
    return Sampled(tuple(meshes), statistics.median(seconds) if seconds else None)
