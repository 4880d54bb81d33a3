# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Adjust: sliders along a model's directions, and the object in the scene follows them."""

import functools
from typing import Any

import bpy

from .. import compat
from ..queue.adjust_session import Session, Target, live
from ..queue.service import catalogue
from ..scene.objects import RECORD, codes_of, find, only_parent
from ..scene.placing import may_change
from ..scene.remaking import remake
from ..scene.rest import frame_of
from .makers import CodesOperator, made_by, maker_of, model_of
from .selection import InputError, changeable_objects
from .submission import needs_object_mode


def on_slider_moved(slider: Any, context: compat.Context) -> None:
    """For the sliders' update: within the range, and the session told."""
    inside = min(max(slider.value, slider.low), slider.high)
    if inside != slider.value:
        slider.value = inside  # calls this again
    elif live.session is not None:
        live.session.touch(slider.name, slider.value)


@bpy.app.handlers.persistent
def follow_undo(*unused: Any) -> None:
    """An undo or redo step has brought back sliders and mesh of another moment: they need not agree."""
    session = live.session
    if session is None or session.ended:
        return
    for slider in compat.context().scene.gen3d.sliders:
        session.values[slider.name] = slider.value
    session.refresh()


def target_of(placed: bpy.types.Object, scene: int, *, other_version: bool) -> Target:
    """An object of a scene, both by their session identifiers: an undo step frees what a reference points to."""
    identifier = placed.session_uid
    show = functools.partial(remake, target=identifier)
    return Target(
        exists=lambda: find(identifier) is not None,
        may_change=functools.partial(may_change, scene),
        show=made_by(maker_of(placed), show, other_version=other_version),
    )


class GEN3D_OT_adjust(CodesOperator, bpy.types.Operator):
    bl_idname = "gen3d.adjust"
    bl_label = "Adjust"
    bl_description = "Change the active object by sliders; it follows while they move"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return not live.running and needs_object_mode(cls, context)

    def act(self, context: compat.Context) -> set[str]:
        placed = changeable_objects(context)[0]
        frame_of(placed, 1.0)  # raises where a new mesh would take something away
        entry = catalogue.entry(model_of(placed, other_version=self.other_version))
        if entry is None or not entry.sliders:
            raise InputError(f"The model of {placed.name} has no directions to adjust")
        held = placed[RECORD]
        if "positions" not in held:
            raise InputError(f"{placed.name} is of an older version: regenerate it first")
        positions = held["positions"].to_dict()
        sliders = context.scene.gen3d.sliders
        sliders.clear()
        for each in entry.sliders:
            slider = sliders.add()
            slider.name, slider.code, slider.low, slider.high = each.name, each.code, each.low, each.high
            slider.value = float(positions.get(each.name, 0.0))
        recipe = only_parent(codes_of(placed), int(held.get("seed", 0)))
        fields = {"model": entry.key, "recipe": recipe, "truncation": held.get("truncation")}
        values = {slider.name: slider.value for slider in sliders}
        resolution = int(held.get("resolution", context.scene.gen3d.resolution))
        target = target_of(placed, context.scene.session_uid, other_version=self.other_version)
        live.begin(Session(target, fields, values, resolution))
        return {"FINISHED"}


class GEN3D_OT_adjust_end(bpy.types.Operator):
    bl_idname = "gen3d.adjust_end"
    bl_label = "Done"
    bl_description = "Keep the object as it is"
    bl_options = {"INTERNAL"}

    revert: bpy.props.BoolProperty(options={"HIDDEN", "SKIP_SAVE"})

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return live.session is not None

    def execute(self, context: compat.Context) -> set[str]:
        session = live.session
        if session is None or session.ended:
            live.forget()
            return {"FINISHED"}
        if self.revert:
            session.values = dict(session.start)
        session.close()
        return {"FINISHED"}


CLASSES = (GEN3D_OT_adjust, GEN3D_OT_adjust_end)
HANDLERS = ("undo_post", "redo_post")

register_classes, unregister_classes = compat.class_registration(CLASSES)


def register() -> None:
    register_classes()
    for name in HANDLERS:
        getattr(bpy.app.handlers, name).append(follow_undo)


def unregister() -> None:
    live.forget()
    for name in HANDLERS:
        getattr(bpy.app.handlers, name).remove(follow_undo)
    unregister_classes()
