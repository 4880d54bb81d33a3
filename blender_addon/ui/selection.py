# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators begin with: the selected generated objects, their models, places for new ones."""

from collections.abc import Iterable

import bpy

from .. import compat
from ..scene.objects import SPACING, Placement, remembers
from ..scene.remaking import locked

CHOOSE = "This scene's model is not there: choose one"


class InputError(RuntimeError):
    """What is selected or set does not do for this. The message is one line for the user."""


def selected_objects(context: compat.Context, least: int = 1, most: int = 1000) -> list[bpy.types.Object]:
    """The selected generated objects, the active one first. Raises InputError when they are too few or too many."""
    found = [each for each in context.selected_objects if remembers(each)]
    found.sort(key=lambda each: (each != context.view_layer.objects.active, each.name))
    if not least <= len(found) <= most:
        wanted = f"{least}" if least == most else f"{least} to {most}"
        raise InputError(f"Select {wanted} generated objects: {len(found)} are selected")
    return found


def changeable_objects(context: compat.Context, least: int = 1, most: int = 1000) -> list[bpy.types.Object]:
    """As `selected_objects`, for what changes them. Raises InputError for one that cannot be changed."""
    found = selected_objects(context, least, most)
    if reason := next(filter(None, map(locked, found)), ""):
        raise InputError(reason)
    return found


def of_each_mesh(objects: Iterable[bpy.types.Object]) -> list[bpy.types.Object]:
    """The first of those that share a mesh."""
    firsts: dict[bpy.types.ID | None, bpy.types.Object] = {}
    for each in objects:
        firsts.setdefault(each.data, each)
    return list(firsts.values())


def chosen_model(context: compat.Context) -> str:
    """Key of the model that the settings name. Raises InputError where it is not there."""
    model = context.scene.gen3d.model
    if not model:
        raise InputError(compat.model_is_missing(CHOOSE))
    return model


def has_model(cls: type[bpy.types.Operator], context: compat.Context) -> bool:
    """Whether the model that the settings name is there; says why where it is not."""
    if not context.scene.gen3d.model:
        cls.poll_message_set(compat.model_is_missing(CHOOSE))
        return False
    return True


def place_at_cursor(context: compat.Context) -> Placement:
    """The 3D cursor and the active collection of now. Raises InputError where that takes no objects."""
    collection = context.collection
    if not collection.is_editable or collection.override_library is not None:
        raise InputError(f"The active collection {collection.name!r} cannot be edited: choose another one")
    return Placement.here(context)


def places_beside(placed: bpy.types.Object, context: compat.Context, count: int, size: float) -> list[Placement]:
    """Places for new objects in a grid that begins to the right of one. Raises InputError as `place_at_cursor`."""
    x, y, z = placed.matrix_world.translation
    here = place_at_cursor(context)
    return Placement(here.scene, here.collection, (x + SPACING * size, y, z)).grid(count, size)
