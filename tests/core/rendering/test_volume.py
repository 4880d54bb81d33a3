"""Volume rendering against closed forms and against chance."""

import math

import pytest
import torch

from gen3d_core.rendering.volume import occupancy_weights, over_white, stratified


@pytest.mark.parametrize("o", [0.0, 0.1, 0.5, 0.9, 1.0])
def test_constant_occupancy_gives_a_geometric_series(o: float) -> None:
    weights = occupancy_weights(torch.full((1, 12), o, dtype=torch.float64))[0]
    expected = torch.tensor([o * (1 - o) ** i for i in range(12)], dtype=torch.float64)
    assert torch.allclose(weights, expected, atol=1e-12)
    assert weights.sum().item() == pytest.approx(1 - (1 - o) ** 12)


def test_an_opaque_first_sample_hides_the_rest() -> None:
    occupancy = torch.rand(5, 8)
    occupancy[:, 0] = 1
    assert torch.equal(occupancy_weights(occupancy), torch.eye(8)[0].expand(5, 8))


def test_samples_behind_an_opaque_one_weigh_nothing() -> None:
    weights = occupancy_weights(torch.tensor([[0.25, 0.5, 1.0, 0.7]]))
    assert torch.allclose(weights, torch.tensor([[0.25, 0.375, 0.375, 0.0]]))


def test_weights_are_the_chances_of_stopping_at_each_sample() -> None:
    """Light that stops at sample i with probability o_i: 200 000 trials, five standard deviations at most."""
    rng = torch.Generator().manual_seed(0)
    occupancy = torch.rand(1, 6, generator=rng)
    stops = torch.rand(200_000, 6, generator=rng) < occupancy
    first = torch.where(stops.any(1), stops.to(torch.uint8).argmax(1), 6)
    seen = torch.bincount(first, minlength=7)[:6] / 200_000
    assert (seen - occupancy_weights(occupancy)[0]).abs().max() < 5 * math.sqrt(0.25 / 200_000)


def test_fine_samples_of_fog_approach_the_exponential_law() -> None:
    """Density s over length L: o_i = 1 - exp(-s L / n) at n samples, opacity 1 - exp(-s L) whatever n."""
    for count in (4, 64):
        occupancy = torch.full((1, count), 1 - math.exp(-3.0 * 0.5 / count), dtype=torch.float64)
        assert occupancy_weights(occupancy).sum().item() == pytest.approx(1 - math.exp(-1.5))


def test_gradients_are_finite_where_occupancy_is_certain() -> None:
    logits = torch.tensor([[-1e4, 1e4, 0.0, 1e4, -1e4, 40.0]], requires_grad=True)
    (occupancy_weights(torch.sigmoid(logits)) * torch.arange(6)).sum().backward()
    assert logits.grad is not None and torch.isfinite(logits.grad).all()


def test_over_white() -> None:
    colour, alpha = torch.tensor([[0.2, 0.1, 0.0], [0.0, 0.0, 0.0]]), torch.tensor([[0.5], [0.0]])
    assert torch.allclose(over_white(colour, alpha), torch.tensor([[0.7, 0.6, 0.5], [1.0, 1.0, 1.0]]))


def test_depths_lie_in_equal_bins_of_the_interval() -> None:
    centre, width = torch.tensor([4.0, 3.0]), torch.tensor([0.5, 0.05])
    assert torch.allclose(stratified(centre, width, 5)[0], torch.tensor([3.6, 3.8, 4.0, 4.2, 4.4]))
    depths = stratified(centre, width, 5, torch.Generator().manual_seed(0))
    edges = centre[:, None] + width[:, None] * torch.linspace(-1, 1, 6)
    assert (depths >= edges[:, :-1]).all() and (depths <= edges[:, 1:]).all()


def test_jittered_depths_are_uniform() -> None:
    depths = stratified(torch.zeros(20_000), torch.ones(20_000), 4, torch.Generator().manual_seed(0)).flatten()
    assert depths.mean().item() == pytest.approx(0, abs=0.01)
    assert depths.var().item() == pytest.approx(1 / 3, abs=0.01)
