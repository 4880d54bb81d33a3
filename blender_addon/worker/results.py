# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker's jobs end in, read from its array files and checked. No ``bpy`` here."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from gen3d_core import protocol


@dataclass(frozen=True)
class GeneratedMesh:
    """A mesh as the worker delivers it: Z up, front +X, base at the origin, longest side 1.

    vertices (V, 3) float32; faces (F, 3) int32; colours (V, 3) float32, sRGB-encoded in 0..1; info: what made it.
    """

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray
    info: dict[str, Any]


@dataclass(frozen=True)
class EncodedMesh(GeneratedMesh):
    """The mesh that pictures show, and these as the worker framed them: (N, S, S, 4) uint8, straight alpha."""

    framed: np.ndarray


@dataclass(frozen=True)
class Segment:
    """Consecutive steps of a morph that share triangles: ``first`` step, faces (F, 3) int32, and for each of its K
    steps vertices and colours (K, V, 3) float32 as those of a GeneratedMesh."""

    first: int
    faces: np.ndarray
    vertices: np.ndarray
    colours: np.ndarray

    @property
    def last(self) -> int:
        return self.first + len(self.vertices) - 1


@dataclass(frozen=True)
class GeneratedMorph:
    """Segments in the order of their steps, without a gap; the codes of all steps, shape_codes (S, D) and
    appearance_codes (S, A) float32, those after the last segment among them; info: what made it."""

    segments: tuple[Segment, ...]
    shape_codes: np.ndarray
    appearance_codes: np.ndarray
    info: dict[str, Any]


@dataclass(frozen=True)
class Pictures:
    """Thumbnails as the worker delivers them: pixels (N, S, S, 4) uint8, straight alpha; info: what they show."""

    pixels: np.ndarray
    info: dict[str, Any]


Outcome = GeneratedMesh | GeneratedMorph | Pictures | list[dict[str, Any]]
"""The last one describes models."""


def read_mesh(path: Path, info: dict[str, Any]) -> GeneratedMesh:
    """Read an array file. This and the other readers raise ValueError, KeyError, OSError or BadZipFile when it does not
    hold what it should."""
    with np.load(path, allow_pickle=False) as arrays:
        vertices, faces, colours = _surface(arrays["vertices"][None], arrays["faces"], arrays["colours"][None])
    return GeneratedMesh(vertices[0], faces, colours[0], info)


def read_encoded(path: Path, info: dict[str, Any]) -> EncodedMesh:
    mesh, framed = read_mesh(path, info), read_pictures(path, info).pixels
    if len(framed) != len(info["cameras"]):
        raise ValueError(f"{len(framed)} pictures of {len(info['cameras'])} cameras")
    return EncodedMesh(mesh.vertices, mesh.faces, mesh.colours, info, framed)


def read_morph(path: Path, info: dict[str, Any]) -> GeneratedMorph:
    segments, following = [], None
    with np.load(path, allow_pickle=False) as arrays:
        for number, described in enumerate(info["segments"]):
            surface = (arrays[f"{name}_{number}"] for name in ("vertices", "faces", "colours"))
            vertices, faces, colours = _surface(*surface)
            segment = Segment(int(described["first"]), faces, vertices, colours)
            if following not in (None, segment.first):
                raise ValueError(f"a morph jumps from step {following} to {segment.first}")
            following = segment.last + 1
            segments.append(segment)
        codes = [np.ascontiguousarray(arrays[f"{name}_codes"], np.float32) for name in ("shape", "appearance")]
    if not segments or any(each.ndim != 2 or len(each) != len(info["times"]) for each in codes):
        raise ValueError("a morph has no meshes, or not as many codes as steps")
    return GeneratedMorph(tuple(segments), codes[0], codes[1], info)


def read_pictures(path: Path, info: dict[str, Any]) -> Pictures:
    with np.load(path, allow_pickle=False) as arrays:
        pixels = np.ascontiguousarray(arrays["pictures"], dtype=np.uint8)
    if pixels.ndim != 4 or pixels.shape[1] != pixels.shape[2] or pixels.shape[3] != 4 or not len(pixels):
        raise ValueError(f"pictures have the shape {pixels.shape}, expected (N, S, S, 4)")
    return Pictures(pixels, info)


def _surface(vertices: np.ndarray, faces: np.ndarray, colours: np.ndarray) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices (K, V, 3), faces (F, 3) and colours (K, V, 3), checked."""
    vertices = np.ascontiguousarray(vertices, dtype=np.float32)
    faces = np.ascontiguousarray(faces, dtype=np.int32)
    colours = np.ascontiguousarray(colours, dtype=np.float32)
    for label, array, dimensions in (("vertices", vertices, 3), ("faces", faces, 2), ("colours", colours, 3)):
        if array.ndim != dimensions or array.shape[-1] != 3 or not array.size:
            raise ValueError(f"{label} have the shape {array.shape}, expected {'K, ' * (dimensions - 2)}N, 3")
    if colours.shape != vertices.shape:
        raise ValueError(f"colours of the shape {colours.shape} for vertices of {vertices.shape}")
    if faces.min() < 0 or faces.max() >= vertices.shape[1]:
        raise ValueError(f"faces name vertices outside 0..{vertices.shape[1] - 1}")
    if not (np.isfinite(vertices).all() and np.isfinite(colours).all()):
        raise ValueError("vertices or colours are not finite")
    return vertices, faces, colours


READERS: dict[type[protocol.Job], Callable[[Path, dict[str, Any]], Outcome]] = {
    protocol.Generate: read_mesh,
    protocol.Encode: read_encoded,
    protocol.Morph: read_morph,
    protocol.Thumbnails: read_pictures,
}
