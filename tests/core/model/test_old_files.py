"""Model files of the past are read, and give the meshes that they gave then."""

from pathlib import Path

import numpy as np
import pytest

from gen3d_core.model.model import load

OLD = Path(__file__).resolve().parents[2] / "fixtures" / "old"


@pytest.mark.parametrize("name", ["ellipsoids", "blobs"])
def test_an_old_model_gives_its_old_mesh(name: str):
    mesh = load(OLD / f"{name}.gen3d", threads=1).sample(seed=3, resolution=32)
    with np.load(OLD / f"{name}.npz") as then:
        assert np.array_equal(mesh.faces, then["faces"])
        # Another processor may round otherwise.
        assert np.abs(mesh.vertices - then["vertices"]).max() < 1e-4
        assert np.abs(mesh.colours - then["colours"]).max() < 1e-3
