# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of what the next seeds would give, drawn by the worker; a click makes the object."""

import functools
from typing import Any

import bpy
import bpy.utils.previews
import numpy as np

from gen3d_core import protocol

from .. import compat
from ..queue.batch import Batch, Item, Priority
from ..queue.service import queue
from ..worker.results import Pictures
from .generate import make_batch
from .selection import has_model
from .submission import BatchOperator

SHOWN = 12
PIXELS = 128


class Gallery:
    """What is shown: seeds with the number of their icon; ``following``: the seed after them."""

    def __init__(self) -> None:
        self.seeds: list[int] = []
        self.following: int | None = None
        self.model = ""
        self.pixels = np.zeros((0, PIXELS, PIXELS, 4), np.uint8)
        self._batch: Batch | None = None
        self._drawn: dict[int, np.ndarray] = {}
        self._icons: Any = None

    @property
    def drawing(self) -> bool:
        return self._batch is not None and not self._batch.done

    @property
    def fraction(self) -> float:
        return self._batch.fraction if self._batch is not None else 0.0

    @property
    def message(self) -> str:
        """Why pictures are missing."""
        return self._batch.message if self._batch is not None else ""

    def show(self, model: str, first: int, truncation: float | None) -> None:
        """Draw the seeds from ``first`` on when nobody waits for the worker, one after another: a seed that cannot be
        drawn leaves a gap, and what the user presses comes in between."""
        seeds = [seed for seed in range(first, first + SHOWN) if seed <= protocol.limits.SEED[1]]
        self._drawn = {}
        items = [
            Item(
                {"model": model, "recipes": [protocol.Recipe(seed)], "size": PIXELS, "truncation": truncation},
                functools.partial(self._keep, seed),
                protocol.Thumbnails,
            )
            for seed in seeds
        ]
        seal = functools.partial(self._show, model, seeds[-1] + 1)
        self._batch = Batch("Gallery", items, priority=Priority.BACKGROUND, seal=seal)
        queue.add(self._batch)

    def icon(self, seed: int) -> int:
        return self._icons[str(seed)].icon_id if self._icons is not None and str(seed) in self._icons else 0

    def clear(self) -> None:
        self._batch = None
        self.seeds, self.following = [], None
        if self._icons is not None:
            bpy.utils.previews.remove(self._icons)
            self._icons = None

    def _keep(self, seed: int, made: Pictures) -> None:
        self._drawn[seed] = made.pixels[0]

    def _show(self, model: str, following: int) -> None:
        self.model, self.following = model, following
        self.seeds, self.pixels = list(self._drawn), np.stack(list(self._drawn.values()))
        if self._icons is None:
            self._icons = bpy.utils.previews.new()
        self._icons.clear()
        for seed, picture in self._drawn.items():
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
        return has_model(cls, context) and not gallery.drawing

    def execute(self, context: compat.Context) -> set[str]:
        settings = context.scene.gen3d
        first = gallery.following if self.further and gallery.following is not None else settings.seed
        first = min(first, protocol.limits.SEED[1])
        gallery.show(settings.model, first, settings.variety if settings.own_variety else None)
        return {"FINISHED"}


class GEN3D_OT_pick(BatchOperator, bpy.types.Operator):
    bl_idname = "gen3d.pick"
    bl_label = "Make"
    bl_description = "Make this object at the 3D cursor"
    bl_options = {"REGISTER"}

    seed: bpy.props.IntProperty(min=protocol.limits.SEED[0], max=protocol.limits.SEED[1])

    def make_batch(self, context: compat.Context) -> Batch:
        settings = context.scene.gen3d
        settings.seed, settings.count, settings.own_look = self.seed, 1, False
        return make_batch(context)


CLASSES = (GEN3D_OT_gallery, GEN3D_OT_pick)

register_classes, unregister_classes = compat.class_registration(CLASSES)


def register() -> None:
    register_classes()


def unregister() -> None:
    gallery.clear()
    unregister_classes()
