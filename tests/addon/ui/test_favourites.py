# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is worth keeping: assets, favourites. Inside Blender: see `in_blender`."""

import numpy as np
import pytest

from tests.addon.harness import blender, in_blender, make, select
from tests.addon.measures import codes, new_after


@in_blender
def test_marked_assets_are_tagged_by_their_model():
    bpy = blender()
    a, b = make(1), make(2)
    select(a, b)
    for _ in range(2):
        assert bpy.ops.gen3d.mark_asset() == {"FINISHED"}
    for each in (a, b):
        assert sorted(tag.name for tag in each.asset_data.tags) == ["ellipsoids", "gen3d"]
        assert "model ellipsoids" in each.asset_data.description
    select(bpy.data.objects["Cube"])
    with pytest.raises(RuntimeError, match="generated objects"):
        bpy.ops.gen3d.mark_asset()
    assert bpy.data.objects["Cube"].asset_data is None


@in_blender
def test_favourites_stay_with_the_file():
    import tempfile
    from pathlib import Path

    bpy = blender()
    source = make(7)
    assert bpy.ops.gen3d.favourite() == {"FINISHED"}
    wanted = codes(source)
    path = str(Path(tempfile.mkdtemp(), "kept.blend"))
    bpy.data.objects.remove(source)
    bpy.ops.wm.save_as_mainfile(filepath=path)
    bpy.ops.wm.read_homefile()
    bpy.ops.wm.open_mainfile(filepath=path)
    assert [each.name for each in bpy.context.scene.gen3d.favourites] == ["ellipsoids_0007"]
    (made,) = new_after(bpy.ops.gen3d.favourite_make)
    assert np.allclose(codes(made), wanted, atol=1e-6)
    assert bpy.ops.gen3d.favourite_remove() == {"FINISHED"}
    assert not bpy.context.scene.gen3d.favourites
    with pytest.raises(RuntimeError, match="no favourite yet"):
        bpy.ops.gen3d.favourite_make()
