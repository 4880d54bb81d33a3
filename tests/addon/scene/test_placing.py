# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The redo panel. Inside Blender: see `in_blender`."""

from typing import Any

import numpy as np

from tests.addon.harness import addon, blender, in_blender, settings, submit, wait_until
from tests.addon.measures import colours_at, evaluated_mesh, generated_objects


def redo(**changed: Any) -> list[Any]:
    """What F9 does: one step back, and the operator once more."""
    bpy = blender()
    bpy.ops.ed.undo()
    assert bpy.ops.gen3d.place("EXEC_DEFAULT", True, **changed) == {"FINISHED"}
    return generated_objects()


@in_blender
def test_the_redo_panel_places_the_same_meshes_again_as_it_says():
    bpy = blender()
    bpy.context.scene.cursor.location = (1.0, 2.0, 0.0)
    chosen = settings(seed=20)
    chosen.count = 2
    bpy.ops.ed.undo_push(message="before")
    assert bpy.ops.gen3d.generate() == {"FINISHED"}
    addon("scene.placing").shelf.newest = kept = addon("scene.placing").NewObjects("Generate")
    kept.settled = True  # what a window does; a script's objects are not kept
    places = addon("scene.objects").Placement.here(bpy.context).grid(2, 1.0)
    for each, where in zip(generated_objects(), places, strict=True):
        kept.arrivals.append(addon("scene.placing").Arrival(made_again(each), where, each.name, 1.0))
    plain = [len(each.data.polygons) for each in generated_objects()]
    colour = np.concatenate([colours_at(each)[1] for each in generated_objects()]).mean(axis=0)

    scaled = redo(scale=2.0, turn=0.5)
    assert [each.name for each in scaled] == ["ellipsoids_0020", "ellipsoids_0021"]
    assert [each["gen3d"]["seed"] for each in scaled] == [20, 21]
    for each, x in zip(scaled, (1.0, 3.6), strict=True):
        assert np.allclose(each.location, (x, 2.0, 0.0)) and abs(each.rotation_euler.z - 0.5) < 1e-6
        assert abs(np.ptp([v.co for v in each.data.vertices], axis=0).max() - 2.0) < 1e-4
        assert each["gen3d"]["size"] == 2.0 and tuple(each.scale) == (1.0, 1.0, 1.0)

    fewer = redo(faces=0.25, smoothing=3)
    for each, before in zip(fewer, plain, strict=True):
        assert [modifier.type for modifier in each.modifiers] == ["DECIMATE", "SMOOTH"]
        assert len(each.data.polygons) == before
        assert abs(len(evaluated_mesh(each).polygons) / before - 0.25) < 0.03
        assert "Colour" in evaluated_mesh(each).color_attributes

    for share in (1.0, 0.25):
        quads = redo(quads=True, faces=share)
        for each, before in zip(quads, plain, strict=True):
            assert {len(polygon.vertices) for polygon in each.data.polygons} == {4}
            assert 0.6 < len(each.data.polygons) / (before / 2 * share) < 1.7
            assert each.data.materials[0].name == "Gen3D colour" and all(p.use_smooth for p in each.data.polygons)
        seen = np.concatenate([colours_at(each)[1] for each in quads]).mean(axis=0)
        assert np.abs(seen - colour).max() < 0.05, (seen, colour)
    bpy.ops.ed.undo()
    assert not generated_objects()


def made_again(placed: Any) -> Any:
    """The worker's mesh of an object."""
    held = placed["gen3d"]
    job = submit(held["model"], held["seed"], held["resolution"])
    wait_until(job.poll, "the mesh comes")
    return job.result
