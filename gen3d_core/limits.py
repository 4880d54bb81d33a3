"""Ranges of what a user may ask for, shared by the command line, the worker's messages and the Python face.

Standard library only. Each check returns the value it was given, or raises `Gen3DError` with one line.
"""

from __future__ import annotations

import math
import operator
from numbers import Real

from gen3d_core.errors import Gen3DError

RESOLUTION = (16, 512)
"""Samples of the field along each side of the cube [-1, 1]^3."""
SEED = (0, 2**31 - 1)
"""Fits the 32-bit signed integers of Blender's properties."""
COUNT = (1, 10_000)
TRUNCATION = (0.0, 2.0)
"""Factor on the styles' distance from their mean: 0 is the model's average object, 1 the full variety."""
FLOATERS = (0.0, 1.0)
"""Share of the largest component's area from which a loose component is kept: 1 keeps only the largest, 0 keeps all."""
SCALE = (1e-6, 1e6)
"""Length of a written mesh's longest side."""

CHOSEN_SHAPES = (1, 1 << 16)
"""Shapes that seeds of a model name, where it lists them."""
THREADS = (1, 1024)
"""Of the processor; more than it has are never started."""

PARENTS = (0, 4)
"""Objects that one is made from."""
STRENGTH = (0.0, 1.0)
"""How far a variation goes: 0 nowhere, 1 to another object."""
CODE = (-20.0, 20.0)
"""Values that a code's numbers may have: a hundred million draws of a standard normal stay within a third of it."""
PICTURES = (1, 16)
"""Of one object, encoded together."""
PICTURE_PIXELS = 100_000_000
"""Of a picture that is decoded, at most."""
PICTURE_BYTES = 256 << 20
"""Of a picture's file, at most."""
ENCODED_SIDE = (8, 1024)
"""Pixels along each side of a picture that a client sends to be encoded."""
THUMBNAILS = (1, 64)
"""Pictures drawn at once."""
THUMBNAIL_SIZE = (16, 512)
"""Pixels along a side of one."""
MORPH_KEYS = (2, 256)
"""Objects on a path."""
MORPH_STEPS = (2, 256)
"""Meshes along a path."""
MORPH_SIZE = (1, 1 << 23)
"""Squared resolution times steps: what the vertices of all meshes grow with."""
MORPH_VERTICES = (1, 1 << 25)
"""Vertices of all meshes together: 24 bytes each."""
MORPH_KINDS = ("morph", "flipbook")
MORPH_PATHS = ("lerp", "slerp", "catmull-rom")
MORPH_TIMINGS = ("uniform", "even")
MORPH_AFTER_CHANGE = ("segment", "stop")
"""What a morph may be: see `gen3d_core.morphing.interpolate` and `gen3d_core.codes.path`."""


def check_whole(name: str, value: object, bounds: tuple[int, int]) -> int:
    """An integer within `bounds` (both included), numpy's too, as an int; booleans are not integers here."""
    try:
        number = None if _is_boolean(value) else operator.index(value)  # pyright: ignore[reportArgumentType]
    except TypeError:
        number = None
    if number is None:
        raise Gen3DError(f"{name} is {abbreviate(value)}: expected a whole number from {bounds[0]} to {bounds[1]}")
    if not bounds[0] <= number <= bounds[1]:
        raise Gen3DError(f"{name} is {abbreviate(number)}: expected {bounds[0]} to {bounds[1]}")
    return number


def check_real(name: str, value: object, bounds: tuple[float, float]) -> float:
    """A finite number within `bounds` (both included), numpy's too, as a float."""
    if isinstance(value, bool) or not isinstance(value, Real):
        raise Gen3DError(f"{name} is {abbreviate(value)}: expected a number from {bounds[0]:g} to {bounds[1]:g}")
    number = value if isinstance(value, int) else float(value)
    if not bounds[0] <= number <= bounds[1]:  # false for NaN and infinities too
        raise Gen3DError(f"{name} is {abbreviate(number)}: expected {bounds[0]:g} to {bounds[1]:g}")
    return float(number)


def check_choice(name: str, value: object, known: tuple[str, ...]) -> str:
    """One of a few words."""
    if value not in known:
        raise Gen3DError(f"{name} is {abbreviate(value)}: known are {', '.join(known)}")
    return str(value)


def _is_boolean(value: object) -> bool:
    """Python's or numpy's, which this module does not import."""
    return isinstance(value, bool) or getattr(getattr(value, "dtype", None), "kind", "") == "b"


def abbreviate(value: object) -> str:
    """A value in a few characters, however large it is."""
    if isinstance(value, int) and abs(value) >= 10**20:
        return f"a number of about {math.log10(abs(value)):.0f} digits"
    text = repr(value)
    return text if len(text) <= 60 else text[:57] + "..."
