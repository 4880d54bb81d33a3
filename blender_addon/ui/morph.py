# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Morph, keyframes of codes, and what bakes those into a morph."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import bpy
import numpy as np

from gen3d_core import protocol

from .. import compat
from ..queue.batch import Batch, Item
from ..scene.morph_object import build, values_of_steps
from ..scene.objects import RECORD, Placement, codes_of, find, link, only_parent, remembers
from ..scene.remaking import locked
from ..scene.rest import frame_of, size_of
from ..scene.timeline import Timing, key_morph
from ..worker.results import GeneratedMorph
from .makers import CodesBatchOperator, common_model, made_by, maker_of, model_of
from .selection import (
    InputError,
    changeable_objects,
    chosen_model,
    place_at_cursor,
    places_beside,
    selected_objects,
)
from .submission import ReportingOperator, pressed_batch

CODES = {"shape": "shape_code", "appearance": "appearance_code"}
"""Custom properties of an object that can be keyed, by what they are in a request."""


def timing_of(settings: Any) -> Timing:
    """Raises InputError where no frame lies between start and end."""
    if settings.frame_end <= settings.frame_start:
        raise InputError(
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
    """Session identifier of the object whose place it takes: its transform, and what was applied to its mesh."""

    def __call__(self, made: GeneratedMorph) -> str:
        self.placement.find()  # before anything is made: it may be gone
        source = None if self.source is None else find(self.source)
        frame = np.eye(4) if source is None else frame_of(source, self.size) / np.array([self.size] * 3 + [1.0])
        placed = build(self.name, made, self.size)
        reached = values_of_steps(made)[-1]
        values = [*(float(value) for value in self.keys if value < reached), reached]
        key_morph(placed, values, self.keys[-1], self.timing)
        link(placed, self.placement)
        if source is not None:
            placed.matrix_world = source.matrix_world @ compat.matrix(frame)
            source.hide_viewport = source.hide_render = True
        return topology_notice(made)


def topology_notice(made: GeneratedMorph) -> str:
    """What the user should know of how it went; nothing where one mesh went all the way."""
    steps = len(made.info.times)
    stopped = made.segments[-1].last + 1
    if stopped < steps:
        return f"The topology changes at step {stopped + 1} of {steps}: the morph ends before it"
    if made.info.settings.kind == "morph" and len(made.segments) > 1:
        where = ", ".join(str(segment.first + 1) for segment in made.segments[1:])
        return f"The topology changes at step {where} of {steps}: another mesh goes on there. A flipbook is exact"
    return ""


def parse_seeds(text: str) -> list[protocol.Recipe]:
    """The objects of a text such as ``3 8/2 12``. Raises InputError, and Gen3DError for seeds out of range."""
    keys = []
    for word in text.replace(",", " ").split():
        numbers = word.split("/")
        if len(numbers) > 2 or not all(number.isdecimal() for number in numbers):
            raise InputError(f"{word!r} is no seed: type numbers such as 3 8 12, or 3/8")
        keys.append(protocol.Recipe(int(numbers[0]), int(numbers[-1])))
    return keys


def restrict_keys(keys: Sequence[protocol.Recipe], vary: str) -> list[protocol.Recipe]:
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


class GEN3D_OT_morph(CodesBatchOperator, bpy.types.Operator):
    bl_idname = "gen3d.morph"
    bl_label = "Morph"
    bl_description = "Make an object that changes from one to the next on the timeline, by its property Morph"
    bl_options = {"REGISTER"}

    def make_batch(self, context: compat.Context) -> Batch:
        scene_settings = context.scene.gen3d
        settings = scene_settings.morph
        timing = timing_of(settings)
        if settings.source == "SELECTED":
            parents = selected_objects(context, 2, protocol.limits.MORPH_KEYS[1])
            model, held = common_model(parents, other_version=self.other_version), parents[0][RECORD]
            size, truncation = size_of(parents[0], float(held.get("size", 1.0))), held.get("truncation")
            (place,) = places_beside(parents[0], context, 1, size)
            keys = [only_parent(codes_of(each)) for each in parents]
        else:
            keys = parse_seeds(settings.seeds)
            if len(keys) < 2:
                raise InputError("Type two or more seeds, such as 3 8 12")
            model, size, place = chosen_model(context), scene_settings.size, place_at_cursor(context)
            truncation = scene_settings.variety if scene_settings.own_variety else None
        keys = restrict_keys(keys, settings.vary)
        if settings.repeat == "LOOP":
            keys.append(keys[0])
        how = protocol.MorphSettings(
            settings.steps, scene_settings.resolution, settings.kind, settings.path,
            timing="even" if settings.even else "uniform", after_change=settings.after_change,
        )  # fmt: skip
        fields = {"model": model, "keys": keys, "settings": how, "truncation": truncation}
        arrival = Arrival(f"{Path(model).stem}_morph", place, size, range(len(keys)), timing)
        show = arrival
        if settings.source == "SELECTED":
            show = made_by(maker_of(parents[0]), arrival, other_version=self.other_version)
        return _batch(context, "Morph", fields, show)


class GEN3D_OT_key_codes(ReportingOperator, bpy.types.Operator):
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
        both = selected_objects(context, 1, 2)
        if reason := locked(both[0]):
            raise InputError(reason)
        common_model(both, other_version=True)  # keys make nothing yet
        placed, codes = both[0], codes_of(both[-1])
        for which, name in CODES.items():
            placed[name] = codes[which]
            placed.keyframe_insert(f'["{name}"]')
        return {"FINISHED"}


class GEN3D_OT_bake_codes(CodesBatchOperator, bpy.types.Operator):
    bl_idname = "gen3d.bake_codes"
    bl_label = "Bake"
    bl_description = "Make the morph that the active object's keyframed codes describe; it takes the object's place"
    bl_options = {"REGISTER"}

    def make_batch(self, context: compat.Context) -> Batch:
        settings = context.scene.gen3d.morph
        timing = timing_of(settings)
        placed = changeable_objects(context)[0]
        if not has_keyed_codes(placed):
            raise InputError(f"The codes of {placed.name} have no keyframes: press Key Codes at two frames or more")
        held = placed[RECORD]
        codes = codes_over_time(placed, np.linspace(timing.start, timing.end, settings.steps))
        how = protocol.MorphSettings(
            settings.steps, context.scene.gen3d.resolution, settings.kind, "lerp", after_change=settings.after_change
        )
        fields = {
            "model": model_of(placed, other_version=self.other_version),
            "keys": [only_parent(each) for each in codes], "settings": how, "truncation": held.get("truncation"),
        }  # fmt: skip
        place = place_at_cursor(context)
        steady = Timing(timing.start, timing.end, "LINEAR", timing.repeat)  # the curves have their own easing
        size, ends = float(held.get("size", 1.0)), (0, settings.steps - 1)
        arrival = Arrival(f"{placed.name}_morph", place, size, ends, steady, placed.session_uid)
        return _batch(context, "Bake", fields, made_by(maker_of(placed), arrival, other_version=self.other_version))


def has_keyed_codes(placed: bpy.types.Object) -> bool:
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


def _batch(context: compat.Context, label: str, fields: dict[str, Any], show: Callable[[Any], object]) -> Batch:
    return pressed_batch(context, label, [Item(fields, show, protocol.Morph)])


CLASSES = (GEN3D_OT_morph, GEN3D_OT_key_codes, GEN3D_OT_bake_codes)


register, unregister = compat.class_registration(CLASSES)
