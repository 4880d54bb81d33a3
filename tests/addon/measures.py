# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What tests in Blender read of processes, objects and morphs."""

import os
import signal
from typing import Any

import numpy as np

from tests.addon.harness import blender, make, select, settings

STEPS, START, END = 5, 11, 31  # of tests' morphs: a step every five frames


def is_alive(pid: int) -> bool:
    """Whether a process is."""
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def kill(pid: int) -> None:
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def names() -> list[str]:
    """Of all objects, meshes and materials."""
    bpy = blender()
    kinds = (bpy.data.objects, bpy.data.meshes, bpy.data.materials)
    return [block.name for kind in kinds for block in kind]


def generate_works() -> None:
    """Generate, as a script presses it."""
    bpy = blender()
    settings()
    assert bpy.ops.gen3d.generate() == {"FINISHED"}
    assert bpy.context.view_layer.objects.active.name.startswith("ellipsoids_0003")


def generate(*undo: Any) -> Any:
    """The object that Generate makes as a script runs it."""
    (made,) = new_after(lambda: blender().ops.gen3d.generate(*undo))
    return made


def new_after(act: Any) -> list[Any]:
    """The objects that an operator makes."""
    bpy = blender()
    before = set(bpy.data.objects)
    assert act() == {"FINISHED"}
    return sorted(set(bpy.data.objects) - before, key=lambda each: each.name)


def generated_objects() -> list[Any]:
    """All objects that remember what made them, by name."""
    return sorted((each for each in blender().data.objects if "gen3d" in each), key=lambda each: each.name)


def evaluated_mesh(placed: Any) -> Any:
    """The mesh with its modifiers applied."""
    return placed.evaluated_get(blender().context.evaluated_depsgraph_get()).data


def codes(made: Any, name: str = "shape") -> np.ndarray:
    """What an object remembers."""
    return np.array(made["gen3d"][f"{name}_code"])


def positions(placed: Any) -> np.ndarray:
    """Of the vertices (V, 3), as the mesh holds them."""
    values = np.empty(3 * len(placed.data.vertices), np.float32)
    placed.data.vertices.foreach_get("co", values)
    return values.reshape(-1, 3)


def colours_at(placed: Any) -> tuple[np.ndarray, np.ndarray]:
    """World positions (N, 3) and sRGB colours (N, 3), of corners or of vertices, as the colours are kept."""
    mesh, attribute = placed.data, placed.data.color_attributes[0]
    points = np.array([placed.matrix_world @ vertex.co for vertex in mesh.vertices])
    if attribute.domain == "CORNER":
        points = points[[loop.vertex_index for loop in mesh.loops]]
    return points, np.array([each.color_srgb[:3] for each in attribute.data])


# ---- morphs


def morph_settings(**values: object) -> Any:
    """The morph's settings, set; the rest as when Blender starts."""
    morph = settings().morph
    for name, value in {"steps": STEPS, "frame_start": START, "frame_end": END, "source": "SELECTED", **values}.items():
        setattr(morph, name, value)
    return morph


def two_selected() -> tuple[Any, Any]:
    """Two selected objects, the first active."""
    first, second = make(3), make(4)
    select(first, second)
    return first, second


def new_morph(operator: str = "morph") -> Any:
    """The object that the operator makes."""
    bpy = blender()
    assert getattr(bpy.ops.gen3d, operator)() == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def mesh_at(placed: Any, frame: int) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Vertices, corners' vertices and corners' colours (sRGB) of the evaluated mesh at a frame."""
    bpy = blender()
    bpy.context.scene.frame_set(frame)
    mesh = placed.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
    vertices = np.empty((len(mesh.vertices), 3), np.float32)
    mesh.vertices.foreach_get("co", vertices.ravel())
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    colours = np.empty((len(mesh.loops), 4), np.float32)
    mesh.color_attributes["Colour"].data.foreach_get("color_srgb", colours.ravel())
    return vertices, corners, colours[:, :3]
