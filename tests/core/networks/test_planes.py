"""Look-ups in planes and the field made of them."""

import dataclasses
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


def coordinates(size: int) -> torch.Tensor:
    """A map that holds, at every texel, the first and the second coordinate of a plane that it might be."""
    axis = torch.linspace(-1, 1, size)
    row, column = torch.meshgrid(axis, axis, indexing="ij")
    return torch.stack([column, row])[None]


def test_a_texel_s_place_and_value() -> None:
    """A map of coordinates gives back the points' own, at texels, between them and clamped."""
    points = torch.tensor([[[0.5, -0.25, 1.0], [-1.0, 0.1, 0.0], [0.3, -0.7, 1.5]]])
    expected = points.clamp(-1, 1)[..., [axis for pair in AXES for axis in pair]]
    found = gather(as_rows(coordinates(5)), points, torch.tensor([0]), 5).flatten(-2)
    assert torch.allclose(found, expected, atol=1e-6)
    planes = torch.zeros(1, 3, 6, 5, 5)
    for plane in range(3):
        planes[:, plane, 2 * plane : 2 * plane + 2] = coordinates(5)
    assert torch.allclose(gather_dense(planes, points), expected, atol=1e-6)


def test_gather_equals_grid_sample_forward_and_backward(rng: torch.Generator) -> None:
    """Values and gradients of a random linear functional, for several objects, with points outside the planes too."""
    texels = torch.randn(3, 5, 9, 9, generator=rng, requires_grad=True)
    points = torch.rand(12, 7, 3, generator=rng) * 2.4 - 1.2
    owner = torch.arange(3).repeat_interleave(4)
    weight = torch.randn(12, 7, 5, generator=rng)
    found = gather(as_rows(texels), points, owner, 9).sum(-2)
    (gradient,) = torch.autograd.grad((found * weight).sum(), texels)
    planes = texels[:, None].expand(-1, 3, -1, -1, -1)
    dense = gather_dense(planes, points.view(3, 28, 3)).reshape(12, 7, 5)
    (expected,) = torch.autograd.grad((dense * weight).sum(), texels)
    assert torch.allclose(found, dense, atol=1e-5)
    assert torch.allclose(gradient, expected, atol=1e-5)


def test_gather_of_no_points_has_a_zero_gradient() -> None:
    texels = torch.randn(1, 4, 5, 5, requires_grad=True)
    found = gather(as_rows(texels), torch.zeros(0, 6, 3), torch.zeros(0, dtype=torch.long), 5)
    (gradient,) = torch.autograd.grad(found.sum(), texels)
    assert found.shape == (0, 6, 3, 4) and not gradient.any()


def test_rows_are_a_view_of_maps_as_the_synthesis_lays_them_out(field: TriplaneField, rng: torch.Generator) -> None:
    layout: dict[str, Any] = {"memory_format": torch.channels_last}
    found = field.to(**layout).synthesis(torch.randn(2, 16, generator=rng)).texels.detach()
    rows = as_rows(found)
    assert rows.data_ptr() == found.data_ptr()
    texel = (1 * 16 + 3) * 16 + 5  # object 1, row 3, column 5
    assert torch.equal(rows[texel], found[1, :, 3, 5])


@pytest.mark.parametrize("mirror", [False, True])
def test_reading_out_at_points_is_reading_the_planes(rng: torch.Generator, mirror: bool) -> None:
    torch.manual_seed(3)
    field = TriplaneField(dataclasses.replace(SMALL, mirror=mirror))
    torch.nn.init.normal_(field.synthesis.out.bias)
    bound = condition(field, rng)
    points = torch.rand(2, 300, 3, generator=rng) * 2.4 - 1.2
    found = bound.features(points, torch.tensor([0, 1]))
    assert torch.allclose(found, gather_dense(bound.planes, points), atol=1e-5)


def test_a_mirrored_field_is_symmetric_and_bends_nowhere_in_the_middle(rng: torch.Generator) -> None:
    """In shape and in colour; and level where its halves meet, for a crease there would show in every mesh."""
    torch.manual_seed(3)
    field = TriplaneField(dataclasses.replace(SMALL, mirror=True))
    bound, owner = condition(field, rng), torch.tensor([0, 1])
    points = torch.rand(2, 200, 3, generator=rng) * 2 - 1
    flipped = points * torch.tensor([1.0, -1.0, 1.0])
    assert torch.allclose(bound.logit(points, owner), bound.logit(flipped, owner), atol=1e-5)
    features = bound.features(points, owner)[0]
    left, right = (field.base_colour(features, at[0], bound.looks.of(owner[:1])) for at in (points, flipped))
    assert torch.allclose(left, right, atol=1e-6)
    middle = points * torch.tensor([1.0, 0.0, 1.0])
    near = middle + torch.tensor([0.0, 0.9 / 15, 0.0])
    assert torch.allclose(bound.features(middle, owner), bound.features(near, owner), atol=1e-6)


@pytest.mark.parametrize("mirror", [False, True])
@pytest.mark.parametrize("resolution", [16, 23])
def test_the_lattice_is_the_logit_at_its_nodes(rng: torch.Generator, resolution: int, mirror: bool) -> None:
    torch.manual_seed(3)
    field = TriplaneField(dataclasses.replace(SMALL, mirror=mirror))
    torch.nn.init.normal_(field.synthesis.out.bias)
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
