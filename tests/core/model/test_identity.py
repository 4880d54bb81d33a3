"""What a model is: the graphs that make the object, hashed as they were read."""

import os
from pathlib import Path

import pytest

import gen3d_core
from gen3d_core.model import archive as model_file
from gen3d_core.model.archive import identify, read_model, sha256, write_model
from gen3d_core.worker.listing import entry_of
from tests.analytic import write_ellipsoid_model


def test_metrics_an_encoder_and_a_preview_leave_the_identity(tmp_path: Path):
    one = gen3d_core.load(write_ellipsoid_model(tmp_path / "one.gen3d"))
    two = gen3d_core.load(write_ellipsoid_model(tmp_path / "two.gen3d", encoder=True, metrics={"fid": 3.0}))
    assert one.identity == two.identity and len(one.identity) == 64
    assert one.hash != two.hash and two.hash == sha256(tmp_path / "two.gen3d")


def test_another_training_of_the_same_name_is_another_model(tmp_path: Path):
    one = gen3d_core.load(write_ellipsoid_model(tmp_path / "one.gen3d"))
    other = gen3d_core.load(write_ellipsoid_model(tmp_path / "other.gen3d", floater=True))
    assert one.name == other.name and one.identity != other.identity


def test_it_is_written_and_never_believed(ellipsoids: Path, tmp_path: Path):
    archive = read_model(ellipsoids)
    assert archive.identity == archive.manifest["identity"] == identify(archive.members)
    write_model(tmp_path / "a.gen3d", {**archive.manifest, "identity": "claimed"}, archive.members)
    assert read_model(tmp_path / "a.gen3d").manifest["identity"] == archive.identity
    without = {name: data for name, data in archive.members.items() if name != "lattice.onnx"}
    write_model(tmp_path / "b.gen3d", archive.manifest, without)
    assert read_model(tmp_path / "b.gen3d").identity != archive.identity


def test_it_is_empty_where_not_all_graphs_were_read(ellipsoids: Path, tmp_path: Path):
    assert read_model(ellipsoids, only=()).identity == ""
    assert entry_of(ellipsoids, tmp_path).identity == gen3d_core.load(ellipsoids).identity


def test_the_hash_is_of_what_was_read(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    """A file that another process replaces in the middle of `load` does not lend its hash to what was loaded."""
    path = write_ellipsoid_model(tmp_path / "a.gen3d", name="first")
    first = sha256(path)
    other = write_ellipsoid_model(tmp_path / "b.gen3d", name="second")
    read = model_file.parse_manifest

    def replaced_meanwhile(data: bytes) -> dict:
        if other.exists():
            os.replace(other, path)
        return read(data)

    monkeypatch.setattr(model_file, "parse_manifest", replaced_meanwhile)
    model = gen3d_core.load(path)
    assert (model.name, model.hash) == ("first", first)
    assert entry_of(path, tmp_path).hash == sha256(path) != first
