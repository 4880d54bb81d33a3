# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Arrays from the worker become an object in the scene: mesh, colours, material, place, memory of what made it."""

import math
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np

from gen3d_core import protocol

from .. import compat
from ..worker.results import GeneratedMesh, Surface
from .rest import keep_rest

COLOUR = "Colour"
MATERIAL = "Gen3D colour"
TEXTURED = "gen3d_texture"  # custom property of a material that shows a baked picture
RECORD = "gen3d"
RECORD_VERSION = 1
SPACING = 1.3  # between the centres of a grid's objects, in their sizes


class PlacementError(RuntimeError):
    """The place that was chosen for an object is gone. The message is one line for the user."""


@dataclass(frozen=True)
class Placement:
    """Where an object is to appear, noted when its making starts.

    Session identifiers instead of references: an undo step or another file frees what a reference points to.
    """

    scene: int
    collection: int
    location: tuple[float, float, float]

    @classmethod
    def here(cls, context: compat.Context) -> "Placement":
        """The 3D cursor and the active collection of now."""
        x, y, z = context.scene.cursor.location
        return cls(context.scene.session_uid, context.collection.session_uid, (x, y, z))

    def grid(self, count: int, size: float) -> list["Placement"]:
        """Places for ``count`` objects of a size in metres: rows to the right, then to the back, the first one here."""
        columns = math.ceil(math.sqrt(count))
        x, y, z = self.location
        step = SPACING * size
        return [replace(self, location=(x + i % columns * step, y + i // columns * step, z)) for i in range(count)]

    def find(self) -> tuple[bpy.types.Scene, bpy.types.Collection]:
        """The scene and the collection, or the scene's own collection for one that is gone. Raises PlacementError."""
        scene = find_scene(self.scene)
        inside = scene.collection.children_recursive
        collection = next((found for found in inside if found.session_uid == self.collection), scene.collection)
        return scene, collection


def find_scene(identifier: int) -> bpy.types.Scene:
    """The scene of a session identifier. Raises PlacementError when it is gone."""
    scene = next((scene for scene in bpy.data.scenes if scene.session_uid == identifier), None)
    if scene is None:
        raise PlacementError("The scene in which Generate was pressed is gone: press it again")
    return scene


def to_blender_axes(points: np.ndarray) -> np.ndarray:
    """(V, 3) points with the front at +X to Blender's front at -Y; both Z up."""
    return np.stack((points[:, 1], -points[:, 0], points[:, 2]), axis=1)


def build_mesh(name: str, made: Surface, frame: np.ndarray) -> bpy.types.Mesh:
    """A smooth-shaded mesh data-block, put where a frame (4, 4) takes what is 1 long and stands on the origin, with the
    corner colours ``Colour`` and the material that shows them."""
    points = to_blender_axes(made.vertices) @ frame[:3, :3].T + frame[:3, 3]
    corners = (made.faces if np.linalg.det(frame[:3, :3]) > 0 else made.faces[:, ::-1]).ravel()
    mesh = bpy.data.meshes.new(name)
    mesh.vertices.add(len(made.vertices))
    mesh.loops.add(len(corners))
    # As attributes whole arrays are copied; as properties of vertices and loops each number would be set by a call.
    attributes: Any = mesh.attributes
    attributes["position"].data.foreach_set("vector", points.astype(np.float32).ravel())
    attributes[".corner_vert"].data.foreach_set("value", corners)
    mesh.polygons.add(len(made.faces))
    mesh.polygons.foreach_set("loop_start", np.arange(0, len(corners), 3, dtype=np.int32))
    mesh.update(calc_edges=True)
    mesh.shade_smooth()
    # Corner bytes are the one kind of colour that every exporter of Blender writes.
    colours: Any = mesh.color_attributes.new(COLOUR, "BYTE_COLOR", "CORNER")
    rgba = np.ones((len(made.colours), 4), dtype=np.float32)
    rgba[:, :3] = made.colours
    colours.data.foreach_set("color_srgb", rgba[corners].ravel())
    mesh.color_attributes.active_color = colours
    mesh.color_attributes.render_color_index = mesh.color_attributes.find(COLOUR)
    mesh.materials.append(colour_material())
    return mesh


def frame_of_size(size: float) -> np.ndarray:
    """(4, 4) for an object of which nothing is turned or moved, its longest side `size` metres."""
    return np.diag([size, size, size, 1.0])


def colour_material() -> bpy.types.Material:
    """The material that all generated meshes share: a Principled surface coloured by the attribute ``Colour``."""
    for material in bpy.data.materials:
        if material.name == MATERIAL and material.library is None:
            return material
    material = bpy.data.materials.new(MATERIAL)
    tree = compat.node_tree(material)
    attribute = colour_attribute(tree)
    tree.links.new(attribute.outputs["Color"], principled(tree).inputs["Base Color"])
    return material


def colour_attribute(tree: bpy.types.ShaderNodeTree) -> Any:
    """A node that gives the attribute ``Colour``."""
    attribute: Any = tree.nodes.new("ShaderNodeVertexColor")
    attribute.layer_name = COLOUR
    attribute.location = (-300, 0)
    return attribute


def principled(tree: bpy.types.ShaderNodeTree) -> Any:
    """The surface of all materials here, in place of what the tree shows; its base colour is to be linked."""
    for node in list(tree.nodes):
        if node.bl_idname in ("ShaderNodeBsdfPrincipled", "ShaderNodeOutputMaterial"):
            tree.nodes.remove(node)
    surface: Any = tree.nodes.new("ShaderNodeBsdfPrincipled")
    surface.inputs["Roughness"].default_value = 0.7
    output = tree.nodes.new("ShaderNodeOutputMaterial")
    output.location = (300, 0)
    tree.links.new(surface.outputs["BSDF"], output.inputs["Surface"])
    return surface


def record(info: protocol.MeshResult | protocol.EncodedResult, size: float) -> dict[str, Any]:
    """What an object remembers of its making, as custom properties that can be read without the add-on; one made from a
    picture has no seed."""
    seed = {"seed": info.seed} if isinstance(info, protocol.MeshResult) else {}
    return {
        "format_version": RECORD_VERSION,
        "size": size,
        "model": info.model.name,
        "model_hash": info.model.hash,
        "model_identity": info.model.identity,
        **seed,
        "shape_code": info.summary.shape_code,
        "appearance_code": info.summary.appearance_code,
        "positions": info.summary.positions,
        "truncation": info.truncation,
        "resolution": info.summary.resolution,
        "floaters": info.summary.floaters,
        "version": info.version,
    }


def view_layer_of(scene: bpy.types.Scene) -> bpy.types.ViewLayer:
    """The view layer in which the user sees the scene, or its first."""
    for window in compat.windows():
        if window.scene == scene:
            return window.view_layer
    return scene.view_layers[0]


def find(identifier: int) -> bpy.types.Object | None:
    """The object of a session identifier."""
    return next((each for each in bpy.data.objects if each.session_uid == identifier), None)


def remembers(placed: bpy.types.Object | None) -> bool:
    """Whether an object was generated and holds what made it."""
    if placed is None or placed.type != "MESH" or RECORD not in placed:
        return False
    held = placed[RECORD]
    return hasattr(held, "to_dict") and {"model", "model_hash", "shape_code", "appearance_code"} <= set(held.keys())


def codes_of(placed: bpy.types.Object) -> dict[str, list[float]]:
    """An object's codes as a request's parent."""
    held = placed[RECORD]
    return {"shape": [float(v) for v in held["shape_code"]], "appearance": [float(v) for v in held["appearance_code"]]}


def only_parent(codes: dict[str, list[float]], seed: int = 0) -> protocol.Recipe:
    """The object of these codes, until it is varied towards what the seed draws. Raises Gen3DError for codes that no
    object has."""
    return protocol.Recipe(seed, parents=[protocol.Parent(**codes)], shape_weights=[1.0], appearance_weights=[1.0])


def place(
    made: GeneratedMesh, placement: Placement, name: str, size: float = 1.0, *, alone: bool = True
) -> bpy.types.Object:
    """Put a generated mesh into the scene, selected and active, the only one selected where ``alone``.

    What it raises, PlacementError where the place is gone, leaves nothing changed.
    """
    placement.find()  # before anything is made
    properties = record(made.info, size)
    mesh = build_mesh(name, made, frame_of_size(size))
    keep_rest(mesh, to_blender_axes(made.vertices))
    placed = bpy.data.objects.new(name, mesh)
    placed[RECORD] = properties
    try:
        link(placed, placement, alone=alone)
    except Exception:
        bpy.data.objects.remove(placed)
        bpy.data.meshes.remove(mesh)
        raise
    return placed


def link(placed: bpy.types.Object, placement: Placement, *, alone: bool = True) -> None:
    """Put an object in its place, selected and active, the only one selected where ``alone``. Raises PlacementError."""
    scene, collection = placement.find()
    placed.location = placement.location
    collection.objects.link(placed)
    view_layer = view_layer_of(scene)
    view_layer.update()  # until then it does not list what was linked
    # A collection that is excluded from the view layer takes the object, but there is nothing to select then.
    if view_layer.objects.get(placed.name) is not None:
        for other in list(view_layer.objects.selected) if alone else ():
            other.select_set(False, view_layer=view_layer)
        placed.select_set(True, view_layer=view_layer)
        view_layer.objects.active = placed
