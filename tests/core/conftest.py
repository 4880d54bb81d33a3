"""A real model file with a known answer, shared by the tests of the runtime half."""

from pathlib import Path

import pytest

from tests.analytic import write_ellipsoid_model


@pytest.fixture(scope="session")
def ellipsoids(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ellipsoid_model(tmp_path_factory.mktemp("models") / "ellipsoids.gen3d")


@pytest.fixture(scope="session")
def slow_ellipsoids(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same shapes, but a second or so for each box of the lattice."""
    return write_ellipsoid_model(tmp_path_factory.mktemp("models") / "slow.gen3d", name="slow", work=24)
