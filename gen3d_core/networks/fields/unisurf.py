"""Preset `paper`: a conditional UNISURF, the generator of 3DGEN.

An occupancy network (Oechsle et al. 2021, section 3 and published sizes) that also reads a shape code, and a colour
network that also reads an appearance code. Codes join as in GRAF: as further inputs beside the encoded position and the
encoded view. The appearance code never reaches the geometry.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import cast

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn
from torch.nn.utils.parametrizations import weight_norm

from gen3d_core.config import GeneratorConfig, MlpConfig
from gen3d_core.networks.fields.ball_lattice import in_ball_lattice, in_parts
from gen3d_core.networks.fields.interface import Emission
from gen3d_core.networks.positional import positional, positional_pullback

BETA = 100.0  # of softplus: nearly a rectifier, but with a second derivative


@dataclass(frozen=True)
class Geometry:
    """At points: f, like a distance, positive outside, its gradient in space (not normalised), and features."""

    f: Float[Tensor, "points"]
    gradient: Float[Tensor, "points 3"]
    features: Float[Tensor, "points width"]


class UnisurfField(nn.Module):
    """The networks; `condition` binds them to codes."""

    def __init__(self, config: GeneratorConfig, sizes: MlpConfig) -> None:
        super().__init__()
        self.config = config
        self.sizes = sizes
        encoded = 3 * (1 + 2 * sizes.position_octaves)
        layers = []
        for layer in range(sizes.depth):
            inputs = sizes.width if layer else encoded
            outputs = sizes.width - encoded if layer + 1 == sizes.skip else sizes.width
            layers.append(nn.Linear(inputs, outputs))
        head = nn.Linear(sizes.width, 1 + sizes.width)
        if config.sphere_start:
            _start_as_sphere(layers, head, encoded, sizes.skip, config.sphere_radius)
        self.layers = nn.ModuleList(weight_norm(layer) for layer in layers)
        self.head = weight_norm(head)
        # A code's part of a layer is the same for all points of an object, so it is computed once per object. At zero,
        # every code starts as the same sphere.
        self.code_first = nn.Linear(config.shape_dim, layers[0].out_features, bias=False)
        self.code_skip = nn.Linear(config.shape_dim, layers[sizes.skip].out_features, bias=False)
        if config.sphere_start:
            nn.init.zeros_(self.code_first.weight)
            nn.init.zeros_(self.code_skip.weight)
        seen = 3 + 3 * (1 + 2 * sizes.view_octaves) + 3 + sizes.width
        widths = [seen] + [sizes.colour_width] * sizes.colour_depth
        self.colour_layers = nn.ModuleList(
            weight_norm(nn.Linear(a, b)) for a, b in zip(widths, widths[1:], strict=False)
        )
        self.colour_head = weight_norm(nn.Linear(sizes.colour_width, 3))
        self.code_colour = nn.Linear(config.appearance_dim, sizes.colour_width, bias=False)
        if config.sphere_start:
            self._centre_sphere()

    @torch.no_grad()
    def _centre_sphere(self) -> None:
        """Shift f so that its mean on the starting sphere is zero: finite widths and softplus leave it some per cent
        off."""
        count = 512
        turn = torch.arange(count) * math.pi * (3 - math.sqrt(5))
        height = 1 - (2 * torch.arange(count) + 1) / count
        ring = (1 - height.square()).sqrt()
        sphere = self.config.sphere_radius * torch.stack([ring * turn.cos(), ring * turn.sin(), height], -1)
        bound = self.condition(torch.zeros(1, self.config.shape_dim), torch.zeros(1, self.config.appearance_dim))
        cast(Tensor, self.head.bias)[0] -= bound.geometry(sphere, torch.zeros(count, dtype=torch.long)).f.mean()

    def measure_means(self, generator: torch.Generator) -> None:
        """Nothing to measure: truncation scales the codes, whose mean is zero."""

    def condition(self, shape_code: Tensor, appearance_code: Tensor, truncation: float = 1.0) -> ConditionedUnisurf:
        """The field of `shapes` shape codes and `pictures` appearance codes; the two counts are independent."""
        shape = shape_code * truncation
        return ConditionedUnisurf(
            self,
            _weights(self.layers, self.head),
            (self.code_first(shape), self.code_skip(shape)),
            _weights(self.colour_layers, self.colour_head),
            self.code_colour(appearance_code * truncation),
        )

    def bounded(self, f: Tensor, points: Tensor) -> Tensor:
        """Logit of occupancy sigma(-sharpness f); nothing is inside beyond the unit sphere, which no ray sees."""
        return self.config.sharpness * torch.minimum(-f, 1.0 - points.norm(dim=-1))


def _weights(layers: nn.ModuleList, head: nn.Module) -> tuple[tuple[Tensor, Tensor], ...]:
    """Weight and bias of each layer, normalised once for all the points of a step."""
    return tuple((cast(Tensor, layer.weight), cast(Tensor, layer.bias)) for layer in (*layers, head))


def _start_as_sphere(layers: list[nn.Linear], head: nn.Linear, encoded: int, skip: int, radius: float) -> None:
    """f(x) = |x| - radius before training (Atzmon & Lipman 2020, SAL, theorem 1, as in UNISURF's published code).

    The encoding's columns beyond the position itself start at zero where they enter.
    """
    with torch.no_grad():
        for index, layer in enumerate(layers):
            layer.weight.normal_(0, math.sqrt(2 / layer.out_features))
            layer.bias.zero_()
            if index == 0:
                layer.weight[:, 3:] = 0
            elif index == skip:
                layer.weight[:, -(encoded - 3) :] = 0
        head.weight.normal_(math.sqrt(math.pi / head.in_features), 1e-4)
        head.bias.fill_(-radius)


@dataclass(frozen=True)
class ConditionedUnisurf:
    """A batch of objects as functions of points, with the layers' weights at hand."""

    field: UnisurfField
    layers: tuple[tuple[Tensor, Tensor], ...]
    shape_terms: tuple[Float[Tensor, "shapes first"], Float[Tensor, "shapes skip"]]
    colour_layers: tuple[tuple[Tensor, Tensor], ...]
    colour_terms: Float[Tensor, "pictures colour"]

    @property
    def shapes(self) -> int:
        """How many objects."""
        return len(self.shape_terms[0])

    def geometry(self, points: Float[Tensor, "points 3"], owner: Int[Tensor, "points"]) -> Geometry:
        """f, its gradient and features in one pass forward and one back.

        The way back is written out, so that training needs no second derivative from autograd and the graph exports.
        """
        output, slopes = self._forward(points, owner, keep_slopes=True)
        skip, encoded = self.field.sizes.skip, self.layers[0][0].shape[1]
        back = self.layers[-1][0][:1]
        entered: Tensor | None = None
        for index in range(len(slopes) - 1, -1, -1):
            back = F.linear(back * slopes[index], self.layers[index][0].T)
            if index == skip:
                back = back / math.sqrt(2)
                entered, back = back[:, -encoded:], back[:, :-encoded]
        back = back if entered is None else back + entered
        gradient = positional_pullback(points, back.float(), self.field.sizes.position_octaves)
        return Geometry(output[:, 0].float(), gradient, output[:, 1:])

    def _forward(self, points: Tensor, owner: Tensor, *, keep_slopes: bool) -> tuple[Tensor, list[Tensor]]:
        config = self.field.sizes
        encoding = positional(points, config.position_octaves)
        terms = {0: self.shape_terms[0], config.skip: self.shape_terms[1]}
        x, slopes = encoding, []
        for index, (weight, bias) in enumerate(self.layers[:-1]):
            if index == config.skip:
                x = torch.cat([x, encoding.to(x)], -1) / math.sqrt(2)
            x = F.linear(x, weight, bias)
            if index in terms:
                x = x + terms[index].index_select(0, owner).to(x)
            if keep_slopes:
                slopes.append(torch.sigmoid(BETA * x))
            x = F.softplus(x, BETA)
        return F.linear(x, *self.layers[-1]), slopes

    def logit(
        self, points: Float[Tensor, "rays samples 3"], owner: Int[Tensor, "rays"]
    ) -> Float[Tensor, "rays samples"]:
        """Occupancy logit, positive inside."""
        flat, whose = points.reshape(-1, 3), owner[:, None].expand(points.shape[:2]).reshape(-1)
        f = in_parts(lambda at, of: self._forward(at, of, keep_slopes=False)[0][:, 0], flat, whose)
        return self.field.bounded(f.float(), flat).view(points.shape[:-1])

    def normals(
        self, points: Float[Tensor, "rays 3"], owner: Int[Tensor, "rays"], step: float
    ) -> Float[Tensor, "rays 3"]:
        """Outward unit normals, exact: `step` is for fields without a gradient of their own."""
        return F.normalize(self.geometry(points, owner).gradient, dim=-1, eps=1e-6)

    def lattice(self, resolution: int) -> Float[Tensor, "shapes x y z"]:
        """Logits on the regular grid over [-1, 1]^3, evaluated inside the unit sphere and finely near surfaces only."""
        return in_ball_lattice(self.logit, self.shapes, resolution, self.shape_terms[0].device)

    def emission(self, points: Tensor, directions: Tensor, owner: Tensor, picture: Tensor) -> Emission:
        """Logit and colour of each sample, geometry evaluated once for both."""
        geometry = self.geometry(points, owner)
        return Emission(
            self.field.bounded(geometry.f, points),
            self.colour(geometry, points, directions, picture),
        )

    def surface_colour(self, points: Float[Tensor, "points 3"], owner: Int[Tensor, "points"]) -> Tensor:
        """Colour of surface points as seen from straight above, in the first appearance: (points, 3)."""
        geometry = self.geometry(points, owner)
        inward = -F.normalize(geometry.gradient, dim=-1, eps=1e-6)
        return self.colour(geometry, points, inward, torch.zeros_like(owner))

    def colour(self, geometry: Geometry, points: Tensor, directions: Tensor, picture: Tensor) -> Tensor:
        """Colour from position, encoded view, gradient and features: (samples, 3) in [0, 1]."""
        views = positional(directions, self.field.sizes.view_octaves)
        seen = torch.cat([points, views, geometry.gradient], -1)
        x = torch.cat([seen.to(geometry.features), geometry.features], -1)
        x = F.linear(x, *self.colour_layers[0])
        x = x + self.colour_terms.index_select(0, picture).to(x)
        for weight, bias in self.colour_layers[1:]:
            x = F.linear(F.relu(x), weight, bias)
        return torch.sigmoid(x.float())
