"""Where rays meet analytic solids: depth, hit and normal against their exact values."""

import numpy as np
import pytest
import torch

from gen3d_core.networks.fields.normals import surface_normals
from gen3d_core.rendering.camera import Rays
from gen3d_core.rendering.root_finding import Crossing, march, points_at, secant, sphere_bounds
from tests.analytic import Box, Hollow, Sphere, Torus
from tests.core.torch_solids import camera_rays, exact_depth, logit_of

STEPS = 64
STEP = 2 / (STEPS - 1)  # the longest step: through the middle of the unit sphere

BALL = Sphere(0.5)
SHIFTED = Sphere(0.3, (0.2, -0.1, 0.3))
BRICK = Box((0.5, 0.4, 0.3))
OFF_CENTRE = Box((0.1, 0.5, 0.2), (0.2, 0.0, -0.3))
VIEWS = [(0, 0), (35, 25), (200, 40), (90, 5)]


def cast(solid: Sphere | Box | Hollow, rays: Rays) -> tuple[Crossing, torch.Tensor]:
    crossing = march(logit_of(solid), rays, *sphere_bounds(rays), STEPS)
    return crossing, secant(logit_of(solid), rays, crossing)


@pytest.mark.parametrize("solid", [BALL, SHIFTED, BRICK, OFF_CENTRE], ids=str)
@pytest.mark.parametrize("view", VIEWS)
def test_depth_is_exact_after_secant_steps(solid: Sphere | Box, view: tuple[float, float]) -> None:
    rays = camera_rays(*view, 32)
    exact = exact_depth(solid, rays)
    crossing, depth = cast(solid, rays)
    hit = crossing.hit
    assert hit.sum() > 20
    assert not torch.isnan(exact[hit]).any(), "a hit where there is nothing"
    error = (depth - exact)[hit].abs()
    normal = solid.normal(points_at(rays, exact[:, None].float())[:, 0].double().numpy())
    facing = -(torch.from_numpy(normal) * rays.directions).sum(-1)[hit]
    assert error[facing > 0.15].max() < 1e-4
    assert error.max() < 1e-3, "where rays graze the surface, the root is ill-conditioned"


@pytest.mark.parametrize("solid", [BALL, SHIFTED], ids=str)
def test_every_chord_longer_than_a_step_is_hit_and_nothing_else(solid: Sphere) -> None:
    """Rays past a sphere at distances just below and above its radius, grazing ones among them."""
    longest = np.sqrt(solid.radius**2 - (STEP / 2) ** 2)
    passing = torch.tensor([0.0, 0.5 * solid.radius, longest - 1e-4, solid.radius + 1e-4, 2 * solid.radius])
    origins = torch.tensor(solid.centre) + torch.stack([torch.full((5,), 4.0), passing, torch.zeros(5)], -1)
    crossing, _ = cast(solid, Rays(origins, torch.tensor([-1.0, 0.0, 0.0]).expand(5, 3)))
    assert crossing.hit.tolist() == [True, True, True, False, False]


def test_the_bracket_holds_the_crossing() -> None:
    rays = camera_rays(35, 25, 32)
    crossing, _ = cast(BRICK, rays)
    hit = crossing.hit
    exact = exact_depth(BRICK, rays)[hit]
    assert ((crossing.lower[hit] <= exact) & (exact <= crossing.upper[hit])).all()
    assert (crossing.upper - crossing.lower)[hit].max() <= STEP + 1e-6
    assert (crossing.lower_logit[hit] <= 0).all() and (crossing.upper_logit[hit] > 0).all()


def test_a_miss_closes_on_the_point_nearest_to_the_surface() -> None:
    rays = camera_rays(0, 0, 32)
    crossing, depth = cast(BALL, rays)
    missed = ~crossing.hit
    near, far = (bound[missed] for bound in sphere_bounds(rays))
    nearest = -(rays.origins * rays.directions).sum(-1)[missed]
    inside = far - near > STEP  # the ray goes through the searched sphere
    assert (depth[missed] - nearest)[inside].abs().max() <= STEP / 2 + 1e-5
    assert torch.equal(crossing.lower[missed], crossing.upper[missed])
    assert (
        torch.equal(crossing.best_logit[missed], crossing.upper_logit[missed])
        and (crossing.best_logit[missed] <= 0).all()
    )


def test_the_first_of_several_crossings_is_found() -> None:
    """Through a hollow ball: the outer shell's front, not the cavity's back."""
    rays = camera_rays(0, 0, 8)
    crossing, depth = cast(Hollow(Sphere(0.8), Sphere(0.4)), rays)
    exact = exact_depth(Sphere(0.8), rays)
    assert (depth - exact)[crossing.hit].abs().max() < 1e-4


def test_a_camera_inside_the_solid_hits_at_once() -> None:
    rays = Rays(torch.zeros(1, 3), torch.tensor([[1.0, 0.0, 0.0]]))
    crossing = march(logit_of(BALL), rays, torch.tensor([0.0]), torch.tensor([1.0]), STEPS)
    assert bool(crossing.hit) and secant(logit_of(BALL), rays, crossing).item() == 0.0


def test_a_field_of_extreme_logits_is_searched_like_any_other() -> None:
    sharp = Sphere(0.5, sharpness=1e6)
    rays = camera_rays(35, 25, 32)
    crossing, depth = cast(sharp, rays)
    assert torch.isfinite(depth).all()
    assert (depth - exact_depth(sharp, rays))[crossing.hit].abs().max() < 1e-4


def test_bounds_are_where_rays_enter_and_leave_the_sphere() -> None:
    rays = camera_rays(120, 30, 9)
    near, far = sphere_bounds(rays, 0.7)
    exact = exact_depth(Sphere(0.7), rays)
    meets = ~torch.isnan(exact)
    assert (near - exact)[meets].abs().max() < 1e-4
    ends = points_at(rays, torch.stack([near, far], -1))[meets]
    assert (ends.norm(dim=-1) - 0.7).abs().max() < 1e-4
    assert torch.equal(near[~meets], far[~meets])
    foot = points_at(rays, near[:, None])[~meets, 0]
    assert (foot * rays.directions[~meets]).sum(-1).abs().max() < 1e-4


@pytest.mark.parametrize("solid", [Sphere(0.5), Torus(0.5, 0.25)], ids=str)
def test_normals_of_curved_surfaces_err_by_less_than_the_step_over_the_radius_of_curvature(
    solid: Sphere | Torus,
) -> None:
    """A tetrahedron has no centre of symmetry, so the error is of first order: step / radius radians at most."""
    rng = np.random.default_rng(0)
    u, v = rng.uniform(0, 2 * np.pi, (2, 500))
    if isinstance(solid, Torus):
        ring = solid.major + solid.minor * np.cos(v)
        points = np.stack([ring * np.cos(u), ring * np.sin(u), solid.minor * np.sin(v)], -1)
    else:
        z = rng.uniform(-1, 1, 500)
        flat = np.sqrt(1 - z**2)
        points = solid.radius * np.stack([flat * np.cos(u), flat * np.sin(u), z], -1)
    radius = solid.minor if isinstance(solid, Torus) else solid.radius
    for step in (0.03, 0.01, 0.003):
        assert angle(solid, points, step).max() < np.degrees(step / radius)


def angle(solid: Sphere | Torus | Box, points: np.ndarray, step: float) -> torch.Tensor:
    """Degrees between exact normals and those by differences."""
    normals = surface_normals(logit_of(solid), torch.from_numpy(points).float(), step)
    exact = torch.from_numpy(solid.normal(points)).float()
    assert torch.allclose(normals.norm(dim=-1), torch.ones(len(points)), atol=1e-5)
    return torch.rad2deg(2 * torch.asin(((normals - exact).norm(dim=-1) / 2).clamp(max=1)))


def test_normals_of_flat_faces_are_exact() -> None:
    """Away from the edges by more than the step, where the distance is linear."""
    rng = np.random.default_rng(0)
    half = np.array(BRICK.half)
    points = rng.uniform(-1, 1, (300, 3)) * (half - 0.1)
    face, side = rng.integers(0, 3, 300), rng.choice([-1.0, 1.0], 300)
    points[np.arange(300), face] = side * half[face]
    assert angle(BRICK, points, 0.03).max() < 0.01


def test_normals_are_finite_where_the_field_is_constant() -> None:
    normals = surface_normals(lambda points: torch.full(points.shape[:-1], -1e4), torch.zeros(3, 3), 0.03)
    assert torch.equal(normals, torch.zeros(3, 3))
