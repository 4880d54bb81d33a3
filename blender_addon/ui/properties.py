# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the user chooses, kept with the scene."""

from typing import Any

import bpy
from bpy.props import (
    BoolProperty,
    CollectionProperty,
    EnumProperty,
    FloatProperty,
    IntProperty,
    PointerProperty,
    StringProperty,
)

from gen3d_core import protocol

from .. import compat
from ..queue.service import catalogue
from .adjust import on_slider_moved
from .morph_settings import GEN3D_PG_morph

SETTINGS = "gen3d"  # as in context.scene.gen3d
MOST_AT_ONCE = 64


def _models(settings: Any, context: compat.Context) -> list[tuple[str, str, str, int, int]]:
    return catalogue.items()


def _model_number(settings: Any) -> int:
    """Where the model stands in the list: the first one until another is chosen, none (-1) where it is gone."""
    keys = [item[0] for item in catalogue.items()]
    if not settings.model_key:
        return 0
    return keys.index(settings.model_key) if settings.model_key in keys else -1


def _choose_model(settings: Any, number: int) -> None:
    settings.model_key = catalogue.items()[number][0]


class GEN3D_PG_slider(bpy.types.PropertyGroup):
    """Where the adjusted object stands along a direction of its model."""

    name: StringProperty()
    code: StringProperty()
    low: FloatProperty()
    high: FloatProperty()
    value: FloatProperty(
        name="Value",
        description="In standard deviations of all objects of this kind; 0 is the average",
        soft_min=-3.0,
        soft_max=3.0,
        update=on_slider_moved,
    )


class GEN3D_PG_favourite(bpy.types.PropertyGroup):
    """Codes worth keeping, as text."""

    name: StringProperty(name="Name")
    text: StringProperty()


class GEN3D_PG_settings(bpy.types.PropertyGroup):
    model: EnumProperty(
        name="Model",
        description="The kind of object to make",
        items=_models,  # pyright: ignore[reportArgumentType]  # the stubs know no numbers of icons
        get=_model_number,
        set=_choose_model,
    )
    # What a .blend keeps: the place in the list changes with the models that are there.
    model_key: StringProperty(options={"HIDDEN"})
    seed: IntProperty(
        name="Seed",
        description="Which object of its kind: the same seed always makes the same object",
        default=0,
        min=protocol.limits.SEED[0],
        max=protocol.limits.SEED[1],
    )
    own_look: BoolProperty(
        name="Appearance of Its Own",
        description="Colour it like another seed's object; otherwise the one seed gives shape and appearance",
        default=False,
    )
    appearance_seed: IntProperty(
        name="Appearance Seed",
        description="Which appearance the shape wears",
        default=0,
        min=protocol.limits.SEED[0],
        max=protocol.limits.SEED[1],
    )
    count: IntProperty(
        name="Count",
        description="How many objects, with the seeds from this one upwards, laid out in a grid",
        default=1,
        min=1,
        soft_max=16,
        max=MOST_AT_ONCE,
    )
    resolution: IntProperty(
        name="Resolution",
        description="Samples along each side: more show finer detail and take longer",
        default=128,
        min=protocol.limits.RESOLUTION[0],
        max=protocol.limits.RESOLUTION[1],
        soft_min=64,
        soft_max=512,
    )
    own_variety: BoolProperty(
        name="Variety of My Own",
        description="Choose how far objects differ from the average one; otherwise as the model's maker found best",
        default=False,
    )
    variety: FloatProperty(
        name="Variety",
        description="0 makes the model's average object, 1 uses all it has learned; less is often cleaner",
        default=0.8,
        min=protocol.limits.TRUNCATION[0],
        max=protocol.limits.TRUNCATION[1],
        soft_max=1.0,
        subtype="FACTOR",
    )
    size: FloatProperty(
        name="Size",
        description="Length of the object's longest side",
        default=1.0,
        min=1e-3,
        soft_max=10.0,
        max=1e4,
        unit="LENGTH",
    )
    vary: EnumProperty(
        name="Vary",
        description="What the variations differ in",
        items=[
            ("BOTH", "Both", "Shape and appearance"),
            ("SHAPE", "Shape", "The shape alone"),
            ("APPEARANCE", "Appearance", "The appearance alone"),
        ],
    )
    strength: FloatProperty(
        name="Strength",
        description="How far variations go: 0 nowhere, 1 to another object",
        default=0.3,
        min=protocol.limits.STRENGTH[0],
        max=protocol.limits.STRENGTH[1],
        subtype="FACTOR",
    )
    variations: IntProperty(
        name="Variations",
        description="How many are made at once",
        default=4,
        min=1,
        soft_max=16,
        max=MOST_AT_ONCE,
    )
    train_minutes: FloatProperty(
        name="Minutes",
        description="How long to train: something is recognisable after a quarter of an hour, good after hours",
        default=60.0,
        min=1.0,
        max=10_000.0,
        precision=0,
    )
    train_views: IntProperty(
        name="Views", description="Pictures rendered of each mesh", default=20, min=1, soft_max=100, max=1000
    )
    training: StringProperty(description="Folder of this scene's training", options={"HIDDEN"})
    morph: PointerProperty(type=GEN3D_PG_morph)
    sliders: CollectionProperty(type=GEN3D_PG_slider)
    favourites: CollectionProperty(type=GEN3D_PG_favourite)
    favourite: IntProperty(default=0, options={"HIDDEN"})


CLASSES = (GEN3D_PG_slider, GEN3D_PG_favourite, GEN3D_PG_settings)

register_classes, unregister_classes = compat.class_registration(CLASSES)


def register() -> None:
    register_classes()
    setattr(bpy.types.Scene, SETTINGS, PointerProperty(type=GEN3D_PG_settings))


def unregister() -> None:
    delattr(bpy.types.Scene, SETTINGS)
    unregister_classes()
