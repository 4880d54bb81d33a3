# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""New objects, and what Blender's redo panel (F9) offers for them once they are there.

The meshes of the last batch are kept, so that the redo panel can place them again in another size, turned, smoothed,
with fewer faces or as quads, without the worker.
"""

import math
from dataclasses import dataclass, replace
from typing import Any

import bpy
import numpy as np
from bpy.props import BoolProperty, FloatProperty, IntProperty

from .. import compat
from ..worker.results import GeneratedMesh
from .objects import Placement, PlacementError, find_scene, place, view_layer_of

KEPT_FACES = 4_000_000  # of all meshes of a batch, some 100 MB; beyond, the redo panel is not offered
SMOOTH, DECIMATE = "Gen3D smooth", "Gen3D decimate"


@dataclass(frozen=True)
class Arrival:
    """A mesh that came, and where, under which name and in which size in metres it belongs."""

    made: GeneratedMesh
    placement: Placement
    name: str
    size: float


class NewObjects:
    """Objects that are made together: ``place`` puts one into the scene, ``seal`` makes one undo step of all."""

    def __init__(self, label: str) -> None:
        self.label = label
        self.arrivals: list[Arrival] = []
        self.settled = False
        self._faces = 0

    def place(self, made: GeneratedMesh, placement: Placement, name: str, size: float) -> bpy.types.Object:
        placed = place(made, placement, name, size, alone=not self._faces)
        self._faces += len(made.faces)
        if self._faces <= KEPT_FACES:
            self.arrivals.append(Arrival(made, placement, name, size))
        else:
            self.arrivals.clear()
        return placed

    def seal(self) -> None:
        windows = compat.windows()
        if bpy.app.background or not windows or not self.arrivals:
            compat.push_undo(self.label)  # nobody is there to press F9
            return
        shelf.newest = self
        with compat.context().temp_override(window=windows[0], **_view(windows[0])):
            compat.operators().gen3d.place("EXEC_DEFAULT", True)


class Shelf:
    """The objects that the redo panel speaks of."""

    newest: NewObjects | None = None


shelf = Shelf()


def seal_without_redo(label: str) -> None:
    """Make the undo step of what the redo panel cannot do again; what it showed before is over."""
    shelf.newest = None
    compat.push_undo(label)


def may_change(scene: int) -> bool:
    """Whether a scene, named by its session identifier, can take objects or meshes now: not during a mode or a
    transform whose undo steps they would tear apart, and not while rendering. Raises PlacementError when it is gone."""
    active = view_layer_of(find_scene(scene)).objects.active
    if (active is not None and active.mode != "OBJECT") or is_rendering():
        return False
    modals = [modal for window in compat.windows() for modal in window.modal_operators]
    return not any(modal.bl_idname.startswith("TRANSFORM_OT_") for modal in modals)


def is_rendering() -> bool:
    """Whether Blender renders or bakes in the background of a window, and reads the scene's meshes meanwhile."""
    return any(bpy.app.is_job_running(kind) for kind in ("RENDER", "OBJECT_BAKE"))


def _view(window: bpy.types.Window) -> dict[str, Any]:
    """Area and region of a 3D view: the redo panel appears in the one in which its operator ran."""
    for area in window.screen.areas:
        if area.type == "VIEW_3D":
            return {"area": area, "region": next(region for region in area.regions if region.type == "WINDOW")}
    return {}


class GEN3D_OT_place(bpy.types.Operator):
    """Nothing more when the objects have just come; placed anew as the redo panel says when it is run again."""

    bl_idname = "gen3d.place"
    bl_label = "Generate"
    bl_description = "Place the last generated objects again"
    bl_options = {"REGISTER", "UNDO", "INTERNAL"}

    scale: FloatProperty(
        name="Scale", description="Times the size that was asked for", default=1.0, min=0.01, soft_max=10.0,
        options={"SKIP_SAVE"},
    )  # fmt: skip
    turn: FloatProperty(
        name="Turn", description="About the vertical", subtype="ANGLE", soft_min=-math.pi, soft_max=math.pi,
        options={"SKIP_SAVE"},
    )  # fmt: skip
    smoothing: IntProperty(
        name="Smoothing", description="Repetitions of a Smooth modifier", min=0, soft_max=20, max=100,
        options={"SKIP_SAVE"},
    )  # fmt: skip
    quads: BoolProperty(
        name="Quads", description="Remesh the surface to quads; colours are carried over", options={"SKIP_SAVE"}
    )
    faces: FloatProperty(
        name="Faces", description="Share of the faces to keep: by a Decimate modifier, or as larger quads",
        default=1.0, min=0.01, max=1.0, subtype="FACTOR", options={"SKIP_SAVE"},
    )  # fmt: skip

    @classmethod
    def poll(cls, context: compat.Context) -> bool:
        return shelf.newest is not None

    def execute(self, context: compat.Context) -> set[str]:
        newest = shelf.newest
        if newest is None:
            return {"CANCELLED"}
        if not newest.settled:
            newest.settled = True
            return {"FINISHED"}
        try:
            for number, arrival in enumerate(newest.arrivals):
                self._place(context, arrival, newest.arrivals[0].placement, alone=number == 0)
        except PlacementError as error:
            self.report({"ERROR"}, str(error))
            return {"CANCELLED"}
        return {"FINISHED"}

    def _place(self, context: compat.Context, arrival: Arrival, first: Placement, *, alone: bool) -> None:
        origin, there = first.location, arrival.placement.location
        x, y, z = (a + self.scale * (b - a) for a, b in zip(origin, there, strict=True))
        where = replace(arrival.placement, location=(x, y, z))
        placed = place(arrival.made, where, arrival.name, self.scale * arrival.size, alone=alone)
        placed.rotation_euler.z = self.turn
        if self.quads:
            to_quads(context, placed, self.faces * len(arrival.made.faces) / 2)
        elif self.faces < 1.0:
            decimate: Any = placed.modifiers.new(DECIMATE, "DECIMATE")
            decimate.ratio = self.faces
        if self.smoothing:
            smooth: Any = placed.modifiers.new(SMOOTH, "SMOOTH")
            smooth.iterations = self.smoothing


def to_quads(context: compat.Context, placed: bpy.types.Object, count: float) -> None:
    """Blender's voxel remesh to about ``count`` quads, colours carried over."""
    mesh: Any = placed.data
    areas = np.empty(len(mesh.polygons), np.float32)
    mesh.polygons.foreach_get("area", areas)
    mesh.remesh_voxel_size = math.sqrt(float(areas.sum()) / count)
    mesh.use_remesh_preserve_attributes = True
    with context.temp_override(active_object=placed, object=placed, selected_objects=[placed]):
        compat.operators().object.voxel_remesh()
    mesh.shade_smooth()


register, unregister_classes = compat.class_registration((GEN3D_OT_place,))


def unregister() -> None:
    shelf.newest = None
    unregister_classes()
