"""Picture metrics tell noise, blur, layout and variety apart, and agree with closed forms where there are any."""

import math

import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from gen3d_core.errors import Gen3DError
from training.metrics.features import density_coverage, random_features
from training.metrics.wasserstein import (
    COARSEST,
    descriptors,
    enlarge,
    laplacian_pyramid,
    sliced_distance,
    sliced_wasserstein,
)

COUNT = 48


def discs(count: int, seed: int, size: int = 64, centre: float = 0.0, stripes: float = 0.3) -> Tensor:
    """Striped discs over white: random place, radius and colour."""
    rng = torch.Generator().manual_seed(seed)
    middle = torch.rand(2, count, 1, 1, generator=rng) - 0.5 + centre
    radius = 0.25 + 0.35 * torch.rand(count, 1, 1, generator=rng)
    colour = 0.7 * torch.rand(count, 3, 1, 1, generator=rng)
    axis = torch.linspace(-1, 1, size)
    x, y = torch.meshgrid(axis, axis, indexing="xy")
    inside = ((x - middle[0]) ** 2 + (y - middle[1]) ** 2 < radius**2)[:, None]
    texture = 1 - stripes * (torch.arange(size) % 4 < 2).float()
    return torch.where(inside, colour * texture, 1.0)


def noisy(pictures: Tensor, deviation: float) -> Tensor:
    noise = torch.randn(pictures.shape, generator=torch.Generator().manual_seed(99))
    return (pictures + deviation * noise).clamp(0, 1)


def blurred(pictures: Tensor) -> Tensor:
    return functional.avg_pool2d(functional.pad(pictures, (2, 2, 2, 2), mode="replicate"), 5, 1)


# --- sliced Wasserstein distance -----------------------------------------------------------------------------------


@pytest.mark.parametrize(("size", "levels"), [(16, [16, 8]), (32, [32, 16, 8]), (64, [64, 32, 16, 8])])
def test_levels_go_down_to_eight_pixels(size: int, levels: list[int]) -> None:
    assert list(sliced_wasserstein(discs(4, 0, size), discs(4, 1, size))) == levels


def test_a_set_is_at_distance_zero_from_itself() -> None:
    pictures = discs(COUNT, 0)
    assert set(sliced_wasserstein(pictures, pictures.clone()).values()) == {0.0}


def test_the_distance_is_symmetric_and_repeats_under_its_seed_alone() -> None:
    a, b = discs(8, 0, 32), discs(8, 1, 32)
    state = torch.get_rng_state()
    first = sliced_wasserstein(a, b, seed=3)
    assert torch.equal(torch.get_rng_state(), state)
    torch.manual_seed(1)
    assert sliced_wasserstein(a, b, seed=3) == first == sliced_wasserstein(b, a, seed=3)
    assert sliced_wasserstein(a, b, seed=4) != first


def test_the_floor_between_two_samples_of_one_distribution_falls_as_they_grow() -> None:
    """As one over the root of their size: to a third here."""
    small = sliced_wasserstein(discs(16, 0, 16), discs(16, 1, 16))
    large = sliced_wasserstein(discs(144, 2, 16), discs(144, 3, 16))
    assert all(large[level] < 0.5 * small[level] for level in small)


def test_another_texture_is_beyond_the_floor_at_the_finest_level_alone() -> None:
    pictures, others = discs(COUNT, 0), discs(COUNT, 1)
    floor, smooth = sliced_wasserstein(pictures, others), sliced_wasserstein(pictures, discs(COUNT, 1, stripes=0.0))
    excess = {level: smooth[level] / floor[level] for level in floor}
    assert excess.pop(64) > 1.5 and max(excess.values()) < 1.3


@pytest.mark.parametrize("spoil", [lambda pictures: noisy(pictures, 0.1), blurred], ids=["noise", "blur"])
def test_noise_and_blur_are_seen_most_at_the_finest_level(spoil) -> None:
    pictures = discs(COUNT, 0)
    distance = sliced_wasserstein(pictures, spoil(pictures))
    assert distance[64] > 1.5 * distance[32] > 3 * max(distance[16], distance[8])


def test_more_noise_is_farther() -> None:
    pictures = discs(COUNT, 0, 32)
    little, much = (sliced_wasserstein(pictures, noisy(pictures, deviation))[32] for deviation in (0.03, 0.1))
    assert 0 < little < much


def test_another_layout_is_seen_the_more_the_coarser_the_level() -> None:
    """Discs in the corner instead of the middle: the same edges and stripes elsewhere."""
    floor = sliced_wasserstein(discs(COUNT, 0), discs(COUNT, 1))
    moved = sliced_wasserstein(discs(COUNT, 0), discs(COUNT, 1, centre=0.4))
    excess = [moved[level] - floor[level] for level in (64, 32, 16, 8)]
    assert excess == sorted(excess) and excess[3] > 5 * excess[0]


def test_a_cast_and_a_contrast_that_all_pictures_share_are_invisible() -> None:
    pictures = discs(COUNT, 0)
    changed = 0.5 * pictures + torch.tensor([0.1, 0.2, 0.3])[:, None, None]
    assert max(sliced_wasserstein(pictures, changed).values()) < 0.1


def test_a_cast_that_differs_from_picture_to_picture_is_seen_by_the_coarsest_level_alone() -> None:
    pictures = 0.6 * discs(COUNT, 0)
    casts = 0.4 * torch.rand(COUNT, 3, 1, 1, generator=torch.Generator().manual_seed(0))
    distance = sliced_wasserstein(pictures, pictures + casts)
    assert distance.pop(8) > 50 and max(distance.values()) < 0.01


def test_blank_pictures_have_no_detail_and_no_nan() -> None:
    blank, pictures = torch.ones(8, 3, 32, 32), discs(8, 0, 32)
    assert set(sliced_wasserstein(blank, 0.5 * blank).values()) == {0.0}
    assert all(math.isfinite(value) and value > 0 for value in sliced_wasserstein(blank, pictures).values())


@pytest.mark.parametrize(
    ("a", "b", "message"),
    [
        (torch.rand(3, 3, 16, 16), torch.rand(4, 3, 16, 16), "equally many"),
        (torch.rand(3, 3, 16, 16), torch.rand(3, 3, 32, 32), "same size"),
        (torch.rand(0, 3, 16, 16), torch.rand(0, 3, 16, 16), "at least one"),
        (torch.rand(3, 3, 8, 8), torch.rand(3, 3, 8, 8), "power of two from 16"),
        (torch.rand(3, 3, 48, 48), torch.rand(3, 3, 48, 48), "power of two from 16"),
    ],
)
def test_sets_that_cannot_be_compared_are_named(a: Tensor, b: Tensor, message: str) -> None:
    with pytest.raises(Gen3DError, match=message) as raised:
        sliced_wasserstein(a, b)
    assert "\n" not in str(raised.value)


def test_one_dimensional_distance_of_shifted_gaussians_is_the_shift() -> None:
    """W1 of N(0, 1) and N(m, 1) is |m|; of N(0, 1) and N(0, s^2) it is (s - 1) E|z| = (s - 1) sqrt(2 / pi)."""
    rng = torch.Generator().manual_seed(0)
    x, y = torch.randn(2, 200_000, 1, generator=rng)
    one = torch.ones(1, 1)
    assert sliced_distance(x, y - 1.5, one) == pytest.approx(1.5, abs=0.01)
    assert sliced_distance(x, 3 * y, -one) == pytest.approx(2 * math.sqrt(2 / math.pi), abs=0.02)


def test_sliced_distance_of_a_shift_is_its_mean_projection() -> None:
    """Over unit directions u in R^d, E|u.v| = |v| G(d/2) / (sqrt(pi) G((d+1)/2)) with the gamma function G."""
    rng = torch.Generator().manual_seed(0)
    dimension, shift = 20, torch.linspace(-1, 1, 20)
    x = torch.randn(500, dimension, generator=rng)
    directions = functional.normalize(torch.randn(20_000, dimension, generator=rng), dim=1)
    expected = shift.norm().item() * math.gamma(dimension / 2) / math.sqrt(math.pi) / math.gamma((dimension + 1) / 2)
    assert sliced_distance(x, x + shift, directions) == pytest.approx(expected, rel=0.02)


def test_the_pyramid_can_be_undone_and_has_no_detail_where_nothing_changes() -> None:
    pictures = discs(3, 0)
    *details, rebuilt = laplacian_pyramid(pictures)
    assert rebuilt.shape[-1] == COARSEST
    for detail in reversed(details):
        rebuilt = enlarge(rebuilt) + detail
    torch.testing.assert_close(rebuilt, pictures)
    *details, rest = laplacian_pyramid(torch.full((1, 3, 64, 64), 0.7))
    assert max(detail.abs().max().item() for detail in details) < 1e-6
    torch.testing.assert_close(rest, torch.full((1, 3, 8, 8), 0.7))


def test_descriptors_are_the_patches_at_their_corners_normalised_per_channel() -> None:
    level = torch.rand(2, 3, 9, 9, generator=torch.Generator().manual_seed(0))
    corners = torch.tensor([[[0, 2], [1, 0]], [[0, 1], [2, 2]]])
    found = descriptors(level, corners)
    patches = torch.stack(
        [level[n, :, r : r + 7, c : c + 7] for n, r, c in [(0, 0, 0), (0, 2, 1), (1, 1, 2), (1, 0, 2)]]
    )
    per_channel = patches.transpose(0, 1).flatten(1)
    mean, deviation = (part[:, None, None] for part in (per_channel.mean(1), per_channel.std(1, correction=0)))
    torch.testing.assert_close(found, ((patches - mean) / deviation).flatten(1))


# --- random features, density and coverage -------------------------------------------------------------------------


def test_features_depend_on_the_seed_alone() -> None:
    pictures = discs(5, 0)
    state = torch.get_rng_state()
    first = random_features(pictures)
    assert torch.equal(torch.get_rng_state(), state) and first.shape == (5, 416) and not first.requires_grad
    torch.manual_seed(1)
    assert torch.equal(random_features(pictures), first)
    assert not torch.allclose(random_features(pictures, seed=1), first)


def test_features_of_a_picture_do_not_depend_on_the_others() -> None:
    pictures = discs(130, 0, 16)
    features = random_features(pictures)
    torch.testing.assert_close(features[[3, 129]], random_features(pictures[[3, 129]]), rtol=1e-4, atol=1e-5)


def test_features_of_a_blank_picture_are_zero_and_those_of_an_object_ignore_where_it_is() -> None:
    """White continues beyond the picture, and pooling forgets places: a step of the coarsest grid changes nothing."""
    assert not random_features(torch.ones(1, 3, 64, 64)).any()
    picture = torch.ones(1, 3, 128, 128)
    picture[..., 48:72, 48:72] = discs(1, 0, 24)
    moved = random_features(picture.roll((8, -16), (2, 3)))
    torch.testing.assert_close(moved, random_features(picture), rtol=1e-4, atol=1e-5)


def test_a_set_covers_itself_with_density_one() -> None:
    features = random_features(discs(200, 0))
    found = density_coverage(features, features.clone())
    assert found.covered.all() and found.density.mean() == pytest.approx(1, abs=1e-12)
    assert found.density.shape == found.covered.shape == (200,) and found.density.min() >= 1 / 5


@pytest.mark.parametrize("k", [1, 3, 5])
def test_two_samples_of_one_distribution_have_the_expected_density_and_coverage(k: int) -> None:
    """Density 1. A real point is missed if its k nearest of all N - 1 + M others are real: coverage 1 - 2^-k nearly."""
    rng = torch.Generator().manual_seed(0)
    found = density_coverage(*torch.randn(2, 2000, 4, generator=rng), k=k)
    missed = math.prod((2000 - 1 - j) / (2 * 2000 - 1 - j) for j in range(k))
    assert found.density.mean() == pytest.approx(1, abs=0.06)
    assert found.covered.mean() == pytest.approx(1 - missed, abs=0.02)


def test_a_collapsed_generator_is_dense_but_covers_little() -> None:
    real, fake = random_features(discs(300, 0)), random_features(discs(300, 1))
    collapsed = fake[:3].repeat(100, 1)
    healthy, ill = density_coverage(real, fake), density_coverage(real, collapsed)
    assert healthy.covered.mean() > 0.9 and healthy.density.mean() == pytest.approx(1, abs=0.25)
    assert ill.covered.mean() < 0.15 and ill.density.mean() > 0.3


def test_fakes_of_another_kind_are_told_one_by_one() -> None:
    real, fake = random_features(discs(300, 0)), random_features(discs(300, 1))
    strange = random_features(noisy(discs(20, 2), 0.5))
    found = density_coverage(real, torch.cat([strange, fake]))
    assert not found.density[:20].any() and found.density[20:].mean() > 0.75
    assert not density_coverage(real, fake + 100).covered.any()


def test_density_and_coverage_by_hand() -> None:
    """Points on a line at 0, 1, 3, 7: for k = 1 the balls reach 1, 1, 2, 4 far."""
    real, fake = torch.tensor([[0.0], [1], [3], [7]]), torch.tensor([[0.5], [2.5], [-0.5], [20], [3.5]])
    found = density_coverage(real, fake, k=1)
    np.testing.assert_array_equal(found.density, [2, 1, 1, 0, 2])
    np.testing.assert_array_equal(found.covered, [True, True, True, True])
    np.testing.assert_array_equal(density_coverage(real, fake[:1], k=1).covered, [True, True, False, False])


@pytest.mark.parametrize(("real", "fake", "k"), [(5, 3, 5), (0, 3, 1), (6, 0, 5), (6, 3, 0)])
def test_too_few_pictures_are_named(real: int, fake: int, k: int) -> None:
    with pytest.raises(Gen3DError, match="need at least") as raised:
        density_coverage(torch.rand(real, 2), torch.rand(fake, 2), k)
    assert "\n" not in str(raised.value)
