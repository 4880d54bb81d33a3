# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Codes go on with the model that made them, and with another version of it only where the user says so. Inside
Blender: see `in_blender`."""

import shutil
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.addon.harness import addon, blender, in_blender, learn, make, run_queue, select, settings
from tests.addon.measures import codes, morph_settings, new_after, positions

OLD = Path(__file__).resolve().parents[2] / "fixtures" / "old"


def of_another_version(seed: int, model: str = "ellipsoids") -> Any:
    """An object that was made by a model of this name that is not there any more."""
    placed = make(seed, model, 24)
    placed["gen3d"]["model_hash"] = placed["gen3d"]["model_identity"] = "0" * 64
    return placed


@in_blender
def test_another_version_of_a_model_is_used_only_where_that_is_said() -> None:
    bpy = blender()
    learn()
    placed, second = of_another_version(3), of_another_version(4)
    chair = of_another_version(7, "chairs")
    text = addon("scene.codes_text").to_text(placed["gen3d"])
    settings(resolution=24).variations = 1
    morph_settings()
    select(placed)
    assert bpy.ops.gen3d.favourite() == {"FINISHED"}
    held, before = placed["gen3d"].to_dict(), positions(placed)
    count = len(bpy.data.objects)
    made_of = (("vary", [placed]), ("mix", [placed, second]), ("breed", [placed, second]), ("morph", [placed, second]))
    texts = (("paste_codes", [placed], {"text": text}), ("favourite_make", [placed], {}))
    changing = (("regenerate", [placed], {}), ("adjust", [chair], {}))
    calls = (*((act, chosen, {}) for act, chosen in made_of), *texts, *changing)
    for act, chosen, more in calls:
        select(*chosen)
        with pytest.raises(RuntimeError) as caught:
            getattr(bpy.ops.gen3d, act)(**more)
        (line,) = str(caught.value).strip().splitlines()
        assert "another version" in line, (act, line)
    assert len(bpy.data.objects) == count
    assert placed["gen3d"].to_dict() == held and np.array_equal(positions(placed), before)
    for act, chosen, more in calls:
        select(*chosen)
        assert getattr(bpy.ops.gen3d, act)(other_version=True, **more) == {"FINISHED"}, act
    bpy.ops.gen3d.adjust_end()
    run_queue("the adjustment ends")
    assert placed["gen3d"]["model_identity"] not in (held["model_identity"], "")
    select(placed)
    assert bpy.ops.gen3d.vary() == {"FINISHED"}, "regenerated, it is of the model that is there"


@in_blender
def test_a_file_that_changes_unseen_is_noticed_when_the_mesh_comes() -> None:
    bpy = blender()
    folder = Path(tempfile.mkdtemp())
    addon("compat").preferences().models_folder = str(folder)
    file = Path(shutil.copyfile(OLD / "blobs.gen3d", folder / "blobs.gen3d"))
    addon("queue.service").catalogue.look_again()
    learn()
    placed = make(3, str(file), 24)
    held, before = placed["gen3d"].to_dict(), positions(placed)
    shipped = addon("compat").wheels_folder() / "gen3d_core" / "models"
    shutil.copyfile(shipped / "ellipsoids.gen3d", file)
    placed["gen3d"]["shape_code"], placed["gen3d"]["appearance_code"] = [0.1] * 4, [0.2] * 3  # as long as the other's
    for act in ("regenerate", "vary"):
        for _ in range(2):  # noticed when it comes, then known before
            select(placed)
            with pytest.raises(RuntimeError, match="blobs that is there is another version"):
                getattr(bpy.ops.gen3d, act)()
    assert np.array_equal(positions(placed), before) and placed["gen3d"]["model_hash"] == held["model_hash"]


@in_blender
def test_a_file_that_only_tells_more_is_the_same_model() -> None:
    bpy = blender()
    learn()
    placed = make(3, resolution=24)
    assert placed["gen3d"]["model_identity"]
    placed["gen3d"]["model_hash"] = "0" * 64  # as after metrics or an encoder were added
    settings(resolution=24).variations = 1
    (made,) = new_after(bpy.ops.gen3d.vary)
    assert made["gen3d"]["model_identity"] == placed["gen3d"]["model_identity"]
    # Objects and texts of older versions know the file alone.
    old = make(4, resolution=24)
    del old["gen3d"]["model_identity"]
    select(old)
    assert bpy.ops.gen3d.vary() == {"FINISHED"}
    text = addon("scene.codes_text").to_text(old["gen3d"])
    (pasted,) = new_after(lambda: bpy.ops.gen3d.paste_codes(text=text))
    assert np.allclose(codes(pasted), codes(old), atol=1e-6)
