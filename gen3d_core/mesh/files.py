"""Meshes as files that other programs read."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from gen3d_core.errors import Gen3DError
from gen3d_core.files import replacing
from gen3d_core.mesh.geometry import vertex_normals
from gen3d_core.mesh.gltf import glb, y_up


class ExportError(Gen3DError):
    """A kind of file that is not written here."""


def save(path: str | Path, vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray) -> None:
    """Write a mesh by its suffix, arrays as in `gen3d_core.mesh.mesh.Mesh`.

    The file appears complete or not at all, and equal meshes give equal bytes.

    .glb and .obj: +Y up, front +Z, coloured. .ply: Z up, front +X, coloured. .stl: Z up, front +X, the format has no
    colour. Raises `ExportError` for another suffix, `OutputError` when the file cannot be written.
    """
    path = Path(path)
    check_suffix(path.suffix)
    contents = FORMATS[path.suffix.lower()](vertices, faces, colours, path.stem)
    with replacing(path) as file:
        file.write(contents)


def check_suffix(suffix: str) -> None:
    """Raises `ExportError` unless files with this suffix can be written."""
    if suffix.lower() not in FORMATS:
        raise ExportError(f"cannot write {suffix or 'a file without suffix'!r}: known are {', '.join(FORMATS)}")


def obj(vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray, name: str) -> bytes:
    """Wavefront OBJ text with smooth normals and the widespread vertex colour extension `v x y z r g b` (sRGB)."""
    rows = np.hstack([y_up(vertices), colours]).tolist()
    places = [f"v {x:.8f} {y:.8f} {z:.8f} {r:.5f} {g:.5f} {b:.5f}" for x, y, z, r, g, b in rows]
    smooth = y_up(vertex_normals(vertices, faces)).tolist()
    normals = [f"vn {x:.5f} {y:.5f} {z:.5f}" for x, y, z in smooth]
    triangles = [f"f {a}//{a} {b}//{b} {c}//{c}" for a, b, c in (faces + 1).tolist()]
    return "\n".join(["# Gen3D: Y up, front +Z", f"o {name}", *places, *normals, "s 1", *triangles, ""]).encode("utf-8")


def ply(vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray, name: str) -> bytes:
    """Binary little-endian PLY with sRGB colours in bytes."""
    points = np.empty(len(vertices), [("position", "<f4", 3), ("colour", "u1", 3)])
    points["position"] = vertices
    points["colour"] = np.rint(np.clip(colours, 0, 1) * 255)
    triangles = np.empty(len(faces), [("count", "u1"), ("corners", "<i4", 3)])
    triangles["count"], triangles["corners"] = 3, faces
    header = [
        "ply", "format binary_little_endian 1.0", "comment Gen3D: Z up, front +X",
        f"element vertex {len(points)}", *(f"property float {axis}" for axis in "xyz"),
        *(f"property uchar {channel}" for channel in ("red", "green", "blue")),
        f"element face {len(triangles)}", "property list uchar int vertex_indices", "end_header", "",
    ]  # fmt: skip
    return "\n".join(header).encode("ascii") + points.tobytes() + triangles.tobytes()


def stl(vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray, name: str) -> bytes:
    """Binary STL: triangles with face normals, no colour."""
    corners = vertices[faces]
    normals = np.cross(corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]).astype(np.float64)
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-30)
    records = np.zeros(len(corners), [("normal", "<f4", 3), ("corners", "<f4", (3, 3)), ("attribute", "<u2")])
    records["normal"], records["corners"] = normals, corners
    return b"Gen3D: Z up, front +X".ljust(80) + np.array(len(corners), "<u4").tobytes() + records.tobytes()


FORMATS = {".glb": glb, ".ply": ply, ".obj": obj, ".stl": stl}
