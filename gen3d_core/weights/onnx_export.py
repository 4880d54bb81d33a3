"""A trained generator as ONNX graphs, for the half of the package that knows no torch.

`shape` turns a code into what the other graphs read, feature planes or for fully connected fields the truncated code;
`occupancy` and `colour` evaluate points; `lattice`, of tri-plane fields alone, a box of a regular grid separably.
`encoder`, where there is one, reads pictures.
"""

from __future__ import annotations

import io
import logging
import warnings
from collections.abc import Sequence

import numpy as np
import onnx
import torch
import torch.nn.functional as F
from torch import Tensor, nn

from gen3d_core.model.prediction import SIDE
from gen3d_core.networks.encoder import Encoder
from gen3d_core.networks.fields.planes import AXES, gather_dense
from gen3d_core.networks.fields.radiance import RadianceField
from gen3d_core.networks.fields.triplane import TriplaneField
from gen3d_core.networks.fields.unisurf import UnisurfField


class _Shape(nn.Module):
    def __init__(self, field: TriplaneField) -> None:
        super().__init__()
        self.field = field

    def forward(self, shape_code: Tensor, truncation: Tensor) -> Tensor:
        return self.field.planes(shape_code, truncation)


class _Lattice(_Shape):
    def forward(self, planes: Tensor, x: Tensor, y: Tensor, z: Tensor) -> Tensor:
        field = self.field
        axes = (x, y, z)
        weight = field.occupancy_in.weight * field.occupancy_in.scale
        total = field.occupancy_in.bias[None, :, None, None, None]
        for plane, (a, b) in enumerate(AXES):
            grid = torch.stack(torch.meshgrid(axes[a], axes[b], indexing="ij"), -1).unsqueeze(0)
            hidden = F.conv2d(planes[:, plane], weight[:, :, None, None])
            part = F.grid_sample(hidden, grid, align_corners=True, padding_mode="border")
            missing = 3 - a - b
            total = total + part.unsqueeze(2 + missing)
        last = field.occupancy_out
        raw = F.conv3d(F.relu(total), (last.weight * last.scale)[:, :, None, None, None], last.bias).squeeze(1)
        radius = (x[:, None, None].square() + y[:, None].square() + z.square()).sqrt()
        return field.bounded(raw, radius)


class _Occupancy(_Shape):
    def forward(self, planes: Tensor, points: Tensor) -> Tensor:
        return self.field.logit(gather_dense(planes, points), points)


class _Colour(_Shape):
    def forward(self, planes: Tensor, appearance_code: Tensor, truncation: Tensor, points: Tensor) -> Tensor:
        look = self.field.appearance(appearance_code, truncation)
        return self.field.base_colour(gather_dense(planes, points), points, look)


class _Codes(nn.Module):
    """The conditioning of a fully connected field: its truncated shape code."""

    def forward(self, shape_code: Tensor, truncation: Tensor) -> Tensor:
        return shape_code * truncation


class _Pointwise(nn.Module):
    """A fully connected field of one object, seen from straight above the surface where colour depends on the view."""

    def __init__(self, field: UnisurfField | RadianceField) -> None:
        super().__init__()
        self.field = field


class _PointOccupancy(_Pointwise):
    def forward(self, conditioning: Tensor, points: Tensor) -> Tensor:
        bound = self.field.condition(conditioning, torch.zeros(1, self.field.config.appearance_dim))
        return bound.logit(points, torch.zeros(1, dtype=torch.long))


class _PointColour(_Pointwise):
    def forward(self, conditioning: Tensor, appearance_code: Tensor, truncation: Tensor, points: Tensor) -> Tensor:
        bound = self.field.condition(conditioning, appearance_code * truncation)
        owner = torch.zeros_like(points[0, :, 0], dtype=torch.long)
        return bound.surface_colour(points[0], owner).unsqueeze(0)


def export_graphs(field: TriplaneField | UnisurfField | RadianceField) -> dict[str, bytes]:
    """The graphs as ONNX files by member name; the axes and the number of points may vary at run time."""
    return _separable_graphs(field) if isinstance(field, TriplaneField) else _pointwise_graphs(field)


def export_encoder(encoder: Encoder) -> bytes:
    """The graph `encoder.onnx`, its weights in eight bits; the number of pictures may vary at run time."""
    pictures = torch.rand(2, 4, SIDE, SIDE)
    return _packed(_export(encoder, (pictures,), ["pictures"], "answers", ({0: torch.export.Dim("pictures")},)))


def _packed(graph: bytes) -> bytes:
    """The same graph, every weight with two or more axes stored as eight-bit numbers and a scale for each output."""
    model = onnx.load_from_string(graph)
    weights = [
        each for each in model.graph.initializer if each.data_type == onnx.TensorProto.FLOAT and len(each.dims) > 1
    ]
    restoring = []
    for weight in weights:
        values = onnx.numpy_helper.to_array(weight)
        scale = np.abs(values).max(axis=tuple(range(1, values.ndim))).clip(1e-12) / 127
        rounded = np.rint(values / scale.reshape(-1, *[1] * (values.ndim - 1))).astype(np.int8)
        parts = [f"{weight.name}.eight_bits", f"{weight.name}.scale"]
        model.graph.initializer.remove(weight)
        model.graph.initializer.extend(
            onnx.numpy_helper.from_array(part, name)
            for part, name in zip((rounded, scale.astype(np.float32)), parts, strict=True)
        )
        restoring.append(onnx.helper.make_node("DequantizeLinear", parts, [weight.name], axis=0))
    nodes = [*restoring, *model.graph.node]
    del model.graph.node[:]
    model.graph.node.extend(nodes)
    return model.SerializeToString()


def _pointwise_graphs(field: UnisurfField | RadianceField) -> dict[str, bytes]:
    shape, appearance = torch.randn(1, field.config.shape_dim), torch.randn(1, field.config.appearance_dim)
    truncation = torch.tensor(1.0)
    return {
        "shape.onnx": _export(_Codes(), (shape, truncation), ["shape_code", "truncation"], "conditioning", None),
        **_point_graphs(_PointOccupancy(field), _PointColour(field), shape, appearance),
    }


def _separable_graphs(field: TriplaneField) -> dict[str, bytes]:
    config = field.config
    planes = torch.randn(1, 3, config.plane_channels, config.plane_size, config.plane_size)
    shape, appearance = torch.randn(1, config.shape_dim), torch.randn(1, config.appearance_dim)
    truncation = torch.tensor(1.0)
    axes = (torch.linspace(-1, 1, 5), torch.linspace(-1, 1, 6), torch.linspace(-1, 1, 7))
    size = [torch.export.Dim(name) for name in ("nx", "ny", "nz")]
    return {
        "shape.onnx": _export(_Shape(field), (shape, truncation), ["shape_code", "truncation"], "conditioning", None),
        "lattice.onnx": _export(
            _Lattice(field), (planes, *axes), ["conditioning", "x", "y", "z"], "logit", (None, *({0: n} for n in size))
        ),
        **_point_graphs(_Occupancy(field), _Colour(field), planes, appearance),
    }


def _point_graphs(occupancy: nn.Module, colour: nn.Module, planes: Tensor, appearance: Tensor) -> dict[str, bytes]:
    """What every kind of field answers at points, bound to what its `shape.onnx` makes of a code."""
    truncation, points, count = torch.tensor(1.0), torch.rand(1, 37, 3) * 2 - 1, torch.export.Dim("count")
    return {
        "occupancy.onnx": _export(occupancy, (planes, points), ["conditioning", "points"], "logit", (None, {1: count})),
        "colour.onnx": _export(
            colour,
            (planes, appearance, truncation, points),
            ["conditioning", "appearance_code", "truncation", "points"],
            "rgb",
            (None, None, None, {1: count}),
        ),
    }


def _export(module: nn.Module, inputs: tuple[Tensor, ...], names: Sequence[str], output: str, dynamic: object) -> bytes:
    # The exporter remarks on packages and deprecations of its own; nobody who exports a model can act on them.
    chatter = logging.getLogger("torch.onnx")
    level = chatter.level
    chatter.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.onnx.export(
                module.eval(),
                inputs,
                input_names=list(names),
                output_names=[output],
                dynamic_shapes=dynamic,  # type: ignore[arg-type]
                opset_version=18,
                dynamo=True,
                verbose=False,
            )
    finally:
        chatter.setLevel(level)
    buffer = io.BytesIO()
    program.save(buffer)  # type: ignore[union-attr]
    return buffer.getvalue()
