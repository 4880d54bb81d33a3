# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From picture: the object that a picture shows."""

import functools
from pathlib import Path
from typing import Any

import bpy
import numpy as np
from bpy.props import BoolProperty, StringProperty

from gen3d_core import protocol

from .. import compat
from ..queue.queue import Order, Work
from ..queue.service import service
from ..scene.objects import Placement, place
from ..scene.picture_camera import add_camera
from ..scene.placing import seal_alone
from ..worker.results import EncodedMesh
from .explore import ExploreError, WorkExplorer

SENT_SIDE = 512
"""Pixels to which the longer side of a larger picture is reduced before it goes to the worker."""
ARRAYS = "picture.npz"


def pixels_of(image: bpy.types.Image) -> np.ndarray:
    """An image's pixels (H, W, 4) uint8, straight alpha, top row first, at most SENT_SIDE a side. Raises
    ExploreError."""
    size: Any = image.size
    width, height = size
    if not width or not height:
        raise ExploreError(f"{image.name} cannot be read as a picture")
    most = protocol.limits.PICTURE_PIXELS
    if width * height > most:
        raise ExploreError(f"{image.name} has {width}x{height} pixels: too large, at most {most // 10**6} million")
    flat = np.empty(width * height * 4, np.float32)
    image.pixels.foreach_get(flat)  # pyright: ignore[reportAttributeAccessIssue]  # the stubs say it is a list
    pixels = _reduced(flat.reshape(height, width, 4)[::-1].clip(0.0, 1.0))
    if min(pixels.shape[:2]) < protocol.limits.ENCODED_SIDE[0]:
        raise ExploreError(f"{image.name} has {width}x{height} pixels: too small, or too narrow")
    return np.rint(255 * pixels).astype(np.uint8)


def _reduced(pixels: np.ndarray) -> np.ndarray:
    """Means of equal blocks, as large as needed, weighted by alpha."""
    height, width = pixels.shape[:2]
    down, across = (min(-(-max(height, width) // SENT_SIDE), side) for side in (height, width))
    if down == across == 1:
        return pixels
    kept = pixels[: height // down * down, : width // across * across]
    blocks = kept.reshape(height // down, down, width // across, across, 4)
    alpha = blocks[..., 3:].mean(axis=(1, 3))
    colours = (blocks[..., :3] * blocks[..., 3:]).mean(axis=(1, 3)) / np.maximum(alpha, 1e-6)
    return np.concatenate([colours, alpha], axis=2)


def arrived(made: EncodedMesh, placement: Placement, name: str, size: float, *, camera: bool) -> str:
    """Put the object into the scene; returns what the user should know of how it fits."""
    placed = place(made, placement, name, size)
    if camera:
        add_camera(placed, made.info.cameras[0], made.framed[0])
    confidence = f"{100 * made.info.confidence:.0f} % of its outline fit"
    if made.info.doubtful:
        return f"Low confidence, {confidence}: the picture may show something else than {made.info.model.category}"
    return f"Made from the picture: {confidence}"


class GEN3D_OT_from_picture(WorkExplorer, bpy.types.Operator):
    bl_idname = "gen3d.from_picture"
    bl_label = "From Picture"
    bl_description = (
        "Make the object that a picture shows, one of the model's kind on a plain or transparent background"
    )
    bl_options = {"REGISTER"}

    filepath: StringProperty(subtype="FILE_PATH", options={"SKIP_SAVE"})
    image: StringProperty(description="Name of an image of this file, instead of a file", options={"SKIP_SAVE"})
    camera: BoolProperty(
        name="Camera", description="Add the camera that took the picture, with the picture in its view", default=True
    )
    filter_image: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})
    filter_folder: BoolProperty(default=True, options={"HIDDEN", "SKIP_SAVE"})

    def invoke(self, context: compat.Context, event: bpy.types.Event) -> set[str]:
        if self.image:
            return self.execute(context)
        context.window_manager.fileselect_add(self)
        return {"RUNNING_MODAL"}

    def work(self, context: compat.Context) -> Work:
        settings = context.scene.gen3d
        if not settings.model:
            raise ExploreError("This scene's model is not there: choose one")
        pixels = self._pixels()

        def leave(folder: Path) -> None:
            np.savez(folder / ARRAYS, pixels=pixels)

        fields = {"model": settings.model, "pictures": [ARRAYS], "resolution": settings.resolution}
        show = functools.partial(
            arrived, placement=Placement.here(context), name=f"{Path(settings.model).stem}_picture",
            size=settings.size, camera=self.camera,
        )  # fmt: skip
        order = Order(fields, show, protocol.Encode, leave)
        return Work(service, "From Picture", [order], context.scene.session_uid, lambda: seal_alone("From Picture"))

    def _pixels(self) -> np.ndarray:
        if self.image:
            if self.image not in bpy.data.images:
                raise ExploreError(f"There is no image {self.image!r} in this file")
            return pixels_of(bpy.data.images[self.image])
        path = Path(bpy.path.abspath(self.filepath))
        try:
            size = path.stat().st_size
        except OSError as error:
            raise ExploreError(f"{path.name or 'The picture'} cannot be read: {error.strerror}") from error
        most = protocol.limits.PICTURE_BYTES
        if size > most:
            raise ExploreError(f"{path.name} has {size >> 20} MB: too large, at most {most >> 20}")
        try:
            image = bpy.data.images.load(str(path))
        except RuntimeError as error:
            raise ExploreError(f"{path.name} cannot be read as a picture") from error
        try:
            return pixels_of(image)
        finally:
            bpy.data.images.remove(image)


def draw_in_image_editor(menu: Any, context: compat.Context) -> None:
    image = context.space_data.image
    if image is not None:
        menu.layout.separator()
        button = menu.layout.operator(GEN3D_OT_from_picture.bl_idname, text="Gen3D Object from Picture")
        button.image = image.name


def _image_menu() -> Any:
    """The stubs say that what draws in a menu takes the context alone."""
    return bpy.types.IMAGE_MT_image


register_classes, unregister_classes = compat.class_registration((GEN3D_OT_from_picture,))


def register() -> None:
    register_classes()
    _image_menu().append(draw_in_image_editor)


def unregister() -> None:
    _image_menu().remove(draw_in_image_editor)
    unregister_classes()
