"""A mesh as a binary glTF 2.0 file: one object whose material shows its vertex colours."""

from __future__ import annotations

import json
import struct

import numpy as np

from gen3d_core import __version__
from gen3d_core.colour import to_linear
from gen3d_core.mesh import Mesh, vertex_normals

_FLOAT, _USHORT, _UINT = 5126, 5123, 5125
_VERTEX_BUFFER, _INDEX_BUFFER = 34962, 34963


def glb(mesh: Mesh, name: str) -> bytes:
    """The bytes of a .glb file: +Y up, front +Z, colours in linear light as the format asks; equal meshes give equal
    bytes."""
    positions = y_up(mesh.vertices)
    colours = np.full((len(mesh.vertices), 4), 65535, "<u2")  # four channels keep each vertex aligned to 4 bytes
    colours[:, :3] = np.rint(to_linear(mesh.colours) * 65535)
    arrays = [
        (positions.astype("<f4"), _FLOAT, "VEC3", _VERTEX_BUFFER),
        (y_up(vertex_normals(mesh.vertices, mesh.faces)).astype("<f4"), _FLOAT, "VEC3", _VERTEX_BUFFER),
        (colours, _USHORT, "VEC4", _VERTEX_BUFFER),
        (mesh.faces.astype("<u4").reshape(-1), _UINT, "SCALAR", _INDEX_BUFFER),
    ]
    views, accessors, offset = [], [], 0
    for index, (array, component, kind, target) in enumerate(arrays):
        views.append({"buffer": 0, "byteOffset": offset, "byteLength": array.nbytes, "target": target})
        accessors.append({"bufferView": index, "componentType": component, "count": len(array), "type": kind})
        offset += array.nbytes
    accessors[0] |= {"min": positions.min(axis=0).tolist(), "max": positions.max(axis=0).tolist()}
    accessors[2]["normalized"] = True
    primitive = {"attributes": {"POSITION": 0, "NORMAL": 1, "COLOR_0": 2}, "indices": 3, "material": 0, "mode": 4}
    material = {
        "name": name,
        "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.7},
        "doubleSided": False,
    }
    document = {
        "asset": {"version": "2.0", "generator": f"Gen3D {__version__}"},
        "scene": 0,
        "scenes": [{"nodes": [0]}],
        "nodes": [{"name": name, "mesh": 0}],
        "meshes": [{"name": name, "primitives": [primitive]}],
        "materials": [material],
        "buffers": [{"byteLength": offset}],
        "bufferViews": views,
        "accessors": accessors,
    }
    text = json.dumps(document, separators=(",", ":")).encode("utf-8")
    text += b" " * (-len(text) % 4)
    data = b"".join(array.tobytes() for array, *_ in arrays)
    length = 12 + 8 + len(text) + 8 + len(data)
    header = struct.pack("<4sII", b"glTF", 2, length)
    return header + struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", len(data), b"BIN\0") + data


def y_up(vectors: np.ndarray) -> np.ndarray:
    """From Z up, front +X to Y up, front +Z: (x, y, z) becomes (y, z, x), a rotation."""
    return np.ascontiguousarray(vectors[:, [1, 2, 0]])
