"""Snapshots of a run, and the quality over minutes measured from them."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch
import trimesh

from gen3d_core.errors import Gen3DError
from gen3d_core.rendering.generator import Generator
from tests.tiny_run import TINY
from training.cli import main
from training.data.dataset import load_dataset
from training.evaluation.follow import FORMAT, follow
from training.gan.run_folder import load_run
from training.gan.snapshots import FOLDER, keep_snapshot, snapshots
from training.gan.state import TrainState

pytestmark = pytest.mark.usefixtures("single_thread")


@pytest.fixture
def data(tmp_path: Path) -> Path:
    """A data set's held-out meshes: ellipsoids."""
    folder = tmp_path / "data" / "meshes" / "heldout"
    folder.mkdir(parents=True)
    rng = np.random.default_rng(0)
    for index in range(8):
        mesh = trimesh.creation.icosphere(2)
        mesh.apply_scale(rng.uniform(0.5, 1.0, 3))
        mesh.export(folder / f"{index}.ply")
    return tmp_path / "data"


def run_of(folder: Path, tiny_run: Path) -> Generator:
    """A folder with a run's record, and its untrained generator."""
    folder.mkdir()
    (folder / "run.json").write_bytes((tiny_run / "run.json").read_bytes())
    run = load_run(tiny_run)
    return TrainState.fresh(run.config, run.prior, torch.device("cpu"), 1).average


def test_a_run_keeps_the_averaged_weights_of_its_end(tiny_run: Path, tiny_pictures: Path) -> None:
    last = snapshots(tiny_run)[-1]
    state = TrainState.fresh(TINY, load_dataset(tiny_pictures).prior, torch.device("cpu"), 1)
    assert state.restore(tiny_run)
    assert last.images == state.images and last.minutes == pytest.approx(state.seconds / 60, abs=0.001)
    other = TrainState.fresh(TINY, state.generator.prior, torch.device("cpu"), 2).generator
    last.load_into(other)
    for name, value in state.average.state_dict().items():
        assert torch.allclose(other.state_dict()[name], value, rtol=1e-3, atol=1e-4), name


def test_minutes_to_a_share_of_the_floor_are_those_of_the_first_snapshot_there(
    data: Path, tiny_run: Path, tmp_path: Path
) -> None:
    """A generator of nothing, then spheres: untrained, and therefore near to ellipsoids."""
    generator = run_of(tmp_path / "run", tiny_run)
    sphere = {name: value.clone() for name, value in generator.state_dict().items()}
    generator.field.occupancy_out.bias.data.fill_(-100.0)
    keep_snapshot(tmp_path / "run", generator, 1_000, 60.0)
    generator.load_state_dict(sphere)
    keep_snapshot(tmp_path / "run", generator, 2_000, 150.0)
    keep_snapshot(tmp_path / "run", generator, 3_000, 200.0)
    (found,) = follow([tmp_path / "run"], data, tmp_path / "out", count=8, points=256, resolution=24)
    assert [point.images for point in found.points] == [2_000, 3_000]
    first, second = found.points
    assert (first.mmd, first.cov, first.one_nna) == (second.mmd, second.cov, second.one_nna)
    assert first.single == 1 and 0 < first.mmd < 0.1 and 0 < first.cov <= 1
    record = json.loads((tmp_path / "out" / "quality.json").read_text())
    floor = record["floor"]["cov"]
    assert record["format"] == FORMAT and record["runs"][0]["points"][0]["minutes"] == 2.5
    for share, minutes in found.minutes_to.items():
        assert minutes == (2.5 if first.cov >= float(share) * floor else None)
    page = (tmp_path / "out" / "quality.html").read_text()
    assert "<polyline" in page and "minutes" in page and "http:" not in page and "https:" not in page


def test_the_command_follows_and_skips_snapshots(data: Path, tiny_run: Path, tmp_path: Path) -> None:
    generator = run_of(tmp_path / "run", tiny_run)
    for thousand in range(1, 6):
        keep_snapshot(tmp_path / "run", generator, 1000 * thousand, 60.0 * thousand)
    options = ["--count", "8", "--points", "64", "--resolution", "16", "--every", "2", "--threads", "1"]
    assert main(["follow", str(tmp_path / "run"), "--data", str(data), "--out", str(tmp_path / "out"), *options]) == 0
    points = json.loads((tmp_path / "out" / "quality.json").read_text())["runs"][0]["points"]
    assert [point["images"] for point in points] == [2000, 4000]


def test_what_cannot_be_followed_is_named(data: Path, tiny_run: Path, tmp_path: Path) -> None:
    generator = run_of(tmp_path / "run", tiny_run)

    def error(folder: Path, data: Path = data, **options: int) -> str:
        with pytest.raises(Gen3DError) as raised:
            follow([folder], data, tmp_path / "out", **{"count": 8, "points": 64, "resolution": 16, **options})
        assert "\n" not in str(raised.value) and not (tmp_path / "out").exists()
        return str(raised.value)

    assert "keeps no snapshots" in error(tmp_path / "run")
    assert "not a training run" in error(tmp_path)
    assert "meshes/heldout" in error(tmp_path / "run", tmp_path)
    assert "--every" in error(tmp_path / "run", every=0)
    keep_snapshot(tmp_path / "run", generator, 1000, 60.0)
    (path,) = (tmp_path / "run" / FOLDER).iterdir()
    whole = path.read_bytes()
    path.write_bytes(whole[: len(whole) // 2])
    assert path.name in error(tmp_path / "run")
    path.write_bytes(b"no weights")
    assert path.name in error(tmp_path / "run")
    path.write_bytes(whole)
    record = tmp_path / "run" / "run.json"
    record.write_text(record.read_text().replace('"kind": "triplane"', '"kind": "radiance"'))
    assert "no surface of its own" in error(tmp_path / "run")
