# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Morph, keyframes of codes, and what bakes those into a morph."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from gen3d_core import protocol

from .. import compat
from ..queue.queue import Order, Work
from ..queue.service import service
from ..scene.morph_object import build, values_of_steps
from ..scene.objects import RECORD, Placement, codes_of, find, link, only_parent, remembers
from ..scene.placing import seal_alone
from ..scene.timeline import Timing, key_morph
from ..worker.results import GeneratedMorph
from .explore import ExploreError, Explorer, WorkExplorer, beside, chosen, common_model, model_of

CODES = {"shape": "shape_code", "appearance": "appearance_code"}
"""Custom properties of an object that can be keyed, by what they are in a request."""


def timing_of(settings: Any) -> Timing:
    """Raises ExploreError where no frame lies between start and end."""
    if settings.frame_end <= settings.frame_start:
        raise ExploreError(
            f"The morph would run from frame {settings.frame_start} to {settings.frame_end}: choose a later end"
        )
    return Timing(settings.frame_start, settings.frame_end, settings.easing, settings.repeat)


@dataclass(frozen=True)
class Arrival:
    """What becomes of a morph when it comes: its name, place and size, the values of ``Morph`` to key, as far as it
    reaches, the last one at the end."""

    name: str
    placement: Placement
    size: float
    keys: Sequence[float]
    timing: Timing
    source: int | None = None
    """Session identifier of the object whose place it takes."""

    def __call__(self, made: GeneratedMorph) -> str:
        self.placement.find()  # before anything is made: it may be gone
        placed = build(self.name, made, self.size)
        reached = values_of_steps(made)[-1]
        values = [*(float(value) for value in self.keys if value < reached), reached]
        key_morph(placed, values, self.keys[-1], self.timing)
        link(placed, self.placement)
        source = None if self.source is None else find(self.source)
        if source is not None:
            placed.matrix_world = source.matrix_world
            source.hide_viewport = source.hide_render = True
        return told(made)


def told(made: GeneratedMorph) -> str:
    """What the user should know of how it went; nothing where one mesh went all the way."""
    steps = len(made.info.times)
    stopped = made.segments[-1].last + 1
    if stopped < steps:
        return f"The topology changes at step {stopped + 1} of {steps}: the morph ends before it"
    if made.info.settings.kind == "morph" and len(made.segments) > 1:
        where = ", ".join(str(segment.first + 1) for segment in made.segments[1:])
        return f"The topology changes at step {where} of {steps}: another mesh goes on there. A flipbook is exact"
    return ""


def seeds_in(text: str) -> list[protocol.Recipe]:
    """The objects of a text such as ``3 8/2 12``. Raises ExploreError, and Gen3DError for seeds out of range."""
    keys = []
    for word in text.replace(",", " ").split():
        numbers = word.split("/")
        if len(numbers) > 2 or not all(number.isdecimal() for number in numbers):
            raise ExploreError(f"{word!r} is no seed: type numbers such as 3 8 12, or 3/8")
        keys.append(protocol.Recipe(int(numbers[0]), int(numbers[-1])))
    return keys


def morphed(keys: Sequence[protocol.Recipe], vary: str) -> list[protocol.Recipe]:
    """Keys that differ in what varies alone, for the rest like the first one."""
    if vary == "BOTH":
        return list(keys)
    first = keys[0]
    mixed = []
    for key in keys:
        shape, appearance = (key, first) if vary == "SHAPE" else (first, key)
        if key.parents:
            both = [shape.parents[0], appearance.parents[0]]
            mixed.append(protocol.Recipe(0, parents=both, shape_weights=[1.0, 0.0], appearance_weights=[0.0, 1.0]))
        else:
            mixed.append(protocol.Recipe(shape.seed, appearance.appearance_seed))
    return mixed


class GEN3D_OT_morph(WorkExplorer, bpy.types.Operator):
    bl_idname = "gen3d.morph"
    bl_label = "Morph"
    bl_description = "Make an object that changes from one to the next on the timeline, by its property Morph"
    bl_options = {"REGISTER"}

    def work(self, context: compat.Context) -> Work:
        scene_settings = context.scene.gen3d
        settings = scene_settings.morph
        timing = timing_of(settings)
        if settings.source == "SELECTED":
            parents = chosen(context, 2, protocol.limits.MORPH_KEYS[1])
            model, held = common_model(parents), parents[0][RECORD]
            size, truncation = float(held.get("size", 1.0)), held.get("truncation")
            (place,) = beside(parents[0], context, 1, size)
            keys = [only_parent(codes_of(each)) for each in parents]
        else:
            keys = seeds_in(settings.seeds)
            if len(keys) < 2:
                raise ExploreError("Type two or more seeds, such as 3 8 12")
            if not scene_settings.model:
                raise ExploreError("This scene's model is not there: choose one")
            model, size, place = scene_settings.model, scene_settings.size, Placement.here(context)
            truncation = scene_settings.variety if scene_settings.own_variety else None
        keys = morphed(keys, settings.vary)
        if settings.repeat == "LOOP":
            keys.append(keys[0])
        how = protocol.MorphSettings(
            settings.steps, scene_settings.resolution, settings.kind, settings.path,
            timing="even" if settings.even else "uniform", after_change=settings.after_change,
        )  # fmt: skip
        fields = {"model": model, "keys": keys, "settings": how, "truncation": truncation}
        arrival = Arrival(f"{Path(model).stem}_morph", place, size, range(len(keys)), timing)
        return _work(context, "Morph", fields, arrival)


class GEN3D_OT_key_codes(Explorer, bpy.types.Operator):
    bl_idname = "gen3d.key_codes"
    bl_label = "Key Codes"
    bl_description = (
        "Keyframe the active object's codes at this frame: its own, or those of the other selected object. "
        "Bake makes the morph that the curves then describe"
    )
    bl_options = {"REGISTER", "UNDO"}

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return remembers(context.view_layer.objects.active)

    def act(self, context: compat.Context) -> set[str]:
        both = chosen(context, 1, 2)
        common_model(both)
        placed, codes = both[0], codes_of(both[-1])
        for which, name in CODES.items():
            placed[name] = codes[which]
            placed.keyframe_insert(f'["{name}"]')
        return {"FINISHED"}


class GEN3D_OT_bake_codes(WorkExplorer, bpy.types.Operator):
    bl_idname = "gen3d.bake_codes"
    bl_label = "Bake"
    bl_description = "Make the morph that the active object's keyframed codes describe; it takes the object's place"
    bl_options = {"REGISTER"}

    def work(self, context: compat.Context) -> Work:
        settings = context.scene.gen3d.morph
        timing = timing_of(settings)
        placed = chosen(context)[0]
        if not keyed(placed):
            raise ExploreError(f"The codes of {placed.name} have no keyframes: press Key Codes at two frames or more")
        held = placed[RECORD]
        codes = codes_over_time(placed, np.linspace(timing.start, timing.end, settings.steps))
        how = protocol.MorphSettings(
            settings.steps, context.scene.gen3d.resolution, settings.kind, "lerp", after_change=settings.after_change
        )
        fields = {
            "model": model_of(placed), "keys": [only_parent(each) for each in codes], "settings": how,
            "truncation": held.get("truncation"),
        }  # fmt: skip
        place = Placement.here(context)
        steady = Timing(timing.start, timing.end, "LINEAR", timing.repeat)  # the curves have their own easing
        size, ends = float(held.get("size", 1.0)), (0, settings.steps - 1)
        arrival = Arrival(f"{placed.name}_morph", place, size, ends, steady, placed.session_uid)
        return _work(context, "Bake", fields, arrival)


def keyed(placed: bpy.types.Object) -> bool:
    """Whether its codes are animated."""
    paths = {f'["{name}"]' for name in CODES.values()}
    return any(curve.data_path in paths for curve in compat.curves_of(placed))


def codes_over_time(placed: bpy.types.Object, frames: np.ndarray) -> list[dict[str, list[float]]]:
    """The codes that the object's curves give at frames, between whole ones too."""
    tracks = {which: np.tile(np.array(values), (len(frames), 1)) for which, values in codes_of(placed).items()}
    names = {f'["{name}"]': which for which, name in CODES.items()}
    for curve in compat.curves_of(placed):
        if curve.data_path in names:
            track = tracks[names[curve.data_path]]
            track[:, curve.array_index] = [curve.evaluate(frame) for frame in frames]
    return [{which: track[step].tolist() for which, track in tracks.items()} for step in range(len(frames))]


def _work(context: compat.Context, label: str, fields: dict[str, Any], arrival: Arrival) -> Work:
    order = Order(fields, arrival, protocol.Morph)
    return Work(service, label, [order], context.scene.session_uid, lambda: seal_alone(label))


CLASSES = (GEN3D_OT_morph, GEN3D_OT_key_codes, GEN3D_OT_bake_codes)


register, unregister = compat.class_registration(CLASSES)
