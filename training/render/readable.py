"""Mesh files as Blender reads them rightly: the file itself where it does, else a copy of what the file says."""

import os
import re
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import trimesh
from numpy.typing import NDArray
from trimesh.visual import ColorVisuals

from gen3d_core.errors import first_line
from gen3d_core.mesh.files import ply, stl
from gen3d_core.pictures.foreign import describe_foreign
from training.data.meshes import UNREADABLE
from training.render.gltf_visibility import show_visible
from training.render.off import read_off

_FAR = 1e4
"""Coordinates from which on 32 bits, in which Blender reads them, lose detail: moved near the origin before."""
_HEAD = 1 << 16
_MTLLIB = re.compile(rb"^[ \t]*mtllib[ \t]+(.+)$", re.M)
_CORNER = re.compile(rb"vertex\s+(\S+)\s+(\S+)\s+(\S+)", re.I)
_OTHER_COLOURS = re.compile(rb"^(\s*property\s+\S+\s+)(r|g|b|diffuse_red|diffuse_green|diffuse_blue)(\s*)$", re.M)
_COLOURS = {b"r": b"red", b"g": b"green", b"b": b"blue"} | {
    b"diffuse_" + name: name for name in (b"red", b"green", b"blue")
}
_UNCOLOURED = 188 / 255
"""sRGB of half the light, as what has no colour is drawn."""


def make_readable(file: Path, scratch: Path) -> Path:
    """The file that Blender is to read: `file`, or a copy in the folder `scratch`, which is made where it is needed.

    Copies are made of OFF files, PLY files with a colour for each face or colours under other names, OBJ files with a
    byte order mark or the line ends of old Macs, binary STL files with more bytes than triangles, text ones in
    capitals, glTF files with invisible nodes, and where coordinates are far from the origin.
    Raises ValueError, with words for the user, for what is no mesh of its kind.
    """
    with file.open("rb") as opened:
        head = opened.read(_HEAD)
    foreign = describe_foreign(head)
    if foreign:
        raise ValueError(foreign)
    suffix = file.suffix.lower()
    try:
        if suffix == ".off":
            return _coloured(*read_off(file.read_bytes()), scratch)
        if suffix == ".ply":
            return _ply(file, head, scratch)
        if suffix == ".stl":
            return _stl(file, head, scratch)
        if suffix == ".obj":
            return _obj(file, head, scratch)
        if suffix in (".glb", ".gltf"):
            return show_visible(file, scratch)
    except OSError:
        raise
    except UNREADABLE as error:
        raise ValueError(f"not a valid {suffix[1:].upper()} file: {first_line(error)}") from error
    return file


def missing_libraries(file: Path) -> list[str]:
    """Those MTL files that an OBJ file names at its beginning and that are not there."""
    if file.suffix.lower() != ".obj":
        return []
    with file.open("rb") as opened:
        lines = [found[1] for found in _MTLLIB.finditer(_plain(opened.read(_HEAD)))]
    return [words.decode("utf-8", "replace").strip() for words in lines if not _named_libraries(file, words)]


def _coloured(
    vertices: NDArray[np.float64], faces: NDArray[np.int64], colours: NDArray[np.float64] | None, scratch: Path
) -> Path:
    """A PLY file of vertices (V,3), moved near the origin, and triangles (F,3), with colours (V,3) in 0..1."""
    if not len(faces):
        raise ValueError("it holds no surface")
    shown = np.full(vertices.shape, _UNCOLOURED) if colours is None else colours
    scratch.mkdir()
    target = scratch / "mesh.ply"
    target.write_bytes(ply((vertices - vertices[0]).astype(np.float32), faces.astype(np.int32), shown, "mesh"))
    return target


def _ply(file: Path, head: bytes, scratch: Path) -> Path:
    header = head.partition(b"end_header")[0]
    elements = {part.split(None, 1)[0]: part for part in re.split(rb"^element\s+", header, flags=re.M)[1:]}
    by_face = b" red" in elements.get(b"face", b"") and b" red" not in elements.get(b"vertex", b"")
    precise = b"format ascii" in header or re.search(rb"property\s+(double|float64)\s+x", header)
    if by_face or precise:
        mesh = trimesh.load(file, force="mesh", process=False)
        if isinstance(mesh, trimesh.Trimesh) and len(mesh.faces) and (by_face or _is_far(np.asarray(mesh.vertices[0]))):
            return _coloured(*_with_colours(mesh, by_face), scratch)
    usual = _OTHER_COLOURS.sub(lambda found: found[1] + _COLOURS[found[2]] + found[3], header)
    if usual == header:
        return file
    scratch.mkdir()
    target = scratch / "mesh.ply"
    with file.open("rb") as source, target.open("wb") as copy:
        copy.write(usual)
        source.seek(len(header))
        shutil.copyfileobj(source, copy)
    return target


def _with_colours(
    mesh: trimesh.Trimesh, by_face: bool
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64] | None]:
    vertices, faces = np.asarray(mesh.vertices, np.float64), np.asarray(mesh.faces, np.int64)
    if not isinstance(mesh.visual, ColorVisuals) or (mesh.visual.kind is None and not by_face):
        return vertices, faces, None
    if by_face:
        colours = np.repeat(np.asarray(mesh.visual.face_colors, np.float64)[:, :3] / 255, 3, axis=0)
        return vertices[faces.ravel()], np.arange(3 * len(faces)).reshape(-1, 3), colours
    return vertices, faces, np.asarray(mesh.visual.vertex_colors, np.float64)[:, :3] / 255


def _stl(file: Path, head: bytes, scratch: Path) -> Path:
    size = file.stat().st_size
    count = int.from_bytes(head[80:84], "little")
    whole = 84 + 50 * count
    if 0 < count and whole < size and not _is_text(head):
        scratch.mkdir()
        target = scratch / "mesh.stl"
        with file.open("rb") as source, target.open("wb") as copy:
            copy.write(source.read(whole))
        return target
    first = _CORNER.search(head) if _is_text(head) else None
    far = first is not None and _is_far(np.array([float(each) for each in first.groups()]))
    if not (far or (first is not None and b"vertex" not in head)):  # Blender reads small letters alone
        return file
    vertices = np.array(_CORNER.findall(file.read_bytes()), np.float64)
    faces = np.arange(len(vertices) // 3 * 3, dtype=np.int32).reshape(-1, 3)
    scratch.mkdir()
    target = scratch / "mesh.stl"
    near = (vertices - vertices[0]).astype(np.float32)
    target.write_bytes(stl(near, faces, np.zeros((0, 3), np.float32), "mesh"))
    return target


def _is_text(head: bytes) -> bool:
    return head.lstrip()[:5].lower() == b"solid" and re.search(rb"facet", head[:4096], re.I) is not None


def _obj(file: Path, head: bytes, scratch: Path) -> Path:
    first = re.search(rb"^\s*v\s+(\S+)\s+(\S+)\s+(\S+)", _plain(head), re.M)
    origin = np.zeros(3) if first is None else np.array([float(each) for each in first.groups()])
    if not _is_far(origin):
        if not any(_is_odd(each) for each in (head, *_library_heads(file, head))):
            return file
        origin = np.zeros(3)
    scratch.mkdir()
    text = _plain(file.read_bytes())
    if origin.any():
        text = re.sub(rb"(?m)^([ \t]*v[ \t]+)(\S+)[ \t]+(\S+)[ \t]+(\S+)", lambda found: _nearer(found, origin), text)
    libraries: list[bytes] = []

    def library(found: re.Match[bytes]) -> bytes:
        paths = _named_libraries(file, found[1])
        libraries.extend(map(_material_library, paths))
        return b"\n".join(b"mtllib %d.mtl" % (len(libraries) - len(paths) + i) for i in range(len(paths)))

    text = _MTLLIB.sub(library, text)
    for i, content in enumerate(libraries):
        (scratch / f"{i}.mtl").write_bytes(content)
    target = scratch / f"{file.stem}.obj"
    target.write_bytes(text)
    return target


def _named_libraries(file: Path, words: bytes) -> list[Path]:
    """The MTL files of an OBJ file's line: one whose name may hold spaces, or several."""
    whole = words.decode("utf-8", "surrogateescape").strip().replace("\\", "/")
    named = [whole] if (file.parent / whole).is_file() else whole.split()
    return [path for name in named if (path := file.parent / name).is_file()]


def _library_heads(file: Path, head: bytes) -> Iterator[bytes]:
    for found in _MTLLIB.finditer(_plain(head)):
        for path in _named_libraries(file, found[1]):
            with path.open("rb") as opened:
                yield opened.read(_HEAD)


def _nearer(found: re.Match[bytes], origin: NDArray[np.float64]) -> bytes:
    values = (float(each) - origin[i] for i, each in enumerate(found.groups()[1:]))
    return found[1] + " ".join(f"{value:.9g}" for value in values).encode()


def _material_library(path: Path) -> bytes:
    """An MTL file's text, the pictures that it names by their whole paths: the copy lies in another folder."""

    def picture(found: re.Match[bytes]) -> bytes:
        words = found[2].decode("utf-8", "surrogateescape").strip().replace("\\", "/")
        for start in (0, *(each.end() for each in re.finditer(r"\s+", words))):  # options stand before the name
            whole = path.parent / words[start:]
            if whole.is_file():
                return found[1] + os.fsencode(words[:start]) + os.fsencode(whole.resolve())
        return found[0]

    return re.sub(rb"(?m)^([ \t]*(?:map_\w+|bump|norm|disp|refl)[ \t]+)(.+)$", picture, _plain(path.read_bytes()))


def _is_odd(head: bytes) -> bool:
    return head.startswith(b"\xef\xbb\xbf") or re.search(rb"\r(?!\n|$)", head) is not None


def _plain(text: bytes) -> bytes:
    return text.removeprefix(b"\xef\xbb\xbf").replace(b"\r\n", b"\n").replace(b"\r", b"\n")


def _is_far(point: NDArray[np.float64]) -> bool:
    return bool(np.abs(point).max() > _FAR)
