# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures of the next seeds. Inside Blender: see `in_blender`."""

from tests.addon.harness import addon, blender, in_blender, make, queue, settings, wait_until
from tests.addon.measures import new_after


@in_blender
def test_the_gallery_shows_pictures_and_a_pick_becomes_an_object():
    bpy, gallery = blender(), addon("ui.gallery").gallery
    settings(seed=40)
    assert bpy.ops.gen3d.gallery() == {"FINISHED"}
    wait_until(lambda: queue()() is None, "the pictures are drawn")
    assert gallery.seeds == list(range(40, 52)) and not gallery.message
    assert gallery.pixels.shape == (12, 128, 128, 4) and (gallery.pixels[..., 3].max(axis=(1, 2)) == 255).all()
    assert bpy.ops.gen3d.gallery(further=True) == {"FINISHED"}
    wait_until(lambda: queue()() is None, "further ones are drawn")
    assert gallery.seeds[0] == 52
    (made,) = new_after(lambda: bpy.ops.gen3d.pick(seed=53))
    assert made.name == "ellipsoids_0053"
    # A script goes on without a look at the gallery: what it asked for does not stand in its way.
    assert bpy.ops.gen3d.gallery() == {"FINISHED"}
    queue()()
    make(3)
    wait_until(lambda: queue()() is None, "the pictures are drawn")
    settings("broken")
    assert bpy.ops.gen3d.gallery() == {"FINISHED"}
    wait_until(lambda: queue()() is None, "it fails")
    assert "broken.gen3d" in gallery.message
