from pathlib import Path

import numpy as np
import pytest
import trimesh

import gen3d_core
from gen3d_core.codes.codes import Codes
from gen3d_core.errors import Gen3DError
from gen3d_core.mesh.extract import MeshError
from gen3d_core.model import model as sampler
from gen3d_core.model.archive import ModelFileError, sha256
from tests.analytic import colour_at, half_axes, write_ellipsoid_model


def test_a_sample_is_the_object_of_its_codes(ellipsoids: Path):
    """The ellipsoid of the drawn code in the colours of the drawn appearance, longest side 1, base at zero."""
    model = gen3d_core.load(ellipsoids)
    codes = model.codes(7)
    axes = half_axes(codes)
    mesh = model.sample(seed=7, resolution=64)
    seen = trimesh.Trimesh(mesh.vertices, mesh.faces)
    assert seen.is_watertight and seen.euler_number == 2
    assert np.allclose(seen.extents, axes / axes.max(), atol=2e-3)
    assert seen.volume == pytest.approx(4 / 3 * np.pi * np.prod(axes / (2 * axes.max())), rel=0.01)
    canonical = mesh.vertices * 2 * axes.max() - [0, 0, axes[2]]
    assert np.abs(mesh.colours - colour_at(canonical, codes)).max() < 3e-3


def test_truncation_draws_objects_towards_the_average(ellipsoids: Path):
    model = gen3d_core.load(ellipsoids)
    ball = model.sample(seed=7, resolution=48, truncation=0.0)
    assert np.allclose(np.ptp(ball.vertices, axis=0), 1, atol=2e-3)
    half = np.ptp(model.sample(seed=7, resolution=48, truncation=0.5).vertices, axis=0)
    axes = half_axes(model.codes(7), 0.5)
    assert np.allclose(half, axes / axes.max(), atol=3e-3)


def test_none_takes_the_models_own_truncation(tmp_path: Path):
    model = gen3d_core.load(write_ellipsoid_model(tmp_path / "a.gen3d", truncation=0.5))
    assert np.array_equal(model.sample(3, 32).vertices, model.sample(3, 32, truncation=0.5).vertices)
    assert not np.array_equal(model.sample(3, 32).vertices, model.sample(3, 32, truncation=1.0).vertices)


def test_appearance_of_another_seed(ellipsoids: Path):
    model = gen3d_core.load(ellipsoids)
    own, painted = model.sample(1, 32), model.sample(1, 32, appearance_seed=2)
    assert np.array_equal(own.vertices, painted.vertices) and not np.allclose(own.colours, painted.colours, atol=0.05)
    built = model.build(Codes(model.codes(1).shape, model.codes(2).appearance), 32)
    assert np.array_equal(built.colours, painted.colours)


def test_equal_seeds_give_equal_files(ellipsoids: Path, tmp_path: Path):
    for name in ("one", "two"):
        gen3d_core.load(ellipsoids).sample(seed=11, resolution=48).save(tmp_path / f"{name}.ply")
    assert (tmp_path / "one.ply").read_bytes() == (tmp_path / "two.ply").read_bytes()
    gen3d_core.load(ellipsoids, threads=1).sample(seed=11, resolution=48).save(tmp_path / "single.ply")
    assert (tmp_path / "one.ply").read_bytes() == (tmp_path / "single.ply").read_bytes()


def test_floaters(tmp_path: Path):
    model = gen3d_core.load(write_ellipsoid_model(tmp_path / "a.gen3d", floater=True))
    assert trimesh.Trimesh(*parts(model.sample(0, 64))).body_count == 1
    assert trimesh.Trimesh(*parts(model.sample(0, 64, floaters=0.01))).body_count == 2


def parts(mesh: gen3d_core.Mesh) -> tuple[np.ndarray, np.ndarray]:
    return mesh.vertices, mesh.faces


def test_an_empty_object_is_named(tmp_path: Path):
    with pytest.raises(MeshError, match="no surface"):
        gen3d_core.load(write_ellipsoid_model(tmp_path / "a.gen3d", empty=True)).sample(0, 32)


@pytest.mark.parametrize(
    "wrong",
    [{"seed": -1}, {"seed": 2**31}, {"seed": 1.5}, {"resolution": 8}, {"truncation": -0.1}, {"truncation": 3}]
    + [{"appearance_seed": -1}, {"floaters": 2}],
)
def test_bad_numbers_are_named(ellipsoids: Path, wrong: dict):
    with pytest.raises(Gen3DError, match=next(iter(wrong))):
        gen3d_core.load(ellipsoids).sample(**{"resolution": 16, **wrong})


def test_models_by_name_and_by_path(ellipsoids: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(sampler, "SHIPPED", tmp_path)
    shipped = write_ellipsoid_model(tmp_path / "eggs.gen3d", name="eggs")
    model = gen3d_core.load("eggs")
    assert (model.name, model.path, model.hash) == ("eggs", shipped, sha256(shipped))
    assert model.manifest["category"] == "ellipsoids"
    with pytest.raises(ModelFileError, match="no model 'chair': shipped models are eggs"):
        gen3d_core.load("chair")
    monkeypatch.chdir(ellipsoids.parent)
    for path in (ellipsoids, str(ellipsoids), ellipsoids.name, f"./{ellipsoids.name}"):
        assert gen3d_core.load(path).path.resolve() == ellipsoids.resolve()
    with pytest.raises(ModelFileError, match="no such file"):
        gen3d_core.load("eggs.gen3d")


def test_files_whose_graphs_name_their_input_as_before_give_the_same_mesh(ellipsoids: Path, tmp_path: Path):
    former = write_ellipsoid_model(tmp_path / "former.gen3d", conditioning="planes")
    now, before = gen3d_core.load(ellipsoids, threads=1), gen3d_core.load(former, threads=1)
    for one, other in zip(vars(now.sample(7, 32)).values(), vars(before.sample(7, 32)).values(), strict=True):
        assert np.array_equal(one, other)
    points = np.linspace(-1, 1, 30, dtype=np.float32).reshape(10, 3)
    fields = [model.field(now.codes(3)) for model in (now, before)]
    assert np.array_equal(fields[0].logit(points), fields[1].logit(points))
    odd = gen3d_core.load(write_ellipsoid_model(tmp_path / "odd.gen3d", conditioning="features"))
    with pytest.raises(
        ModelFileError, match="lattice.onnx takes features, x, y, z: expected conditioning, x, y, z and"
    ):
        odd.sample(7, 32)


@pytest.mark.parametrize("name", [path.stem for path in sampler.shipped_models()])
def test_shipped_models_are_read_by_the_names_in_their_graphs(name: str):
    model = gen3d_core.load(name)
    logit = model.field(model.codes(1)).logit(np.array([[0, 0, 0], [0.99, 0.99, 0.99]], np.float32))
    assert logit.shape == (2,) and logit[1] < 0
