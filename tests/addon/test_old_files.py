# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A scene saved by the add-on of the past opens, and its objects go on. Inside Blender: see `in_blender`."""

from pathlib import Path
from typing import Any

import numpy as np

from tests.addon.harness import adjusted, blender, in_blender, learn, select

OLD = Path(__file__).resolve().parents[1] / "fixtures" / "old"
ELLIPSOID, CHAIR, MORPH = "old-ellipsoids_0003", "chairs_0007", "Morph"


def opened() -> Any:
    """The old scene's objects."""
    bpy = blender()
    assert bpy.ops.wm.open_mainfile(filepath=str(OLD / "objects.blend")) == {"FINISHED"}
    return bpy.data.objects


def points(placed: Any) -> np.ndarray:
    """Vertices (N, 3) with modifiers and shape keys applied."""
    mesh = placed.evaluated_get(blender().context.evaluated_depsgraph_get()).data
    values = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", values)
    return values.reshape(-1, 3)


@in_blender
def test_an_old_object_is_made_again_as_it_was():
    bpy = blender()
    for name in (ELLIPSOID, CHAIR):
        objects = opened()
        before, place = points(objects[name]), tuple(objects[name].location)
        select(objects[name])
        bpy.context.scene.gen3d.resolution = objects[name]["gen3d"]["resolution"]
        assert bpy.ops.gen3d.regenerate() == {"FINISHED"}
        after = points(bpy.data.objects[name])
        assert after.shape == before.shape and np.abs(after - before).max() < 1e-4
        assert tuple(bpy.data.objects[name].location) == place


@in_blender
def test_an_old_object_is_varied():
    bpy = blender()
    objects = opened()
    for name in (ELLIPSOID, CHAIR):
        select(objects[name])
        bpy.context.scene.gen3d.variations, bpy.context.scene.gen3d.resolution = 2, 32
        before = set(objects)
        assert bpy.ops.gen3d.vary() == {"FINISHED"}
        made = set(objects) - before
        assert len(made) == 2
        for each in made:
            assert each["gen3d"]["model"] == objects[name]["gen3d"]["model"]
            assert list(each["gen3d"]["shape_code"]) != list(objects[name]["gen3d"]["shape_code"])


@in_blender
def test_an_old_object_is_adjusted():
    bpy = blender()
    learn()
    chair = opened()[CHAIR]
    before, codes = points(chair), list(chair["gen3d"]["shape_code"])
    select(chair)
    assert bpy.ops.gen3d.adjust() == {"FINISHED"}
    slider = next(each for each in bpy.context.scene.gen3d.sliders if each.name == "bulk")
    wanted = -1.0 if slider.value > 0 else 1.0
    slider.value = wanted
    assert bpy.ops.gen3d.adjust_end() == {"FINISHED"}
    adjusted()
    chair = bpy.data.objects[CHAIR]
    assert abs(chair["gen3d"]["positions"]["bulk"] - wanted) < 1e-3
    assert list(chair["gen3d"]["shape_code"]) != codes
    after = points(chair)
    assert after.shape != before.shape or np.abs(after - before).max() > 0.01


@in_blender
def test_an_old_morph_still_moves():
    morph = opened()[MORPH]
    scene, shown = blender().context.scene, []
    for frame in (1, 11, 21):
        scene.frame_set(frame)
        shown.append((morph["Morph"], points(morph)))
    assert [value for value, _ in shown] == [0.0, 0.5, 1.0]
    (_, first), (_, middle), (_, last) = shown
    assert np.abs(first - middle).max() > 0.01 < np.abs(middle - last).max()
    # By hand, without its keyframes.
    morph.animation_data_clear()
    morph["Morph"] = 1.0
    morph.update_tag()
    blender().context.view_layer.update()
    assert np.abs(points(morph) - last).max() < 1e-6
