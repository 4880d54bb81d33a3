# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Objects from pictures: files, images of Blender, what cannot be used, and the camera that is found."""

from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.addon.harness import addon, blender, in_blender, make, select, settings

COLOUR, WHITE = (0.8, 0.2, 0.1), (1.0, 1.0, 1.0)


def disc(width: int, height: int, radius: float, *, opaque: bool = True) -> Any:
    """An image of Blender: a disc on white, or on nothing."""
    bpy = blender()
    y, x = np.mgrid[:height, :width]
    inside = np.hypot(x - width / 2, y - height / 2) < radius
    pixels = np.ones((height, width, 4), np.float32)
    pixels[..., :3] = np.where(inside[..., None], COLOUR, WHITE)
    pixels[..., 3] = np.where(inside, 1.0, float(opaque))
    image = bpy.data.images.new("disc", width, height, alpha=True)
    image.pixels.foreach_set(pixels.ravel())
    return image


def saved(image: Any, kind: str) -> str:
    path = str(Path(f"disc.{kind.lower()}").absolute())
    image.file_format = kind
    image.save(filepath=path)
    blender().data.images.remove(image)
    return path


def made(model: str = "ellipsoids", **where: Any) -> Any:
    bpy = blender()
    settings(model)
    assert bpy.ops.gen3d.from_picture(**where) == {"FINISHED"}
    return bpy.context.view_layer.objects.active


@in_blender
def test_a_png_a_jpeg_and_an_image_give_the_object_that_the_encoder_names() -> None:
    bpy = blender()
    codes = [[float(v) for v in make(3)["gen3d"][name]] for name in ("shape_code", "appearance_code")]
    for where in (
        {"filepath": saved(disc(200, 100, 40), "PNG")},
        {"filepath": saved(disc(200, 100, 40), "JPEG")},
        {"filepath": saved(disc(3000, 700, 300), "PNG")},
        {"image": disc(120, 160, 50, opaque=False).name},
    ):
        placed = made(**where)
        held = placed["gen3d"]
        assert np.ptp(np.array(placed.bound_box), axis=0).max() == pytest.approx(1.0, abs=1e-5)
        assert len(held["shape_code"]) == len(codes[0]) and len(held["appearance_code"]) == len(codes[1])
        assert np.linalg.norm(held["shape_code"]) == pytest.approx(2.0, abs=1e-4)  # as long as draws are
    assert "of its outline fit" in addon("queue.service").queue.current.message
    assert not [image.name for image in bpy.data.images if image.filepath]


@in_blender
def test_what_came_from_a_picture_varies_mixes_and_morphs() -> None:
    bpy = blender()
    placed = made(image=disc(100, 100, 40).name, camera=False)
    other = make(5)
    for operator in ("vary", "mix", "morph", "regenerate"):
        select(placed) if operator in ("vary", "regenerate") else select(placed, other)
        bpy.context.scene.gen3d.morph.steps = 3
        assert getattr(bpy.ops.gen3d, operator)() == {"FINISHED"}, operator


@in_blender
def test_the_camera_sees_the_object_where_the_picture_shows_it() -> None:
    bpy = blender()
    from bpy_extras.object_utils import world_to_camera_view

    scene = bpy.context.scene
    for width, height in ((1920, 1080), (600, 900)):
        scene.render.resolution_x, scene.render.resolution_y = width, height
        scene.cursor.location = (3.0, -2.0, 1.0)
        scene.gen3d.size = 2.5
        placed = made(image=disc(200, 100, 40).name)
        camera = bpy.data.objects[f"{placed.name}_camera"]
        bpy.context.view_layer.update()
        points = np.array(
            [world_to_camera_view(scene, camera, placed.matrix_world @ v.co) for v in placed.data.vertices]
        )
        pixels = points[:, :2] * [width, height]
        low, high = pixels.min(0), pixels.max(0)
        assert np.abs((low + high) / 2 - [width / 2, height / 2]).max() < 1.0
        assert (high - low).max() == pytest.approx(0.85 * min(width, height), rel=0.01)
        assert points[:, 2].min() > 0
        (background,) = camera.data.background_images
        assert tuple(background.image.size) == (512, 512) and background.image.packed_file
        centre = np.array(background.image.pixels[:]).reshape(512, 512, 4)[256, 256]
        assert np.abs(centre - [*COLOUR, 1.0]).max() < 0.02


@in_blender
def test_pictures_that_cannot_be_used_are_answered_in_one_line() -> None:
    bpy = blender()
    Path("text.png").write_text("no picture")
    empty = bpy.data.images.new("empty", 64, 64, alpha=True)
    empty.pixels.foreach_set(np.zeros(64 * 64 * 4, np.float32))
    noise = bpy.data.images.new("noise", 64, 64)
    noise.pixels.foreach_set(
        np.maximum(
            np.random.default_rng(0).random((64 * 64, 4), np.float32), np.array([0, 0, 0, 1], np.float32)
        ).ravel()
    )
    tiny = bpy.data.images.new("tiny", 4, 400)
    narrow = bpy.data.images.new("narrow", 20_000, 60)

    def fails(message: str, model: str = "ellipsoids", **where: Any) -> None:
        settings(model)
        before = {each.name for each in bpy.data.objects}, {each.name for each in bpy.data.images}
        with pytest.raises(RuntimeError) as caught:
            bpy.ops.gen3d.from_picture(**where)
        (line,) = str(caught.value).strip().splitlines()
        assert message in line
        assert before == ({each.name for each in bpy.data.objects}, {each.name for each in bpy.data.images})

    fails("cannot be read as a picture", filepath=str(Path("text.png").absolute()))
    fails("cannot be read: No such file", filepath=str(Path("missing.png").absolute()))
    fails("There is no image 'missing'", image="missing")
    fails("transparent", image=empty.name)
    fails("neither transparent nor of one colour", image=noise.name)
    fails("too small", image=tiny.name)
    fails("too narrow", image=narrow.name)
    fails("cannot encode pictures", model="slow", image=disc(100, 100, 40).name)


@in_blender
def test_a_very_wide_picture_is_reduced() -> None:
    placed = made(image=disc(20_000, 400, 150).name)
    assert placed["gen3d"]["model"] == "ellipsoids"


@in_blender
def test_something_else_is_made_all_the_same_and_doubted() -> None:
    bpy = blender()
    y, x = np.mgrid[:100, :100]
    cross = (np.abs(x - 50) < 3) | (np.abs(y - 50) < 3)
    pixels = np.ones((100, 100, 4), np.float32)
    pixels[..., :3] = np.where(cross[..., None], 0.0, 1.0)
    image = bpy.data.images.new("cross", 100, 100)
    image.pixels.foreach_set(pixels.ravel())
    made(image=image.name)
    assert addon("queue.service").queue.current.message.startswith("Low confidence")
