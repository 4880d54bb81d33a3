"""Preset `graf`: the conditional radiance field of GRAF, the baseline that 3DGEN compares itself with.

NeRF's network with the shape code beside the encoded position and the appearance code beside the encoded view
(Schwarz et al. 2020, section 3.1 and published sizes).
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gen3d_core.config import GeneratorConfig, MlpConfig
from gen3d_core.networks.fields.ball_lattice import in_ball_lattice, in_parts
from gen3d_core.networks.fields.interface import Emission
from gen3d_core.networks.fields.normals import surface_normals
from gen3d_core.networks.positional import positional


class RadianceField(nn.Module):
    """The networks; `condition` binds them to codes.

    `level`: the raw density whose level set is the surface of meshes. A radiance field has no surface of its own, so it
    is chosen after training.
    """

    level: Tensor

    def __init__(self, config: GeneratorConfig, sizes: MlpConfig) -> None:
        super().__init__()
        self.config = config
        self.sizes = sizes
        encoded = 3 * (1 + 2 * sizes.position_octaves)
        self.layers = nn.ModuleList(
            nn.Linear((sizes.width if layer else 0) + (encoded if layer in (0, sizes.skip) else 0), sizes.width)
            for layer in range(sizes.depth)
        )
        # A code's part of a layer is the same for all points of an object, so it is computed once per object.
        self.code_first = nn.Linear(config.shape_dim, sizes.width, bias=False)
        self.code_skip = nn.Linear(config.shape_dim, sizes.width, bias=False)
        self.density = nn.Linear(sizes.width, 1)
        self.feature = nn.Linear(sizes.width, sizes.width)
        views = 3 * (1 + 2 * sizes.view_octaves)
        self.colour_in = nn.Linear(sizes.width + views, sizes.colour_width)
        self.code_colour = nn.Linear(config.appearance_dim, sizes.colour_width, bias=False)
        self.colour_out = nn.Linear(sizes.colour_width, 3)
        self.register_buffer("level", torch.tensor(0.0))

    def measure_means(self, generator: torch.Generator) -> None:
        """Nothing to measure: truncation scales the codes, whose mean is zero."""

    def condition(self, shape_code: Tensor, appearance_code: Tensor, truncation: float = 1.0) -> ConditionedRadiance:
        """The field of `shapes` shape codes and `pictures` appearance codes; the two counts are independent."""
        shape = shape_code * truncation
        terms = self.code_first(shape), self.code_skip(shape)
        return ConditionedRadiance(self, terms, self.code_colour(appearance_code * truncation))


@dataclass(frozen=True)
class ConditionedRadiance:
    """A batch of objects as functions of points."""

    field: RadianceField
    shape_terms: tuple[Float[Tensor, "shapes first"], Float[Tensor, "shapes skip"]]
    colour_terms: Float[Tensor, "pictures colour"]

    @property
    def shapes(self) -> int:
        """How many objects."""
        return len(self.shape_terms[0])

    def hidden(self, points: Float[Tensor, "points 3"], owner: Int[Tensor, "points"]) -> Tensor:
        """What density and colour are read from: (points, width)."""
        sizes = self.field.sizes
        encoding = positional(points, sizes.position_octaves)
        terms = {0: self.shape_terms[0], sizes.skip: self.shape_terms[1]}
        x = encoding
        for index, layer in enumerate(self.field.layers):
            if index == sizes.skip:
                x = torch.cat([encoding.to(x), x], -1)
            x = layer(x)
            if index in terms:
                x = x + terms[index].index_select(0, owner).to(x)
            x = F.relu(x)
        return x

    def raw_density(
        self, points: Float[Tensor, "rays samples 3"], owner: Int[Tensor, "rays"]
    ) -> Float[Tensor, "rays samples"]:
        """Density before its rectifier."""
        flat, whose = points.reshape(-1, 3), owner[:, None].expand(points.shape[:2]).reshape(-1)
        raw = in_parts(lambda at, of: self.field.density(self.hidden(at, of))[:, 0], flat, whose)
        return raw.float().view(points.shape[:-1])

    def logit(
        self, points: Float[Tensor, "rays samples 3"], owner: Int[Tensor, "rays"]
    ) -> Float[Tensor, "rays samples"]:
        """Raw density above the mesh's level; negative outside the unit sphere."""
        beyond = 100 * (1 - points.norm(dim=-1))
        return torch.minimum(self.raw_density(points, owner) - self.field.level, beyond)

    def normals(
        self, points: Float[Tensor, "rays 3"], owner: Int[Tensor, "rays"], step: float
    ) -> Float[Tensor, "rays 3"]:
        """Directions in which density falls, by differences."""
        return surface_normals(lambda at: self.raw_density(at, owner), points, step)

    def lattice(self, resolution: int) -> Float[Tensor, "shapes x y z"]:
        """Raw densities on the regular grid over [-1, 1]^3, none outside the unit sphere."""
        return in_ball_lattice(self.raw_density, self.shapes, resolution, self.colour_terms.device)

    def emission(self, points: Tensor, directions: Tensor, owner: Tensor, picture: Tensor) -> Emission:
        """Raw density and colour of each sample."""
        x = self.hidden(points, owner)
        return Emission(self.field.density(x).float()[:, 0], self.colour(x, directions, picture))

    def surface_colour(self, points: Float[Tensor, "points 3"], owner: Int[Tensor, "points"]) -> Tensor:
        """Colour of points as seen from outside along their radius, in the first appearance: (points, 3)."""
        inward = -F.normalize(points, dim=-1, eps=1e-6)
        return self.colour(self.hidden(points, owner), inward, torch.zeros_like(owner))

    def colour(self, hidden: Tensor, directions: Tensor, picture: Tensor) -> Tensor:
        """Colour towards the camera from features and encoded view: (samples, 3) in [0, 1]."""
        feature = self.field.feature(hidden)
        views = positional(directions, self.field.sizes.view_octaves)
        x = self.field.colour_in(torch.cat([feature, views.to(feature)], -1))
        x = F.relu(x + self.colour_terms.index_select(0, picture).to(x))
        return torch.sigmoid(self.field.colour_out(x).float())
