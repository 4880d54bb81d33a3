"""A trained run becomes a model file, and the file gives back what was trained: without torch, and with it."""

import io
import math
import zipfile
from pathlib import Path

import numpy as np
import pytest
import safetensors.torch
import torch
import trimesh
from PIL import Image

import gen3d_core
from gen3d_core.codes.codes import Codes, codes
from gen3d_core.config import PosePrior
from gen3d_core.errors import Gen3DError
from gen3d_core.model.archive import MEMBERS, PRIORS, ModelArchive, read_model
from gen3d_core.model.onnx_model import SeparableOnnxField
from gen3d_core.networks.fields.triplane import ConditionedTriplane
from gen3d_core.pictures.preview import front_view
from gen3d_core.rendering.generator import Generator
from gen3d_core.weights.checked_config import from_manifest
from tests.tiny_run import TINY
from training.export.export import export, round_to_half
from training.gan.run_folder import load_run
from training.gan.state import FILE_NAME, TrainState


@pytest.fixture(scope="module")
def archive(tiny_model: Path) -> ModelArchive:
    return read_model(tiny_model)


@pytest.fixture(scope="module")
def generator(archive: ModelArchive) -> Generator:
    """Rebuilt from the file alone, as whoever carries on in torch would do it."""
    config = from_manifest(archive.manifest["config"])
    generator = Generator(config, PosePrior())
    generator.load_state_dict(safetensors.torch.load(archive.members["weights.safetensors"]), strict=True)
    return generator.eval()


def average_of(folder: Path) -> Generator:
    run = load_run(folder)
    state = TrainState.fresh(run.config, run.prior, torch.device("cpu"), run.seed)
    assert state.restore(folder)
    return state.average


def test_the_file_holds_every_member_and_the_record_of_the_training(tiny_model: Path, archive: ModelArchive) -> None:
    with zipfile.ZipFile(tiny_model) as file:
        assert set(file.namelist()) == set(MEMBERS) - {"encoder.onnx", *PRIORS} and file.testzip() is None
    manifest = archive.manifest
    assert (manifest["name"], manifest["category"], manifest["licence"]) == ("blobs", "blobs", "CC0-1.0")
    assert manifest["attribution"] == ["drawn by this test"]
    assert (manifest["shape_dim"], manifest["appearance_dim"], manifest["truncation"]) == (8, 6, 1.0)
    assert from_manifest(manifest["config"]) == TINY
    training = manifest["training"]
    assert training["pictures_shown"] == 160 and training["seed"] == 1 and training["dataset"]["pictures"] == 64
    assert training["minutes"] >= 0 and training["machine"]["versions"]["torch"] == torch.__version__
    with Image.open(io.BytesIO(archive.members["preview.png"])) as picture:
        picture.load()
        assert picture.size == (384, 384) and picture.mode == "RGBA"
        first = np.asarray(picture)[:128, :128]
    assert np.array_equal(first, front_view(gen3d_core.load(tiny_model).sample(0, 64), 128)), "the first seed's mesh"


def test_weights_are_the_run_s_average_at_half_precision(tiny_run: Path, generator: Generator) -> None:
    average = average_of(tiny_run).state_dict()
    for name, value in generator.state_dict().items():
        if not name.endswith("mapping.mean"):
            assert torch.equal(value, average[name].half().float()), name
        else:
            assert value.any() and not average[name].any(), "the mean style is measured when exporting"


def test_rounding_leaves_the_original_alone() -> None:
    torch.manual_seed(0)
    original = Generator(TINY, PosePrior())
    before = {name: value.clone() for name, value in original.state_dict().items()}
    copied = round_to_half(original)
    assert all(torch.equal(value, before[name]) for name, value in original.state_dict().items())
    for one, two in zip(original.parameters(), copied.parameters(), strict=True):
        assert (one - two).abs().max() <= 2**-11 * one.abs().max()


@pytest.mark.parametrize("truncation", [1.0, 0.6])
def test_the_runtime_computes_what_torch_computes(tiny_model: Path, generator: Generator, truncation: float) -> None:
    drawn = codes(7, 8, 6)
    field = gen3d_core.load(tiny_model, threads=1).runtime.field(drawn, truncation)
    points = np.random.default_rng(0).uniform(-1.1, 1.1, (500, 3)).astype(np.float32)
    axis = np.linspace(-1, 1, 17, dtype=np.float32)
    with torch.no_grad():
        shape, appearance = torch.from_numpy(drawn.shape)[None], torch.from_numpy(drawn.appearance)[None]
        bound = generator.condition(shape, appearance, truncation)
        assert isinstance(bound, ConditionedTriplane)
        place = torch.from_numpy(points)[None]
        features = bound.features(place, torch.tensor([0]))
        logit = bound.feature_logit(features, place)[0].numpy()
        colour = generator.field.base_colour(features, place, bound.looks)[0].numpy()
        lattice = bound.lattice(17)[0].numpy()
    assert isinstance(field, SeparableOnnxField)
    assert np.abs(field.logit(points) - logit).max() < 1e-3
    assert np.abs(field.colour(points) - colour).max() < 1e-3
    assert np.abs(field.lattice(axis[3:4], axis, axis) - lattice[3:4]).max() < 1e-3


def test_a_mesh_comes_out_of_the_file(tiny_model: Path, generator: Generator) -> None:
    """Closed and outward, its vertices on the surface that torch knows, the same each time."""
    model = gen3d_core.load(tiny_model)
    mesh = model.sample(seed=7, resolution=48)
    again = model.sample(seed=7, resolution=48)
    assert np.array_equal(mesh.vertices, again.vertices) and np.array_equal(mesh.colours, again.colours)
    seen = trimesh.Trimesh(mesh.vertices, mesh.faces)
    assert seen.is_watertight and seen.volume > 0 and np.ptp(mesh.vertices, axis=0).max() == pytest.approx(1)
    drawn: Codes = model.codes(7)
    bound = generator.condition(torch.from_numpy(drawn.shape)[None], torch.from_numpy(drawn.appearance)[None])
    inside = bound.lattice(48)[0].numpy() > 0
    extent = np.ptp(np.argwhere(inside), axis=0)
    assert np.allclose(np.ptp(mesh.vertices, axis=0), extent / extent.max(), atol=0.1)


def refused(run: Path, out: Path) -> str:
    with pytest.raises(Gen3DError) as error:
        export(run, out)
    assert "\n" not in str(error.value) and not out.exists()
    return str(error.value)


@pytest.mark.parametrize("name", ["blobs.zip", "blobs", "a b.gen3d", ".gen3d", "-x.gen3d", "x" * 65 + ".gen3d"])
def test_a_name_that_is_no_model_s_is_refused(tiny_run: Path, tmp_path: Path, name: str) -> None:
    assert "expected NAME.gen3d" in refused(tiny_run, tmp_path / name)


def test_numbers_are_looked_at_before_anything_is_read(tiny_run: Path, tmp_path: Path) -> None:
    out = tmp_path / "a.gen3d"
    for truncation in (9.0, -1.0, math.nan):
        with pytest.raises(Gen3DError, match="--truncation is .*: expected 0 to 2"):
            export(tmp_path / "nowhere", out, truncation)
    (tmp_path / "bare").mkdir()
    (tmp_path / "bare" / "run.json").write_bytes((tiny_run / "run.json").read_bytes())  # no checkpoint to be read
    with pytest.raises(Gen3DError, match="--level and --validation are for radiance fields"):
        export(tmp_path / "bare", out, level=10.0)


def test_what_is_no_run_is_refused(tmp_path: Path) -> None:
    assert "is not a training run" in refused(tmp_path, tmp_path / "a.gen3d")
    assert "is not a training run" in refused(tmp_path / "nowhere", tmp_path / "a.gen3d")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"prior": 3, "config": {}}', "{"])
def test_a_damaged_record_is_refused(tmp_path: Path, text: str) -> None:
    (tmp_path / "run.json").write_text(text)
    assert "run.json is damaged" in refused(tmp_path, tmp_path / "a.gen3d")


def copied(tiny_run: Path, folder: Path, state: bytes | None) -> Path:
    folder.mkdir()
    (folder / "run.json").write_bytes((tiny_run / "run.json").read_bytes())
    if state is not None:
        (folder / FILE_NAME).write_bytes(state)
    return folder


def test_a_run_without_a_whole_checkpoint_is_refused(tiny_run: Path, tmp_path: Path) -> None:
    state = (tiny_run / FILE_NAME).read_bytes()
    assert "has no checkpoint yet" in refused(copied(tiny_run, tmp_path / "none", None), tmp_path / "a.gen3d")
    assert "cannot resume" in refused(copied(tiny_run, tmp_path / "cut", state[:-1000]), tmp_path / "a.gen3d")


def test_a_diverged_generator_is_not_exported(tiny_run: Path, tmp_path: Path) -> None:
    folder = copied(tiny_run, tmp_path / "run", (tiny_run / FILE_NAME).read_bytes())
    run = load_run(folder)
    state = TrainState.fresh(run.config, run.prior, torch.device("cpu"), run.seed)
    state.restore(folder)
    with torch.no_grad():
        state.average.field.occupancy_out.weight[0, 0] = math.nan
    state.save(folder)
    assert "diverged" in refused(folder, tmp_path / "a.gen3d")
