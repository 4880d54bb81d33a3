# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What operators begin with: the selected generated objects, their models, places for new ones."""

from collections.abc import Sequence

import bpy

from .. import compat
from ..queue.service import catalogue
from ..scene.objects import RECORD, SPACING, Placement, remembers


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


def model_of(placed: bpy.types.Object) -> str:
    """Key of the model that made an object. Raises InputError where it is not there."""
    held = placed[RECORD]
    maker = catalogue.maker(str(held["model"]), str(held["model_hash"]))
    if maker is None:
        raise InputError(f"The model {held['model']} that made {placed.name} is not there: open its file first")
    return maker.key


def common_model(parents: Sequence[bpy.types.Object]) -> str:
    """The one model of several objects. Raises InputError where they have several."""
    makers = {(str(each[RECORD]["model"]), str(each[RECORD]["model_hash"])) for each in parents}
    if len(makers) > 1:
        names = sorted({name for name, _ in makers})
        several = "different models" if len(names) > 1 else "different versions of a model"
        raise InputError(f"These objects were made by {several}: {', '.join(names)}")
    return model_of(parents[0])


def chosen_model(context: compat.Context) -> str:
    """Key of the model that the settings name. Raises InputError where it is not there."""
    model = context.scene.gen3d.model
    if not model:
        raise InputError("This scene's model is not there: choose one")
    return model


def place_at_cursor(context: compat.Context) -> Placement:
    """The 3D cursor and the active collection of now. Raises InputError where that takes no objects."""
    collection = context.collection
    if not collection.is_editable:
        raise InputError(f"The active collection {collection.name!r} cannot be edited: choose another one")
    return Placement.here(context)


def places_beside(placed: bpy.types.Object, context: compat.Context, count: int, size: float) -> list[Placement]:
    """Places for new objects in a grid that begins to the right of one. Raises InputError as `place_at_cursor`."""
    x, y, z = placed.matrix_world.translation
    here = place_at_cursor(context)
    return Placement(here.scene, here.collection, (x + SPACING * size, y, z)).grid(count, size)
