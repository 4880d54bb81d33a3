"""Pictures of analytic solids against their exact depth, normal, silhouette and colour."""

import dataclasses

import pytest
import torch

from gen3d_core.config import BaselineConfig, RendererConfig
from gen3d_core.rendering.camera import Rays
from gen3d_core.rendering.renderer import Rendering, render
from gen3d_core.rendering.root_finding import points_at
from gen3d_core.rendering.stage import Stage
from gen3d_core.rendering.surface_search import find_surface, in_lattice, nearest_value, trilinear_value
from tests.analytic import Box, Sphere
from tests.core.torch_solids import Solid, SolidBatch, camera_rays, exact_depth, paint

SIZE = 40
FINE = RendererConfig(lattice=128, march_steps=64, samples=64, normal_step=0.005)
HALF_WIDTH = 0.02
BIN = 2 * HALF_WIDTH / FINE.samples
BALL, BRICK = Sphere(0.5, (0.1, 0.0, -0.1)), Box((0.5, 0.4, 0.3), (0.0, 0.1, 0.0))
PLATE, POST = Box((0.4, 0.4, 0.05)), Box((0.05, 0.05, 0.4), (0.2, 0.0, 0.0))
SOLIDS = pytest.mark.parametrize("solid", [BALL, BRICK], ids=["sphere", "box"])


def show(solids: list[Solid], rays: Rays, owner: torch.Tensor | None = None, **change: object) -> Rendering:
    owner = torch.zeros(len(rays.origins), dtype=torch.long) if owner is None else owner
    config = dataclasses.replace(FINE, **change)  # type: ignore[arg-type]
    return render(SolidBatch(solids), rays, owner, owner, Stage(HALF_WIDTH), config, BaselineConfig())


@SOLIDS
def test_depth_and_normal_are_exact(solid: Sphere | Box) -> None:
    """Compositing stops at the first sample inside, so depth may lie one sample behind the surface."""
    rays = camera_rays(30, 20, SIZE)
    exact = exact_depth(solid, rays)
    seen = show([solid], rays)
    meets = ~torch.isnan(exact)
    surface = points_at(rays, exact[:, None].float())[:, 0]
    normal = torch.from_numpy(solid.normal(surface.double().numpy())).float()
    facing = -(normal * rays.directions).sum(-1)
    clear = meets & (facing > 0.3) & away_from_edges(solid, surface)
    assert clear.sum() > 200
    error = seen.depth[clear, 0] - exact[clear]
    assert error.min() > -1e-4 and error.max() < BIN + 1e-4
    assert (seen.surface[clear] - surface[clear]).norm(dim=-1).max() < BIN + 2e-4
    assert (seen.normal[clear] * normal[clear]).sum(-1).min() > 0.9998, "more than about one degree off"


def away_from_edges(solid: Sphere | Box, points: torch.Tensor) -> torch.Tensor:
    """Where differences stay on one face."""
    if isinstance(solid, Sphere):
        return torch.ones(len(points), dtype=torch.bool)
    depth = torch.tensor(solid.half) - (points - torch.tensor(solid.centre)).abs()
    return (depth < 0.025).sum(-1) == 1


@SOLIDS
def test_the_silhouette_is_exact(solid: Sphere | Box) -> None:
    """Opaque where a ray meets the solid, empty where it does not; rim pixels add up to less than two wrong ones."""
    rays = camera_rays(30, 20, SIZE)
    alpha = show([solid], rays).alpha[:, 0]
    exact = ~torch.isnan(exact_depth(solid, rays))
    assert exact.sum() > 250 and (alpha - exact.float()).abs().sum() < 2
    assert ((alpha > 0.001) & (alpha < 0.999)).sum() <= 2, "a hard surface is opaque or absent"


@SOLIDS
def test_colour_is_that_of_the_surface(solid: Sphere | Box) -> None:
    rays = camera_rays(30, 20, SIZE)
    exact = exact_depth(solid, rays)
    seen = show([solid], rays)
    opaque = (seen.alpha[:, 0] > 0.5) & ~torch.isnan(exact)
    expected = paint(points_at(rays, exact[:, None].float())[:, 0])
    error = (seen.colour - expected)[opaque].abs()
    assert error.median() < BIN / 2 and error.max() < FINE.miss_interval / FINE.samples


def test_a_miss_is_transparent_and_zero_everywhere() -> None:
    rays = camera_rays(0, 0, SIZE)
    seen = show([Sphere(0.2)], rays)
    missed = torch.isnan(exact_depth(Sphere(0.2), rays))
    for field in dataclasses.fields(seen):
        if field.name in ("colour", "alpha"):
            assert not getattr(seen, field.name)[missed].any()
    far = exact_depth(Sphere(0.45), rays).isnan()  # beyond the least logit of a near miss: not even sampled
    assert all(not getattr(seen, field.name)[far].any() for field in dataclasses.fields(seen))


def test_a_batch_without_any_surface_renders_nothing_and_has_gradients() -> None:
    gain = torch.tensor(1.0, requires_grad=True)
    rays = camera_rays(0, 0, 8)
    nothing = torch.zeros(64, dtype=torch.long)
    seen = render(SolidBatch([Sphere(-1.0)], gain), rays, nothing, nothing, Stage(HALF_WIDTH), FINE, BaselineConfig())
    assert not seen.alpha.any()
    (seen.alpha.sum() + seen.colour.sum()).backward()
    assert gain.grad is None or torch.isfinite(gain.grad)


def test_every_ray_meets_its_own_object_in_its_own_picture() -> None:
    rays = camera_rays(30, 20, 16)
    alone = [show([solid], rays) for solid in (BALL, BRICK)]
    both = Rays(rays.origins.repeat(2, 1), rays.directions.repeat(2, 1))
    owner = torch.arange(2).repeat_interleave(256)
    seen = show([BALL, BRICK], both, owner)
    assert torch.allclose(seen.depth, torch.cat([a.depth for a in alone]), atol=1e-5)
    assert torch.allclose(seen.colour, torch.cat([alone[0].colour, alone[1].colour / 2]), atol=1e-5)


def test_jitter_changes_depth_by_less_than_a_sample() -> None:
    rays = camera_rays(30, 20, 16)
    nothing = torch.zeros(256, dtype=torch.long)
    field = SolidBatch([BALL])
    still = render(field, rays, nothing, nothing, Stage(HALF_WIDTH), FINE, BaselineConfig())
    drawn = [
        render(
            field, rays, nothing, nothing, Stage(HALF_WIDTH), FINE, BaselineConfig(), torch.Generator().manual_seed(s)
        )
        for s in (0, 0, 1)
    ]
    assert torch.equal(drawn[0].depth, drawn[1].depth) and not torch.equal(drawn[0].depth, drawn[2].depth)
    opaque = (still.alpha == 1) & (drawn[0].alpha == 1)
    assert opaque.sum() > 30 and (still.depth - drawn[0].depth)[opaque].abs().max() < BIN + 1e-4


@pytest.mark.parametrize("gain", [1e-4, 1.0, 1e4])
def test_gradients_are_finite_at_extreme_logits(gain: float) -> None:
    """Logits from almost none to beyond +-1e4, in a wide and in a narrow interval."""
    rays = camera_rays(30, 20, 16)
    nothing = torch.zeros(256, dtype=torch.long)
    for half_width in (0.5, 0.05):
        factor = torch.tensor(gain, requires_grad=True)
        field = SolidBatch([Sphere(0.5, sharpness=100.0)], factor)
        seen = render(
            field,
            rays,
            nothing,
            nothing,
            Stage(half_width),
            RendererConfig(),
            BaselineConfig(),
            torch.Generator().manual_seed(0),
        )
        (seen.colour.square().sum() + seen.alpha.sum()).backward()
        assert factor.grad is not None and torch.isfinite(factor.grad)
        assert torch.isfinite(seen.colour).all() and seen.alpha.min() >= 0 and seen.alpha.max() <= 1 + 1e-6


def test_a_wide_interval_blurs_a_soft_surface_around_the_right_depth() -> None:
    """Early in training: logit of slope 20 in an interval of half-width 0.5; the silhouette is soft, not empty."""
    rays = camera_rays(30, 20, SIZE)
    nothing = torch.zeros(SIZE**2, dtype=torch.long)
    seen = render(SolidBatch([BALL], 1.0), rays, nothing, nothing, Stage(0.5), RendererConfig(), BaselineConfig())
    exact = exact_depth(BALL, rays)
    inner = exact < exact[~exact.isnan()].min() + 0.1
    assert (seen.depth[inner, 0] - exact[inner]).abs().max() < 0.1 and seen.alpha[inner].min() > 0.95
    outside = (
        exact_depth(Sphere(0.53, BALL.centre), rays).isnan() & ~exact_depth(Sphere(0.56, BALL.centre), rays).isnan()
    )
    assert 0.02 < seen.alpha[outside].min() and seen.alpha[outside].max() < 0.98


def test_lattice_values_are_exact_at_nodes_and_linear_between() -> None:
    """Trilinear interpolation reproduces what is linear along each axis; the nearest value is the nearest node's."""
    axis = torch.linspace(-1, 1, 9)
    x, y, z = torch.meshgrid(axis, axis, axis, indexing="ij")
    lattice = torch.stack([1 + x - 2 * y + 3 * z, 2 * x * y * z])
    rng = torch.Generator().manual_seed(0)
    points = torch.rand(2, 50, 3, generator=rng) * 2 - 1
    owner = torch.tensor([0, 1])
    values = trilinear_value(lattice, owner)((points + 1) * 4)
    assert torch.allclose(values[0], 1 + points[0] @ torch.tensor([1.0, -2.0, 3.0]), atol=1e-5)
    assert torch.allclose(values[1], 2 * points[1].prod(-1), atol=1e-5)
    snapped = ((points + 1) * 4).round() / 4 - 1
    assert torch.allclose(nearest_value(lattice, owner)((points + 1) * 4)[1], 2 * snapped[1].prod(-1), atol=1e-6)


def test_rays_in_lattice_coordinates_keep_their_depths() -> None:
    rays = camera_rays(30, 20, 4)
    depths = torch.full((16, 1), 3.7)
    assert torch.allclose(points_at(in_lattice(rays, 40), depths), (points_at(rays, depths) + 1) * 19.5, atol=1e-4)


@pytest.mark.parametrize("solid", [BALL, BRICK, PLATE, POST], ids=["sphere", "box", "plate", "post"])
@pytest.mark.parametrize("half_width", [0.5, 0.05])
def test_in_training_the_surface_lies_within_the_sampled_interval(solid: Sphere | Box, half_width: float) -> None:
    """The search of the default settings errs by less than the narrowest interval, also on thin parts and edges."""
    rays = camera_rays(30, 20, 64)
    exact = exact_depth(solid, rays)
    config = RendererConfig()
    field, owner = SolidBatch([solid]), torch.zeros(64**2, dtype=torch.long)
    keep, crossing = find_surface(field, field.lattice(config.lattice), rays, owner, half_width, config)
    meets = ~exact.isnan()
    assert meets[keep].sum() == meets.sum(), "a ray that meets the solid was dropped"
    assert not (crossing.hit & ~meets[keep]).any(), "a hit where there is nothing"
    error = (crossing.depth() - exact[keep])[crossing.hit].abs()
    assert len(error) > 0.85 * meets.sum() and error.max() < config.interval.end
    assert error.median() < 2e-3


def test_the_secant_step_on_the_field_sharpens_what_the_lattice_found() -> None:
    rays = camera_rays(30, 20, SIZE)
    owner = torch.zeros(SIZE**2, dtype=torch.long)
    exact = exact_depth(BALL, rays)
    config = RendererConfig()
    field = SolidBatch([BALL])
    error = {}
    for half_width in (config.secant_below + 0.01, config.secant_below - 0.01):
        keep, crossing = find_surface(field, field.lattice(config.lattice), rays, owner, half_width, config)
        error[half_width] = (crossing.depth() - exact[keep])[crossing.hit].abs().median()
    wide, narrow = error.values()
    assert narrow < wide / 4
