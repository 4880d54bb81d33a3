"""The benchmark measures both procedures and says what with; its steepened surface stays where it was."""

import pytest
import torch

from benchmarks import published, speed
from gen3d_core.config import PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.rendering.generator import Generator
from tests.training.gan.test_baselines import tiny


def test_the_table_names_machine_and_ratios(monkeypatch: pytest.MonkeyPatch) -> None:
    """On a toy network: three rows, each with both times and how they relate."""
    monkeypatch.setattr(speed, "load_settings", lambda preset: tiny(preset))
    monkeypatch.setattr(published, "PICTURE_SIZE", 16)
    monkeypatch.setattr(published, "MESH_RESOLUTION", 24)
    table = speed.benchmark("paper-small", repeats=1)
    head, *_, step, picture, mesh = table.splitlines()
    assert "torch" in head and "threads" in head
    for row, what in ((step, "generator step"), (picture, "picture of 16²"), (mesh, "mesh of 24³")):
        slow, fast, ratio = float(row.split()[-7]), float(row.split()[-5]), float(row.split()[-3].rstrip("x"))
        assert row.startswith(what) and slow > 0 and fast > 0
        assert ratio == pytest.approx(slow / fast, rel=0.5, abs=0.5), "to the digits that are shown"


def test_a_steepened_surface_is_steeper_and_in_its_place() -> None:
    torch.manual_seed(0)
    config = tiny("paper-small")
    generator = Generator(config, PosePrior())
    field = generator.condition(torch.zeros(1, 8), torch.zeros(1, 6))
    points = torch.nn.functional.normalize(torch.randn(50, 3), dim=-1)[:, None] * torch.linspace(0.1, 0.6, 30)[:, None]
    before = field.logit(points, torch.zeros(50, dtype=torch.long)).detach()
    published.steepen(generator.field, 5.0)  # type: ignore[arg-type]
    field = generator.condition(torch.zeros(1, 8), torch.zeros(1, 6))
    after = field.logit(points, torch.zeros(50, dtype=torch.long)).detach()
    free = before < 1  # deeper inside, the unit sphere's own bound is the lower one
    assert (before > 0)[free].any() and torch.allclose(after[free], 5 * before[free], rtol=1e-3, atol=1e-3)


def test_what_has_no_dense_reference_is_refused() -> None:
    with pytest.raises(Gen3DError, match="--preset fast has a triplane field"):
        speed.benchmark("fast")
    with pytest.raises(Gen3DError, match="both must be positive"):
        speed.benchmark("paper-small", slope=0)
