"""Steps downhill: what is no number ends nothing."""

import math

import pytest
import torch

from gen3d_core.refinement.fit import Descent


def place() -> torch.Tensor:
    return torch.tensor([2.0, 2.0], requires_grad=True)


def test_a_loss_that_is_no_number_is_stepped_back_from():
    """A cliff without numbers lies on the way: the descent turns back, comes slower, and still arrives before it."""
    at = place()
    descent = Descent([{"params": [at], "lr": 0.9}])
    for _ in range(60):
        loss = (at - 0.5).square().sum()
        descent.step(loss if bool((at > 0.4).all()) else loss * math.nan)
        assert torch.isfinite(at).all()
    assert descent.best < 0.05


def test_a_gradient_that_is_no_number_moves_nothing_and_the_others_go_on():
    """The root has no slope at 0: infinity times zero."""
    at, still = place(), torch.zeros(1, requires_grad=True)
    descent = Descent([{"params": [at, still], "lr": 0.1}])
    for _ in range(40):
        descent.step(at.square().sum() + (still.square().sqrt() * 0).sum())
    assert still.item() == 0 and at.abs().max().item() < 0.5 and descent.best < 0.5


def test_one_that_never_has_a_number_stays_where_it_is():
    at = place()
    descent = Descent([{"params": [at], "lr": 0.1}])
    assert not any(descent.step(at.sum() * math.nan) for _ in range(5))
    assert at.tolist() == [2.0, 2.0] and descent.best == pytest.approx(math.inf)
