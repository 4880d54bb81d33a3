# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Undo and redo of everything. Inside Blender: see `in_blender`."""

from typing import Any

from tests.addon.harness import addon, blender, in_blender, make, select


def everything() -> Any:
    """What undo has to bring back."""
    bpy = blender()
    objects = {
        each.name: (
            *(each.type, len(each.data.polygons) if each.type == "MESH" else 0, each.asset_data is not None),
            tuple(slot.name for slot in each.material_slots),
            tuple(each["gen3d"]["shape_code"]) if "gen3d" in each else (),
        )
        for each in bpy.data.objects
    }
    chosen = bpy.context.scene.gen3d
    return objects, chosen.seed, [each.name for each in chosen.favourites]


@in_blender
def test_each_operator_is_one_undo_step_and_redo_works():
    bpy = blender()
    a, b = make(1, resolution=16), make(2, resolution=16)
    chosen = bpy.context.scene.gen3d
    chosen.variations = 2
    text = addon("scene.codes_text").to_text(a["gen3d"])
    names, act = (a.name, b.name), bpy.ops.gen3d
    as_user = ("EXEC_DEFAULT", True)

    def regenerate() -> Any:
        bpy.context.scene.gen3d.resolution = 24
        bpy.ops.ed.undo_push(message="resolution")
        return act.regenerate(*as_user)

    for name, call in {
        "generate": lambda: act.generate(*as_user),
        "vary": lambda: act.vary(*as_user),
        "mix": lambda: act.mix(*as_user),
        "breed": lambda: act.breed(*as_user),
        "pick": lambda: act.pick(*as_user, seed=9),
        "paste_codes": lambda: act.paste_codes(*as_user, text=text),
        "favourite": lambda: act.favourite(*as_user),
        "dice": lambda: act.dice(*as_user, which="seed"),
        "mark_asset": lambda: act.mark_asset(*as_user),
        "bake_texture": lambda: act.bake_texture(*as_user, pixels=64),
        "regenerate": regenerate,
    }.items():
        select(*(bpy.data.objects[each] for each in names))
        bpy.context.scene.gen3d.seed = 9  # what pick sets, so that it is no change of its own
        bpy.ops.ed.undo_push(message="before")
        before = everything()
        assert call() == {"FINISHED"}, name
        after = everything()
        assert after != before, name
        bpy.ops.ed.undo()
        assert everything() == before, name
        bpy.ops.ed.redo()
        assert everything() == after, name
        bpy.ops.ed.undo()
