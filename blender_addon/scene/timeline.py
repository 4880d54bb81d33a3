# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Keyframes of a morph on the timeline."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import bpy

from .. import compat
from .morph_object import MORPH

EASINGS = {"LINEAR": "LINEAR", "EASE": "SINE", "SMOOTH": "BEZIER"}
REPEATS = {"ONCE": None, "LOOP": "REPEAT", "PING_PONG": "MIRROR"}


@dataclass(frozen=True)
class Timing:
    """Frames of the first and the last key, how it moves between keys (of EASINGS) and what follows (of REPEATS)."""

    start: int
    end: int
    easing: str
    repeat: str


def key_morph(placed: bpy.types.Object, values: Sequence[float], whole: float, timing: Timing) -> None:
    """Key the object's ``Morph`` at rising values, of which `whole` would be reached at the end."""
    for value in values:
        placed[MORPH] = value
        frame = timing.start + (timing.end - timing.start) * value / whole
        placed.keyframe_insert(f'["{MORPH}"]', frame=frame)
    (curve,) = compat.curves_of(placed)
    for key in curve.keyframe_points:
        key.interpolation = EASINGS[timing.easing]
        key.easing = "EASE_IN_OUT"
    if mode := REPEATS[timing.repeat]:
        cycles: Any = curve.modifiers.new("CYCLES")
        cycles.mode_before = cycles.mode_after = mode
    curve.update()
    mesh: Any = placed.data
    if mesh.shape_keys is not None:
        compat.share_action(placed, mesh.shape_keys)
