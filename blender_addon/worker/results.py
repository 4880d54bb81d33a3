# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a worker's jobs end in, read from its array files and checked. No ``bpy`` here."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from gen3d_core import protocol


@dataclass(frozen=True)
class Surface:
    """Triangles: vertices (V, 3) float32; faces (F, 3) int32; colours (V, 3) float32, sRGB-encoded in 0..1."""

    vertices: np.ndarray
    faces: np.ndarray
    colours: np.ndarray


@dataclass(frozen=True)
class GeneratedMesh(Surface):
    """A mesh as the worker delivers it: Z up, front +X, base at the origin, longest side 1; info: what made it."""

    info: protocol.MeshResult | protocol.EncodedResult


@dataclass(frozen=True)
class EncodedMesh(GeneratedMesh):
    """The mesh that pictures show, and these as the worker framed them: (N, S, S, 4) uint8, straight alpha."""

    info: protocol.EncodedResult
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
    info: protocol.MorphResult


@dataclass(frozen=True)
class Pictures:
    """Thumbnails as the worker delivers them: pixels (N, S, S, 4) uint8, straight alpha; info: what they show."""

    pixels: np.ndarray
    info: protocol.ThumbnailsResult


Outcome = GeneratedMesh | GeneratedMorph | Pictures | protocol.ModelList


def read_result(request: protocol.Job, reply: protocol.JobResult, folder: Path) -> Outcome:
    """What a request ended in, its array file read from the worker's folder and deleted.

    Raises ValueError, KeyError, OSError or BadZipFile when that does not hold what it should.
    """
    if isinstance(reply, protocol.ModelList):
        if not isinstance(request, protocol.Models):
            raise ValueError(f"{request.type} was answered by {reply.type}")
        return reply
    path = folder / reply.arrays
    match request, reply:
        case protocol.Generate(), protocol.MeshResult():
            outcome = GeneratedMesh(*_read_surface(path), reply)
        case protocol.Encode(), protocol.EncodedResult():
            outcome = _read_encoded(path, reply)
        case protocol.Morph(), protocol.MorphResult():
            outcome = _read_morph(path, reply)
        case protocol.Thumbnails(), protocol.ThumbnailsResult():
            outcome = Pictures(_read_pictures(path), reply)
        case _:
            raise ValueError(f"{request.type} was answered by {reply.type}")
    path.unlink(missing_ok=True)
    return outcome


def _read_surface(path: Path) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    with np.load(path, allow_pickle=False) as arrays:
        vertices, faces, colours = _surface(arrays["vertices"][None], arrays["faces"], arrays["colours"][None])
    return vertices[0], faces, colours[0]


def _read_encoded(path: Path, info: protocol.EncodedResult) -> EncodedMesh:
    framed = _read_pictures(path)
    if len(framed) != len(info.cameras):
        raise ValueError(f"{len(framed)} pictures of {len(info.cameras)} cameras")
    return EncodedMesh(*_read_surface(path), info, framed)


def _read_morph(path: Path, info: protocol.MorphResult) -> GeneratedMorph:
    segments, following = [], None
    with np.load(path, allow_pickle=False) as arrays:
        for number, described in enumerate(info.segments):
            surface = (arrays[f"{name}_{number}"] for name in ("vertices", "faces", "colours"))
            vertices, faces, colours = _surface(*surface)
            segment = Segment(described.first, faces, vertices, colours)
            if following not in (None, segment.first):
                raise ValueError(f"a morph jumps from step {following} to {segment.first}")
            following = segment.last + 1
            segments.append(segment)
        codes = [np.ascontiguousarray(arrays[f"{name}_codes"], np.float32) for name in ("shape", "appearance")]
    if not segments or any(each.ndim != 2 or len(each) != len(info.times) for each in codes):
        raise ValueError("a morph has no meshes, or not as many codes as steps")
    return GeneratedMorph(tuple(segments), codes[0], codes[1], info)


def _read_pictures(path: Path) -> np.ndarray:
    with np.load(path, allow_pickle=False) as arrays:
        pixels = np.ascontiguousarray(arrays["pictures"], dtype=np.uint8)
    if pixels.ndim != 4 or pixels.shape[1] != pixels.shape[2] or pixels.shape[3] != 4 or not len(pixels):
        raise ValueError(f"pictures have the shape {pixels.shape}, expected (N, S, S, 4)")
    return pixels


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
