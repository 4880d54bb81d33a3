"""Meshes as binary glTF 2.0 files whose material shows their vertex colours: one object, or one that morphs."""

from __future__ import annotations

import json
import struct
from typing import Any

import numpy as np

from gen3d_core import __version__
from gen3d_core.colour import to_linear
from gen3d_core.mesh import Mesh, vertex_normals
from gen3d_core.segments import Morph

_FLOAT, _SHORT, _USHORT, _UINT = 5126, 5122, 5123, 5125
_VERTEX_BUFFER, _INDEX_BUFFER = 34962, 34963


def glb(mesh: Mesh, name: str) -> bytes:
    """The bytes of a .glb file: +Y up, front +Z, colours in linear light as the format asks; equal meshes give equal
    bytes."""
    file = _File(name)
    file.meshes.append({"name": name, "primitives": [_primitive(file, mesh)]})
    file.nodes.append({"name": name, "mesh": 0})
    return file.bytes()


def animated_glb(morph: Morph, name: str, seconds_per_key: float, *, closed: bool = False) -> bytes:
    """A .glb file that plays a morph from its first covered key; frame and colours as in `glb`.

    Each segment is a mesh with a morph target for each key but its first, of positions, normals and colours, and the
    animation blends them linearly. Where there are several segments, each has size nought outside its time. `closed`
    goes back to the first key at the end, by blending where there is one segment.
    """
    file = _File(name)
    times = np.arange(sum(len(each.vertices) for each in morph.segments) + closed, dtype=np.float32) * seconds_per_key
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []

    def animate(node: int, what: str, at: int, values: np.ndarray, how: str) -> None:
        kind = "VEC3" if values.ndim == 2 else "SCALAR"
        samplers.append({"input": at, "output": file.add(values, _FLOAT, kind), "interpolation": how})
        channels.append({"sampler": len(samplers) - 1, "target": {"node": node, "path": what}})

    begin = morph.segments[0].first
    single = len(morph.segments) == 1
    clock = file.add(times, _FLOAT, "SCALAR", extent=True)
    for index, segment in enumerate(morph.segments):
        count = len(segment.vertices)
        where = slice(segment.first - begin, segment.first - begin + count)
        title = name if single else f"{name} {index + 1}"
        base = segment.mesh(segment.first)
        targets = [_target(file, base, segment.mesh(key)) for key in segment.keys[1:]]
        entry: dict[str, Any] = {"name": title, "primitives": [_primitive(file, base)]}
        if targets:
            entry["primitives"][0]["targets"] = targets
            entry["weights"] = [0.0] * len(targets)
        file.meshes.append(entry)
        # Programs that do not animate then show the first alone.
        file.nodes.append({"name": title, "mesh": index, **({"scale": [0.0] * 3} if index else {})})
        if targets:
            weights = np.eye(count, count - 1, k=-1, dtype=np.float32)
            at = clock if single else file.add(times[where], _FLOAT, "SCALAR", extent=True)
            if single and closed:
                weights = np.vstack([weights, weights[:1]])
            animate(index, "weights", at, weights.reshape(-1), "LINEAR")
        if not single:
            shown = np.zeros((len(times), 3), np.float32)
            shown[where] = 1.0
            if closed:
                shown[-1] = shown[0]
            animate(index, "scale", clock, shown, "STEP")
    if channels:
        file.animations.append({"name": name, "samplers": samplers, "channels": channels})
    return file.bytes()


def _primitive(file: _File, mesh: Mesh) -> dict[str, Any]:
    colours = np.full((len(mesh.vertices), 4), 65535, "<u2")  # four channels keep each vertex aligned to 4 bytes
    colours[:, :3] = _in_shorts(mesh.colours, 65535)
    positions, normals = y_up(mesh.vertices), y_up(vertex_normals(mesh.vertices, mesh.faces))
    attributes = {
        "POSITION": file.add(positions, _FLOAT, "VEC3", _VERTEX_BUFFER, extent=True),
        "NORMAL": file.add(normals, _FLOAT, "VEC3", _VERTEX_BUFFER),
        "COLOR_0": file.add(colours, _USHORT, "VEC4", _VERTEX_BUFFER, normalized=True),
    }
    indices = file.add(mesh.faces.astype("<u4").reshape(-1), _UINT, "SCALAR", _INDEX_BUFFER)
    return {"attributes": attributes, "indices": indices, "material": 0, "mode": 4}


def _target(file: _File, base: Mesh, mesh: Mesh) -> dict[str, int]:
    """Differences from the base; those of colours in signed shorts, which blend in linear light."""
    colours = np.zeros((len(mesh.vertices), 4), "<i2")
    colours[:, :3] = _in_shorts(mesh.colours, 32767) - _in_shorts(base.colours, 32767)
    normals = vertex_normals(mesh.vertices, mesh.faces) - vertex_normals(base.vertices, base.faces)
    return {
        "POSITION": file.add(y_up(mesh.vertices - base.vertices), _FLOAT, "VEC3", _VERTEX_BUFFER, extent=True),
        "NORMAL": file.add(y_up(normals), _FLOAT, "VEC3", _VERTEX_BUFFER),
        "COLOR_0": file.add(colours, _SHORT, "VEC4", _VERTEX_BUFFER, normalized=True),
    }


def _in_shorts(colours: np.ndarray, whole: int) -> np.ndarray:
    return np.rint(to_linear(colours) * whole).astype(np.int64)


class _File:
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
        data = (array.astype("<f4") if component == _FLOAT else array).tobytes()
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
