"""Which colours a model is drawn in, and odd but valid files: each shows its own colour times each face's shade."""

import json
import logging
from pathlib import Path

import numpy as np
import pytest
import trimesh
from PIL import Image

from tests.training.render.gltf import Gltf
from tests.training.render.test_render import encoded, linear, needs_blender, shade
from training.data.dataset import PictureDataset, load_dataset
from training.render.dataset import render
from training.render.off import read_off

COLOUR = (200, 60, 30)
LINEAR = [float(value) for value in linear(np.array(COLOUR) / 255)]
GREY = tuple(int(value) for value in np.rint(255 * encoded(np.full(3, 0.5))))
POINTER = b"version https://git-lfs.github.com/spec/v1\noid sha256:4d7a\nsize 12345\n"
DOUBLE = b"\x00\x05\x16\x07\x00\x02\x00\x00Mac OS X        "


def cube() -> trimesh.Trimesh:
    return trimesh.creation.box((1, 1, 1))


def corners(mesh: trimesh.Trimesh, after: str = "") -> list[str]:
    return ["".join(f"{x:g} {y:g} {z:g}") + after for x, y, z in mesh.vertices]


def write_obj(path: Path, library: str, ends: str = "\n", start: str = "", after: str = "") -> None:
    lines = [f"mtllib {library}", "usemtl a", *(f"v {line}" for line in corners(cube(), after)), "vt 0.5 0.5",
             *("f " + " ".join(f"{corner + 1}/1" for corner in face) for face in cube().faces), ""]  # fmt: skip
    path.write_bytes((start + ends.join(lines)).encode())


def write_materials(folder: Path) -> None:
    plain = f"newmtl a\nKd {LINEAR[0]:.6f} {LINEAR[1]:.6f} {LINEAR[2]:.6f}\n"
    (folder / "pictures").mkdir()
    Image.new("RGB", (4, 4), COLOUR).save(folder / "pictures" / "the wood.png")
    (folder / "plain.mtl").write_text(plain)
    (folder / "missing.mtl").write_text(plain + "map_Kd nowhere.png\n")
    (folder / "texture.mtl").write_text("newmtl a\nKd 1 1 1\nmap_Kd -s 1 1 1 pictures/the wood.png\n")
    (folder / "old mac.mtl").write_bytes(plain.replace("\n", "\r").encode())
    write_obj(folder / "missing.obj", "missing.mtl")
    write_obj(folder / "no_library.obj", "nowhere.mtl")
    (folder / "pointer.mtl").write_text(plain + "map_Kd pictures/pointer.png\n")
    (folder / "pictures" / "pointer.png").write_bytes(POINTER)
    write_obj(folder / "pointer_texture.obj", "pointer.mtl")
    write_obj(folder / "unpainted.obj", "plain.mtl", after=" 1 1 1")
    write_obj(folder / "bom.obj", "plain.mtl", start="\ufeff")
    write_obj(folder / "cr.obj", "texture.mtl", ends="\r")
    write_obj(folder / "library.obj", "old mac.mtl")


def write_gltf(folder: Path) -> None:
    shown = {"baseColorFactor": [*LINEAR, 1], "metallicFactor": 0}
    dark = {"baseColorFactor": [0, 0, 0, 1], "metallicFactor": 0}
    for name, material in {
        "glow": {"pbrMetallicRoughness": dark, "emissiveFactor": LINEAR},
        "pane": {"alphaMode": "BLEND", "pbrMetallicRoughness": {**shown, "baseColorFactor": [*LINEAR, 0.3]}},
        "lost": {"pbrMetallicRoughness": {**shown, "baseColorTexture": {"index": 0}}},
    }.items():
        gltf = Gltf()
        uv = {"TEXCOORD_0": gltf.accessor(np.full((8, 3), 0.5, np.float32), "VEC3")} if name == "lost" else {}
        if uv:
            gltf.json["accessors"][-1]["type"] = "VEC2"
            gltf.json["accessors"][-1]["count"] = 8
            gltf.add("images", {"uri": "gone.png"})
            gltf.add("textures", {"source": 0})
        gltf.node(mesh=gltf.mesh(cube(), gltf.add("materials", {"name": name, **material}), **uv), name=name)
        gltf.save(folder / f"{name}.glb")


def write_others(folder: Path) -> None:
    mesh, colour = cube(), " ".join(map(str, COLOUR))
    faces = [" ".join(map(str, face)) for face in mesh.faces]
    counts = f"{len(mesh.vertices)} {len(faces)} 0"
    vertices = corners(mesh, f" {colour} 255")
    (folder / "vertices.off").write_text("\n".join(["COFF", counts, *vertices, *(f"3 {f}" for f in faces), ""]))
    listed = [f"3 {face} {colour}" for face in faces]
    (folder / "faces.off").write_text("\n".join(["OFF # by hand", counts, "", *corners(mesh), *listed, ""]))
    head = ["ply", "format ascii 1.0", "element vertex 8", *(f"property float {axis}" for axis in "xyz")]
    named, short = ([f"property uchar {name}" for name in names] for names in (("red", "green", "blue"), "rgb"))
    face = [f"element face {len(faces)}", "property list uchar int vertex_indices"]
    by_face = [*head, *face, *named, "end_header", *corners(mesh), *listed, ""]
    (folder / "faces.ply").write_text("\n".join(by_face))
    by_vertex = [*head, *short, *face, "end_header", *corners(mesh, f" {colour}"), *(f"3 {f}" for f in faces), ""]
    (folder / "rgb.ply").write_text("\n".join(by_vertex))
    mesh.export(folder / "grey_trailing.stl")
    with (folder / "grey_trailing.stl").open("ab") as file:
        file.write(b"made by somebody")
    mesh.export(folder / "grey_capitals.STL", file_type="stl_ascii")
    text = (folder / "grey_capitals.STL").read_text()
    (folder / "grey_capitals.STL").write_text(text.upper())
    (folder / "pointer.glb").write_bytes(POINTER)
    (folder / "double.obj").write_bytes(DOUBLE)
    (folder / "._rgb.ply").write_bytes(DOUBLE)


@pytest.fixture(scope="module")
def coloured(tmp_path_factory: pytest.TempPathFactory) -> tuple[PictureDataset, dict, str]:
    source = tmp_path_factory.mktemp("colours")
    for write in (write_materials, write_gltf, write_others):
        write(source)
    out = tmp_path_factory.mktemp("out") / "dataset"
    said: list[str] = []
    handler = logging.Handler()
    handler.emit = lambda record: said.append(record.getMessage())
    logger = logging.getLogger("training")
    logger.addHandler(handler)
    level = logger.level
    logger.setLevel(logging.INFO)
    try:
        render(str(source), out, views=2, size=24)
    finally:
        logger.removeHandler(handler)
        logger.setLevel(level)
    return load_dataset(out), json.loads((out / "dataset.json").read_text()), "\n".join(said)


@needs_blender
@pytest.mark.parametrize(
    "name",
    ["missing.obj", "pointer_texture.obj", "unpainted.obj", "bom.obj", "cr.obj", "library.obj", "glow.glb", "pane.glb",
     "lost.glb", "vertices.off", "faces.off", "faces.ply", "rgb.ply", "grey_trailing.stl", "grey_capitals.STL"],
)  # fmt: skip
def test_a_model_shows_its_own_colour(coloured: tuple[PictureDataset, dict, str], name: str) -> None:
    data = coloured[0]
    own = GREY if name.startswith("grey") else COLOUR
    allowed = [np.rint(255 * encoded(linear(np.array(own) / 255) * shade(n)))
               for n in ((0, 0, 1), (1, 0, 0), (-1, 0, 0), (0, 1, 0))]  # fmt: skip
    rows = [row for row, model in enumerate(data.models) if model == name]
    assert len(rows) == 2
    for row in rows:
        pixels = data.pictures[row][data.pictures[row][..., 3] == 255][:, :3].astype(int)
        exact = np.min([np.abs(pixels - colour).max(1) for colour in allowed], axis=0) <= 3
        assert len(pixels) > 60 and exact.mean() > 0.8


@needs_blender
def test_what_is_drawn_otherwise_and_what_is_no_mesh_is_named_and_counted(
    coloured: tuple[PictureDataset, dict, str],
) -> None:
    _, about, said = coloured
    assert (
        "1 of 18 models name files of materials that are not there, and are grey: no_library.obj (nowhere.mtl)" in said
    )
    assert "3 of 18 models name pictures that are not there or cannot be read" in said
    assert (
        "pointer_texture.obj (pointer.png)" in said
        and "lost.glb (gone.png)" in said
        and "missing.obj (nowhere.png)" in said
    )
    assert "1 of 18 models have see-through materials, which are drawn solid: pane.glb (pane)" in said
    assert about["skipped_models"]["pointer.glb"].startswith("a Git LFS pointer")
    assert about["skipped_models"]["double.obj"].startswith("what macOS keeps beside a file (AppleDouble)")
    assert set(about["skipped_models"]) == {"pointer.glb", "double.obj"}
    assert "left out 1 hidden files, such as ._rgb.ply" in said


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (b"nonsense", "begin with OFF"),
        (b"OFF\n", "numbers of vertices"),
        (b"OFF\n8 12 0\n0 0 0\n", "promised"),
        (b"OFF BINARY\n\0", "only text"),
        (b"4OFF\n1 1 0\n", "only text"),
        (b"OFF\n3 1 0\n0 0 0\n1 0 0\n0 1 0\n3 0 1 7\n", "not there"),
    ],
)
def test_what_is_no_off_file_is_told(text: bytes, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        read_off(text)


def test_off_polygons_become_fans_and_fractions_are_colours() -> None:
    vertices, faces, colours = read_off(b"CNOFF 4 1 0\n" + b"0 0 0 0 0 1 .5 0 1 1\n" * 4 + b"4 0 1 2 3\n")
    assert vertices.shape == (4, 3) and faces.tolist() == [[0, 1, 2], [0, 2, 3]]
    assert colours is not None and colours.tolist() == [[0.5, 0, 1]] * 4
