"""Meshes as binary glTF 2.0 files whose material shows their vertex colours."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from gen3d_core.colour import to_linear
from gen3d_core.mesh.geometry import vertex_normals
from gen3d_core.version import __version__

FLOAT, SHORT, _USHORT, _UINT = 5126, 5122, 5123, 5125
VERTEX_BUFFER, _INDEX_BUFFER = 34962, 34963


def glb(vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray, name: str) -> bytes:
    """The bytes of a .glb file: +Y up, front +Z, colours in linear light as the format asks; equal meshes give equal
    bytes."""
    file = GltfFile(name)
    file.meshes.append({"name": name, "primitives": [primitive(file, vertices, faces, colours)]})
    file.nodes.append({"name": name, "mesh": 0})
    return file.bytes()


def primitive(file: GltfFile, vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray) -> dict[str, Any]:
    """Triangles, added to a file, as one of a mesh's primitives there."""
    rgba = np.full((len(vertices), 4), 65535, "<u2")  # four channels keep each vertex aligned to 4 bytes
    rgba[:, :3] = linear_shorts(colours, 65535)
    positions, normals = y_up(vertices), y_up(vertex_normals(vertices, faces))
    attributes = {
        "POSITION": file.add(positions, FLOAT, "VEC3", VERTEX_BUFFER, extent=True),
        "NORMAL": file.add(normals, FLOAT, "VEC3", VERTEX_BUFFER),
        "COLOR_0": file.add(rgba, _USHORT, "VEC4", VERTEX_BUFFER, normalized=True),
    }
    indices = file.add(faces.astype("<u4").reshape(-1), _UINT, "SCALAR", _INDEX_BUFFER)
    return {"attributes": attributes, "indices": indices, "material": 0, "mode": 4}


def linear_shorts(colours: np.ndarray, whole: int) -> np.ndarray:
    """sRGB colours as linear light in whole numbers up to `whole`."""
    return np.rint(to_linear(colours) * whole).astype(np.int64)


class GltfFile:
    """The parts of a binary glTF file as they come."""

    def __init__(self, name: str) -> None:
        self._name = name
        self._data: list[bytes] = []
        self._size = 0
        self._views: list[dict[str, int]] = []
        self._accessors: list[dict[str, Any]] = []
        self.meshes: list[dict[str, Any]] = []
        self.nodes: list[dict[str, Any]] = []
        self.animations: list[dict[str, Any]] = []

    def add(
        self,
        array: np.ndarray,
        component: int,
        kind: str,
        target: int | None = None,
        *,
        extent: bool = False,
        normalized: bool = False,
    ) -> int:
        """An array as an accessor, its index. Every array here is a multiple of four bytes long, as the format asks."""
        data = (array.astype("<f4") if component == FLOAT else array).tobytes()
        view = {"buffer": 0, "byteOffset": self._size, "byteLength": len(data)}
        self._views.append(view if target is None else {**view, "target": target})
        accessor = {
            "bufferView": len(self._views) - 1,
            "componentType": component,
            "count": len(array),
            "type": kind,
        }
        if extent:
            low, high = np.atleast_1d(array.min(axis=0)), np.atleast_1d(array.max(axis=0))
            accessor |= {"min": low.tolist(), "max": high.tolist()}
        if normalized:
            accessor["normalized"] = True
        self._accessors.append(accessor)
        self._data.append(data)
        self._size += len(data)
        return len(self._accessors) - 1

    def bytes(self) -> bytes:
        """The whole file."""
        material = {
            "name": self._name,
            "pbrMetallicRoughness": {"metallicFactor": 0.0, "roughnessFactor": 0.7},
            "doubleSided": False,
        }
        document = {
            "asset": {"version": "2.0", "generator": f"Gen3D {__version__}"},
            "scene": 0,
            "scenes": [{"nodes": list(range(len(self.nodes)))}],
            "nodes": self.nodes,
            "meshes": self.meshes,
            "materials": [material],
            **({"animations": self.animations} if self.animations else {}),
            "buffers": [{"byteLength": self._size}],
            "bufferViews": self._views,
            "accessors": self._accessors,
        }
        text = json.dumps(document, separators=(",", ":")).encode("utf-8")
        text += b" " * (-len(text) % 4)
        length = 12 + 8 + len(text) + 8 + self._size
        header = struct.pack("<4sII", b"glTF", 2, length)
        chunk = struct.pack("<I4s", len(text), b"JSON") + text + struct.pack("<I4s", self._size, b"BIN\0")
        return b"".join([header, chunk, *self._data])


def y_up(vectors: np.ndarray) -> np.ndarray:
    """From Z up, front +X to Y up, front +Z: (x, y, z) becomes (y, z, x), a rotation."""
    return np.ascontiguousarray(vectors[:, [1, 2, 0]])
