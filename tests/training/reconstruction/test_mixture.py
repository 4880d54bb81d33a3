"""The mixture that is fitted to codes: known clusters come back, and a single Gaussian stays one."""

from __future__ import annotations

import numpy as np
import torch

from gen3d_core.config import GeneratorConfig
from gen3d_core.networks.fields.triplane import TriplaneField
from training.reconstruction.codes import CodeTable
from training.reconstruction.mixture import Mixture, choose, fit
from training.reconstruction.prior import as_prior, fit_codes, frame_of, set_frames


def clusters(count: int, seed: int) -> np.ndarray:
    """Codes of two clusters in five dimensions, two to one."""
    rng = np.random.default_rng(seed)
    stretch = np.diag([1.0, 0.5, 0.2, 0.1, 0.05])
    turn, _ = np.linalg.qr(rng.standard_normal((5, 5)) if seed == 0 else np.eye(5))
    first = rng.standard_normal((2 * count // 3, 5)) @ stretch @ turn + 2
    second = rng.standard_normal((count - len(first), 5)) @ stretch - 2
    return np.concatenate([first, second])


def test_clusters_are_found_with_their_weights_means_and_covariances() -> None:
    codes = clusters(3000, 0)
    found = fit(codes, 2, strength=0.5)
    order = found.weights.argsort()[::-1]
    assert np.allclose(found.weights[order], [2 / 3, 1 / 3], atol=0.01)
    assert np.allclose(found.means[order], [codes[:2000].mean(0), codes[2000:].mean(0)], atol=0.02)
    assert np.allclose(found.covariances[order[0]], np.cov(codes[:2000].T), atol=0.02)


def test_the_density_of_one_gaussian_is_the_closed_form() -> None:
    known = Mixture(np.ones(1), np.array([[1.0, -1.0]]), np.array([[[2.0, 0.5], [0.5, 1.0]]]))
    point = np.array([[0.5, 0.5]])
    away = point[0] - known.means[0]
    exact = -0.5 * away @ np.linalg.inv(known.covariances[0]) @ away
    exact -= 0.5 * np.log((2 * np.pi) ** 2 * np.linalg.det(known.covariances[0]))
    assert np.isclose(known.log_likelihood(point), exact)


def test_held_out_codes_choose_more_than_one_component_where_there_are_clusters() -> None:
    chosen = choose(clusters(900, 1))
    assert chosen.components > 1 and chosen.held_out > chosen.single + 0.5
    rng = np.random.default_rng(0)
    plain = choose(rng.standard_normal((600, 6)))
    assert plain.held_out - plain.single < 0.05, "one Gaussian is not improved on"


def test_the_same_codes_and_seed_give_the_same_mixture() -> None:
    codes = clusters(300, 0)
    one, two = fit(codes, 4, 1.0, seed=3), fit(codes, 4, 1.0, seed=3)
    assert np.array_equal(one.means, two.means) and np.array_equal(one.covariances, two.covariances)


def test_draws_of_the_prior_resemble_the_codes_it_was_fitted_to() -> None:
    codes = clusters(3000, 0)
    prior = as_prior(fit(codes, 2, strength=0.5))
    rng = np.random.default_rng(0)
    drawn = np.stack([prior.draw(rng) for _ in range(4000)])
    assert np.allclose(drawn.mean(0), codes.mean(0), atol=0.1)
    assert np.allclose(np.cov(drawn.T), np.cov(codes.T), atol=0.2)
    between = np.abs(drawn.mean(1)) < 0.5
    assert between.mean() < 0.01, "hardly anything where there are no codes"


def test_a_frame_makes_codes_normal_to_second_order_and_back() -> None:
    codes = clusters(2000, 0)
    frame = frame_of(codes)
    normal = frame.normal(codes)
    assert np.allclose(normal.mean(0), 0, atol=1e-3) and np.allclose(np.cov(normal.T), np.eye(5), atol=0.01)
    assert np.allclose(frame.centre + normal @ frame.spread.T, codes, atol=1e-3)


def test_numbers_that_tell_nothing_are_drawn_as_noise() -> None:
    """Known codes lie in two heaps along both numbers; taught was that the second one does not matter."""
    number = torch.arange(400)
    heaps = torch.stack([number % 2, number // 2 % 2], 1) * 2.0 - 1
    table = CodeTable(heaps + 0.01 * torch.randn(400, 2), torch.randn(400, 2))
    with torch.no_grad():
        table.shape_noise.copy_(torch.tensor([0.05, 2.0]).log())
    fitted = fit_codes(table, seed=0)
    rng = np.random.default_rng(0)
    drawn = np.stack([fitted.priors.shape.draw(rng) for _ in range(2000)])  # type: ignore[union-attr]
    told, untold = (drawn @ fitted.shape.spread.T + fitted.shape.centre).T
    assert (np.abs(np.abs(told) - 1) < 0.3).mean() > 0.95, "the first number keeps its heaps"
    assert 0.1 < (np.abs(untold) < 0.5).mean() < 0.3, "the second one has none"


def test_networks_with_a_frame_show_the_same_objects_by_their_new_codes() -> None:
    torch.manual_seed(0)
    table = CodeTable(torch.randn(200, 8), torch.randn(200, 6))
    field = TriplaneField(GeneratorConfig(shape_dim=8, appearance_dim=6, synthesis_channels=(8, 8), framed_codes=True))
    everything = torch.arange(200)
    before = field.planes(table.shapes(everything[:4])), field.appearance(table.appearances(everything[:4])).palette
    fitted = fit_codes(table, seed=0)
    set_frames(field, fitted)
    after = field.planes(torch.from_numpy(fitted.shape_codes[:4]))
    assert torch.allclose(before[0], after, atol=1e-3)
    looks = field.appearance(torch.from_numpy(fitted.appearance_codes[:4])).palette
    assert torch.allclose(before[1], looks, atol=1e-3)
