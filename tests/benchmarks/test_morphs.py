"""The benchmark of morphs says of a family that morphs perfectly that it does."""

from pathlib import Path

import pytest

from benchmarks.morphs import morph_benchmark
from gen3d_core.errors import Gen3DError
from tests.analytic import write_ellipsoid_model


def test_ellipsoids_are_morphed_in_one_piece(tmp_path: Path) -> None:
    path = write_ellipsoid_model(tmp_path / "eggs.gen3d", name="eggs")
    head, rule, row = morph_benchmark([str(path)], pairs=2, keys=3, resolution=24, threads=1).splitlines()
    assert head.count("|") == rule.count("|") == row.count("|")
    cells = [cell.strip() for cell in row.strip("|").split("|")]
    assert cells[:5] == ["eggs", "2", "100%", "100%", "1.0"] and cells[8] == "0.000%"
    assert 0 < float(cells[5].split("%")[0]) < 0.5


def test_what_cannot_be_measured_is_refused() -> None:
    with pytest.raises(Gen3DError, match="--pairs is 0"):
        morph_benchmark(["cars"], pairs=0, keys=3, resolution=24)
    with pytest.raises(Gen3DError, match="no model named"):
        morph_benchmark([], pairs=1, keys=3, resolution=24)
    with pytest.raises(Gen3DError, match="no model 'none'"):
        morph_benchmark(["none"], pairs=1, keys=3, resolution=24)
