import json
import zipfile
from pathlib import Path

import numpy as np
import pytest

import gen3d_core
from gen3d_core.errors import Gen3DError, OutputError
from gen3d_core.model import archive as model_file
from gen3d_core.model import members as zip_members
from gen3d_core.model.archive import GRAPHS, ModelFileError, read_model, write_model
from gen3d_core.model.onnx_model import SeparableOnnxField
from tests.analytic import half_axes, write_ellipsoid_model

MANIFEST = {"name": "things", "category": "things", "shape_dim": 4, "appearance_dim": 3, "truncation": 0.8}
GRAPH_BYTES = {name: name.encode() for name in GRAPHS}


def rewritten(
    source: Path, path: Path, *, manifest: dict | None = None, add: dict | None = None, drop: str = ""
) -> Path:
    """A copy of a model file with something changed that `write_model` would not write."""
    with zipfile.ZipFile(source) as old, zipfile.ZipFile(path, "w") as new:
        for name in old.namelist():
            data = old.read(name)
            if name == "model.json" and manifest is not None:
                data = json.dumps({**json.loads(data), **manifest}).encode()
            if name != drop:
                new.writestr(name, data)
        for name, data in (add or {}).items():
            new.writestr(name, data)
    return path


def complaint(path: Path) -> str:
    with pytest.raises(ModelFileError) as caught:
        read_model(path)
    text = str(caught.value)
    assert "\n" not in text and path.name in text
    return text


def test_round_trip(tmp_path: Path):
    members = {**GRAPH_BYTES, "weights.safetensors": b"\0" * 1000, "preview.png": b"png"}
    write_model(tmp_path / "a.gen3d", {**MANIFEST, "training": {"ünï": [1, 2.5, None]}}, members)
    archive = read_model(tmp_path / "a.gen3d")
    assert dict(archive.members) == members
    assert archive.manifest == {
        **MANIFEST,
        "training": {"ünï": [1, 2.5, None]},
        "format": "gen3d-model",
        "format_version": 1,
        "identity": archive.identity,
    }


def test_equal_input_gives_equal_bytes(tmp_path: Path):
    write_model(tmp_path / "a.gen3d", MANIFEST, GRAPH_BYTES)
    write_model(tmp_path / "b.gen3d", MANIFEST, dict(reversed(GRAPH_BYTES.items())))
    assert (tmp_path / "a.gen3d").read_bytes() == (tmp_path / "b.gen3d").read_bytes()
    assert model_file.sha256(tmp_path / "a.gen3d") == model_file.sha256(tmp_path / "b.gen3d")


def test_only_what_is_asked_for_is_read(ellipsoids: Path):
    assert set(read_model(ellipsoids, only=("shape.onnx",)).members) == {"shape.onnx"}
    assert read_model(ellipsoids, only=()).members == {}


def test_deflated_members_are_read(ellipsoids: Path, tmp_path: Path):
    with zipfile.ZipFile(ellipsoids) as old, zipfile.ZipFile(tmp_path / "d.gen3d", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, old.read(name))
    assert read_model(tmp_path / "d.gen3d") == read_model(ellipsoids)


@pytest.mark.parametrize("share", [0.02, 0.5, 0.9, 0.999])
def test_a_truncated_file(ellipsoids: Path, tmp_path: Path, share: float):
    data = ellipsoids.read_bytes()
    (tmp_path / "cut.gen3d").write_bytes(data[: int(share * len(data))])
    assert "cut short" in complaint(tmp_path / "cut.gen3d")


def test_flipped_bytes(ellipsoids: Path, tmp_path: Path):
    data = bytearray(ellipsoids.read_bytes())
    with zipfile.ZipFile(ellipsoids) as archive:
        member = archive.getinfo("lattice.onnx")
    data[member.header_offset + 30 + len(member.filename) + member.compress_size // 2] ^= 0xFF
    (tmp_path / "flipped.gen3d").write_bytes(data)
    assert "damaged" in complaint(tmp_path / "flipped.gen3d")


def test_other_files(tmp_path: Path):
    (tmp_path / "empty.gen3d").write_bytes(b"")
    assert "not a Gen3D model file" in complaint(tmp_path / "empty.gen3d")
    (tmp_path / "text.gen3d").write_text("hello")
    assert "not a Gen3D model file" in complaint(tmp_path / "text.gen3d")
    with zipfile.ZipFile(tmp_path / "office.gen3d", "w") as archive:
        archive.writestr("word/document.xml", "<w/>")
    assert "no model.json" in complaint(tmp_path / "office.gen3d")
    assert "no such file" in complaint(tmp_path / "missing.gen3d")
    (tmp_path / "folder.gen3d").mkdir()
    assert "not a file" in complaint(tmp_path / "folder.gen3d")


@pytest.mark.parametrize("name", ["../evil.py", "/etc/evil", "a/../../evil", "..\\evil.py", "C:/evil", "C:evil"])
def test_paths_that_leave_the_folder(ellipsoids: Path, tmp_path: Path, name: str):
    assert "leaves its folder" in complaint(rewritten(ellipsoids, tmp_path / "evil.gen3d", add={name: b"x"}))


def test_unknown_and_missing_members(ellipsoids: Path, tmp_path: Path):
    assert "'evil.py'" in complaint(rewritten(ellipsoids, tmp_path / "more.gen3d", add={"evil.py": b"x"}))
    for name in ("shape.onnx", "occupancy.onnx", "colour.onnx"):
        assert f"{name} is missing" in complaint(rewritten(ellipsoids, tmp_path / "less.gen3d", drop=name))
    with pytest.warns(UserWarning, match="Duplicate"):
        twice = rewritten(ellipsoids, tmp_path / "twice.gen3d", add={"shape.onnx": b"x"})
    assert "twice" in complaint(twice)


@pytest.mark.parametrize(
    ("change", "expected"),
    [
        ({"format": "other"}, "not a Gen3D model"),
        ({"format_version": 2}, "newer"),
        ({"format_version": 0}, "older"),
        ({"format_version": "1"}, "format_version"),
        ({"format_version": True}, "format_version"),
        ({"name": "../x"}, "name"),
        ({"name": ""}, "name"),
        ({"category": 3}, "category"),
        ({"shape_dim": 10**9}, "shape_dim"),
        ({"appearance_dim": 0}, "appearance_dim"),
        ({"truncation": None}, "truncation"),
        ({"truncation": float("nan")}, "truncation"),
    ],
)
def test_wrong_manifests(ellipsoids: Path, tmp_path: Path, change: dict, expected: str):
    assert expected in complaint(rewritten(ellipsoids, tmp_path / "wrong.gen3d", manifest=change))


def test_a_manifest_that_is_not_json(tmp_path: Path):
    for text in (b"{", b"\xff", b"[1]", b"[" * 100_000):
        with zipfile.ZipFile(tmp_path / "odd.gen3d", "w") as archive:
            archive.writestr("model.json", text)
        complaint(tmp_path / "odd.gen3d")


def test_a_member_that_unpacks_to_too_much(ellipsoids: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(zip_members, "MAX_MEMBER", 1000)
    with zipfile.ZipFile(ellipsoids) as old, zipfile.ZipFile(tmp_path / "bomb.gen3d", "w", zipfile.ZIP_DEFLATED) as new:
        for name in old.namelist():
            new.writestr(name, b"\0" * 100_000 if name == "shape.onnx" else old.read(name))
    assert "refused, shape.onnx unpacks" in complaint(tmp_path / "bomb.gen3d")


def test_nothing_wrong_is_written(tmp_path: Path):
    for manifest, members in [
        ({**MANIFEST, "name": "a b"}, GRAPH_BYTES),
        ({**MANIFEST, "metrics": {"fid": float("nan")}}, GRAPH_BYTES),
        (MANIFEST, {**GRAPH_BYTES, "evil.py": b""}),
        (MANIFEST, {}),
    ]:
        with pytest.raises(ModelFileError):
            write_model(tmp_path / "a.gen3d", manifest, members)
    with pytest.raises(OutputError):
        write_model(tmp_path / "missing" / "a.gen3d", MANIFEST, GRAPH_BYTES)
    assert list(tmp_path.iterdir()) == []


def test_graphs_that_are_not_graphs(tmp_path: Path):
    write_model(tmp_path / "junk.gen3d", MANIFEST, GRAPH_BYTES)
    with pytest.raises(ModelFileError, match="shape.onnx cannot be opened"):
        gen3d_core.load(tmp_path / "junk.gen3d").sample(0, 16)


def test_graphs_that_refer_to_other_files_are_refused(ellipsoids: Path, tmp_path: Path):
    import onnx
    from onnx import external_data_helper, numpy_helper

    graphs = dict(read_model(ellipsoids).members)
    graph = onnx.load_from_string(graphs["shape.onnx"])
    tensor = next(t for t in graph.graph.initializer if t.name == "middle")
    tensor.CopyFrom(numpy_helper.from_array(np.zeros(1, np.float32), "middle"))
    external_data_helper.set_external_data(tensor, "../../etc/passwd")
    tensor.ClearField("raw_data")
    write_model(tmp_path / "external.gen3d", MANIFEST, {**graphs, "shape.onnx": graph.SerializeToString()})
    with pytest.raises(ModelFileError, match="outside the model file"):
        gen3d_core.load(tmp_path / "external.gen3d")


def test_graphs_with_other_inputs_are_refused(ellipsoids: Path, tmp_path: Path):
    graphs = dict(read_model(ellipsoids).members)
    write_model(tmp_path / "swapped.gen3d", MANIFEST, {**graphs, "shape.onnx": graphs["colour.onnx"]})
    with pytest.raises(ModelFileError, match="expected shape_code, truncation"):
        gen3d_core.load(tmp_path / "swapped.gen3d").sample(0, 16)


def test_graphs_compute_what_they_say(tmp_path: Path):
    from tests.analytic import FLOATER, SHARPNESS, colour_at

    model = gen3d_core.load(write_ellipsoid_model(tmp_path / "e.gen3d", floater=True))
    codes = model.codes(3)
    field = model.runtime.field(codes, 0.7)
    assert isinstance(field, SeparableOnnxField)
    points = np.random.default_rng(0).uniform(-1, 1, (1000, 3)).astype(np.float32)
    body = SHARPNESS * (1 - np.linalg.norm(points / half_axes(codes, 0.7), axis=1))
    assert np.allclose(field.logit(points), np.maximum(body, FLOATER.logit(points)), atol=1e-4)
    assert np.allclose(field.colour(points), colour_at(points, codes, 0.7), atol=1e-6)
    x, y, z = np.linspace(-1, 1, 5), np.linspace(-0.5, 1, 4), np.linspace(0, 1, 3)
    grid = np.stack(np.meshgrid(x, y, z, indexing="ij"), axis=-1).astype(np.float32)
    assert np.allclose(field.lattice(x, y, z), field.logit(grid.reshape(-1, 3)).reshape(5, 4, 3), atol=1e-4)


def test_a_file_without_a_lattice_graph_gives_the_same_meshes(ellipsoids: Path, tmp_path: Path):
    """Fields that have none are asked at points, around the surface only."""
    archive = read_model(ellipsoids)
    write_model(
        tmp_path / "points.gen3d",
        archive.manifest,
        {name: data for name, data in archive.members.items() if name != "lattice.onnx"},
    )
    model, separable = gen3d_core.load(tmp_path / "points.gen3d"), gen3d_core.load(ellipsoids)
    field = model.runtime.field(model.codes(2), 1.0)
    assert not hasattr(field, "lattice")
    points = np.random.default_rng(0).uniform(-1, 1, (100, 3)).astype(np.float32)
    expected = separable.runtime.field(model.codes(2), 1.0)
    assert np.array_equal(field.logit(points), expected.logit(points))
    assert np.array_equal(field.colour(points), expected.colour(points))
    mesh, other = model.sample(2, 64), separable.sample(2, 64)
    assert np.array_equal(mesh.faces, other.faces)
    assert np.abs(mesh.vertices - other.vertices).max() < 1e-5


def test_many_points_are_taken_in_pieces(ellipsoids: Path, monkeypatch: pytest.MonkeyPatch):
    field = gen3d_core.load(ellipsoids).runtime.field(gen3d_core.load(ellipsoids).codes(1), 1.0)
    points = np.random.default_rng(0).uniform(-1, 1, (1000, 3)).astype(np.float32)
    whole = field.logit(points), field.colour(points)
    monkeypatch.setattr("gen3d_core.model.onnx_model.POINTS_AT_ONCE", 64)
    assert np.allclose(field.logit(points), whole[0]) and np.allclose(field.colour(points), whole[1])
    assert field.logit(points[:0]).shape == (0,) and field.colour(points[:0]).shape == (0, 3)


def test_all_complaints_are_of_one_family():
    assert issubclass(ModelFileError, Gen3DError) and issubclass(Gen3DError, ValueError)
