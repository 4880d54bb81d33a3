"""What makes dataclasses that hold arrays equal."""

from __future__ import annotations

import dataclasses

import numpy as np


class ByValue:
    """For dataclasses with arrays, themselves declared with `eq=False`: equal where all fields are, arrays element by
    element and in shape. Like arrays and lists they have no hash."""

    def __eq__(self, other: object) -> bool:
        if type(other) is not type(self):
            return NotImplemented
        return all(
            _same(getattr(self, field.name), getattr(other, field.name))
            for field in dataclasses.fields(self)  # pyright: ignore[reportArgumentType]
        )

    __hash__ = None  # pyright: ignore[reportAssignmentType]


def _same(one: object, other: object) -> bool:
    if isinstance(one, np.ndarray) or isinstance(other, np.ndarray):
        return np.array_equal(one, other)  # pyright: ignore[reportArgumentType]
    return one == other
