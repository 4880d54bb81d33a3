"""Small glTF files with what a scene can hold beside a plain mesh, written by hand."""

import json
import struct
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
import trimesh

_KINDS = {"SCALAR": 1, "VEC3": 3, "VEC4": 4, "MAT4": 16}


class Gltf:
    """A glTF file in the making; `mesh`, `accessor` and the like return what later parts refer to."""

    def __init__(self) -> None:
        self.json: dict[str, Any] = {"asset": {"version": "2.0"}, "scene": 0, "scenes": [{"nodes": []}], "nodes": []}
        self.data = b""

    def add(self, kind: str, entry: dict[str, Any]) -> int:
        self.json.setdefault(kind, []).append(entry)
        return len(self.json[kind]) - 1

    def accessor(self, values: np.ndarray, kind: str) -> int:
        codes = {"float32": 5126, "uint32": 5125, "uint8": 5121}
        view = self.add("bufferViews", {"buffer": 0, "byteOffset": len(self.data), "byteLength": values.nbytes})
        self.data += values.tobytes() + bytes(-values.nbytes % 4)
        entry = {"bufferView": view, "componentType": codes[str(values.dtype)], "type": kind,
                 "count": values.size // _KINDS[kind]}  # fmt: skip
        if kind == "VEC3":
            entry |= {"min": values.min(0).tolist(), "max": values.max(0).tolist()}
        return self.add("accessors", entry)

    def mesh(self, mesh: trimesh.Trimesh, material: int | None = None, **attributes: int) -> int:
        points = self.accessor(np.asarray(mesh.vertices, np.float32), "VEC3")
        corners = self.accessor(np.asarray(mesh.faces, np.uint32).ravel(), "SCALAR")
        part: dict[str, Any] = {"attributes": {"POSITION": points, **attributes}, "indices": corners}
        return self.add("meshes", {"primitives": [part if material is None else {**part, "material": material}]})

    def node(self, *, scene: int | None = 0, **entry: Any) -> int:
        number = self.add("nodes", entry)
        if scene is not None:
            self.json["scenes"][scene]["nodes"].append(number)
        return number

    def animate(self, node: int, path: str, values: Sequence[Sequence[float]]) -> None:
        times = self.accessor(np.arange(len(values), dtype=np.float32), "SCALAR")
        keys = self.accessor(np.array(values, np.float32), f"VEC{len(values[0])}")
        channel = {"sampler": 0, "target": {"node": node, "path": path}}
        self.add("animations", {"samplers": [{"input": times, "output": keys}], "channels": [channel]})

    def save(self, path: Path) -> None:
        self.json["buffers"] = [{"byteLength": len(self.data)}]
        text = json.dumps(self.json).encode()
        text += b" " * (-len(text) % 4)
        chunks = struct.pack("<II", len(text), 0x4E4F534A) + text + struct.pack("<II", len(self.data), 0x004E4942)
        path.write_bytes(struct.pack("<III", 0x46546C67, 2, 12 + len(chunks) + len(self.data)) + chunks + self.data)
