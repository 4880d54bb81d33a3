"""Pictures of meshes, to look at what was made. Numpy; Pillow only for sheets with labels."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from typing import TYPE_CHECKING, BinaryIO

import numpy as np

from gen3d_core.colour import to_encoded, to_linear
from gen3d_core.config import PosePrior
from gen3d_core.mesh.geometry import vertex_normals
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.pictures.pinhole import camera_axes, framed_places, project
from gen3d_core.pictures.rasterise import rasterise

if TYPE_CHECKING:
    from PIL.Image import Image

_RADIUS = 0.95
_HALF = np.tan(np.deg2rad(PosePrior.fov_deg / 2))
_SAMPLES = 3
_CLAY = 0.85
_VIEWS = ((35.0, 22.0, False), (205.0, 22.0, False), (35.0, 22.0, True))
"""Azimuth, elevation in degrees, bare: front three-quarter, back three-quarter, geometry."""
_GAP = 10
_LABEL = 22


def render_mesh(mesh: Mesh, azimuth: float, elevation: float, size: int, *, bare: bool = False) -> np.ndarray:
    """A softly lit picture: (size, size, 4) uint8 RGBA, straight alpha, transparent background.

    Angles in degrees; azimuth 0 looks at the front (+X) and grows towards +Y. The mesh is centred and fitted, then
    seen from distance 4 with a field of view of 30 degrees, whatever its model was trained with. `bare` shows the
    geometry in clay, without its colours.
    """
    centred = mesh.vertices.astype(np.float64)
    centred -= (centred.min(axis=0) + centred.max(axis=0)) / 2
    centred *= _RADIUS / max(float(np.linalg.norm(centred, axis=1).max()), 1e-9)
    axes = camera_axes(np.deg2rad(azimuth), np.deg2rad(elevation))
    tangents, depth = project(centred, axes, PosePrior.distance)
    return _shade(mesh, tangents / _HALF, depth, axes, size, bare)


def render_framed(
    mesh: Mesh, azimuth: float, elevation: float, size: int, distance: float = PosePrior.distance
) -> np.ndarray:
    """The picture of a mesh in the canonical frame, such as `Model.surface` gives, from a camera at this distance,
    framed as `gen3d_core.pictures.cutout.frame_object` frames pictures; otherwise as `render_mesh`."""
    axes = camera_axes(np.deg2rad(azimuth), np.deg2rad(elevation))
    places, depth = framed_places(mesh.vertices, axes, distance)
    return _shade(mesh, places, depth, axes, size, bare=False)


def _shade(mesh: Mesh, places: np.ndarray, depth: np.ndarray, axes: np.ndarray, size: int, bare: bool) -> np.ndarray:
    wide = size * _SAMPLES
    hits = rasterise((places * [1, -1] + 1) * wide / 2, depth, mesh.faces, wide)
    hit = hits.face >= 0
    corners, weights = mesh.faces[hits.face[hit]], hits.weights[hit]
    normals = _blend(vertex_normals(mesh.vertices, mesh.faces), corners, weights) @ axes.T
    normals /= np.maximum(np.linalg.norm(normals, axis=1, keepdims=True), 1e-9)
    base = np.full((len(corners), 3), _CLAY) if bare else _blend(mesh.colours, corners, weights)
    samples = np.zeros((wide * wide, 4))
    samples[hit, :3] = to_linear(base) * _light(normals, bare)[:, None]
    samples[hit, 3] = 1.0
    grid = samples.reshape(size, _SAMPLES, size, _SAMPLES, 4)
    mean = functools.reduce(np.add, (grid[:, i, :, j] for i, j in np.ndindex(_SAMPLES, _SAMPLES))) / _SAMPLES**2
    mean[..., :3] = to_encoded(mean[..., :3] / np.maximum(mean[..., 3:], 1e-9))
    return np.rint(mean * 255).astype(np.uint8)


def front_view(mesh: Mesh, size: int) -> np.ndarray:
    """The front three-quarter view: (size, size, 4) uint8 RGBA, straight alpha."""
    azimuth, elevation, bare = _VIEWS[0]
    return render_mesh(mesh, azimuth, elevation, size, bare=bare)


def views(mesh: Mesh, size: int = 192) -> np.ndarray:
    """Front three-quarter view, back three-quarter view and bare geometry side by side: (size, 3 * size, 3) uint8 on
    white."""
    pictures = [
        flatten_on_white(render_mesh(mesh, azimuth, elevation, size, bare=bare)) for azimuth, elevation, bare in _VIEWS
    ]
    return np.concatenate(pictures, axis=1)


def row(meshes: Sequence[Mesh], size: int = 144) -> np.ndarray:
    """Front three-quarter views side by side: (size, meshes * size, 3) uint8 on white."""
    return np.concatenate([flatten_on_white(front_view(mesh, size)) for mesh in meshes], axis=1)


def sheet(tiles: Sequence[np.ndarray], labels: Sequence[str] = (), columns: int | None = None) -> Image:
    """Tiles (H, W, 3) uint8 of one size in a grid, each with its label below; about as many rows as columns unless
    told."""
    from PIL import Image, ImageDraw, ImageFont

    if not tiles:
        raise ValueError("a sheet needs at least one tile")
    height, width = tiles[0].shape[:2]
    columns = columns or max(1, round(len(tiles) ** 0.5))
    rows = -(-len(tiles) // columns)
    cell_width, cell_height = width + _GAP, height + _LABEL + _GAP
    picture = Image.new("RGB", (columns * cell_width + _GAP, rows * cell_height + _GAP), "white")
    draw = ImageDraw.Draw(picture)
    font = ImageFont.load_default(size=14)
    for index, tile in enumerate(tiles):
        x, y = _GAP + index % columns * cell_width, _GAP + index // columns * cell_height
        picture.paste(Image.fromarray(tile), (x, y))
        draw.rectangle((x, y, x + width - 1, y + height + _LABEL - 1), outline=(225, 225, 225))
        if index < len(labels):
            draw.text(
                (x + width / 2, y + height + _LABEL / 2 - 1), labels[index], fill=(70, 70, 70), font=font, anchor="mm"
            )
    return picture


def turntable(meshes: Sequence[Mesh], file: BinaryIO, size: int, frames_per_second: float) -> None:
    """Write an animated GIF, a frame of `size` pixels a side for each mesh, during which the camera goes around once.

    It starts and ends at the front three-quarter view, and repeats without end.
    """
    from PIL import Image

    azimuth, elevation, bare = _VIEWS[0]
    frames = [
        Image.fromarray(
            flatten_on_white(render_mesh(mesh, azimuth + 360 * index / len(meshes), elevation, size, bare=bare))
        ).quantize(128)
        for index, mesh in enumerate(meshes)
    ]
    duration = round(1000 / frames_per_second)
    frames[0].save(file, format="GIF", save_all=True, append_images=frames[1:], duration=duration, loop=0)


def flatten_on_white(picture: np.ndarray) -> np.ndarray:
    """Straight-alpha RGBA (..., 4) uint8 over white: (..., 3) uint8."""
    alpha = picture[..., 3:].astype(np.float64) / 255
    return np.rint(picture[..., :3] * alpha + 255 * (1 - alpha)).astype(np.uint8)


def _blend(values: np.ndarray, corners: np.ndarray, weights: np.ndarray) -> np.ndarray:
    """Vertex values (V, 3) at hits: corners (N, 3) and their weights (N, 3) -> (N, 3)."""
    return (weights[:, None] @ values[corners])[:, 0]


def _light(normals: np.ndarray, bare: bool) -> np.ndarray:
    """Linear light at unit normals (N, 3) in camera axes: a wrapped key from the upper left, a weak fill from the
    right, ambient.

    Colours get gentle light that leaves them readable, bare geometry a harder one that shows its form.
    """
    key = np.array([-0.45, 0.7, 0.55]) / np.linalg.norm([-0.45, 0.7, 0.55])
    fill = np.array([0.8, 0.1, 0.6]) / np.linalg.norm([0.8, 0.1, 0.6])
    ambient, wrap, strength = (0.05, 0.05, 0.85) if bare else (0.16, 0.35, 0.78)
    wrapped = ((normals @ key + wrap) / (1.0 + wrap)).clip(0) ** 1.3
    return np.minimum(ambient + strength * wrapped + 0.18 * (normals @ fill).clip(0), 1.0)
