"""Preset `fast`: a shape code draws three feature planes, an appearance code colours what they hold.

A small network reads the planes as occupancy and as parts; the appearance code chooses the parts' colours and never
reaches the occupancy: shape and appearance are disentangled by construction.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
import torch.nn.functional as F
from jaxtyping import Float, Int
from torch import Tensor, nn

from gen3d_core.config import GeneratorConfig
from gen3d_core.networks.fields.normals import surface_normals
from gen3d_core.networks.fields.planes import AXES, as_rows, folded, gather, mirrored
from gen3d_core.networks.layers import Conv, Linear, Mapping, ModulatedConv, leaky
from gen3d_core.networks.positional import positional

COLOUR_OCTAVES = 2
SLAB = 8  # planes of the lattice at once, small enough for the processor's cache


@dataclass(frozen=True)
class FeatureMap:
    """What three planes are read from: `texels`, and how strongly an object's style asks for each of their channels."""

    texels: Float[Tensor, "n c r r"]
    strength: Float[Tensor, "n c"]


class PlaneReadOut(nn.Module):
    """A map to planes: a 1x1 convolution whose input channels a style scales. It is linear, and so are look-ups:
    training looks the map up and reads out at points, which are fewer than texels."""

    def __init__(self, channels: int, features: int, style: int) -> None:
        super().__init__()
        self.affine = Linear(style, channels, bias=1.0)
        self.conv = Conv(channels, len(AXES) * features, 1, bias=False)
        self.bias = nn.Parameter(torch.zeros(len(AXES) * features))

    def planes(self, found: FeatureMap, mirror: bool) -> Float[Tensor, "n 3 c r r"]:
        """All that the planes hold, texel by texel; with `mirror` symmetric in y."""
        texels = found.texels * found.strength[:, :, None, None]
        planes = (self.conv(texels) + self.bias[:, None, None]).unflatten(1, (len(AXES), -1))
        if mirror:
            planes = torch.stack([mirrored(planes[:, plane], plane) for plane in range(len(AXES))], 1)
        return planes

    def weight(self) -> Float[Tensor, "3 c channels"]:
        """The linear map from channels of the map to features of each plane."""
        return (self.conv.weight * self.conv.scale)[..., 0, 0].unflatten(0, (len(AXES), -1))

    def offset(self) -> Float[Tensor, "c"]:
        """What the three planes together add everywhere."""
        return self.bias.view(len(AXES), -1).sum(0)


class Synthesis(nn.Module):
    """Shape style to the map that planes are read from: StyleGAN2's synthesis without noise."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        channels, width = config.synthesis_channels, config.mapping_width
        self.constant = nn.Parameter(torch.randn(1, channels[0], 4, 4))
        self.first = nn.ModuleList(ModulatedConv(channels[max(i - 1, 0)], c, width) for i, c in enumerate(channels))
        self.second = nn.ModuleList(ModulatedConv(c, c, width) for c in channels)
        self.out = PlaneReadOut(channels[-1], config.plane_channels, width)

    def forward(self, style: Float[Tensor, "n style"]) -> FeatureMap:
        x = self.constant.expand(len(style), -1, -1, -1).contiguous(memory_format=torch.channels_last)
        for level, (first, second) in enumerate(zip(self.first, self.second, strict=True)):
            if level:
                x = F.interpolate(x, scale_factor=2, mode="bilinear", align_corners=False)
            x = leaky(second(leaky(first(x, style)), style))
        return FeatureMap(x, self.out.affine(style))


@dataclass(frozen=True)
class Appearance:
    """What an appearance code says: scales and shifts of the part network's two layers, and a palette in [0, 1]."""

    film: Float[Tensor, "n 4 hidden"]
    palette: Float[Tensor, "n colours 3"]

    def of(self, owner: Int[Tensor, "rays"]) -> Appearance:
        """One row per ray."""
        return Appearance(self.film.index_select(0, owner), self.palette.index_select(0, owner))


class TriplaneField(nn.Module):
    """The networks; `condition` binds them to codes."""

    def __init__(self, config: GeneratorConfig) -> None:
        super().__init__()
        self.config = config
        width, hidden = config.mapping_width, config.hidden
        self.shape_mapping = Mapping(config.shape_dim, width, config.mapping_rate, framed=config.framed_codes)
        self.appearance_mapping = Mapping(config.appearance_dim, width, config.mapping_rate, framed=config.framed_codes)
        self.synthesis = Synthesis(config)
        self.occupancy_in = Linear(config.plane_channels, hidden)
        self.occupancy_out = Linear(hidden, 1)
        self.part_in = Linear(config.plane_channels + 3 * (1 + 2 * COLOUR_OCTAVES), hidden)
        self.part_mid = Linear(hidden, hidden)
        self.part_out = Linear(hidden, config.palette, gain=2.0)
        self.film = Linear(width, 4 * hidden)
        self.palette = Linear(width, 3 * config.palette, gain=2.0)
        self.light = nn.Parameter(torch.zeros(8))

    def planes(self, shape_code: Float[Tensor, "n d"], truncation: float | Tensor = 1.0) -> Float[Tensor, "n 3 c r r"]:
        """Feature planes over [-1, 1]^2, texel centres on the ends."""
        found = self.synthesis(self.shape_mapping(shape_code, truncation))
        return self.synthesis.out.planes(found, self.config.mirror)

    def appearance(self, code: Float[Tensor, "n a"], truncation: float | Tensor = 1.0) -> Appearance:
        """Film and palette of appearance codes."""
        style = self.appearance_mapping(code, truncation)
        film = self.film(style).unflatten(-1, (4, -1))
        palette = torch.sigmoid(self.palette(style).float()).unflatten(-1, (-1, 3))
        return Appearance(film, palette)

    def measure_means(self, generator: torch.Generator) -> None:
        """Set the mean styles that truncation pulls towards."""
        self.shape_mapping.measure_mean(generator)
        self.appearance_mapping.measure_mean(generator)

    def condition(self, shape_code: Tensor, appearance_code: Tensor, truncation: float = 1.0) -> ConditionedTriplane:
        """The field of `shapes` shape codes and `pictures` appearance codes; the two counts are independent."""
        found = self.synthesis(self.shape_mapping(shape_code, truncation))
        return ConditionedTriplane(self, found, as_rows(found.texels), self.appearance(appearance_code, truncation))

    def logit(self, features: Float[Tensor, "*n c"], points: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n"]:
        """Occupancy logit: before training a sphere of radius `sphere_radius`; nothing outside the unit sphere ever."""
        return self.bounded(self.occupancy_out(F.relu(self.occupancy_in(features))).squeeze(-1), points.norm(dim=-1))

    def bounded(self, raw: Tensor, radius: Tensor) -> Tensor:
        """Network output and distance from the origin to a logit."""
        c = self.config
        start = c.sphere_radius - radius if c.sphere_start else 0.0
        return c.sharpness * torch.minimum(0.1 * raw.float() + start, 1.0 - radius)

    def base_colour(
        self, features: Float[Tensor, "*n c"], points: Float[Tensor, "*n 3"], appearance: Appearance
    ) -> Float[Tensor, "*n 3"]:
        """Unlit sRGB colour in [0, 1]: a mixture of the palette by part. `appearance` broadcasts over the points."""
        scale1, shift1, scale2, shift2 = appearance.film.unbind(-2)
        if self.config.mirror:
            points = folded(points, self.config.plane_size)
        x = torch.cat([features, positional(points, COLOUR_OCTAVES)], -1)
        x = leaky(self.part_in(x) * (1 + scale1) + shift1)
        x = leaky(self.part_mid(x) * (1 + scale2) + shift2)
        parts = torch.softmax(self.part_out(x).float(), -1)
        return (parts.unsqueeze(-2) @ appearance.palette).squeeze(-2)

    def shade(self, normals: Float[Tensor, "*n 3"]) -> Float[Tensor, "*n"]:
        """How bright the data's common light makes a surface of this normal.

        Second-order spherical harmonics, enough for a diffuse surface (Ramamoorthi & Hanrahan 2001), with mean 1 over
        the sphere so that base colours keep their scale.
        """
        x, y, z = normals.unbind(-1)
        basis = torch.stack([x, y, z, x * y, y * z, x * z, x * x - y * y, 3 * z * z - 1], -1)
        return (1 + basis @ self.light).clamp_min(0.05)


@dataclass(frozen=True)
class ConditionedTriplane:
    """A batch of objects as functions of points (rays, samples, 3). `owner` names each ray's object."""

    field: TriplaneField
    map: FeatureMap
    rows: Float[Tensor, "texels channels"]
    looks: Appearance

    @property
    def shapes(self) -> int:
        """How many objects."""
        return len(self.map.texels)

    @property
    def planes(self) -> Float[Tensor, "shapes 3 c r r"]:
        """The planes themselves, laid out anew: training never needs them."""
        return self.field.synthesis.out.planes(self.map, self.field.config.mirror)

    def features(self, points: Float[Tensor, "rays samples 3"], owner: Int[Tensor, "rays"]) -> Tensor:
        """What the planes hold at the points."""
        read_out, size = self.field.synthesis.out, self.field.config.plane_size
        if self.field.config.mirror:
            points = folded(points, size)
        found = gather(self.rows, points, owner, size) * self.map.strength[owner][:, None, None]
        weight = read_out.weight().transpose(1, 2).flatten(0, 1)  # (3 planes * channels, c)
        return found.flatten(-2) @ weight + read_out.offset()

    def logit(
        self, points: Float[Tensor, "rays samples 3"], owner: Int[Tensor, "rays"]
    ) -> Float[Tensor, "rays samples"]:
        """Occupancy logit, positive inside."""
        return self.field.logit(self.features(points, owner), points)

    def feature_logit(self, features: Tensor, points: Tensor) -> Tensor:
        """The logit where the features are already known."""
        return self.field.logit(features, points)

    def colour(
        self,
        features: Float[Tensor, "rays c"],
        points: Float[Tensor, "rays 3"],
        normals: Float[Tensor, "rays 3"],
        picture: Int[Tensor, "rays"],
    ) -> Float[Tensor, "rays 3"]:
        """Lit colour in the appearance of each ray's picture."""
        base = self.field.base_colour(features, points, self.looks.of(picture))
        return base * self.field.shade(normals)[..., None]

    def normals(
        self, points: Float[Tensor, "rays 3"], owner: Int[Tensor, "rays"], step: float
    ) -> Float[Tensor, "rays 3"]:
        """Outward unit normals by differences: look-ups have no gradient in the points."""
        return surface_normals(lambda at: self.logit(at, owner), points, step)

    @torch.no_grad()
    def lattice(self, resolution: int) -> Float[Tensor, "shapes x y z"]:
        """Logits on the regular grid over [-1, 1]^3.

        The first layer is linear, so it is applied on the planes and its results are added along the missing axes: no
        look-up per point.
        """
        field = self.field
        weight = field.occupancy_in.weight * field.occupancy_in.scale
        bias = field.occupancy_in.bias + weight @ field.synthesis.out.offset()
        axis = torch.linspace(-1, 1, resolution, device=self.rows.device)
        radius = (axis[:, None, None].square() + axis[:, None].square() + axis.square()).sqrt()
        low = torch.bfloat16 if torch.is_autocast_enabled(self.rows.device.type) else torch.float32
        last = field.occupancy_out
        readout, offset = (last.weight[0] * last.scale).to(low), last.bias
        texels = self.map.texels.float() * self.map.strength[:, :, None, None]
        faces = []
        for plane, channels in enumerate(field.synthesis.out.weight()):
            held = mirrored(texels, plane) if field.config.mirror else texels
            small = F.interpolate(held, resolution, mode="bilinear", align_corners=True)
            faces.append(small.permute(0, 3, 2, 1) @ (weight @ channels).T)
        faces[0] = faces[0] + bias
        logits = []
        for xy, xz, yz in zip(*(face.to(low) for face in faces), strict=True):
            slabs = [
                (part[:, :, None] + row[:, None]).add_(yz).relu_() @ readout
                for part, row in zip(xy.split(SLAB), xz.split(SLAB), strict=True)
            ]
            logits.append(field.bounded(torch.cat(slabs) + offset, radius))
        return torch.stack(logits)
