"""Look-ups in planes and the field made of them."""

from typing import Any

import pytest
import torch

from gen3d_core.config import GeneratorConfig
from gen3d_core.networks.fields.planes import AXES, as_rows, gather, gather_dense
from gen3d_core.networks.fields.triplane import Appearance, ConditionedTriplane, TriplaneField
from gen3d_core.networks.layers import Mapping, ModulatedConv
from gen3d_core.networks.positional import pose_harmonics, positional

SMALL = GeneratorConfig(
    shape_dim=8, appearance_dim=6, mapping_width=16, synthesis_channels=(16, 16, 8), plane_channels=8
)


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(0)


@pytest.fixture(scope="module")
def field() -> TriplaneField:
    torch.manual_seed(3)
    return TriplaneField(SMALL)


def condition(field: TriplaneField, rng: torch.Generator, shapes: int = 2, pictures: int = 2) -> ConditionedTriplane:
    codes = torch.randn(shapes, 8, generator=rng), torch.randn(pictures, 6, generator=rng)
    return field.condition(*codes)


def test_a_texel_s_place_and_value() -> None:
    """Planes that hold the coordinates they span give back the points' own, at texels, between them and clamped."""
    size = 5
    axis = torch.linspace(-1, 1, size)
    row, column = torch.meshgrid(axis, axis, indexing="ij")
    planes = torch.zeros(1, 3, 6, size, size)
    for plane in range(3):
        planes[0, plane, 2 * plane], planes[0, plane, 2 * plane + 1] = column, row
    points = torch.tensor([[[0.5, -0.25, 1.0], [-1.0, 0.1, 0.0], [0.3, -0.7, 1.5]]])
    expected = points.clamp(-1, 1)[..., [axis for pair in AXES for axis in pair]]
    found = gather(as_rows(planes), points, torch.tensor([0]), size)
    assert torch.allclose(found, expected, atol=1e-6)
    assert torch.allclose(gather_dense(planes, points), expected, atol=1e-6)


def test_gather_equals_grid_sample_forward_and_backward(rng: torch.Generator) -> None:
    """Values and gradients of a random linear functional, for several objects, with points outside the planes too."""
    planes = torch.randn(3, 3, 5, 9, 9, generator=rng, requires_grad=True)
    points = torch.rand(12, 7, 3, generator=rng) * 2.4 - 1.2
    owner = torch.arange(3).repeat_interleave(4)
    weight = torch.randn(12, 7, 5, generator=rng)
    found = gather(as_rows(planes), points, owner, 9)
    (gradient,) = torch.autograd.grad((found * weight).sum(), planes)
    dense = gather_dense(planes, points.view(3, 28, 3)).reshape(12, 7, 5)
    (expected,) = torch.autograd.grad((dense * weight).sum(), planes)
    assert torch.allclose(found, dense, atol=1e-5)
    assert torch.allclose(gradient, expected, atol=1e-5)


def test_gather_of_no_points_has_a_zero_gradient() -> None:
    planes = torch.randn(1, 3, 4, 5, 5, requires_grad=True)
    found = gather(as_rows(planes), torch.zeros(0, 6, 3), torch.zeros(0, dtype=torch.long), 5)
    (gradient,) = torch.autograd.grad(found.sum(), planes)
    assert found.shape == (0, 6, 4) and not gradient.any()


def test_rows_are_a_view_of_planes_as_the_synthesis_lays_them_out(field: TriplaneField, rng: torch.Generator) -> None:
    layout: dict[str, Any] = {"memory_format": torch.channels_last}
    planes = field.to(**layout).planes(torch.randn(2, 8, generator=rng)).detach()
    rows = as_rows(planes)
    assert rows.data_ptr() == planes.data_ptr()
    texel = ((1 * 16 + 3) * 16 + 5) * 3 + 2  # object 1, row 3, column 5, plane 2
    assert torch.equal(rows[texel], planes[1, 2, :, 3, 5])


@pytest.mark.parametrize("resolution", [16, 23])
def test_the_lattice_is_the_logit_at_its_nodes(field: TriplaneField, rng: torch.Generator, resolution: int) -> None:
    with torch.no_grad():
        bound = condition(field, rng)
        axis = torch.linspace(-1, 1, resolution)
        points = torch.stack(torch.meshgrid(axis, axis, axis, indexing="ij"), -1).view(1, -1, 3)
        for owner in range(2):
            expected = bound.logit(points, torch.tensor([owner])).view(resolution, resolution, resolution)
            assert torch.allclose(bound.lattice(resolution)[owner], expected, atol=1e-4)


def test_before_training_every_object_is_roughly_the_sphere(rng: torch.Generator) -> None:
    """Measured over directions, codes and seeds: radius 0.5 on average, of each object 0.2 to 0.8, bumps below 0.3."""
    radii = torch.linspace(0.02, 0.999, 100)
    means = []
    for seed in range(3):
        torch.manual_seed(seed)
        field = TriplaneField(GeneratorConfig())
        directions = torch.nn.functional.normalize(torch.randn(100, 3, generator=rng), dim=-1)
        with torch.no_grad():
            bound = field.condition(torch.randn(4, 64, generator=rng), torch.randn(1, 32, generator=rng))
            for shape in range(4):
                logits = bound.logit(directions[:, None] * radii[:, None], torch.full((100,), shape))
                outermost = radii[(logits > 0).long().cumsum(1).argmax(1)]
                assert (logits[:, 0] > 0).all(), "solid at the origin"
                assert outermost.max() - outermost.min() < 0.3 and 0.2 < outermost.mean() < 0.8
                means.append(outermost.mean())
    assert torch.stack(means).mean().item() == pytest.approx(0.5, abs=0.1)


def test_outside_the_unit_sphere_there_is_nothing_whatever_the_network_says(
    field: TriplaneField, rng: torch.Generator
) -> None:
    directions = torch.nn.functional.normalize(torch.randn(100, 3, generator=rng), dim=-1)
    points = directions * torch.linspace(1.0005, 2, 100)[:, None]
    for raw in (-1e6, 0.0, 1e6):
        logits = field.bounded(torch.full((100,), raw), points.norm(dim=-1))
        assert (logits < 0).all()
    assert field.bounded(torch.tensor([1e6]), torch.tensor([0.5])) > 0, "inside, the network decides"


def test_the_appearance_code_cannot_touch_the_shape(field: TriplaneField, rng: torch.Generator) -> None:
    shape = torch.randn(1, 8, generator=rng)
    first, second = (field.condition(shape, torch.randn(1, 6, generator=rng) * 100) for _ in range(2))
    points = torch.rand(1, 500, 3, generator=rng) * 2 - 1
    owner = torch.tensor([0])
    assert torch.equal(first.logit(points, owner), second.logit(points, owner))
    assert torch.equal(first.lattice(24), second.lattice(24))
    normals = torch.zeros(500, 3)
    one = torch.zeros(500, dtype=torch.long)
    features = first.features(points, owner)[0]
    assert not torch.equal(
        first.colour(features, points[0], normals, one), second.colour(features, points[0], normals, one)
    )


def test_the_shape_code_moves_the_surface(field: TriplaneField, rng: torch.Generator) -> None:
    first, second = condition(field, rng).lattice(24)
    assert not torch.equal(first, second)


def test_colours_are_mixtures_of_the_palette(field: TriplaneField, rng: torch.Generator) -> None:
    """Convex ones: within the palette's range, and exactly a palette of one colour."""
    look = field.appearance(torch.randn(1, 6, generator=rng))
    features, points = torch.randn(50, 8, generator=rng), torch.rand(50, 3, generator=rng)
    colour = field.base_colour(features, points, look)
    low, high = look.palette[0].min(0).values, look.palette[0].max(0).values
    assert ((colour >= low - 1e-5) & (colour <= high + 1e-5)).all() and low.min() >= 0 and high.max() <= 1
    red = torch.tensor([0.9, 0.1, 0.2])
    assert torch.allclose(
        field.base_colour(features, points, Appearance(look.film, red.expand(1, 8, 3))), red, atol=1e-5
    )


def test_light_has_mean_one_over_the_sphere(field: TriplaneField, rng: torch.Generator) -> None:
    directions = torch.nn.functional.normalize(torch.randn(200_000, 3, generator=rng), dim=-1)
    assert torch.equal(field.shade(directions[:10]), torch.ones(10)), "before training there is no light to see"
    lit = TriplaneField(SMALL)
    with torch.no_grad():
        lit.light.copy_(torch.tensor([0.2, -0.1, 0.3, 0.1, 0.1, -0.1, 0.05, 0.1]))
        assert lit.shade(directions).mean().item() == pytest.approx(1, abs=5e-3)
        lit.light.mul_(100)
        assert lit.shade(directions).min() == pytest.approx(0.05), "never dark: a gradient remains"


def test_truncation_pulls_styles_to_their_mean(rng: torch.Generator) -> None:
    torch.manual_seed(1)
    mapping = Mapping(8, 16, 0.1)
    mapping.measure_mean(rng)
    code = torch.randn(5, 8, generator=rng)
    full, half, none = (mapping(code, amount) for amount in (1.0, 0.5, 0.0))
    assert torch.allclose(none, mapping.mean.expand(5, 16)) and torch.allclose(half, (full + none) / 2, atol=1e-6)
    drawn = mapping(torch.randn(20_000, 8, generator=rng))
    assert (drawn.mean(0) - mapping.mean).abs().max() < 0.05


def test_styles_do_not_depend_on_the_length_of_the_code(rng: torch.Generator) -> None:
    torch.manual_seed(1)
    mapping = Mapping(8, 16, 0.1)
    code = torch.randn(3, 8, generator=rng)
    assert torch.allclose(mapping(code), mapping(7 * code), atol=1e-5)


def test_demodulated_outputs_have_unit_variance_whatever_the_style(rng: torch.Generator) -> None:
    torch.manual_seed(2)
    conv = ModulatedConv(16, 32, 8)
    x = torch.randn(4, 16, 24, 24, generator=rng)
    for strength in (1.0, 50.0):
        y = conv(x, strength * torch.randn(4, 8, generator=rng))[:, :, 1:-1, 1:-1]
        assert y.var().item() == pytest.approx(1, rel=0.2)


def test_fourier_features() -> None:
    x = torch.tensor([[0.5, -1.0]])
    values = positional(x, 2)[0]
    expected = torch.cat([x[0], torch.sin(x[0]), torch.sin(2 * x[0]), torch.cos(x[0]), torch.cos(2 * x[0])])
    assert torch.allclose(values, expected)
    turn = torch.tensor([[0.3, 0.2], [0.3 + 2 * torch.pi, 0.2]])
    before, after = pose_harmonics(turn)
    assert torch.allclose(before, after, atol=1e-5)
