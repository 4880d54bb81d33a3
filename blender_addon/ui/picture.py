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
from ..queue.batch import Batch, Item
from ..scene.objects import Placement, place
from ..scene.picture_camera import add_camera
from ..scene.picture_pixels import may_have_pixels, pixels_of, pixels_of_file
from ..worker.results import EncodedMesh
from .selection import InputError, chosen_model, place_at_cursor
from .submission import BatchOperator, pressed_batch

ARRAYS = "picture.npz"


def place_encoded(made: EncodedMesh, placement: Placement, name: str, size: float, *, camera: bool) -> str:
    """Put the object into the scene; returns what the user should know of how it fits."""
    placed = place(made, placement, name, size)
    if camera:
        add_camera(placed, made.info.cameras[0], size, made.framed[0])
    confidence = f"{100 * made.info.confidence:.0f} % of its outline fit"
    if made.info.doubtful:
        return f"Low confidence, {confidence}: the picture may show something else than {made.info.model.category}"
    return f"Made from the picture: {confidence}"


class GEN3D_OT_from_picture(BatchOperator, bpy.types.Operator):
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

    def make_batch(self, context: compat.Context) -> Batch:
        settings = context.scene.gen3d
        model = chosen_model(context)
        pixels = self._pixels()

        def leave(folder: Path) -> None:
            np.savez(folder / ARRAYS, pixels=pixels)

        fields = {"model": model, "pictures": [ARRAYS], "resolution": settings.resolution}
        show = functools.partial(
            place_encoded, placement=place_at_cursor(context), name=f"{Path(model).stem}_picture",
            size=settings.size, camera=self.camera,
        )  # fmt: skip
        return pressed_batch(context, "From Picture", [Item(fields, show, protocol.Encode, leave)])

    def _pixels(self) -> np.ndarray:
        if not self.image:
            return pixels_of_file(Path(bpy.path.abspath(self.filepath)))
        if self.image not in bpy.data.images:
            raise InputError(f"There is no image {self.image!r} in this file")
        return pixels_of(bpy.data.images[self.image])


def draw_in_image_editor(menu: Any, context: compat.Context) -> None:
    image = context.space_data.image
    if image is not None and may_have_pixels(image):
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
