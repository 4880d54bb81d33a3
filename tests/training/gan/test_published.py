"""The presets `paper` and `graf` follow the published schedules, and their renderer the published procedure."""

import dataclasses
import math

import pytest
import torch

from benchmarks.published import published_config, set_rendering
from gen3d_core.adversarial import schedule
from gen3d_core.adversarial.patches import draw_patch
from gen3d_core.config import Config, PatchConfig, PosePrior, ScaledConfig
from gen3d_core.rendering import patch
from gen3d_core.rendering.camera import Rays, draw_poses
from gen3d_core.rendering.generator import Generator, as_pictures
from gen3d_core.rendering.root_finding import points_at
from gen3d_core.rendering.stage import Stage
from gen3d_core.rendering.surface_search import find_surface
from gen3d_core.rendering.volume import density_opacity, occupancy_weights
from tests.analytic import Box, Sphere
from tests.core.torch_solids import SolidBatch, camera_rays, exact_depth
from training.settings import load_settings

BATCH = 8  # of UNISURF's and GRAF's iterations, in pictures
ITERATIONS = (0, 1, 999, 1_000, 5_000, 20_000, 66_667, 150_000, 199_000, 250_000)


@pytest.fixture(scope="module")
def paper() -> Config:
    return load_settings("paper")


@pytest.fixture(scope="module")
def graf() -> Config:
    return load_settings("graf")


@pytest.mark.parametrize("iteration", ITERATIONS)
def test_the_interval_is_unisurf_s(paper: Config, iteration: int) -> None:
    """Delta = max(2.0 exp(-1.5e-5 iteration), 0.1)."""
    found = schedule.stage(iteration * BATCH / 1000, paper.renderer, paper.baseline).half_width
    assert found == pytest.approx(max(2.0 * math.exp(-1.5e-5 * iteration), 0.1), rel=1e-4)


@pytest.mark.parametrize("iteration", ITERATIONS)
def test_the_patch_scale_is_graf_s(paper: Config, graf: Config, iteration: int) -> None:
    """s_min = max(0.25, exp(-0.0025 k)), at most 0.9, k = 3 floor(iteration / 1000)."""
    expected = min(0.9, max(0.25, math.exp(-0.0025 * 3 * (iteration // 1000))))
    for config in (paper, graf):
        assert schedule.least_scale(iteration * BATCH / 1000, config.patch.scaled) == pytest.approx(expected)


@pytest.mark.parametrize("iteration", [0, 500, 1_000, 1_500, 2_000, 2_500, 3_000, 4_000, 4_999, 5_000])
def test_the_density_noise_is_graf_s(graf: Config, iteration: int) -> None:
    """1 at the start, 0 from iteration 5,000 on, linear between."""
    noise = schedule.stage(iteration * BATCH / 1000, graf.renderer, graf.baseline).noise
    assert noise == pytest.approx(max(0.0, 1 - iteration / 5000), abs=1e-9)


def test_samples_before_the_interval_join_after_5000_iterations(paper: Config) -> None:
    stages = [schedule.stage(i * BATCH / 1000, paper.renderer, paper.baseline) for i in (0, 4_999, 5_000, 90_000)]
    assert [stage.free_samples for stage in stages] == [0, 0, 32, 32]


def test_rates_halve_as_graf_s_do(graf: Config) -> None:
    halvings = graf.baseline.halve_at_kimg
    rates = [schedule.relative_rate(0.5, i * BATCH / 1000, graf.optim, halvings) for i in (0, 50_000, 100_000, 200_000)]
    assert [5e-4 * rate for rate in rates] == pytest.approx([5e-4, 2.5e-4, 1.25e-4, 0.625e-4])


def test_sizes_are_the_published_ones(paper: Config, graf: Config) -> None:
    generator = Generator(paper, PosePrior()).field
    widths = [tuple(layer.weight.shape) for layer in generator.layers]  # type: ignore[union-attr]
    assert widths == [(256, 39), (256, 256), (256, 256), (217, 256), *[(256, 256)] * 4]
    assert tuple(generator.head.weight.shape) == (257, 256)  # type: ignore[union-attr]
    assert tuple(generator.colour_layers[0].weight.shape) == (256, 3 + 27 + 3 + 256)  # type: ignore[index,union-attr]
    baseline = Generator(graf, PosePrior()).field
    widths = [tuple(layer.weight.shape) for layer in baseline.layers]  # type: ignore[union-attr]
    assert widths == [(256, 63), *[(256, 256)] * 4, (256, 319), *[(256, 256)] * 2]


def test_densities_composite_to_the_closed_form() -> None:
    """A homogeneous slab of density s and length l lets exp(-s l) through, however it is divided."""
    edges = torch.tensor([0.0, 0.1, 0.15, 0.5, 0.8])
    opacity = density_opacity(torch.full((1, 4), 1.7), edges.diff()[None])
    weights = occupancy_weights(opacity)
    assert 1 - weights.sum().item() == pytest.approx(math.exp(-1.7 * 0.8), rel=1e-6)
    passed = torch.exp(-1.7 * edges)
    torch.testing.assert_close(weights[0], passed[:-1] - passed[1:])


@pytest.mark.parametrize("solid", [Sphere(0.5, (0.1, 0.0, -0.1)), Box((0.5, 0.4, 0.3))], ids=["sphere", "box"])
def test_the_dense_search_finds_roots_within_1e_4(paper: Config, solid: Sphere | Box) -> None:
    """256 uniform steps to the bounding sphere and 8 secant steps, as published.

    Without rays that graze: there the root itself moves by more for the last bit of a coordinate.
    """
    config = dataclasses.replace(paper.renderer, march_steps=256, secant_steps=8)
    rays = camera_rays(30, 20, 48)
    exact = exact_depth(solid, rays)
    keep, crossing = find_surface(SolidBatch([solid]), None, rays, torch.zeros(48**2, dtype=torch.long), 0.1, config)
    surface = points_at(rays, exact[:, None].float())[:, 0]
    normal = torch.from_numpy(solid.normal(surface.double().numpy())).float()
    facing = -(normal * rays.directions).sum(-1) > 0.1
    hit = crossing.hit & ~exact[keep].isnan() & facing[keep]
    assert hit.sum() > 0.95 * (~exact.isnan() & facing).sum()
    assert (crossing.depth() - exact[keep])[hit].abs().max() < 1e-4


@pytest.mark.parametrize("place", [(0.0, 0.0), (-0.5, 0.5), (0.25, -0.125)])
def test_a_scaled_patch_on_pixel_centres_is_the_crop(place: tuple[float, float]) -> None:
    """Of pictures, and of what is rendered: the same places, row by row from the top left."""
    pictures = torch.rand(1, 4, 32, 32)
    half = patch.ScaledPatch(torch.tensor([place]), torch.tensor([0.5]), 16)
    row, column = round(16 * (1 - place[1])) - 8, round(16 * (1 + place[0])) - 8
    torch.testing.assert_close(half.take(pictures)[0], pictures[0, :, row : row + 16, column : column + 16])
    grid = patch.whole_picture(32).pixels().view(32, 32, 2)[row : row + 16, column : column + 16].reshape(-1, 2)
    torch.testing.assert_close(half.pixels()[0], grid)


def test_scaled_patches_lie_inside_and_cover_the_picture() -> None:
    config = PatchConfig(size=8, sampling="scaled", scaled=ScaledConfig(step_kimg=1.0))
    rng = torch.Generator().manual_seed(0)
    drawn = draw_patch(4000, 16, 1e4, config, rng)
    assert isinstance(drawn, patch.ScaledPatch)
    assert (
        drawn.extent.min() >= 0.25 and drawn.extent.max() <= 1 and drawn.extent.mean() == pytest.approx(0.625, abs=0.02)
    )
    assert drawn.pixels().abs().max() <= 1 and drawn.pixels().abs().max() > 0.95
    other = drawn.draw_another(rng)
    assert torch.equal(other.extent, drawn.extent)
    assert not torch.equal(other.centre, drawn.centre)
    early = draw_patch(400, 16, 0.0, config, rng)
    assert isinstance(early, patch.ScaledPatch) and early.extent.min() >= 0.9


@pytest.mark.parametrize("preset", ["paper-small", "graf-small"])
def test_a_rendered_patch_is_the_same_crop_of_the_whole_picture(preset: str) -> None:
    """With literal colours and pruned samples too: a patch on pixel centres renders what the whole picture shows."""
    config = load_settings(preset)
    torch.manual_seed(0)
    generator = Generator(config, PosePrior())
    rng = torch.Generator().manual_seed(0)
    pose = draw_poses(PosePrior(), 2, rng)
    field = generator.condition(
        torch.randn(2, config.generator.shape_dim, generator=rng),
        torch.randn(2, config.generator.appearance_dim, generator=rng),
    )
    stage = Stage(0.1, 4)
    quarter = patch.ScaledPatch(torch.tensor([[0.0, 0.0], [-0.25, 0.25]]), torch.tensor([0.5, 0.5]), 16)
    with torch.no_grad():
        crop = as_pictures(generator.render(field, pose, quarter, stage), 2)
        whole = as_pictures(generator.render(field, pose, patch.whole_picture(32, 2), stage), 2)
    torch.testing.assert_close(crop, quarter.take(whole), atol=2e-4, rtol=1e-3)


def trained_like(config: Config) -> Generator:
    """Networks whose codes matter and whose surface is no sphere, as after some training."""
    torch.manual_seed(3)
    generator = Generator(config, PosePrior())
    field = generator.field
    with torch.no_grad():
        for layer in (field.code_first, field.code_skip):  # type: ignore[union-attr]
            layer.weight.normal_(0, 0.004)
    return generator


@pytest.mark.parametrize("low_precision", [False, True], ids=["float32", "bfloat16"])
@pytest.mark.parametrize("half_width", [0.5, 0.1])
def test_the_fast_path_shows_what_the_dense_search_shows(half_width: float, low_precision: bool) -> None:
    """Same weights, same rays: search in a lattice with pruned samples, also in bfloat16 as training computes, against
    256 steps on the field and all samples in float32.

    Premultiplied colours and alpha differ by 0.005 in the mean, and 99 % of the values by less than 0.05. The rest are
    rays that graze the rim: whether they count as a hit changes which part of them is sampled, in either search.
    """
    config = load_settings("paper-small")
    generator = trained_like(config)
    fast = dataclasses.replace(
        config,
        renderer=dataclasses.replace(config.renderer, samples=64, lattice=41, secant_steps=4, miss_logit=-9.0),
        baseline=dataclasses.replace(config.baseline, free_samples=32, prune=1e-3),
    )
    dense = published_config(fast)
    rng = torch.Generator().manual_seed(0)
    pose = draw_poses(PosePrior(), 2, rng)
    shape = torch.randn(2, config.generator.shape_dim, generator=rng)
    look = torch.randn(2, config.generator.appearance_dim, generator=rng)
    stage = Stage(half_width, 32)
    pictures = {}
    for way in (dense, fast):
        set_rendering(generator, way)
        with torch.no_grad(), torch.autocast("cpu", torch.bfloat16, enabled=low_precision and way is fast):
            field = generator.condition(shape, look)
            seen = generator.render(field, pose, patch.whole_picture(32, 2), stage)
            pictures[way.baseline.search] = as_pictures(seen, 2).float()
    difference = (pictures["lattice"] - pictures["dense"]).abs()
    assert pictures["dense"][:, 3].mean() > 0.1
    assert difference.mean() < 0.005 and difference.flatten().quantile(0.99) < 0.05


def test_every_sample_of_a_missing_ray_counts_as_published() -> None:
    """A ray without a hit sees its whole range: a faint sphere beside it leaves what its samples composite to."""
    config = load_settings("paper")
    rays = camera_rays(0, 0, 1)
    origins = rays.origins + torch.tensor([[0.0, 0.7, 0.0]])
    crossing_none = Rays(origins, torch.tensor([[-1.0, 0.0, 0.0]]))
    keep, crossing = find_surface(
        SolidBatch([Sphere(0.5)]),
        None,
        crossing_none,
        torch.zeros(1, dtype=torch.long),
        0.1,
        dataclasses.replace(config.renderer, march_steps=256),
    )
    assert len(keep) == 1 and not crossing.hit.any()
