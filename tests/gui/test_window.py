# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on in real windows: installed from its zip, real buttons pressed with a mouse, screenshots left in build/gui.

`make test-gui`, see `window.py` for the Blenders that are tested; they are not part of `make test`. What took how long
is printed, not asserted.

One file because all is pressed in one window.
"""

from __future__ import annotations

import shutil
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

import build_addon
from tests.gui.window import Window, blenders

SHOTS = build_addon.ROOT / "build" / "gui"
OBJECTS = "[each for each in bpy.data.objects if 'gen3d' in each]"
LIVE = "sys.modules['bl_ext.user_default.gen3d.queue.adjust_session'].live"
GALLERY = "sys.modules['bl_ext.user_default.gen3d.ui.gallery'].gallery"
SERVICE = "sys.modules['bl_ext.user_default.gen3d.queue.service'].service"
QUEUE = "sys.modules['bl_ext.user_default.gen3d.queue.service'].queue"
ACTIVE = "bpy.context.view_layer.objects.active"

# What a script without the add-on does to show a mesh of the same size: the rest is Blender's drawing.
SHOW_A_COPY = f"""
def show():
    shown, layer = {ACTIVE}, bpy.context.view_layer
    copy = shown.copy()
    copy.data = shown.data.copy()
    bpy.context.scene.collection.objects.link(copy)
    layer.update()
    copy.select_set(True)
    layer.objects.active = copy

gaps.reset()
bpy.app.timers.register(show, first_interval=0.2)
"""
CHANGE_THE_MESH = f"""
changed, mesh, count = {ACTIVE}, bpy.data.meshes["live"], 0
def change():
    global count
    old, changed.data = changed.data, mesh.copy()
    bpy.data.meshes.remove(old)
    count += 1
    return None if until < time.perf_counter() else 0.01

import time
until = time.perf_counter() + 3.0
bpy.app.driver_namespace["count"] = lambda: count
bpy.app.timers.register(change)
"""


@pytest.fixture(scope="module", params=blenders(), ids=lambda path: path.name)
def window(request: pytest.FixtureRequest, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Window]:
    window = Window(request.param)
    built = build_addon.build(tmp_path_factory.mktemp("dist"), pythons=[window.python()])
    file = Path(shutil.copy(built.path, window.folder / "extension.zip"))
    with window:
        window.run(f"""
import addon_utils
with inside():
    bpy.ops.extensions.package_install_files(
        filepath={window.seen(file)!r}, repo="user_default", enable_on_install=True)
assert addon_utils.check("bl_ext.user_default.gen3d") == (True, True)
bpy.data.objects.remove(bpy.data.objects["Cube"])
_, area, _ = view()
area.spaces.active.shading.color_type = "VERTEX"
bpy.context.scene.gen3d.model = "chairs"
bpy.context.scene.gen3d.seed = 7
""")
        window.open_tab("Gen3D")
        yield window


def say(window: Window, text: str) -> None:
    sys.stdout.write(f"\n[{window.root or 'blender'}] {text}")


def shot(window: Window, name: str) -> None:
    time.sleep(0.5)
    window.shot(SHOTS / (window.root.name if window.root else "blender") / f"{name}.png")


def shown_by_a_script(window: Window) -> float:
    """The longest gap in seconds when a copy of the active object appears in its place."""
    name = window.run(f"result = {ACTIVE}.name; {ACTIVE}.hide_set(True)")
    time.sleep(2.0)
    window.run(SHOW_A_COPY)
    time.sleep(2.0)
    gap = window.run("result = gaps.longest")
    window.run(f"""
bpy.data.meshes.remove({ACTIVE}.data)
kept = bpy.data.objects[{name!r}]
kept.hide_set(False)
kept.select_set(True)
{ACTIVE} = kept
""")
    return gap


def test_models_are_shown_by_their_pictures(window: Window) -> None:
    window.until(
        "all(item[3] > 0 for item in sys.modules['bl_ext.user_default.gen3d.queue.service'].catalogue.items())"
    )
    shot(window, "models")


def test_generate_undo_and_redo(window: Window) -> None:
    for run in ("cold", "warm"):
        window.run("bpy.context.scene.gen3d.seed += 1; gaps.reset()")
        count = window.run(f"result = len({OBJECTS})")
        window.press("gen3d.generate")
        took = window.until(f"len({OBJECTS}) > {count}")
        time.sleep(2.0)
        gap, faces = window.run(f"result = gaps.longest, len({ACTIVE}.data.polygons)")
        floor = shown_by_a_script(window)
        say(
            window,
            f"Generate at 128, {run}: {took:.2f} s from the click, longest gap {1000 * gap:.0f} ms, "
            f"{1000 * floor:.0f} ms where a script shows a copy ({faces} triangles)",
        )
    window.run("with inside(): bpy.ops.view3d.view_selected()")
    shot(window, "generated")
    window.type("ctrl+z")
    window.until(f"len({OBJECTS}) == 1")
    window.type("ctrl+shift+z")
    window.until(f"len({OBJECTS}) == 2")


def test_the_dice(window: Window) -> None:
    before = window.run("result = bpy.context.scene.gen3d.seed")
    window.press("gen3d.dice")
    assert window.run("result = bpy.context.scene.gen3d.seed") != before


def test_cancel_keeps_what_is_there(window: Window) -> None:
    count = window.run(f"bpy.context.scene.gen3d.count = 16\nresult = len({OBJECTS})")
    window.run("bpy.context.scene.gen3d.resolution = 256")
    window.press("gen3d.generate")
    window.until(f"len({OBJECTS}) > {count}")
    window.press("gen3d.cancel")
    window.until(f"not {QUEUE}.busy")
    shot(window, "cancelled")
    assert count < window.run(f"result = len({OBJECTS})") < count + 16
    window.run("bpy.context.scene.gen3d.count = 1; bpy.context.scene.gen3d.resolution = 128")


def test_the_redo_panel_turns_it_into_quads(window: Window) -> None:
    corners = "set(len(face.vertices) for face in bpy.context.view_layer.objects.active.data.polygons)"
    count = window.run(f"bpy.context.scene.gen3d.resolution = 64\nresult = len({OBJECTS})")
    window.press("gen3d.generate")
    window.until(f"len({OBJECTS}) > {count}")
    assert window.run(f"result = list({corners})") == [3]
    window.tick_in_redo_panel(row=3)
    window.until(f"{corners} == {{4}}")
    assert window.run(f"result = len({OBJECTS})") == count + 1
    window.run("with inside(): bpy.ops.view3d.view_selected()")
    shot(window, "redo_panel")
    window.type("ctrl+z")
    window.until(f"len({OBJECTS}) == {count}")


def test_a_failure_is_reported_as_blender_does(window: Window) -> None:
    count = window.run(f"result = len({OBJECTS})")
    window.run("bpy.context.scene.gen3d.model = 'cars'")
    window.run("bpy.context.scene.gen3d.resolution = 256; bpy.context.scene.gen3d.count = 16")
    window.press("gen3d.generate")
    window.until(f"{QUEUE}.busy and {SERVICE}.busy")
    window.run(f"import os, sys; os.kill({SERVICE}.client.pid, 9)")
    window.until(f"{QUEUE}.current.done and 'stopped unexpectedly' in {QUEUE}.current.message")
    shot(window, "failed")
    assert window.run(f"result = len({OBJECTS})") < count + 16
    window.run("bpy.context.scene.gen3d.count = 1")
    window.run("bpy.context.scene.gen3d.model = 'chairs'; bpy.context.scene.gen3d.resolution = 128")
    window.type("Escape")


def test_a_slider_moves_the_object(window: Window) -> None:
    window.run(f"bpy.context.view_layer.objects.active = {OBJECTS}[0]")
    window.run(f"bpy.ops.object.select_all(action='DESELECT'); {OBJECTS}[0].select_set(True)")
    window.press("gen3d.adjust")
    window.until(f"{LIVE}.running")
    before = window.run("result = list(bpy.context.view_layer.objects.active['gen3d']['shape_code'])")
    took = window.drag("sliders", 60, steps=60, seconds=3.0)
    updates, faces = window.run(f"""
import sys
{ACTIVE}.data.copy().name = "live"
result = {LIVE}.session.updates, len({ACTIVE}.data.polygons)
""")
    say(window, f"Adjust at 64: {updates / took:.1f} updates a second while a slider was dragged")
    assert updates > 0
    window.until(f"{LIVE}.session.settled")
    assert window.run("result = list(bpy.context.view_layer.objects.active['gen3d']['shape_code'])") != before
    shot(window, "adjust")
    window.press("gen3d.adjust_end")
    window.until(f"not {LIVE}.running")
    assert window.run("result = bpy.context.view_layer.objects.active['gen3d']['resolution']") in (128, 256)
    took = window.drag("strength", 60, steps=60, seconds=3.0, begin=CHANGE_THE_MESH)
    changes = window.run("result = bpy.app.driver_namespace['count']()")
    say(window, f"{changes / took:.1f} where a script changes the mesh ({faces} triangles)")


def made_alone(window: Window) -> None:
    """One chair, active and selected, and nothing else that was generated."""
    window.run(f"""
for each in {OBJECTS}:
    bpy.data.objects.remove(each)
settings = bpy.context.scene.gen3d
settings.model, settings.seed, settings.count, settings.resolution, settings.variations = "chairs", 7, 1, 64, 1
""")
    window.run("with inside(): bpy.ops.gen3d.generate()")
    window.until(f"len({OBJECTS}) == 1")


def test_a_render_is_not_disturbed_by_sliders(window: Window) -> None:
    made_alone(window)
    window.press("gen3d.adjust")
    window.until(f"{LIVE}.running")
    window.run("""
scene = bpy.context.scene
scene.frame_end, scene.render.engine, scene.cycles.device, scene.cycles.samples = 1, "CYCLES", "CPU", 100_000
scene.render.resolution_x, scene.render.resolution_y, scene.cycles.use_denoising = 640, 360, False
scene.cycles.use_adaptive_sampling = False
scene.camera = scene.camera or next(each for each in bpy.data.objects if each.type == "CAMERA")
bpy.context.preferences.view.render_display_type = "NONE"
with inside(): bpy.ops.render.render("INVOKE_DEFAULT")
""")
    window.until("bpy.app.is_job_running('RENDER')")
    seen = f"result = {ACTIVE}.data.name, len({ACTIVE}.data.vertices), list({ACTIVE}['gen3d']['shape_code'])"
    before, meshes = window.run(seen), window.run("result = len(bpy.data.meshes)")
    window.run("next(each for each in bpy.context.scene.gen3d.sliders if each.name == 'width').value = -1.0")
    time.sleep(4.0)
    assert window.run("result = bpy.app.is_job_running('RENDER')")
    assert window.run(seen) == before and window.run("result = len(bpy.data.meshes)") == meshes
    window.type("Escape")
    window.until("not bpy.app.is_job_running('RENDER')")
    window.until(f"{LIVE}.session.settled")
    assert window.run(seen) != before and window.run("result = len(bpy.data.meshes)") == meshes
    window.press("gen3d.adjust_end")
    window.until(f"not {LIVE}.running")


def test_another_version_of_a_model_is_asked_for(window: Window) -> None:
    made_alone(window)
    window.run(f"{ACTIVE}['gen3d']['model_hash'] = {ACTIVE}['gen3d']['model_identity'] = '0' * 64")
    for key, count in (("Escape", 1), ("Return", 2)):
        window.press("ops.gen3d.vary")
        time.sleep(1.0)
        shot(window, f"other_version_{key.lower()}")
        assert window.run(f"result = len({OBJECTS})") == 1 and not window.run(f"import sys; result = {QUEUE}.busy")
        window.type(key)
        time.sleep(1.0)
        window.until(f"not {QUEUE}.busy and len({OBJECTS}) == {count}")
    window.run("bpy.context.scene.gen3d.resolution = 128")


def test_the_gallery(window: Window) -> None:
    window.open_panel_below("gen3d.paste_codes")
    window.press("gen3d.gallery()")
    took = window.until(f"len({GALLERY}.seeds) == 12")
    say(window, f"Gallery of 12: {took:.2f} s")
    assert window.run(f"import sys; result = all({GALLERY}.icon(seed) for seed in {GALLERY}.seeds)")
    time.sleep(1.0)
    shot(window, "gallery")
    count = window.run(f"result = len({OBJECTS})")
    seed = window.run(f"import sys; result = {GALLERY}.seeds[3]")
    window.press(f"gen3d.pick(seed={seed})")
    window.until(f"len({OBJECTS}) == {count + 1}")
    assert window.run(f"result = {ACTIVE}['gen3d']['seed']") == seed


def test_a_morph_is_scrubbed_and_played(window: Window) -> None:
    seed = window.run(f"import sys; result = {GALLERY}.seeds[-3]")
    window.open_panel_below(f"gen3d.pick(seed={seed})")
    window.run(f"""
for each in {OBJECTS}:
    bpy.data.objects.remove(each)
settings = bpy.context.scene.gen3d
settings.model, settings.resolution = "cars", 96
settings.morph.source, settings.morph.seeds = "SEEDS", "3 8"
settings.morph.steps, settings.morph.frame_start, settings.morph.frame_end = 13, 1, 49
""")
    for kind in ("morph", "flipbook"):
        window.run(f"bpy.context.scene.gen3d.morph.kind = {kind!r}; bpy.context.scene.cursor.location.x += 1.5")
        window.press("gen3d.morph()")
        took = window.until(f"'Morph' in ({ACTIVE} or {{}}) and {ACTIVE}['gen3d_morph']['kind'] == {kind!r}", 240)
        say(window, f"Morph of 13 steps at 96, {kind}: {took:.1f} s")
    window.run("""
for each in bpy.data.objects:
    each.select_set("Morph" in each)
with inside(): bpy.ops.view3d.view_selected()
_, area, _ = view()
area.spaces.active.overlay.show_outline_selected = False
""")
    shapes = []
    for frame in (1, 13, 25, 37, 49):
        window.run(f"bpy.context.scene.frame_set({frame})")
        shot(window, f"morph_{frame:02d}")
        shapes.append(
            window.run(f"""
seen = {ACTIVE}.evaluated_get(bpy.context.evaluated_depsgraph_get()).data
result = [len(seen.vertices), sum(v.co.z for v in seen.vertices) / len(seen.vertices)]""")
        )
    assert len({tuple(shape) for shape in shapes}) == 5
    window.run("""
import time
played = []
bpy.app.handlers.frame_change_post.append(lambda *unused: played.append(time.perf_counter()))
bpy.app.driver_namespace["played"] = played
bpy.context.scene.frame_end, bpy.context.scene.render.fps = 49, 240
with inside(): bpy.ops.screen.animation_play()
""")
    time.sleep(4.0)
    frames, took, drawing = window.run("""
import time
with inside(): bpy.ops.screen.animation_cancel()
played = bpy.app.driver_namespace["played"]
bpy.app.handlers.frame_change_post.clear()
began = time.perf_counter()
with inside(): bpy.ops.wm.redraw_timer(type="DRAW_WIN_SWAP", iterations=10)
result = len(played) - 1, played[-1] - played[0], (time.perf_counter() - began) / 10
""")
    say(
        window,
        f"Shape keys and a flipbook beside each other play at {frames / took:.1f} frames a second, "
        f"{1 / drawing:.1f} where Blender draws them standing still",
    )
    assert frames > 1
