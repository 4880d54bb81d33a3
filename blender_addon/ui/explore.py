# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""From objects to objects: vary, mix, breed, make again, copy and paste."""

import functools
import random
from collections.abc import Sequence
from dataclasses import replace

import bpy

from gen3d_core import protocol

from .. import compat
from ..queue.batch import Batch, Item
from ..queue.models import Maker
from ..scene.codes_text import from_text, to_text
from ..scene.objects import RECORD, codes_of, only_parent, remembers
from ..scene.placing import NewObjects
from ..scene.remaking import remake
from ..scene.rest import size_of
from .makers import CodesBatchOperator, common_model, key_of, made_by, maker_of, model_of
from .selection import of_each_mesh, place_at_cursor, places_beside, selected_objects
from .submission import pressed_batch


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


def new_objects(
    context: compat.Context,
    label: str,
    source: bpy.types.Object,
    model: str,
    recipes: list[protocol.Recipe],
    *,
    other_version: bool,
) -> Batch:
    """A batch that makes objects beside one, each from its own recipe, all named and sized after it."""
    held = source[RECORD]
    size = size_of(source, float(held.get("size", 1.0)))
    common = {
        "model": model, "resolution": context.scene.gen3d.resolution, "truncation": held.get("truncation"),
    }  # fmt: skip
    places = places_beside(source, context, len(recipes), size)
    name = f"{held['model']}_{label.lower()}"
    group = NewObjects(label)
    items = []
    for where, recipe in zip(places, recipes, strict=True):
        show = functools.partial(group.place, placement=where, name=name, size=size)
        items.append(Item(common | {"recipe": recipe}, made_by(maker_of(source), show, other_version=other_version)))
    return pressed_batch(context, label, items, group.seal)


class GEN3D_OT_vary(CodesBatchOperator, bpy.types.Operator):
    bl_idname = "gen3d.vary"
    bl_label = "Vary"
    bl_description = "Make objects like the active one, as different from it as Strength says"
    bl_options = {"REGISTER"}

    def make_batch(self, context: compat.Context) -> Batch:
        source = selected_objects(context)[0]
        settings = context.scene.gen3d
        draw = random.SystemRandom()
        shape = settings.strength if settings.vary != "APPEARANCE" else 0.0
        appearance = settings.strength if settings.vary != "SHAPE" else 0.0
        one = replace(only_parent(codes_of(source)), shape_strength=shape, appearance_strength=appearance)
        recipes = [replace(one, seed=draw.randint(*protocol.limits.SEED)) for _ in range(settings.variations)]
        model = model_of(source, other_version=self.other_version)
        return new_objects(context, "Vary", source, model, recipes, other_version=self.other_version)


class GEN3D_OT_mix(CodesBatchOperator, bpy.types.Operator):
    bl_idname = "gen3d.mix"
    bl_label = "Mix"
    bl_description = "Make the active object's shape with the appearance of the other selected one"
    bl_options = {"REGISTER"}

    def make_batch(self, context: compat.Context) -> Batch:
        parents = selected_objects(context, 2, 2)
        mixed = mixture([codes_of(each) for each in parents], (1.0, 0.0), (0.0, 1.0))
        model = common_model(parents, other_version=self.other_version)
        return new_objects(context, "Mix", parents[0], model, [mixed], other_version=self.other_version)


class GEN3D_OT_breed(CodesBatchOperator, bpy.types.Operator):
    bl_idname = "gen3d.breed"
    bl_label = "Breed"
    bl_description = "Make what lies between two, three or four selected objects"
    bl_options = {"REGISTER"}

    def make_batch(self, context: compat.Context) -> Batch:
        parents = selected_objects(context, 2, 4)
        codes = [codes_of(each) for each in parents]
        recipes = [mixture(codes, weights, weights) for weights in mixtures(len(parents))]
        model = common_model(parents, other_version=self.other_version)
        return new_objects(context, "Breed", parents[0], model, recipes, other_version=self.other_version)


class GEN3D_OT_regenerate(CodesBatchOperator, bpy.types.Operator):
    bl_idname = "gen3d.regenerate"
    bl_label = "Regenerate"
    bl_description = "Make the selected objects again in place at the resolution above; all but their meshes stays"
    bl_options = {"REGISTER"}

    def make_batch(self, context: compat.Context) -> Batch:
        items = []
        for each in of_each_mesh(selected_objects(context)):  # one that cannot be changed stops no other
            held = each[RECORD]
            fields = {
                "recipe": only_parent(codes_of(each), int(held.get("seed", 0))),
                "model": model_of(each, other_version=self.other_version),
                "truncation": held.get("truncation"), "resolution": context.scene.gen3d.resolution,
            }  # fmt: skip
            show = functools.partial(remake, target=each.session_uid)
            items.append(Item(fields, made_by(maker_of(each), show, other_version=self.other_version)))
        return pressed_batch(context, "Regenerate", items)


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


class GEN3D_OT_paste_codes(CodesBatchOperator, bpy.types.Operator):
    bl_idname = "gen3d.paste_codes"
    bl_label = "Paste Codes"
    bl_description = "Make the object whose codes were copied, at the 3D cursor"
    bl_options = {"REGISTER"}

    text: bpy.props.StringProperty(
        description="The codes; the clipboard's where empty", options={"HIDDEN", "SKIP_SAVE"}
    )

    def make_batch(self, context: compat.Context) -> Batch:
        text = self.text or context.window_manager.clipboard
        return batch_from_text(context, "Paste", text, other_version=self.other_version)


def batch_from_text(context: compat.Context, label: str, text: str, *, other_version: bool) -> Batch:
    """The batch that makes at the 3D cursor what a text describes. Raises CodesError and InputError."""
    kept = from_text(text)
    maker = Maker(kept.model, kept.model_hash, kept.model_identity)
    settings = context.scene.gen3d
    fields = {
        "recipe": only_parent({"shape": kept.shape, "appearance": kept.appearance}),
        "model": key_of(maker, "of these codes", other_version=other_version),
        "resolution": settings.resolution, "truncation": kept.truncation,
    }  # fmt: skip
    group = NewObjects(label)
    where, name = place_at_cursor(context), f"{kept.model}_{label.lower()}"
    show = functools.partial(group.place, placement=where, name=name, size=settings.size)
    return pressed_batch(context, label, [Item(fields, made_by(maker, show, other_version=other_version))], group.seal)


CLASSES = (
    GEN3D_OT_vary,
    GEN3D_OT_mix,
    GEN3D_OT_breed,
    GEN3D_OT_regenerate,
    GEN3D_OT_copy_codes,
    GEN3D_OT_paste_codes,
)


register, unregister = compat.class_registration(CLASSES)
