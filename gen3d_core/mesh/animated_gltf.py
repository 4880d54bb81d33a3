"""A sequence of meshes as one binary glTF 2.0 file that plays it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np

from gen3d_core.mesh.geometry import vertex_normals
from gen3d_core.mesh.gltf import FLOAT, SHORT, VERTEX_BUFFER, GltfFile, linear_shorts, primitive, y_up
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.mesh.sequence import Segment


def animated_glb(segments: Sequence[Segment], name: str, seconds_per_key: float, *, closed: bool = False) -> bytes:
    """A .glb file that plays segments, in their order and without overlap, from the first one's first key; frame and
    colours as in `gen3d_core.mesh.gltf.glb`.

    Each segment is a mesh with a morph target for each key but its first, of positions, normals and colours, and the
    animation blends them linearly. Where there are several segments, each has size nought outside its time. `closed`
    goes back to the first key at the end, by blending where there is one segment.
    """
    file = GltfFile(name)
    times = np.arange(sum(len(each.vertices) for each in segments) + closed, dtype=np.float32) * seconds_per_key
    samplers: list[dict[str, Any]] = []
    channels: list[dict[str, Any]] = []

    def animate(node: int, what: str, at: int, values: np.ndarray, how: str) -> None:
        kind = "VEC3" if values.ndim == 2 else "SCALAR"
        samplers.append({"input": at, "output": file.add(values, FLOAT, kind), "interpolation": how})
        channels.append({"sampler": len(samplers) - 1, "target": {"node": node, "path": what}})

    begin = segments[0].first
    single = len(segments) == 1
    clock = file.add(times, FLOAT, "SCALAR", extent=True)
    for index, segment in enumerate(segments):
        count = len(segment.vertices)
        where = slice(segment.first - begin, segment.first - begin + count)
        title = name if single else f"{name} {index + 1}"
        base = segment.mesh(segment.first)
        targets = [_target(file, base, segment.mesh(key)) for key in segment.keys[1:]]
        entry: dict[str, Any] = {
            "name": title,
            "primitives": [primitive(file, base.vertices, base.faces, base.colours)],
        }
        if targets:
            entry["primitives"][0]["targets"] = targets
            entry["weights"] = [0.0] * len(targets)
        file.meshes.append(entry)
        # Programs that do not animate then show the first alone.
        file.nodes.append({"name": title, "mesh": index, **({"scale": [0.0] * 3} if index else {})})
        if targets:
            weights = np.eye(count, count - 1, k=-1, dtype=np.float32)
            at = clock if single else file.add(times[where], FLOAT, "SCALAR", extent=True)
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


def _target(file: GltfFile, base: Mesh, mesh: Mesh) -> dict[str, int]:
    """Differences from the base; those of colours in signed shorts, which blend in linear light."""
    colours = np.zeros((len(mesh.vertices), 4), "<i2")
    colours[:, :3] = linear_shorts(mesh.colours, 32767) - linear_shorts(base.colours, 32767)
    normals = vertex_normals(mesh.vertices, mesh.faces) - vertex_normals(base.vertices, base.faces)
    return {
        "POSITION": file.add(y_up(mesh.vertices - base.vertices), FLOAT, "VEC3", VERTEX_BUFFER, extent=True),
        "NORMAL": file.add(y_up(normals), FLOAT, "VEC3", VERTEX_BUFFER),
        "COLOR_0": file.add(colours, SHORT, "VEC4", VERTEX_BUFFER, normalized=True),
    }
