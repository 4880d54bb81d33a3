# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of what the next seeds would give, drawn by the worker; a click makes the object."""

from typing import Any

import bpy
import bpy.utils.previews
import numpy as np

from gen3d_core import protocol

from .. import compat
from ..queue.service import Errand, service
from ..worker.client import WorkerError
from ..worker.job import Job, State
from ..worker.results import Pictures
from .generate import generate, needs_object_mode

SHOWN = 12
PIXELS = 128


class Gallery:
    """What is shown: seeds with the number of their icon. ``message`` says why there is nothing."""

    def __init__(self) -> None:
        self.seeds: list[int] = []
        self.model = ""
        self.message = ""
        self.pixels = np.zeros((0, PIXELS, PIXELS, 4), np.uint8)
        self.errand = Errand(self._ask, self._take)
        self._asked: dict[str, Any] = {}
        self._icons: Any = None

    def show(self, model: str, first: int, truncation: float | None) -> None:
        """Draw the seeds from ``first`` on, soon."""
        seeds = [seed for seed in range(first, first + SHOWN) if seed <= protocol.limits.SEED[1]]
        recipes = [protocol.Recipe(seed) for seed in seeds]
        self._asked = {"model": model, "recipes": recipes, "size": PIXELS, "truncation": truncation}
        self.message = ""
        self.errand.want()

    def icon(self, seed: int) -> int:
        return self._icons[str(seed)].icon_id if self._icons is not None and str(seed) in self._icons else 0

    def clear(self) -> None:
        self.errand.clear()
        self.seeds = []
        if self._icons is not None:
            bpy.utils.previews.remove(self._icons)
            self._icons = None

    def _ask(self) -> Job:
        try:
            return service.submit(protocol.Thumbnails, **self._asked)
        except WorkerError as error:
            self.message = str(error)
            raise

    def _take(self, job: Job) -> None:
        if job.state is not State.FINISHED or not isinstance(job.result, Pictures):
            self.message = job.message
            return
        self.seeds = [recipe.seed for recipe in self._asked["recipes"]]
        self.model, self.pixels = self._asked["model"], job.result.pixels
        if self._icons is None:
            self._icons = bpy.utils.previews.new()
        self._icons.clear()
        for seed, picture in zip(self.seeds, self.pixels, strict=True):
            icon = self._icons.new(str(seed))
            icon.image_size = (PIXELS, PIXELS)
            # Blender's rows run from the bottom.
            icon.image_pixels_float.foreach_set((picture[::-1].astype(np.float32) / 255).ravel())


gallery = Gallery()


class GEN3D_OT_gallery(bpy.types.Operator):
    bl_idname = "gen3d.gallery"
    bl_label = "Show"
    bl_description = "Draw what the seeds from this one on would give"
    bl_options = {"INTERNAL"}

    further: bpy.props.BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return bool(context.scene.gen3d.model) and not gallery.errand.wanted

    def execute(self, context: compat.Context) -> set[str]:
        settings = context.scene.gen3d
        first = gallery.seeds[-1] + 1 if self.further and gallery.seeds else settings.seed
        first = min(first, protocol.limits.SEED[1])
        gallery.show(settings.model, first, settings.variety if settings.own_variety else None)
        return {"FINISHED"}


class GEN3D_OT_pick(bpy.types.Operator):
    bl_idname = "gen3d.pick"
    bl_label = "Make"
    bl_description = "Make this object at the 3D cursor"
    bl_options = {"REGISTER"}

    seed: bpy.props.IntProperty(min=protocol.limits.SEED[0], max=protocol.limits.SEED[1])

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return needs_object_mode(cls, context)

    def execute(self, context: compat.Context) -> set[str]:
        settings = context.scene.gen3d
        settings.seed, settings.count, settings.own_look = self.seed, 1, False
        return generate(self, context)


CLASSES = (GEN3D_OT_gallery, GEN3D_OT_pick)

register_classes, unregister_classes = compat.class_registration(CLASSES)


def register() -> None:
    register_classes()


def unregister() -> None:
    gallery.clear()
    unregister_classes()
