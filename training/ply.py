"""Binary PLY with vertex colours: the form in which the procedural families keep their ground truth."""

from pathlib import Path

import numpy as np
from numpy.typing import NDArray


def save_ply(path: Path, vertices: NDArray[np.float32], faces: NDArray[np.int32], colours: NDArray[np.float32]) -> None:
    """Write vertices (V,3), faces (F,3) and sRGB colours (V,3) in 0..1, the latter as 8-bit values."""
    points = np.empty(len(vertices), [("position", "<f4", 3), ("colour", "u1", 3)])
    points["position"] = vertices
    points["colour"] = np.rint(np.clip(colours, 0.0, 1.0) * 255)
    triangles = np.empty(len(faces), [("corners", "u1"), ("index", "<i4", 3)])
    triangles["corners"] = 3
    triangles["index"] = faces
    header = [
        "ply",
        "format binary_little_endian 1.0",
        f"element vertex {len(points)}",
        *(f"property float {axis}" for axis in "xyz"),
        *(f"property uchar {channel}" for channel in ("red", "green", "blue")),
        f"element face {len(triangles)}",
        "property list uchar int vertex_indices",
        "end_header\n",
    ]
    path.write_bytes("\n".join(header).encode("ascii") + points.tobytes() + triangles.tobytes())
