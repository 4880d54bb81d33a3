# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The colours of generated objects as a picture on an unwrapped surface, for programs that read no corner colours.

Blender's own means: Smart UV Project, and Cycles to bake what the material shows.
"""

import math
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import bpy

from .. import compat
from .objects import COLOUR, TEXTURED, colour_attribute, colour_material, principled

ISLAND_ANGLE = math.radians(66)
MARGIN = 4  # pixels of colour beyond the edge of an island, and half of what lies between two


class BakeError(RuntimeError):
    """A texture cannot be baked. The message is one line for the user."""


def bake_texture(context: compat.Context, placed: bpy.types.Object, pixels: int) -> None:
    """Unwrap an object's mesh and keep its colours in a picture. Raises BakeError."""
    mesh: Any = placed.data
    if not mesh.is_editable or mesh.override_library is not None:
        raise BakeError(f"The mesh of {placed.name} is linked from another file: make it local first")
    if COLOUR not in mesh.color_attributes:
        raise BakeError(f"{placed.name} has lost its colours: regenerate it first")
    if not mesh.polygons:
        raise BakeError(f"{placed.name} has no faces: regenerate it first")
    with stand_in(context, mesh) as other, select_alone(context, other):
        unwrap(pixels)
        bake(context, other, f"{placed.name} texture", pixels)


@contextmanager
def stand_in(context: compat.Context, mesh: bpy.types.Mesh) -> Iterator[bpy.types.Object]:
    """An object of the same mesh that can be selected and rendered, whatever holds for those of the scene."""
    other = bpy.data.objects.new("Gen3D bake", mesh)
    context.scene.collection.objects.link(other)
    try:
        context.view_layer.update()  # until then it cannot be selected
        yield other
    finally:
        bpy.data.objects.remove(other)


@contextmanager
def select_alone(context: compat.Context, placed: bpy.types.Object) -> Iterator[None]:
    """Only this object is selected, and active; as it was before, afterwards."""
    layer = context.view_layer
    selected, active = list(context.selected_objects), layer.objects.active
    try:
        for each in selected:
            each.select_set(False)
        placed.select_set(True)
        layer.objects.active = placed
        yield
    finally:
        for each in selected:
            each.select_set(True)
        layer.objects.active = active


def unwrap(pixels: int) -> None:
    operators = compat.operators()
    operators.object.mode_set(mode="EDIT")
    try:
        operators.mesh.select_all(action="SELECT")
        operators.uv.smart_project(angle_limit=ISLAND_ANGLE, island_margin=2 * MARGIN / pixels)
    finally:
        operators.object.mode_set(mode="OBJECT")


def bake(context: compat.Context, placed: bpy.types.Object, name: str, pixels: int) -> None:
    """A picture of the corner colours over the object's UVs, packed into the file, and a material that shows it, both
    of a name. Raises BakeError where Cycles is not there."""
    mesh: Any = placed.data
    image = bpy.data.images.new(name, pixels, pixels)
    material = bpy.data.materials.new(name)
    material[TEXTURED] = True
    tree = compat.node_tree(material)
    tree.nodes.clear()
    attribute, light = colour_attribute(tree), tree.nodes.new("ShaderNodeEmission")
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    tree.links.new(attribute.outputs["Color"], light.inputs["Color"])
    tree.links.new(light.outputs["Emission"], output.inputs["Surface"])
    picture: Any = tree.nodes.new("ShaderNodeTexImage")
    picture.image, picture.location = image, (-300, 0)
    tree.nodes.active = picture  # where the bake goes

    before = list(mesh.materials)
    mesh.materials.clear()
    mesh.materials.append(material)
    try:
        with use_cycles(context.scene):
            compat.operators().object.bake(
                type="EMIT", target="IMAGE_TEXTURES", save_mode="INTERNAL", margin=MARGIN, use_clear=True,
                use_selected_to_active=False,
            )  # fmt: skip
    except BaseException:
        restore(mesh, before)
        bpy.data.materials.remove(material)
        bpy.data.images.remove(image)
        raise
    image.pack()
    tree.nodes.remove(attribute)
    tree.nodes.remove(light)
    tree.links.new(picture.outputs["Color"], principled(tree).inputs["Base Color"])
    after = [material if each is None or TEXTURED in each or each == colour_material() else each for each in before]
    restore(mesh, after if material in after else [material, *after[1:]])


def restore(mesh: Any, materials: list[Any]) -> None:
    mesh.materials.clear()
    for each in materials:
        mesh.materials.append(each)


@contextmanager
def use_cycles(scene: Any) -> Iterator[None]:
    """One sample by Cycles on the processor; the scene's own settings again afterwards."""
    if not hasattr(scene, "cycles"):
        raise BakeError("Baking needs Blender's add-on Cycles: enable it in the preferences")
    engine, samples, device = scene.render.engine, scene.cycles.samples, scene.cycles.device
    try:
        scene.render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 1, "CPU"
        yield
    finally:
        scene.render.engine, scene.cycles.samples, scene.cycles.device = engine, samples, device
