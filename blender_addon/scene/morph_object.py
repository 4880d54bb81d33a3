# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A morph from the worker becomes one object that follows its custom property ``Morph``.

All segments lie in one mesh, of which a geometry-nodes group shows one: swapping meshes from a frame handler crashes
renders and exports nothing. A flipbook is a morph whose segments have one step each. Steps within a segment are shape
keys and colours that are mixed.
"""

import itertools
from typing import Any

import bpy
import numpy as np

from ..worker.results import GeneratedMorph, Segment, Surface
from .morph_nodes import SEGMENT, STEP, add_modifier, drive
from .objects import COLOUR, build_mesh, frame_of_size, to_blender_axes

MORPH = "Morph"
MADE_OF = "gen3d_morph"
MADE_OF_VERSION = 1


def values_of_steps(made: GeneratedMorph) -> list[float]:
    """What ``Morph`` is at each step that has a mesh: it counts the objects that the path leads through, from 0 on;
    with even timing it tells how far the shape has changed instead, ending at the same number."""
    times = made.info.times
    if made.info.settings.timing == "even":
        times = np.linspace(0.0, times[-1], len(times)).tolist()
    return times[made.segments[0].first : made.segments[-1].last + 1]


def build(name: str, made: GeneratedMorph, size: float) -> bpy.types.Object:
    """The object, in no collection yet; its longest side is ``size`` metres at every step."""
    values = values_of_steps(made)
    placed = bpy.data.objects.new(name, _mesh(name, made, size))
    placed[MORPH] = values[0]
    limits: Any = placed.id_properties_ui(MORPH)
    limits.update(min=values[0], max=values[-1], description="Where on its way the object is")
    placed[MADE_OF] = _record(made, size)
    steps = []
    if len(made.segments) < len(values):
        _add_shape_keys(placed, made, size, values)
        _add_colours(placed, made)
        steps = [(value, float(step)) for step, value in enumerate(values)]
    add_modifier(placed, MORPH, _changes(made, values), steps, COLOUR)
    return placed


def _changes(made: GeneratedMorph, values: list[float]) -> list[tuple[float, float]]:
    """Values of ``Morph`` from which each segment is shown: half-way from the last step before it."""
    starts = [segment.first - made.segments[0].first for segment in made.segments[1:]]
    halves = ((values[start - 1] + values[start]) / 2 for start in starts)
    return [(values[0], 0.0), *((half, float(number)) for number, half in enumerate(halves, 1))]


def _mesh(name: str, made: GeneratedMorph, size: float) -> bpy.types.Mesh:
    """Every segment as it is at its first step."""
    begins = itertools.accumulate((segment.vertices.shape[1] for segment in made.segments), initial=0)
    surface = Surface(
        np.concatenate([segment.vertices[0] for segment in made.segments]),
        np.concatenate([segment.faces + begin for segment, begin in zip(made.segments, begins, strict=False)]),
        np.concatenate([segment.colours[0] for segment in made.segments]),
    )
    mesh = build_mesh(name, surface, frame_of_size(size))
    owners = np.repeat(np.arange(len(made.segments), dtype=np.int32), [len(each.faces) for each in made.segments])
    attribute: Any = mesh.attributes.new(SEGMENT, "INT", "FACE")
    attribute.data.foreach_set("value", owners)
    return mesh


def _at(segment: Segment, step: int) -> int:
    """Index of a step within a segment, of its nearest one where it does not reach so far."""
    return min(max(step, segment.first), segment.last) - segment.first


def _add_shape_keys(placed: bpy.types.Object, made: GeneratedMorph, size: float, values: list[float]) -> None:
    """One for each step but the first, which is the basis; each is full at its own step and fades to both sides."""
    placed.shape_key_add(name="Basis", from_mix=False)
    first, ends = made.segments[0].first, len(values) - 1
    for step in range(1, len(values)):
        key: Any = placed.shape_key_add(name=f"Step {step}", from_mix=False)
        vertices = np.concatenate([each.vertices[_at(each, first + step)] for each in made.segments])
        key.points.foreach_set("co", (size * to_blender_axes(vertices)).ravel())
        tent = [(values[step - 1], 0.0), (values[step], 1.0)] + ([(values[step + 1], 0.0)] if step < ends else [])
        drive(key, "value", placed, MORPH, tent, "LINEAR")


def _add_colours(placed: bpy.types.Object, made: GeneratedMorph) -> None:
    """Of each step, as vectors: a dozen attributes more of the kind colour would be in the way of the one that is
    meant."""
    mesh: Any = placed.data
    linear: Any = mesh.color_attributes.new("linear", "FLOAT_COLOR", "POINT")
    rgba = np.ones((len(mesh.vertices), 4), np.float32)
    first = made.segments[0].first
    for step in range(made.segments[-1].last + 1 - first):
        rgba[:, :3] = np.concatenate([each.colours[_at(each, first + step)] for each in made.segments])
        linear.data.foreach_set("color_srgb", rgba.ravel())
        flat = np.empty(rgba.size, np.float32)
        linear.data.foreach_get("color", flat)
        attribute: Any = mesh.attributes.new(f"{STEP}{step}", "FLOAT_VECTOR", "POINT")
        attribute.data.foreach_set("vector", np.ascontiguousarray(flat.reshape(-1, 4)[:, :3]).ravel())
        linear = mesh.color_attributes["linear"]  # a new attribute may move the others in memory
    mesh.color_attributes.remove(linear)
    mesh.color_attributes.active_color = mesh.color_attributes[COLOUR]


def _record(made: GeneratedMorph, size: float) -> dict[str, Any]:
    """What the object remembers of its making; codes of all steps one after another."""
    settings = made.info.settings
    return {
        "format_version": MADE_OF_VERSION,
        "size": size,
        "steps": len(made.shape_codes),
        "shape_codes": made.shape_codes.ravel().tolist(),
        "appearance_codes": made.appearance_codes.ravel().tolist(),
        "model": made.info.model.name,
        "model_hash": made.info.model.hash,
        "model_identity": made.info.model.identity,
        "truncation": made.info.truncation,
        "resolution": settings.resolution,
        "kind": settings.kind,
        "path": settings.path,
        "timing": settings.timing,
        "version": made.info.version,
    }
