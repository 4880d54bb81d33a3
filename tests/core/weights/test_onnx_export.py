"""The graphs in a model file compute what torch computes with the file's weights."""

from pathlib import Path

import numpy as np
import onnx
import onnxruntime
import pytest
import safetensors.torch
import torch

from gen3d_core.config import GeneratorConfig, PosePrior
from gen3d_core.model.archive import GRAPHS, ModelArchive, read_model
from gen3d_core.model.graph_check import check_graph
from gen3d_core.networks.fields.triplane import ConditionedTriplane, TriplaneField
from gen3d_core.rendering.generator import Generator
from gen3d_core.weights.checked_config import from_manifest
from gen3d_core.weights.onnx_export import export_graphs


def assert_close(found: torch.Tensor, expected: torch.Tensor) -> None:
    torch.testing.assert_close(found, expected, rtol=1e-3, atol=1e-3)


@pytest.fixture(scope="module")
def archive(tiny_model: Path) -> ModelArchive:
    return read_model(tiny_model)


@pytest.fixture(scope="module")
def field(archive: ModelArchive) -> TriplaneField:
    """The field of the file's weights."""
    config = from_manifest(archive.manifest["config"])
    generator = Generator(config, PosePrior())
    generator.load_state_dict(safetensors.torch.load(archive.members["weights.safetensors"]))
    return generator.field.eval()


@pytest.fixture(scope="module")
def graphs(archive: ModelArchive) -> dict[str, bytes]:
    return {name: data for name, data in archive.members.items() if name.endswith(".onnx")}


@pytest.fixture
def rng() -> torch.Generator:
    return torch.Generator().manual_seed(1)


def run(graph: bytes, **inputs: torch.Tensor) -> torch.Tensor:
    session = onnxruntime.InferenceSession(graph, providers=["CPUExecutionProvider"])
    return torch.from_numpy(session.run(None, {name: np.asarray(value.detach()) for name, value in inputs.items()})[0])


def bound(field: TriplaneField, shape: torch.Tensor, appearance: torch.Tensor, amount: float) -> ConditionedTriplane:
    with torch.no_grad():
        return field.condition(shape, appearance, amount)


def test_the_graphs_are_those_a_model_file_holds_and_stand_alone(graphs: dict[str, bytes]) -> None:
    assert set(graphs) == set(GRAPHS) - {"encoder.onnx"}
    for data in graphs.values():
        model = onnx.load_from_string(data)
        onnx.checker.check_model(model, full_check=True)
        assert not any(tensor.external_data for tensor in model.graph.initializer)
        assert {entry.domain for entry in model.opset_import if entry.domain} == set(), "standard operators only"


def test_graphs_name_what_the_shape_graph_hands_them(graphs: dict[str, bytes]) -> None:
    inputs = {name: [each.name for each in onnx.load_from_string(data).graph.input] for name, data in graphs.items()}
    assert [each.name for each in onnx.load_from_string(graphs["shape.onnx"]).graph.output] == ["conditioning"]
    for name in ("lattice.onnx", "occupancy.onnx", "colour.onnx"):
        assert inputs[name][0] == "conditioning", name


@pytest.mark.parametrize("amount", [1.0, 0.5, 0.0])
def test_planes(graphs: dict[str, bytes], field: TriplaneField, rng: torch.Generator, amount: float) -> None:
    shape = torch.randn(1, 8, generator=rng)
    expected = bound(field, shape, torch.zeros(1, 6), amount).planes
    found = run(graphs["shape.onnx"], shape_code=shape, truncation=torch.tensor(amount))
    assert expected.abs().max() > 0.5
    assert_close(found, expected)


@pytest.mark.parametrize("sizes", [(5, 6, 7), (1, 9, 4), (20, 20, 20)])
def test_the_lattice_at_any_axes(
    graphs: dict[str, bytes], field: TriplaneField, rng: torch.Generator, sizes: tuple[int, int, int]
) -> None:
    """Slabs of any thickness, one layer too, and axes that are neither regular nor centred."""
    shape = torch.randn(1, 8, generator=rng)
    one = bound(field, shape, torch.zeros(1, 6), 1.0)
    axes = [torch.rand(size, generator=rng) * 2 - 1 for size in sizes]
    points = torch.stack(torch.meshgrid(*axes, indexing="ij"), -1).view(1, -1, 3)
    with torch.no_grad():
        expected = one.logit(points, torch.tensor([0])).view(1, *sizes)
    x, y, z = axes
    found = run(graphs["lattice.onnx"], conditioning=one.planes, x=x, y=y, z=z)
    assert_close(found, expected)


def test_the_lattice_is_what_training_searches(
    graphs: dict[str, bytes], field: TriplaneField, rng: torch.Generator
) -> None:
    one = bound(field, torch.randn(1, 8, generator=rng), torch.zeros(1, 6), 1.0)
    axis = torch.linspace(-1, 1, 24)
    found = run(graphs["lattice.onnx"], conditioning=one.planes, x=axis, y=axis, z=axis)
    assert_close(found, one.lattice(24))


@pytest.mark.parametrize("count", [1, 37, 1000])
def test_occupancy_and_colour_at_any_number_of_points(
    graphs: dict[str, bytes], field: TriplaneField, rng: torch.Generator, count: int
) -> None:
    """Inside, outside and beyond the cube; colours are the unlit ones."""
    shape, appearance = torch.randn(1, 8, generator=rng), torch.randn(1, 6, generator=rng)
    one = bound(field, shape, appearance, 0.7)
    points = torch.rand(1, count, 3, generator=rng) * 2.4 - 1.2
    owner = torch.tensor([0])
    with torch.no_grad():
        features = one.features(points, owner)
        logit = one.feature_logit(features, points)
        rgb = field.base_colour(features, points, one.looks)
    assert_close(run(graphs["occupancy.onnx"], conditioning=one.planes, points=points), logit)
    found = run(
        graphs["colour.onnx"],
        conditioning=one.planes,
        appearance_code=appearance,
        truncation=torch.tensor(0.7),
        points=points,
    )
    assert_close(found, rgb)
    assert found.min() >= 0 and found.max() <= 1


def test_a_symmetric_field_s_graphs_are_symmetric_too(rng: torch.Generator) -> None:
    """Operators that a model file may hold, and the numbers of torch on both sides and in the middle."""
    torch.manual_seed(2)
    config = GeneratorConfig(
        shape_dim=8, appearance_dim=6, mapping_width=16, synthesis_channels=(16, 16, 8), plane_channels=8, mirror=True
    )
    field = TriplaneField(config).eval()
    made = export_graphs(field)
    for data in made.values():
        check_graph(data)
    shape, appearance = torch.randn(1, 8, generator=rng), torch.randn(1, 6, generator=rng)
    one = bound(field, shape, appearance, 1.0)
    conditioning = run(made["shape.onnx"], shape_code=shape, truncation=torch.tensor(1.0))
    assert_close(conditioning, one.planes)
    points = torch.rand(1, 100, 3, generator=rng) * 2 - 1
    points[0, 0, 1] = 0.0
    points = torch.cat([points, points * torch.tensor([1.0, -1.0, 1.0])], 1)
    with torch.no_grad():
        features = one.features(points, torch.tensor([0]))
        logit, rgb = one.feature_logit(features, points), field.base_colour(features, points, one.looks)
    found = run(made["occupancy.onnx"], conditioning=conditioning, points=points)
    assert_close(found, logit)
    assert_close(found[:, :100], found[:, 100:])
    colours = run(
        made["colour.onnx"],
        conditioning=conditioning,
        appearance_code=appearance,
        truncation=torch.tensor(1.0),
        points=points,
    )
    assert_close(colours, rgb)
    axis = torch.linspace(-1, 1, 24)
    assert_close(run(made["lattice.onnx"], conditioning=conditioning, x=axis, y=axis, z=axis), one.lattice(24))
