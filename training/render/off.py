"""OFF files (Geomview's object file format), text, with the colours of vertices or faces where they have them."""

import re

import numpy as np
from numpy.typing import NDArray

_HEADER = re.compile(rb"\s*(ST)?(C)?(N)?(4)?(n)?OFF\b", re.I)


def read_off(
    data: bytes,
) -> tuple[NDArray[np.float64], NDArray[np.int64], NDArray[np.float64] | None]:
    """Vertices (V,3), triangles (F,3) and the vertices' colours (V,3) in 0..1, if the file has any; where its faces
    have them, each has vertices of its own. Polygons become fans. Raises ValueError for what is no such file."""
    header = _HEADER.match(data)
    if header is None:
        raise ValueError("it does not begin with OFF")
    if header[4] or header[5] or re.match(rb"\s*BINARY\b", data[header.end() :]):
        raise ValueError("only text in three dimensions is read")
    lines = [words for line in data[header.end() :].splitlines() if (words := line.partition(b"#")[0].split())]
    if not lines or len(lines[0]) < 2:
        raise ValueError("the numbers of vertices and faces are missing")
    vertex_count, face_count = int(lines[0][0]), int(lines[0][1])
    rows, listed = lines[1 : 1 + vertex_count], lines[1 + vertex_count : 1 + vertex_count + face_count]
    if min(vertex_count, face_count) < 1 or len(rows) < vertex_count or len(listed) < face_count:
        raise ValueError(f"{vertex_count} vertices and {face_count} faces are promised, and fewer are there")
    vertices = np.array([row[:3] for row in rows], np.float64)
    before = 3 + 3 * bool(header[3])
    of_vertices = [_colour(row[before:]) for row in rows] if header[2] or not header[1] else []
    faces: list[tuple[int, int, int]] = []
    of_faces: list[tuple[float, ...] | None] = []
    for words in listed:
        count = int(words[0])
        corners = [int(word) for word in words[1 : 1 + count]]
        if len(corners) != count or (corners and not 0 <= min(corners) <= max(corners) < vertex_count):
            raise ValueError("a face names vertices that are not there")
        faces += [(corners[0], corners[i], corners[i + 1]) for i in range(1, count - 1)]
        of_faces += [_colour(words[1 + count :])] * max(count - 2, 0)
    triangles = np.array(faces, np.int64).reshape(-1, 3)
    if of_vertices and None not in of_vertices:
        return vertices, triangles, np.array(of_vertices, np.float64)
    if of_faces and None not in of_faces:
        own = np.arange(3 * len(triangles)).reshape(-1, 3)
        return vertices[triangles.ravel()], own, np.repeat(np.array(of_faces, np.float64), 3, axis=0)
    return vertices, triangles, None


def _colour(words: list[bytes]) -> tuple[float, ...] | None:
    """Three or four numbers: whole ones to 255, or fractions. One alone is an index into a map, which is not read."""
    if len(words) < 3:
        return None
    whole = all(re.fullmatch(rb"\d+", word) for word in words[:3])
    values = [float(word) / (255 if whole else 1) for word in words[:3]]
    return tuple(min(max(value, 0.0), 1.0) for value in values)
