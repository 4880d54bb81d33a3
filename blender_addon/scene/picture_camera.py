# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera that took a picture of an object, with the picture in its view."""

import math
from dataclasses import dataclass
from typing import Any

import bpy
import numpy as np

from gen3d_core import protocol

from .. import compat
from .objects import to_blender_axes

DISTANCE = 4.0
"""Of the camera from the object's middle, in radii of the sphere around it, as in all data sets."""
FILL = 0.85
"""Share of the framed picture's side that the object's longer side takes."""


@dataclass(frozen=True)
class View:
    """matrix (4, 4): the camera's place and axes in the object's frame; half: tangent of half its angle of view;
    shift (2,): of its view to the right and upwards, in shares of the view."""

    matrix: np.ndarray
    half: float
    shift: np.ndarray


def framing(vertices: np.ndarray, azimuth: float, elevation: float) -> View:
    """The view in which an object of vertices (V, 3), Blender's axes, is framed as its picture was; angles of the
    camera in radians, in the canonical frame."""
    around = np.array([[math.cos(azimuth), math.sin(azimuth), 0.0], [-math.sin(azimuth), math.cos(azimuth), 0.0]])
    ahead, right = to_blender_axes(around)
    up = np.array([0.0, 0.0, 1.0])
    back = math.cos(elevation) * ahead + math.sin(elevation) * up
    axes = np.stack([right, np.cross(back, right), back])
    middle = (vertices.min(axis=0) + vertices.max(axis=0)) / 2
    distance = DISTANCE * float(np.linalg.norm(vertices - middle, axis=1).max())
    seen = (vertices - middle) @ axes.T
    plane = seen[:, :2] / (distance - seen[:, 2:])
    low, high = plane.min(axis=0), plane.max(axis=0)
    half = float((high - low).max()) / (2 * FILL)
    matrix = np.eye(4)
    matrix[:3, :3] = axes.T
    matrix[:3, 3] = middle + distance * back
    return View(matrix, half, (low + high) / (4 * half))


def add_camera(placed: bpy.types.Object, camera: protocol.Camera, picture: np.ndarray) -> bpy.types.Object:
    """Beside an object, where the camera stood that took its framed picture (S, S, 4) uint8."""
    mesh: Any = placed.data
    vertices = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.vertices.foreach_get("co", vertices.ravel())
    view = framing(vertices.astype(np.float64), camera.azimuth, camera.elevation)
    name = f"{placed.name}_camera"
    data = bpy.data.cameras.new(name)
    render = compat.context().scene.render
    wide = render.resolution_x * render.pixel_aspect_x >= render.resolution_y * render.pixel_aspect_y
    data.sensor_fit = "VERTICAL" if wide else "HORIZONTAL"  # the square picture fills the shorter side
    data.lens = (data.sensor_height if wide else data.sensor_width) / (2 * view.half)
    data.shift_x, data.shift_y = view.shift.tolist()
    data.clip_end = max(data.clip_end, 2 * float(np.linalg.norm(view.matrix[:3, 3])))
    background: Any = data.background_images.new()
    background.image = _packed(f"{placed.name}_picture", picture)
    background.frame_method = "FIT"
    background.display_depth = "FRONT"
    background.alpha = 0.5
    data.show_background_images = True
    added = bpy.data.objects.new(name, data)
    placed.users_collection[0].objects.link(added)
    added.matrix_world = placed.matrix_world @ compat.matrix(view.matrix)
    return added


def _packed(name: str, pixels: np.ndarray) -> bpy.types.Image:
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=True)
    image.pixels.foreach_set((pixels[::-1] / np.float32(255)).ravel())  # pyright: ignore[reportAttributeAccessIssue]
    image.pack()
    return image
