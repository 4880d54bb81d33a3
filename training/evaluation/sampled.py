"""Meshes from a model, as whoever uses it gets them, with what cleaning removed."""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass

import numpy as np
from tqdm import tqdm

from gen3d_core.mesh.extract import MeshError, components, largest_part
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.model.model import Model


@dataclass(frozen=True)
class Sampled:
    """`meshes` has one entry per seed, None where the model gave none; `components` counts
    the solid parts before cleaning, for those that it gave; `seconds` is the median time of one, None without any."""

    meshes: tuple[Mesh | None, ...]
    components: tuple[int, ...]
    seconds: float | None

    @property
    def survivors(self) -> tuple[Mesh, ...]:
        """The meshes that there are."""
        return tuple(mesh for mesh in self.meshes if mesh is not None)


def sample_meshes(model: Model, seeds: range, resolution: int, truncation: float) -> Sampled:
    """A mesh per seed, taken from the one with all its loose parts: `Model.sample`'s own but for rounding."""
    meshes: list[Mesh | None] = []
    parts: list[int] = []
    seconds: list[float] = []
    for seed in tqdm(seeds, desc="meshes", unit="mesh", leave=False):
        began = time.perf_counter()
        try:
            whole = model.sample(seed, resolution, truncation=truncation, floaters=0.0)
        except MeshError:
            meshes.append(None)
            continue
        meshes.append(largest_part(whole).normalised())
        seconds.append(time.perf_counter() - began)
        parts.append(len(np.unique(components(whole.faces, len(whole.vertices)))))
    return Sampled(tuple(meshes), tuple(parts), statistics.median(seconds) if seconds else None)
