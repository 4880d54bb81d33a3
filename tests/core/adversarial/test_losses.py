"""Losses against numbers and gradients worked out by hand."""

import math
from collections.abc import Callable

import pytest
import torch

from gen3d_core.adversarial import losses
from gen3d_core.adversarial.discriminator import Discriminator
from gen3d_core.config import DiscriminatorConfig
from gen3d_core.networks.fields.normals import surface_normals
from gen3d_core.rendering import patch
from tests.analytic import Sphere
from tests.core.torch_solids import logit_of


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def test_values_of_the_logistic_losses() -> None:
    """An undecided critic pays 2 log 2, a perfect one nothing, a wrong one as much as it is sure."""
    zero, sure = torch.zeros(4), torch.full((4,), 50.0)
    assert losses.discriminator_loss(zero, zero).item() == pytest.approx(2 * math.log(2))
    assert losses.discriminator_loss(sure, -sure).item() == pytest.approx(0, abs=1e-6)
    assert losses.discriminator_loss(-sure, sure).item() == pytest.approx(100)
    assert losses.generator_loss(zero).item() == pytest.approx(math.log(2))
    assert losses.generator_loss(torch.tensor([1.0, -2.0])).item() == pytest.approx(
        (math.log(1 + math.exp(-1)) + math.log(1 + math.exp(2))) / 2
    )


def test_losses_are_finite_for_extreme_scores() -> None:
    scores = torch.tensor([-1e4, 1e4], requires_grad=True)
    (losses.discriminator_loss(scores, scores) + losses.generator_loss(scores)).backward()
    assert scores.grad is not None and torch.isfinite(scores.grad).all()


def test_r1_of_a_linear_critic_is_the_square_of_its_slope(rng: torch.Generator) -> None:
    slope = torch.randn(4, 6, 6, generator=rng)
    penalty = losses.r1_penalty(lambda x: (x * slope).sum((1, 2, 3)) + 7, torch.rand(5, 4, 6, 6, generator=rng))
    assert penalty.item() == pytest.approx(slope.square().sum().item(), rel=1e-5)


def test_r1_of_a_quadratic_critic_and_its_own_gradient(rng: torch.Generator) -> None:
    """D = a/2 |x|^2 has slope a x: the penalty is a^2 |x|^2, its derivative in a is 2 a |x|^2; mean over pictures."""
    real = torch.rand(5, 4, 6, 6, generator=rng)
    a = torch.tensor(0.7, requires_grad=True)
    penalty = losses.r1_penalty(lambda x: a / 2 * x.square().sum((1, 2, 3)), real)
    square = real.square().sum((1, 2, 3)).mean().item()
    assert penalty.item() == pytest.approx(0.49 * square, rel=1e-5)
    penalty.backward()
    assert a.grad is not None and a.grad.item() == pytest.approx(1.4 * square, rel=1e-5)


def test_r1_leaves_the_pictures_alone(rng: torch.Generator) -> None:
    real = torch.rand(2, 4, 4, 4, generator=rng)
    losses.r1_penalty(lambda x: x.sum((1, 2, 3)), real)
    assert not real.requires_grad and real.grad is None


def test_one_pass_gives_the_generator_s_gradient_exactly(rng: torch.Generator) -> None:
    """From the discriminator's own backward pass, as if the non-saturating loss had been run through it once more."""
    torch.manual_seed(0)
    critic = Discriminator(DiscriminatorConfig(channels=(8, 16, 16)), 16)
    view = patch.whole_picture(16, 6).description()
    pose = torch.rand(6, 2, generator=rng)
    pictures = torch.rand(6, 4, 16, 16, generator=rng)

    seen = pictures.clone().requires_grad_(True)
    scores = critic(seen, pose, view)
    losses.discriminator_loss(torch.zeros(6), scores).backward()
    assert seen.grad is not None
    found = losses.generator_gradient(seen.grad, scores.detach())

    again = pictures.clone().requires_grad_(True)
    (expected,) = torch.autograd.grad(losses.generator_loss(critic(again, pose, view)), again)
    assert scores.abs().max() > 0.1
    assert (found - expected).abs().max() < 1e-5 * expected.abs().max()


def test_the_gradient_is_finite_for_a_critic_that_is_sure() -> None:
    gradient = losses.generator_gradient(torch.ones(2, 4, 2, 2), torch.tensor([-1e4, 1e4]))
    assert torch.isfinite(gradient).all()


def normals_of(logit: Callable[[torch.Tensor], torch.Tensor], step: float) -> Callable[[torch.Tensor], torch.Tensor]:
    return lambda points: surface_normals(logit, points, step)


def test_a_plane_is_smooth(rng: torch.Generator) -> None:
    points = torch.rand(200, 3, generator=rng) - 0.5
    loss = losses.normal_smoothness(normals_of(lambda p: 20 * (0.1 - p[..., 2]), 0.03), points, 0.03, rng)
    assert loss.item() == pytest.approx(0, abs=2e-4), "only the square root's guard against zero is left"


@pytest.mark.parametrize("radius", [0.3, 0.6])
def test_the_smoothness_of_a_sphere_is_the_mean_shift_along_it_over_its_radius(
    radius: float, rng: torch.Generator
) -> None:
    """n(x + e) - n(x) is the part of e along the surface over the radius, for steps small against it."""
    points = radius * torch.nn.functional.normalize(torch.randn(4000, 3, generator=rng), dim=-1)
    loss = losses.normal_smoothness(normals_of(logit_of(Sphere(radius)), 0.002), points, 0.02, rng)
    shift = (torch.rand(200_000, 3, generator=rng) * 2 - 1) * 0.02
    normal = torch.nn.functional.normalize(torch.randn(200_000, 3, generator=rng), dim=-1)
    along = shift - (shift * normal).sum(-1, keepdim=True) * normal
    assert loss.item() == pytest.approx(along.norm(dim=-1).mean().item() / radius, rel=0.03)


def test_smoothness_has_gradients_of_the_field_s_parameters(rng: torch.Generator) -> None:
    """A bumpier surface is less smooth: of z = a sin(20 x) the loss grows with a, so its derivative is positive."""
    height = torch.tensor(0.01, requires_grad=True)
    points = torch.cat([torch.rand(300, 2, generator=rng), torch.zeros(300, 1)], -1)
    bumpy = normals_of(lambda p: 20 * (height * torch.sin(20 * p[..., 0]) - p[..., 2]), 0.01)
    loss = losses.normal_smoothness(bumpy, points, 0.03, rng)
    loss.backward()
    assert height.grad is not None and height.grad > 0
