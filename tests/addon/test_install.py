# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The zip as a user meets it: into an empty Blender, ticked, pressed, with the model that is shipped."""

import importlib.util
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from tests.addon.harness import MODULE, addon, blender, in_blender, run_inside, service, settings

if TYPE_CHECKING:
    import build_addon


def test_installed_into_an_empty_blender_it_makes_a_chair(extension: "build_addon.Built", tmp_path: Path):
    if importlib.util.find_spec("bpy") is None:
        pytest.skip("the module bpy is not installed (extra `blender`, Python 3.11)")
    (tmp_path / "user").mkdir()
    test = (__file__, make_a_chair.__name__)
    run_inside(tmp_path / "user", tmp_path / "temporary", install=extension.path, test=test)


@in_blender
def make_a_chair():
    bpy = blender()
    assert bpy.context.scene.gen3d.model == "cars"  # the first by name
    settings("chairs", seed=7, resolution=64)
    assert bpy.ops.gen3d.generate() == {"FINISHED"}
    made = bpy.context.view_layer.objects.active
    assert made.name == "chairs_0007" and made["gen3d"]["model"] == "chairs"
    assert len(made.data.polygons) > 100 and abs(max(made.dimensions) - 1.0) < 1e-3
    # A second pressing of everything: disabled, enabled, generated again.
    bpy.ops.preferences.addon_disable(module=MODULE)
    bpy.ops.preferences.addon_enable(module=MODULE)
    assert bpy.ops.gen3d.generate() == {"FINISHED"}
    assert bpy.context.view_layer.objects.active.name == "chairs_0007.001"


@pytest.mark.own_blender
@in_blender
def test_files_that_another_blender_has_removed_are_named_and_come_back():
    bpy = blender()
    settings("chairs", seed=7, resolution=32)
    assert bpy.ops.gen3d.generate() == {"FINISHED"}
    shutil.rmtree(addon("compat").wheels_folder())
    addon("queue.service").catalogue.look_again()
    for operator in ("generate", "regenerate", "vary", "gallery"):
        with pytest.raises(RuntimeError, match="another Blender.*Disable Gen3D in the preferences and enable it again"):
            getattr(bpy.ops.gen3d, operator)()
    service().stop()
    with pytest.raises(addon("worker.client").WorkerError, match="another Blender"):
        service().ready()
    bpy.ops.preferences.addon_disable(module=MODULE)
    bpy.ops.preferences.addon_enable(module=MODULE)
    addon("queue.service").catalogue.look_again()  # it does so by itself once a second
    settings("chairs", seed=7, resolution=32)
    assert bpy.ops.gen3d.generate() == {"FINISHED"}
