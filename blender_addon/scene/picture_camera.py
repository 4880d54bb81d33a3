# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The camera that took a picture of an object, with the picture in its view."""

from typing import Any

import bpy
import numpy as np

from gen3d_core import protocol

from .. import compat
from .objects import to_blender_axes


def add_camera(placed: bpy.types.Object, view: protocol.Camera, size: float, picture: np.ndarray) -> bpy.types.Object:
    """Beside an object of a size in metres, from what the worker says of the camera that took its framed picture
    (S, S, 4) uint8: ``matrix`` (4, 4) in the mesh's frame, ``half``, the tangent of half the angle of view, and its
    ``shift`` (2,)."""
    matrix = np.array(view.matrix, np.float64)
    turned = np.eye(4)
    turned[:3, :4] = to_blender_axes(matrix[:3].T).T
    turned[:3, 3] *= size
    name = f"{placed.name}_camera"
    data = bpy.data.cameras.new(name)
    render = compat.context().scene.render
    wide = render.resolution_x * render.pixel_aspect_x >= render.resolution_y * render.pixel_aspect_y
    data.sensor_fit = "VERTICAL" if wide else "HORIZONTAL"  # the square picture fills the shorter side
    data.lens = (data.sensor_height if wide else data.sensor_width) / (2 * view.half)
    data.shift_x, data.shift_y = view.shift
    away = float(np.linalg.norm(turned[:3, 3]))
    data.clip_start, data.clip_end = min(data.clip_start, away / 100), max(data.clip_end, 2 * away)
    background: Any = data.background_images.new()
    background.image = _pack_image(f"{placed.name}_picture", picture)
    background.frame_method = "FIT"
    background.display_depth = "FRONT"
    background.alpha = 0.5
    data.show_background_images = True
    camera = bpy.data.objects.new(name, data)
    placed.users_collection[0].objects.link(camera)
    camera.matrix_world = placed.matrix_world @ compat.matrix(turned)
    return camera


def _pack_image(name: str, pixels: np.ndarray) -> bpy.types.Image:
    height, width = pixels.shape[:2]
    image = bpy.data.images.new(name, width, height, alpha=True)
    image.pixels.foreach_set((pixels[::-1] / np.float32(255)).ravel())  # pyright: ignore[reportAttributeAccessIssue]
    image.pack()
    return image
