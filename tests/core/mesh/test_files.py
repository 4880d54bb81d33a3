import errno
import json
import struct
from pathlib import Path

import numpy as np
import pytest
import trimesh

from gen3d_core.colour import to_encoded, to_linear
from gen3d_core.errors import OutputError
from gen3d_core.mesh.extract import extract
from gen3d_core.mesh.files import ExportError
from gen3d_core.mesh.mesh import Mesh
from tests.analytic import Box, SolidField, Union

# Front and up differ from all other sides: a slab that is long in x, with a post at its front (+X) and left (+Y) end.
BODY = Union([Box((0.6, 0.3, 0.1), (0, 0, -0.2)), Box((0.1, 0.1, 0.3), (0.5, 0.2, 0.2))])


@pytest.fixture(scope="module")
def mesh() -> Mesh:
    return extract(SolidField(BODY), 40).normalised()


def axes_of(vertices: np.ndarray, up: int, front: int, left: int) -> None:
    """The post is up, in front and to the left; the base is at zero and the longest side, front to back, is one."""
    low, high = vertices.min(axis=0), vertices.max(axis=0)
    assert low[up] == pytest.approx(0, abs=1e-6)
    assert (high - low)[front] == pytest.approx(1, abs=1e-6)
    assert high[front] == pytest.approx(0.5, abs=1e-6) and high[left] == pytest.approx(-low[left], abs=1e-6)
    top = vertices[vertices[:, up] > high[up] - 0.05].mean(axis=0)
    assert top[front] > 0.3 and top[left] > 0.1


FRAMES = {"glb": (1, 2, 0), "obj": (1, 2, 0), "ply": (2, 0, 1), "stl": (2, 0, 1)}


@pytest.mark.parametrize("suffix", FRAMES)
def test_other_programs_read_it(mesh: Mesh, tmp_path: Path, suffix: str):
    mesh.save(tmp_path / f"a.{suffix}")
    seen = trimesh.load_mesh(tmp_path / f"a.{suffix}")
    axes_of(seen.vertices, *FRAMES[suffix])
    assert seen.is_watertight and seen.is_winding_consistent and seen.euler_number == 2
    assert seen.volume == pytest.approx(trimesh.Trimesh(mesh.vertices, mesh.faces).volume, rel=1e-5)
    assert len(seen.vertices) == len(mesh.vertices) and len(seen.faces) == len(mesh.faces)


def read_glb(path: Path) -> tuple[dict, dict[str, np.ndarray]]:
    """A reader that follows the specification and trusts nothing."""
    data = path.read_bytes()
    magic, version, length = struct.unpack_from("<4sII", data)
    assert (magic, version, length) == (b"glTF", 2, len(data))
    size, kind = struct.unpack_from("<I4s", data, 12)
    assert kind == b"JSON" and size % 4 == 0
    document = json.loads(data[20 : 20 + size])
    chunk, kind = struct.unpack_from("<I4s", data, 20 + size)
    assert kind == b"BIN\0" and chunk % 4 == 0 and 28 + size + chunk == len(data)
    binary = data[28 + size :]
    assert document["buffers"][0]["byteLength"] == len(binary)
    components = {5126: "<f4", 5123: "<u2", 5125: "<u4"}
    arrays = {}
    primitive = document["meshes"][0]["primitives"][0]
    for name, index in {**primitive["attributes"], "indices": primitive["indices"]}.items():
        accessor = document["accessors"][index]
        view = document["bufferViews"][accessor["bufferView"]]
        width = {"SCALAR": 1, "VEC3": 3, "VEC4": 4}[accessor["type"]]
        kind = np.dtype(components[accessor["componentType"]])
        assert view["byteOffset"] % 4 == 0 and kind.itemsize * width % 4 == 0
        assert view["byteLength"] == accessor["count"] * width * kind.itemsize
        array = np.frombuffer(binary, kind, accessor["count"] * width, view["byteOffset"])
        arrays[name] = array.reshape(-1, width) if width > 1 else array
    return document, arrays


def test_glb_to_the_letter(mesh: Mesh, tmp_path: Path):
    mesh.save(tmp_path / "chair_7.glb")
    document, arrays = read_glb(tmp_path / "chair_7.glb")
    positions = arrays["POSITION"]
    assert np.array_equal(positions, mesh.vertices[:, [1, 2, 0]])
    assert np.array_equal(arrays["indices"].reshape(-1, 3), mesh.faces)
    accessor = document["accessors"][document["meshes"][0]["primitives"][0]["attributes"]["POSITION"]]
    assert np.allclose(accessor["min"], positions.min(axis=0)) and np.allclose(accessor["max"], positions.max(axis=0))
    normals = arrays["NORMAL"]
    assert np.allclose(np.linalg.norm(normals, axis=1), 1, atol=1e-5)
    corners = positions[mesh.faces]
    faces = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0])
    assert (np.einsum("ij,ij->i", faces, normals[mesh.faces].mean(axis=1)) > 0).mean() > 0.999
    material = document["materials"][document["meshes"][0]["primitives"][0]["material"]]
    assert material["pbrMetallicRoughness"] == {"metallicFactor": 0.0, "roughnessFactor": 0.7}
    assert material["doubleSided"] is False
    assert document["nodes"][0]["name"] == "chair_7"


def test_glb_colours_are_linear_light(mesh: Mesh, tmp_path: Path):
    mesh.save(tmp_path / "a.glb")
    document, arrays = read_glb(tmp_path / "a.glb")
    assert document["accessors"][2]["normalized"] is True
    colours = arrays["COLOR_0"] / 65535
    assert (colours[:, 3] == 1).all()
    assert np.abs(to_encoded(colours[:, :3]) - mesh.colours).max() < 2e-3
    assert to_linear(np.array(0.5)) == pytest.approx(0.21404114) and to_linear(np.array(0.04)) == pytest.approx(
        0.04 / 12.92
    )
    ramp = np.linspace(0, 1, 1000)
    assert np.allclose(to_encoded(to_linear(ramp)), ramp, atol=1e-6)


def test_ply_and_obj_colours_are_encoded(mesh: Mesh, tmp_path: Path):
    for suffix in ("ply", "obj"):
        mesh.save(tmp_path / f"a.{suffix}")
        seen = trimesh.load_mesh(tmp_path / f"a.{suffix}", process=False)
        colours = seen.visual.vertex_colors  # pyright: ignore
        assert np.abs(colours[:, :3] / 255 - mesh.colours).max() <= 1.01 / 255


def test_equal_meshes_give_equal_bytes(mesh: Mesh, tmp_path: Path):
    for suffix in FRAMES:
        for folder in ("one", "two"):
            (tmp_path / folder).mkdir(exist_ok=True)
            mesh.save(tmp_path / folder / f"a.{suffix}")
        assert (tmp_path / "one" / f"a.{suffix}").read_bytes() == (tmp_path / "two" / f"a.{suffix}").read_bytes()


def test_suffixes(mesh: Mesh, tmp_path: Path):
    mesh.save(tmp_path / "A.GLB")
    assert (tmp_path / "A.GLB").read_bytes()[:4] == b"glTF"
    for name in ("a.fbx", "a", "a.glb.zip"):
        with pytest.raises(ExportError, match=r"known are \.glb, \.ply, \.obj, \.stl"):
            mesh.save(tmp_path / name)
    assert [path.name for path in tmp_path.iterdir()] == ["A.GLB"]


def test_a_failed_write_leaves_what_was_there(mesh: Mesh, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    path = tmp_path / "a.glb"
    path.write_text("before")

    def full(source: object, target: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("gen3d_core.files.os.replace", full)
    with pytest.raises(OutputError, match="no space left on the disk for .*a.glb") as caught:
        mesh.save(path)
    assert "\n" not in str(caught.value)
    assert path.read_text() == "before" and [p.name for p in tmp_path.iterdir()] == ["a.glb"]
    with pytest.raises(OutputError, match="cannot write"):
        mesh.save(tmp_path / "missing" / "a.glb")
