"""Seeds of a model whose codes were learned: drawn from its own distribution, and as ever where there is none."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from gen3d_core.codes.codes import codes
from gen3d_core.codes.prior import CodePrior, CodePriors, unpacked_choice
from gen3d_core.errors import Gen3DError
from gen3d_core.networks.layers import Mapping


def two_clusters() -> CodePrior:
    """Three to one."""
    roots = np.stack([[[0.5, 0.1], [0.1, 0.2]], [[0.1, 0.0], [0.0, 0.3]]]).astype(np.float32)
    return CodePrior(np.array([0.75, 0.25], np.float32), np.array([[2, 0], [-2, 1]], np.float32), roots)


def test_draws_have_the_mean_the_covariance_and_the_shares_of_the_mixture() -> None:
    prior, rng = two_clusters(), np.random.default_rng(0)
    drawn = np.stack([prior.draw(rng) for _ in range(20_000)])
    mean = prior.weights @ prior.means
    apart = prior.means - mean
    covariance = np.einsum("k,kde->de", prior.weights, prior.roots @ prior.roots.transpose(0, 2, 1))
    covariance = covariance + np.einsum("k,kd,ke->de", prior.weights, apart, apart)
    assert np.allclose(drawn.mean(0), mean, atol=0.04)
    assert np.allclose(np.cov(drawn.T), covariance, atol=0.06)
    assert abs((drawn[:, 0] > 0).mean() - 0.75) < 0.01


def test_a_seed_names_one_object_and_its_appearance_can_be_lent() -> None:
    priors = CodePriors(two_clusters(), None)
    one, same, other = (codes(seed, 2, 3, priors=priors) for seed in (7, 7, 8))
    assert np.array_equal(one.shape, same.shape) and not np.array_equal(one.shape, other.shape)
    lent = codes(8, 2, 3, appearance_seed=7, priors=priors)
    assert np.array_equal(lent.shape, other.shape) and np.array_equal(lent.appearance, one.appearance)
    assert one.shape.dtype == np.float32


def test_seeds_name_the_chosen_draws_in_turn_and_wear_their_own_colours() -> None:
    chosen = np.array([3, 4, 9], np.uint32)
    plain, priors = CodePriors(two_clusters()), CodePriors(two_clusters(), chosen=chosen)
    for seed in range(7):
        found = codes(seed, 2, 3, priors=priors)
        assert np.array_equal(found.shape, codes(int(chosen[seed % 3]), 2, 3, priors=plain).shape)
        assert np.array_equal(found.appearance, codes(seed, 2, 3, priors=plain).appearance)
    assert np.array_equal(unpacked_choice(chosen.astype("<u4").tobytes()), chosen)
    for broken in (b"", b"12345"):
        with pytest.raises(Gen3DError, match="no list of draws"):
            unpacked_choice(broken)


def test_without_a_prior_codes_are_the_normal_draws_they_always_were() -> None:
    plain = codes(3, 4, 2)
    assert np.array_equal(plain.shape, np.random.default_rng([3, 0]).standard_normal(4).astype(np.float32))
    half = codes(3, 2, 2, priors=CodePriors(two_clusters(), None))
    assert np.array_equal(half.appearance, plain.appearance), "a code without a prior of its own stays"


def test_what_was_packed_comes_back_and_anything_else_is_refused() -> None:
    prior = two_clusters()
    packed = prior.packed()
    again = CodePrior.unpacked(packed, 2)
    assert all(np.array_equal(getattr(prior, name), getattr(again, name)) for name in ("weights", "means", "roots"))
    for broken, size in ((packed[:-1], 2), (packed, 3), (b"", 2)):
        with pytest.raises(Gen3DError, match="bytes are no distribution"):
            CodePrior.unpacked(broken, size)
    for rows in (np.full(7, np.nan), np.array([0.5, 0, 0, 1, 0, 0, 1]), np.array([-1, 0, 0, 1, 0, 0, 1])):
        with pytest.raises(Gen3DError, match="impossible numbers"):
            CodePrior.unpacked(rows.astype("<f4").tobytes(), 2)


def test_a_mapping_without_a_frame_is_what_it_was_and_one_as_built_agrees_with_it() -> None:
    torch.manual_seed(0)
    plain = Mapping(8, 16, 1.0)
    assert not {"centre", "spread"} & set(plain.state_dict())
    torch.manual_seed(0)
    framed = Mapping(8, 16, 1.0, framed=True)
    code = torch.randn(5, 8)
    assert torch.allclose(plain(code), framed(code), atol=1e-6)
