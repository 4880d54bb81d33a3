# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The model that goes on with codes that are there: the one that made them, or another version of it after a question.

A retrained file of the same name takes codes of the old one and makes something else of them.
"""

from collections.abc import Callable, Sequence
from typing import Any

import bpy
from bpy.props import BoolProperty

from .. import compat
from ..queue.models import Maker
from ..queue.service import catalogue, learn, listing
from ..scene.objects import RECORD
from .selection import InputError
from .submission import BatchOperator, ReportingOperator, report_errors


class OtherVersionError(InputError):
    """Only another version of the model that made codes is there, and nobody said that it may be used."""

    def __init__(self, name: str) -> None:
        super().__init__(
            f"The model {name} that is there is another version than the one that made these codes, and makes "
            "something else of them: open the file that made them, or allow the other version"
        )


def maker_of(placed: bpy.types.Object) -> Maker:
    """The model that made an object, as it remembers it."""
    return Maker.of(placed[RECORD])


def key_of(maker: Maker, whose: str, *, other_version: bool) -> str:
    """Key of the model that made what `whose` names. Raises InputError where it is not there, OtherVersionError where
    another version is and may not be used."""
    if bpy.app.background and catalogue.has_news:
        learn()  # a window's panels have asked before
    entry = catalogue.find(maker)
    if entry is None:
        raise InputError(compat.model_is_missing(f"The model {maker.name} {whose} is not there: open its file first"))
    if entry.hash and not other_version and not maker.is_the_same(entry.hash, entry.identity):
        raise OtherVersionError(maker.name)
    return entry.key


def model_of(placed: bpy.types.Object, *, other_version: bool) -> str:
    """Key of the model that made an object. Raises as `key_of`."""
    return key_of(maker_of(placed), f"that made {placed.name}", other_version=other_version)


def common_model(parents: Sequence[bpy.types.Object], *, other_version: bool) -> str:
    """The one model of several objects. Raises InputError where they have several, and as `key_of`."""
    makers = [maker_of(each) for each in parents]
    names = sorted({maker.name for maker in makers})
    if len(names) > 1 or not all(makers[0].is_the_same(each.hash, each.identity) for each in makers):
        several = "different models" if len(names) > 1 else "different versions of a model"
        raise InputError(f"These objects were made by {several}: {', '.join(names)}")
    return model_of(parents[0], other_version=other_version)


def made_by(maker: Maker, apply: Callable[[Any], object], *, other_version: bool) -> Callable[[Any], object]:
    """`apply` for what the very model makes, unless another version may: a file can change after it was looked at, or
    before it was. What it returns raises OtherVersionError."""

    def apply_if_same(made: Any) -> object:
        model = made.info.model
        if not other_version and not maker.is_the_same(model.hash, model.identity):
            catalogue.forget()
            listing.want()
            raise OtherVersionError(maker.name)
        return apply(made)

    return apply_if_same


class CodesOperator(ReportingOperator):
    """Operators that go on with codes: pressed, they ask before another version of the model is used."""

    other_version: BoolProperty(
        name="Use Another Version",
        description="Whether another version of the model may make something else of the codes",
        options={"HIDDEN", "SKIP_SAVE"},
    )

    def invoke(self, context: compat.Context, event: bpy.types.Event) -> set[str]:
        operator: Any = self
        try:
            return report_errors(operator, context, raised=OtherVersionError)
        except OtherVersionError as asked:
            operator.other_version = True
            return context.window_manager.invoke_confirm(
                operator, event, title="Another Version of the Model", message=str(asked),
                confirm_text="Use Other Version", icon="WARNING",
            )  # fmt: skip


class CodesBatchOperator(CodesOperator, BatchOperator):
    """Such ones that make or change meshes: theirs is `make_batch`."""
