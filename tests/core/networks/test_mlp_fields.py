"""The fully connected fields of 3DGEN and GRAF: starts, gradients, conditioning."""

import math

import pytest
import torch

from gen3d_core.config import GeneratorConfig, MlpConfig
from gen3d_core.networks.fields.ball_lattice import OUTSIDE, in_ball_lattice
from gen3d_core.networks.fields.interface import LiteralField
from gen3d_core.networks.fields.radiance import RadianceField
from gen3d_core.networks.fields.unisurf import UnisurfField
from gen3d_core.networks.positional import positional, positional_pullback

SMALL = MlpConfig(width=64, depth=4, skip=2, position_octaves=3, view_octaves=2, colour_width=32, colour_depth=2)
PUBLISHED = GeneratorConfig(kind="unisurf", shape_dim=128, appearance_dim=128, sphere_radius=0.6, sharpness=10.0)


def small(kind: str, **change: object) -> GeneratorConfig:
    return GeneratorConfig(kind=kind, shape_dim=8, appearance_dim=6, **change)  # type: ignore[arg-type]


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


def directions(count: int, rng: torch.Generator) -> torch.Tensor:
    return torch.nn.functional.normalize(torch.randn(count, 3, generator=rng), dim=-1)


@pytest.mark.parametrize("radius", [0.4, 0.6])
def test_unisurf_starts_as_a_sphere_for_every_code(radius: float, rng: torch.Generator) -> None:
    """At the published size: the zero level set lies at the radius, to the tenth that random weights leave."""
    torch.manual_seed(0)
    field = UnisurfField(
        GeneratorConfig(kind="unisurf", shape_dim=128, sphere_radius=radius, sharpness=10.0), MlpConfig()
    )
    bound = field.condition(torch.randn(3, 128, generator=rng), torch.randn(1, 32, generator=rng))
    radii = torch.linspace(0.05, 0.95, 400)
    points = directions(100, rng)[:, None] * radii[:, None]
    for shape in range(3):
        with torch.no_grad():
            inside = bound.logit(points, torch.full((100,), shape)) > 0
        assert inside[:, 0].all() and not inside[:, -1].any()
        surface = radii[inside.sum(-1) - 1]
        assert surface.mean().item() == pytest.approx(radius, abs=0.05)
        assert surface.std() < 0.1


def test_without_a_sphere_start_codes_differ_from_the_start(rng: torch.Generator) -> None:
    torch.manual_seed(0)
    for start in (True, False):
        field = UnisurfField(small("unisurf", sphere_start=start), SMALL)
        bound = field.condition(torch.randn(2, 8, generator=rng), torch.randn(1, 6, generator=rng))
        points = torch.rand(50, 1, 3, generator=rng) - 0.5
        one, two = (bound.logit(points, torch.full((50,), shape)) for shape in (0, 1))
        assert torch.equal(one, two) == start


def test_the_written_out_gradient_is_autograd_s(rng: torch.Generator) -> None:
    torch.manual_seed(1)
    field = UnisurfField(small("unisurf", sphere_start=False), SMALL)
    bound = field.condition(torch.randn(2, 8, generator=rng), torch.randn(1, 6, generator=rng))
    points = (torch.rand(40, 3, generator=rng) - 0.5).requires_grad_(True)
    geometry = bound.geometry(points, torch.arange(40) % 2)
    (expected,) = torch.autograd.grad(geometry.f.sum(), points, retain_graph=True)
    torch.testing.assert_close(geometry.gradient, expected, rtol=1e-4, atol=1e-5)
    geometry.gradient.square().sum().backward()
    reached = [parameter.grad for parameter in field.layers.parameters() if parameter.grad is not None]
    assert len(reached) >= len(field.layers) and all(bool(torch.isfinite(grad).all()) for grad in reached)


def test_the_pullback_of_the_encoding_is_autograd_s(rng: torch.Generator) -> None:
    x = (torch.rand(10, 3, generator=rng, dtype=torch.float64) - 0.5).requires_grad_(True)
    upstream = torch.randn(10, 3 * 9, generator=rng, dtype=torch.float64)
    (expected,) = torch.autograd.grad((positional(x, 4) * upstream).sum(), x)
    torch.testing.assert_close(positional_pullback(x, upstream, 4), expected)


def test_normals_of_the_starting_sphere_point_outward(rng: torch.Generator) -> None:
    torch.manual_seed(0)
    field = UnisurfField(PUBLISHED, MlpConfig())
    bound = field.condition(torch.randn(1, 128, generator=rng), torch.randn(1, 128, generator=rng))
    outward = directions(60, rng)
    normals = bound.normals(0.6 * outward, torch.zeros(60, dtype=torch.long), 0.01)
    assert (normals * outward).sum(-1).min() > math.cos(math.radians(40))
    assert torch.allclose(normals.norm(dim=-1), torch.ones(60), atol=1e-5)


@pytest.mark.parametrize("kind", ["unisurf", "radiance"])
def test_codes_are_disentangled(kind: str, rng: torch.Generator) -> None:
    """The appearance code moves colours and never geometry, the shape code moves geometry; owners are told apart."""
    torch.manual_seed(2)
    field = {"unisurf": UnisurfField, "radiance": RadianceField}[kind](small(kind, sphere_start=False), SMALL)
    shape, look = torch.randn(2, 8, generator=rng), torch.randn(2, 6, generator=rng)
    points, views = torch.rand(30, 3, generator=rng) - 0.5, directions(30, rng)
    zero, one = torch.zeros(30, dtype=torch.long), torch.ones(30, dtype=torch.long)
    bound = field.condition(shape, look)
    assert isinstance(bound, LiteralField)
    first, painted, other = (bound.emission(points, views, *which) for which in ((zero, zero), (zero, one), (one, one)))
    assert torch.equal(first.logit, painted.logit) and not torch.allclose(first.colour, painted.colour)
    assert not torch.allclose(first.logit, other.logit)
    alone = field.condition(shape[1:], look[1:]).emission(points, views, zero, zero)
    torch.testing.assert_close(alone.logit, other.logit)
    torch.testing.assert_close(alone.colour, other.colour)
    assert 0 <= first.colour.min() and first.colour.max() <= 1


def test_the_level_moves_a_radiance_field_s_surface_and_nothing_lies_outside(rng: torch.Generator) -> None:
    torch.manual_seed(0)
    field = RadianceField(small("radiance"), SMALL)
    bound = field.condition(torch.randn(1, 8, generator=rng), torch.randn(1, 6, generator=rng))
    points, owner = 0.5 * directions(20, rng)[:, None], torch.zeros(20, dtype=torch.long)
    before = bound.logit(points, owner)
    field.level.fill_(3.0)
    torch.testing.assert_close(bound.logit(points, owner), before - 3)
    field.level.fill_(-1e9)
    assert (bound.logit(2.2 * points, owner) < 0).all()


@pytest.mark.parametrize("resolution", [17, 24, 33])
def test_the_sparse_lattice_agrees_with_the_field_near_its_surface(resolution: int) -> None:
    """A sphere and a thin shell as values: exact where the sign changes, right in sign everywhere."""

    def value(points: torch.Tensor, owner: torch.Tensor) -> torch.Tensor:
        radius = points.norm(dim=-1)
        return torch.where(owner[:, None] == 0, 0.5 - radius, 0.12 - (radius - 0.6).abs())

    lattice = in_ball_lattice(value, 2, resolution, torch.device("cpu"))
    axis = torch.linspace(-1, 1, resolution)
    points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1)
    for shape in (0, 1):
        exact = value(points.reshape(-1, 1, 3), torch.full((resolution**3,), shape)).view(points.shape[:3])
        ball = points.norm(dim=-1) < 1
        assert ((lattice[shape] > 0) == (exact > 0))[ball].all()
        assert (lattice[shape][points.norm(dim=-1) > 1.3] == OUTSIDE).all()
        near = ball & (exact.abs() < 1.0 / resolution)
        torch.testing.assert_close(lattice[shape][near], exact[near])
