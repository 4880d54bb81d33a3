"""How many parts objects have before cleaning keeps the largest, at the resolution that users get."""

from __future__ import annotations

import numpy as np
from tqdm import tqdm

from gen3d_core.mesh.extract import MeshError, count_parts
from gen3d_core.model.model import Model

RESOLUTION = 128
"""Of `Model.sample`, `gen3d sample` and Blender unless asked otherwise."""


def parts_of_seeds(model: Model, seeds: range, truncation: float) -> np.ndarray:
    """Solid parts of each seed's object, (N,) int64, of those that have a surface. No colours are looked up."""
    found = []
    for seed in tqdm(seeds, desc="parts", unit="object", leave=False):
        try:
            found.append(count_parts(model.field(model.codes(seed), truncation), RESOLUTION))
        except MeshError:
            continue
    return np.array(found, np.int64)
