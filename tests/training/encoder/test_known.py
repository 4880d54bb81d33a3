"""Objects that a reconstruction knows teach the encoder: their pictures, with the codes that were learned for them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gen3d_core.errors import Gen3DError
from gen3d_core.model.archive import read_model
from gen3d_core.model.model import load
from gen3d_core.networks.fields.triplane import TriplaneField
from gen3d_core.rendering.generator import Generator
from gen3d_core.weights.load import load_generator
from tests.tiny_run import small_encoder_training
from tests.training.reconstruction.known_objects import write_ellipsoids
from tests.training.reconstruction.tiny_reconstruction import train
from training.cli import main
from training.code_source import CodeSource
from training.data.dataset import load_dataset
from training.encoder.known import known_pictures
from training.encoder.occupancy_probes import SolidProbes
from training.encoder.pool import Pool
from training.export.export import export
from training.reconstruction.prior import Frame
from training.reconstruction.state import read_codes
from training.reconstruction.views import group_views

pytestmark = pytest.mark.usefixtures("single_thread")
CPU = torch.device("cpu")


@pytest.fixture(scope="module")
def data(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_ellipsoids(tmp_path_factory.mktemp("data") / "ellipsoids")


@pytest.fixture(scope="module")
def run(data: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    return train(data, tmp_path_factory.mktemp("runs") / "run")


@pytest.fixture(scope="module")
def model(run: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    path = tmp_path_factory.mktemp("models") / "ellipsoids.gen3d"
    export(run, path, shapes=12)
    return path


def taught(run: Path, data: Path, model: Path) -> tuple[Pool, Generator]:
    rng = torch.Generator().manual_seed(0)
    generator = load_generator(model, CPU)
    probes = SolidProbes(generator, CodeSource.of_model(read_model(model)), 1.0, rng)
    return known_pictures(run, load_dataset(data), generator, probes, 1.0, rng), generator


def test_every_picture_comes_with_the_code_of_its_object(run: Path, data: Path, model: Path) -> None:
    """The code as the model file reads codes."""
    pool, generator = taught(run, data, model)
    views = group_views(load_dataset(data))
    field = generator.field
    assert views is not None and isinstance(field, TriplaneField)
    assert pool.count == views.objects * views.taught
    mapping = field.shape_mapping
    learned = read_codes(run)[0]
    normal = torch.from_numpy(Frame(mapping.centre.numpy(), mapping.spread.numpy()).normal(learned.numpy()))
    drawn = pool.draw(200, torch.Generator().manual_seed(1))
    apart = torch.cdist(drawn.codes.shape, normal)
    assert apart.min(1).values.max() < 0.01 and len(apart.argmin(1).unique()) > views.objects // 2
    for row, object_ in enumerate(apart.argmin(1).tolist()):
        cameras = views.angles[views.rows[object_, : views.taught]]
        assert (cameras - drawn.seen.pose[row]).abs().sum(1).min() < 1e-5, "a camera of that object"


def test_the_command_teaches_with_them_and_says_so(run: Path, data: Path, model: Path, tmp_path: Path) -> None:
    out = tmp_path / "read.gen3d"
    command = ["encoder", str(model), "--out", str(out), "--data", str(data), "--known", str(run)]
    with small_encoder_training():
        assert main([*command, "--images", "64", "--threads", "1"]) == 0
    assert "--data DATASET --known RUN" in load(out, 1).manifest["encoder"]["command"]


def test_other_runs_data_and_models_are_refused(
    run: Path, data: Path, model: Path, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    other = write_ellipsoids(tmp_path / "other", objects=9)
    another = train(data, tmp_path / "another", images=24)
    for arguments, told in (
        ([str(model), "--known", str(run)], "give --data too"),
        ([str(model), "--known", str(tmp_path), "--data", str(data)], "holds no reconstruction"),
        ([str(model), "--known", str(run), "--data", str(other)], "give the one that it was taught"),
        ([str(model), "--known", str(another), "--data", str(data)], "not those of this model"),
        ([str(tiny_model), "--known", str(run), "--data", str(data)], "leave --known out"),
    ):
        with small_encoder_training():
            assert main(["encoder", *arguments, "--out", str(tmp_path / "x.gen3d"), "--images", "64"]) != 0
        assert told in capsys.readouterr().err
        assert not (tmp_path / "x.gen3d").exists()
    with pytest.raises(Gen3DError, match="cannot be read"):
        (tmp_path / "reconstruction.pt").write_bytes(b"rubbish")
        read_codes(tmp_path)
