# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Drivers and a geometry-nodes group that make a mesh follow one number, in any Blender and without the add-on.

Drivers here are sums of one variable, shaped by the driver's own curve: no Python expression, which Blender may refuse
to run in a file that came from elsewhere.
"""

from collections.abc import Sequence
from typing import Any

import bpy

from .. import compat

SEGMENT = "segment"
"""Face attribute of integers: which segment a face belongs to."""
STEP = "step "
"""Point attributes, followed by a step's number: the colours at that step, linear."""

Points = Sequence[tuple[float, float]]


def drive(owner: Any, path: str, source: bpy.types.Object, name: str, points: Points, interpolation: str) -> None:
    """Let a property of `owner` be what a curve through points gives for the custom property `name` of `source`."""
    curve = compat.new_driver(owner, path)
    driver = curve.driver
    driver.type = "SUM"
    variable = driver.variables.new()
    variable.targets[0].id = source
    variable.targets[0].data_path = f'["{name}"]'
    curve.keyframe_points.add(len(points))
    for key, point in zip(curve.keyframe_points, points, strict=True):
        key.co, key.interpolation = point, interpolation
    curve.update()


class _Group:
    """A group of geometry nodes being written."""

    def __init__(self, name: str) -> None:
        groups: Any = bpy.data.node_groups  # the stubs know no kind of tree
        self.tree = groups.new(name, "GeometryNodeTree")
        self.tree.is_modifier = True
        for way in ("INPUT", "OUTPUT"):
            self.tree.interface.new_socket("Geometry", in_out=way, socket_type="NodeSocketGeometry")

    def add(self, kind: str, *links: Any, **settings: Any) -> Any:
        """A node with these settings and its enabled inputs linked in order, None leaving one free; its first enabled
        output."""
        node = self.tree.nodes.new(kind)
        node.location = (180 * (len(self.tree.nodes) - 1), 0)
        for name, value in settings.items():
            setattr(node, name, value)
        free = [socket for socket in node.inputs if socket.enabled]
        for socket, source in zip(free, links, strict=False):
            if isinstance(source, str):
                socket.default_value = source
            elif source is not None:
                self.tree.links.new(source, socket)
        return next((socket for socket in node.outputs if socket.enabled), None)

    def number(self, name: str, source: bpy.types.Object, by: str, points: Points, interpolation: str) -> Any:
        """A number driven by an object's custom property."""
        output = self.add("ShaderNodeValue", name=name, label=name)
        drive(self.tree, f'nodes["{name}"].outputs[0].default_value', source, by, points, interpolation)
        return output


def add_modifier(placed: bpy.types.Object, by: str, segments: Points, steps: Points, colour: str) -> None:
    """Let the object show one segment of its mesh, and colours between those of two steps, as its property `by` says.

    segments: (value, number) from where on a segment is shown; steps: (value, number) of each step, or empty where
    the attribute `colour` holds already what is to be seen.
    """
    group = _Group(placed.name)
    geometry = group.add("NodeGroupInput")
    if len(segments) > 1:
        shown = group.number("Segment", placed, by, segments, "CONSTANT")
        own = group.add("GeometryNodeInputNamedAttribute", SEGMENT, data_type="INT")
        other = group.add("FunctionNodeCompare", own, shown, data_type="INT", operation="NOT_EQUAL")
        geometry = group.add("GeometryNodeDeleteGeometry", geometry, other, domain="FACE")
    if steps:
        step = group.number("Step", placed, by, steps, "LINEAR")
        between = group.add("ShaderNodeMath", step, operation="FRACT")
        near = [_colours(group, step, rounding) for rounding in ("FLOOR", "CEIL")]
        mixed = group.add("ShaderNodeMix", between, *near, data_type="VECTOR")
        geometry = group.add(
            "GeometryNodeStoreNamedAttribute", geometry, None, colour, mixed, data_type="BYTE_COLOR", domain="CORNER"
        )
    group.add("NodeGroupOutput", geometry)
    modifier: Any = placed.modifiers.new(by, "NODES")
    modifier.node_group = group.tree


def _colours(group: _Group, step: Any, rounding: str) -> Any:
    """Of the whole step below or above."""
    number = group.add("FunctionNodeValueToString", group.add("ShaderNodeMath", step, operation=rounding))
    prefix = group.add("FunctionNodeInputString", string=STEP)
    join = group.tree.nodes.new("GeometryNodeStringJoin")
    for text in (number, prefix):  # each new link of such a socket comes before those it has
        group.tree.links.new(text, join.inputs["Strings"])
    return group.add("GeometryNodeInputNamedAttribute", join.outputs[0], data_type="FLOAT_VECTOR")
