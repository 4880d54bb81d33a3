"""Bodies in one piece: which nodes would mend a broken one, and a generator that learns to."""

import numpy as np
import pytest
import torch

from gen3d_core.config import GeneratorConfig
from gen3d_core.networks.fields.triplane import TriplaneField
from training.reconstruction.codes import CodeTable
from training.reconstruction.connectivity import is_whole, repair
from training.reconstruction.wholeness import NEIGHBOURS, new_codes, wholeness

pytestmark = pytest.mark.usefixtures("single_thread")
SIDE = 24


def bodies(*boxes: tuple[slice, slice, slice], outside: float = -6.0) -> np.ndarray:
    """Logits of boxes, each 3 inside."""
    logits = np.full((SIDE, SIDE, SIDE), outside, np.float32)
    for box in boxes:
        logits[box] = 3.0
    return logits


SEAT = np.s_[4:20, 4:20, 12:16]
LEG = np.s_[6:8, 6:8, 2:10]
SPECK = np.s_[21:22, 21:22, 3:4]


def test_a_whole_body_needs_nothing() -> None:
    touching = np.s_[19:21, 19:21, 15:20]
    for body in (bodies(SEAT), bodies(SEAT, np.s_[6:8, 6:8, 2:12]), bodies(SEAT, touching), bodies()):
        assert len(repair(body).nodes) == 0
    assert is_whole(bodies(SEAT)) and not is_whole(bodies(SEAT, LEG)) and not is_whole(bodies())


def test_a_leg_that_broke_off_is_joined_where_the_gap_is_faintest() -> None:
    body = bodies(SEAT, LEG)
    body[7, 7, 10:12] = -0.5  # the network nearly knows it
    found = repair(body)
    assert found.inside.all()
    assert {tuple(node) for node in found.nodes} == {(7, 7, 10), (7, 7, 11)}
    body[tuple(found.nodes.T)] = 1.0
    assert is_whole(body)


def test_a_speck_is_cleared() -> None:
    found = repair(bodies(SEAT, SPECK))
    assert not found.inside.any() and [tuple(node) for node in found.nodes] == [(21, 21, 3)]


def test_several_pieces_at_once() -> None:
    body = bodies(SEAT, LEG, SPECK)
    found = repair(body)
    body[tuple(found.nodes.T)] = np.where(found.inside, 1.0, -1.0)
    assert found.inside.any() and not found.inside.all() and is_whole(body)


def test_pieces_that_nothing_leads_to_and_bad_numbers_end_too() -> None:
    dust = np.random.default_rng(0).normal(size=(SIDE, SIDE, SIDE)).astype(np.float32)
    found = repair(dust - 2)
    assert found.nodes.shape == (len(found.inside), 3) and found.nodes.max() < SIDE
    assert len(repair(np.full((SIDE, SIDE, SIDE), np.nan, np.float32)).nodes) == 0


@pytest.fixture
def field() -> TriplaneField:
    torch.manual_seed(4)
    return TriplaneField(
        GeneratorConfig(
            shape_dim=8, appearance_dim=6, mapping_width=16, synthesis_channels=(16, 16, 8), plane_channels=8
        )
    )


def test_a_generator_learns_to_make_whole_bodies(field: TriplaneField) -> None:
    """One whose bodies are in pieces, by nothing but this loss."""
    rng = torch.Generator().manual_seed(0)
    with torch.no_grad():
        field.occupancy_out.weight.mul_(60)  # the sphere crumbles
        field.occupancy_out.bias.sub_(10)
    codes, appearance = torch.randn(12, 8, generator=rng), torch.zeros(1, 6)
    there = bodies_of(field, codes)
    assert there > 8
    optimiser = torch.optim.Adam(field.parameters(), 2e-3)
    shares = []
    for _ in range(60):
        optimiser.zero_grad()
        found = wholeness(field.condition(codes, appearance), 20, rng)
        found.loss.backward()
        optimiser.step()
        shares.append(found.whole)
    assert shares[0] < 0.6 and shares[-1] > 0.9
    assert bodies_of(field, codes) >= there, "none is cleared away"


def bodies_of(field: TriplaneField, codes: torch.Tensor) -> int:
    return int((field.condition(codes, torch.zeros(1, 6)).lattice(20) > 0).flatten(1).any(1).sum())


def test_whole_bodies_cost_nothing(field: TriplaneField) -> None:
    found = wholeness(field.condition(torch.zeros(3, 8), torch.zeros(1, 6)), 16, torch.Generator().manual_seed(0))
    assert found.whole == 1 and found.loss.item() == 0
    found.loss.backward()


def test_new_codes_lie_among_the_known_ones_near_them() -> None:
    """Two clusters: a new code belongs to one of them, and differs from all that are known."""
    rng = torch.Generator().manual_seed(0)
    centre = torch.zeros(16)
    centre[0] = 3.0
    noise = 0.3 * torch.randn(400, 16, generator=rng)
    shapes = torch.where(torch.arange(400)[:, None] % 2 == 0, centre, -centre) + noise
    table = CodeTable(shapes, torch.zeros(400, 4))
    made = new_codes(table, 100, rng)
    known = table.shapes(torch.arange(400)).detach()
    away = torch.cdist(made, known)
    assert not made.requires_grad and away.min() > 0.05
    assert 20 < (made[:, 0] > 0).sum() < 80 and made[:, 0].abs().min() > 1.5
    spread = [each[each[:, 0] > 0].std(0)[1:].mean() for each in (made, known)]
    assert spread[0] == pytest.approx(spread[1].item(), rel=0.35), "as varied as known ones, not their mean"
    few = CodeTable(shapes[: NEIGHBOURS // 2], torch.zeros(NEIGHBOURS // 2, 4))
    assert new_codes(few, 5, rng).shape == (5, 16)
