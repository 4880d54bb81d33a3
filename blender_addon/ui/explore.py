# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From objects to objects: vary, mix, breed, make again, copy and paste."""

import functools
import random
from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import bpy

from gen3d_core import protocol

from .. import compat
from ..queue.queue import Order, Work
from ..queue.service import catalogue, service
from ..scene.codes_text import CodesError, from_text, to_text
from ..scene.objects import RECORD, SPACING, Placement, codes_of, only_parent, remake, remembers
from ..scene.placing import Batch, seal_alone
from .generate import needs_object_mode, submit


class ExploreError(RuntimeError):
    """What is selected does not do for this. The message is one line for the user."""


def chosen(context: compat.Context, least: int = 1, most: int = 1000) -> list[bpy.types.Object]:
    """The selected generated objects, the active one first. Raises ExploreError when they are too few or too many."""
    found = [each for each in context.selected_objects if remembers(each)]
    found.sort(key=lambda each: (each != context.view_layer.objects.active, each.name))
    if not least <= len(found) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise ExploreError(f"Select {wanted} generated objects: {len(found)} are selected")
    return found


def model_of(placed: bpy.types.Object) -> str:
    """Key of the model that made an object. Raises ExploreError where it is not there."""
    held = placed[RECORD]
    maker = catalogue.maker(str(held["model"]), str(held["model_hash"]))
    if maker is None:
        raise ExploreError(f"The model {held['model']} that made {placed.name} is not there: open its file first")
    return maker.key


def common_model(parents: Sequence[bpy.types.Object]) -> str:
    """The one model of several objects. Raises ExploreError where they have several."""
    makers = {(str(each[RECORD]["model"]), str(each[RECORD]["model_hash"])) for each in parents}
    if len(makers) > 1:
        names = sorted({name for name, _ in makers})
        several = "different models" if len(names) > 1 else "different versions of a model"
        raise ExploreError(f"These objects were made by {several}: {', '.join(names)}")
    return model_of(parents[0])


def beside(placed: bpy.types.Object, context: compat.Context, count: int, size: float) -> list[Placement]:
    """Places for new objects in a grid that begins to the right of one."""
    x, y, z = placed.matrix_world.translation
    here = Placement(context.scene.session_uid, context.collection.session_uid, (x + SPACING * size, y, z))
    return here.grid(count, size)


def mixtures(count: int) -> list[tuple[float, ...]]:
    """Weights of what lies between two, three or four parents, evenly, none of them a parent itself."""
    if count == 2:
        return [(1 - t / 6, t / 6) for t in range(1, 6)]
    if count == 3:
        return [(a / 5, b / 5, (5 - a - b) / 5) for a in range(1, 4) for b in range(1, 5 - a)]
    steps = [t / 4 for t in range(1, 4)]
    return [((1 - s) * (1 - t), s * (1 - t), (1 - s) * t, s * t) for t in steps for s in steps]


def mixture(
    codes: Sequence[dict[str, list[float]]], shape: Sequence[float], appearance: Sequence[float]
) -> protocol.Recipe:
    """The object between those of these codes, by a weight for the shape and one for the appearance of each."""
    parents = [protocol.Parent(**each) for each in codes]
    return protocol.Recipe(0, parents=parents, shape_weights=list(shape), appearance_weights=list(appearance))


class Explorer:
    """What operators on generated objects share: theirs is `act`, and what it raises is the user's to read."""

    def execute(self, context: compat.Context) -> set[str]:
        operator: Any = self
        try:
            return operator.act(context)
        except (ExploreError, CodesError, protocol.Gen3DError) as error:
            operator.report({"ERROR"}, str(error))
            return {"CANCELLED"}


class WorkExplorer(Explorer):
    """Those that make or change meshes: theirs is `work`, which gives the work to do."""

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return needs_object_mode(cls, context)  # pyright: ignore[reportArgumentType]  # mixed into operators

    def act(self, context: compat.Context) -> set[str]:
        operator: Any = self
        return submit(operator, operator.work(context))


def new_objects(
    context: compat.Context, label: str, source: bpy.types.Object, model: str, recipes: list[protocol.Recipe]
) -> Work:
    """A work that makes objects beside one, each from its own recipe, all named and sized after it."""
    held = source[RECORD]
    size = float(held.get("size", 1.0))
    common = {
        "model": model, "resolution": context.scene.gen3d.resolution, "truncation": held.get("truncation"),
    }  # fmt: skip
    places = beside(source, context, len(recipes), size)
    name = f"{held['model']}_{label.lower()}"
    batch = Batch(label)
    orders = [
        batch.order(common | {"recipe": recipe}, where, name, size)
        for where, recipe in zip(places, recipes, strict=True)
    ]
    return batch.work(service, orders, context.scene.session_uid)


class GEN3D_OT_vary(WorkExplorer, bpy.types.Operator):
    bl_idname = "gen3d.vary"
    bl_label = "Vary"
    bl_description = "Make objects like the active one, as different from it as Strength says"
    bl_options = {"REGISTER"}

    def work(self, context: compat.Context) -> Work:
        source = chosen(context)[0]
        settings = context.scene.gen3d
        draw = random.SystemRandom()
        shape = settings.strength if settings.vary != "APPEARANCE" else 0.0
        appearance = settings.strength if settings.vary != "SHAPE" else 0.0
        one = replace(only_parent(codes_of(source)), shape_strength=shape, appearance_strength=appearance)
        recipes = [replace(one, seed=draw.randint(*protocol.limits.SEED)) for _ in range(settings.variations)]
        return new_objects(context, "Vary", source, model_of(source), recipes)


class GEN3D_OT_mix(WorkExplorer, bpy.types.Operator):
    bl_idname = "gen3d.mix"
    bl_label = "Mix"
    bl_description = "Make the active object's shape with the appearance of the other selected one"
    bl_options = {"REGISTER"}

    def work(self, context: compat.Context) -> Work:
        parents = chosen(context, 2, 2)
        mixed = mixture([codes_of(each) for each in parents], (1.0, 0.0), (0.0, 1.0))
        return new_objects(context, "Mix", parents[0], common_model(parents), [mixed])


class GEN3D_OT_breed(WorkExplorer, bpy.types.Operator):
    bl_idname = "gen3d.breed"
    bl_label = "Breed"
    bl_description = "Make what lies between two, three or four selected objects"
    bl_options = {"REGISTER"}

    def work(self, context: compat.Context) -> Work:
        parents = chosen(context, 2, 4)
        codes = [codes_of(each) for each in parents]
        recipes = [mixture(codes, weights, weights) for weights in mixtures(len(parents))]
        return new_objects(context, "Breed", parents[0], common_model(parents), recipes)


class GEN3D_OT_regenerate(WorkExplorer, bpy.types.Operator):
    bl_idname = "gen3d.regenerate"
    bl_label = "Regenerate"
    bl_description = "Make the selected objects again in place at the resolution above; all but their meshes stays"
    bl_options = {"REGISTER"}

    def work(self, context: compat.Context) -> Work:
        orders = []
        for each in chosen(context):
            held = each[RECORD]
            fields = {
                "recipe": only_parent(codes_of(each), int(held.get("seed", 0))), "model": model_of(each),
                "truncation": held.get("truncation"), "resolution": context.scene.gen3d.resolution,
            }  # fmt: skip
            orders.append(Order(fields, functools.partial(remake, target=each.session_uid)))
        return Work(service, "Regenerate", orders, context.scene.session_uid, lambda: seal_alone("Regenerate"))


class GEN3D_OT_copy_codes(bpy.types.Operator):
    bl_idname = "gen3d.copy_codes"
    bl_label = "Copy Codes"
    bl_description = "Copy what made the active object as text"
    bl_options = {"INTERNAL"}

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return remembers(context.view_layer.objects.active)

    def execute(self, context: compat.Context) -> set[str]:
        context.window_manager.clipboard = to_text(context.view_layer.objects.active[RECORD])
        self.report({"INFO"}, "Codes copied")
        return {"FINISHED"}


class GEN3D_OT_paste_codes(WorkExplorer, bpy.types.Operator):
    bl_idname = "gen3d.paste_codes"
    bl_label = "Paste Codes"
    bl_description = "Make the object whose codes were copied, at the 3D cursor"
    bl_options = {"REGISTER"}

    text: bpy.props.StringProperty(
        description="The codes; the clipboard's where empty", options={"HIDDEN", "SKIP_SAVE"}
    )

    def work(self, context: compat.Context) -> Work:
        return kept_work(context, "Paste", self.text or context.window_manager.clipboard)


def kept_work(context: compat.Context, label: str, text: str) -> Work:
    """The work that makes at the 3D cursor what a text describes. Raises CodesError and ExploreError."""
    kept = from_text(text)
    maker = catalogue.maker(kept.model, kept.model_hash)
    if maker is None:
        raise ExploreError(f"The model {kept.model} of these codes is not there: open its file first")
    settings = context.scene.gen3d
    fields = {
        "recipe": only_parent({"shape": kept.shape, "appearance": kept.appearance}),
        "model": maker.key, "resolution": settings.resolution, "truncation": kept.truncation,
    }  # fmt: skip
    batch = Batch(label)
    order = batch.order(fields, Placement.here(context), f"{kept.model}_{label.lower()}", settings.size)
    return batch.work(service, [order], context.scene.session_uid)


CLASSES = (
    GEN3D_OT_vary,
    GEN3D_OT_mix,
    GEN3D_OT_breed,
    GEN3D_OT_regenerate,
    GEN3D_OT_copy_codes,
    GEN3D_OT_paste_codes,
)


register, unregister = compat.class_registration(CLASSES)
