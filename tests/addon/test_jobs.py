# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What can go wrong while a mesh is made, with a real worker: cancel, a killed worker, a second Generate, bad models.

Inside Blender: see `in_blender`. `slow` is a model with seconds of work.
"""

import functools
import os
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.addon.harness import addon, blender, in_blender, settings, submit, wait_until


def service() -> Any:
    return addon("queue.service").service


def state(name: str) -> Any:
    return addon("worker.job").State[name]


def start_slow_job() -> Any:
    """A job that is well under way."""
    job = submit("slow", 0, 64)
    wait_until(lambda: job.poll() or job.fraction > 0.1, "the job starts")
    assert not job.done and job.stage
    return job


def ordered(model: str = "ellipsoids", *seeds: int) -> Any:
    """A work that waits at the desk, as Generate leaves it there in a window; calling the desk is the timer's part."""
    from gen3d_core import protocol

    work, objects = addon("queue.queue"), addon("scene.objects")
    place = objects.Placement.here(blender().context)
    orders = [
        work.Order(
            {"model": model, "recipe": protocol.Recipe(seed), "resolution": 64 if model == "slow" else 32},
            functools.partial(objects.place, placement=place, name=f"{model}_{seed:04d}"),
        )
        for seed in seeds or (3,)
    ]
    made = work.Work(service(), "Generate", orders, blender().context.scene.session_uid)
    addon("queue.service").desk.add(made)
    return made


def well_under_way(work: Any) -> None:
    wait_until(lambda: (desk()(), work.fraction > 0.1)[1], "the work starts")
    assert not work.done and work.stage


def desk() -> Any:
    return addon("queue.service").desk


def alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except OSError:
        return False
    return True


def kill(pid: int) -> None:
    os.kill(pid, getattr(signal, "SIGKILL", signal.SIGTERM))


def names() -> list[str]:
    bpy = blender()
    kinds = (bpy.data.objects, bpy.data.meshes, bpy.data.materials)
    return [block.name for kind in kinds for block in kind]


def generate_works() -> None:
    bpy = blender()
    settings()
    assert bpy.ops.gen3d.generate() == {"FINISHED"}
    assert bpy.context.view_layer.objects.active.name.startswith("ellipsoids_0003")


@in_blender
def test_a_job_reports_growing_progress_and_ends_finished():
    job, seen = submit("slow", 0, 32), []
    wait_until(lambda: job.poll() or seen.append(job.fraction), "the job ends")
    assert job.state is state("FINISHED"), job.message
    assert seen == sorted(seen) and len(set(seen)) > 5 and job.fraction == 1.0


@in_blender
def test_cancel_leaves_the_scene_untouched_and_the_worker_alive():
    bpy = blender()
    before, work = names(), ordered("slow", 0)
    well_under_way(work)
    worker = service().client.pid
    assert bpy.ops.gen3d.cancel() == {"FINISHED"}
    wait_until(lambda: desk()() is None, "the work is cancelled", seconds=4)
    assert work.state is state("CANCELLED") and not work.applied
    assert names() == before
    generate_works()
    assert service().client.pid == worker


@in_blender
def test_cancel_while_generate_blocks_is_reported_and_leaves_the_scene_untouched():
    bpy = blender()
    before = names()
    settings("slow", resolution=64)

    def cancel() -> None:
        wait_until(lambda: service().busy and service().job.fraction > 0.1, "the job starts")
        service().job.cancel()

    threading.Thread(target=cancel).start()
    with pytest.raises(RuntimeError, match="Cancelled"):
        bpy.ops.gen3d.generate()
    assert names() == before


@in_blender
def test_a_worker_that_does_not_hear_the_cancel_is_killed():
    addon("worker.job").CANCEL_SECONDS = 0.5
    job = start_slow_job()
    worker = service().client.pid
    os.kill(worker, signal.SIGSTOP)
    job.cancel()
    wait_until(job.poll, "the job is cancelled", seconds=4)
    assert job.state is state("CANCELLED") and not alive(worker)
    generate_works()


@in_blender
def test_a_worker_killed_in_mid_job_gives_a_clear_message_and_the_next_generate_works():
    bpy = blender()
    before = names()
    settings("slow", resolution=64)
    pids = []

    def kill_worker() -> None:
        wait_until(lambda: service().busy and service().job.fraction > 0.1, "the job starts")
        pids.append(service().client.pid)
        kill(pids[0])

    threading.Thread(target=kill_worker).start()
    with pytest.raises(RuntimeError, match="worker stopped unexpectedly.*Press Generate"):
        bpy.ops.gen3d.generate()
    assert names() == before
    generate_works()
    assert service().client.pid != pids[0]


@in_blender
def test_a_worker_killed_between_jobs_is_replaced_without_a_word():
    generate_works()
    worker = service().client.pid
    kill(worker)
    wait_until(lambda: service().client.ended, "the worker ends")
    generate_works()
    assert service().client.pid != worker


@in_blender
def test_a_second_work_waits_for_the_first_and_both_are_done():
    first, second = ordered("slow", 0), ordered("ellipsoids", 3, 4)
    well_under_way(first)
    assert list(desk().waiting) == [second]
    with pytest.raises(addon("worker.client").WorkerError, match="already running"):
        submit("ellipsoids", 0, 32)
    wait_until(lambda: desk()() is None, "both are done")
    assert (first.state, second.state) == (state("FINISHED"), state("FINISHED")), first.message
    assert {"slow_0000", "ellipsoids_0003"} < set(names()), names()
    assert second.fraction == 1.0 and blender().context.view_layer.objects.active.name == "ellipsoids_0004"


@in_blender
def test_a_work_that_is_cancelled_keeps_what_is_there_and_the_next_goes_on():
    first, second = ordered("slow", 0, 1), ordered("ellipsoids", 3)
    wait_until(lambda: (desk()(), first.applied == 1)[1], "the first object is there")
    desk().cancel()
    wait_until(lambda: desk()() is None, "both have ended")
    assert first.state is state("CANCELLED") and second.state is state("FINISHED")
    assert {"slow_0000", "ellipsoids_0003"} < set(names()) and "slow_0001" not in names()


@in_blender
def test_a_failure_can_be_copied_in_full():
    bpy = blender()
    work = ordered("broken")
    wait_until(lambda: desk()() is None, "it fails")
    assert work.state is state("FAILED") and "broken.gen3d" in work.message and "Traceback" in work.detail
    assert bpy.ops.gen3d.copy_detail() == {"FINISHED"}


@in_blender
def test_bad_models_give_one_clear_line_and_an_untouched_scene():
    bpy = blender()
    before = names()
    for model, words in {"broken": "broken.gen3d", "nothing": "surface"}.items():
        settings(model)
        with pytest.raises(RuntimeError, match=words) as caught:
            bpy.ops.gen3d.generate()
        assert len(str(caught.value).strip().splitlines()) == 1
    assert names() == before
    generate_works()


@in_blender
def test_the_timer_places_a_result_once_blender_is_back_in_object_mode():
    bpy = blender()
    work = ordered()
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    bpy.ops.object.mode_set(mode="EDIT")
    wait_until(lambda: (desk()(), "waits" in work.stage)[1], "the mesh is made")
    assert desk()() is not None and "ellipsoids_0003" not in bpy.data.objects
    bpy.ops.object.mode_set(mode="OBJECT")
    assert desk()() is None and "ellipsoids_0003" in bpy.data.objects


@in_blender
def test_a_result_that_waits_for_its_place_can_be_cancelled():
    bpy = blender()
    work = ordered()
    bpy.context.view_layer.objects.active = bpy.data.objects["Cube"]
    bpy.ops.object.mode_set(mode="EDIT")
    before = names()
    wait_until(lambda: (desk()(), "waits" in work.stage)[1], "the mesh is made")
    desk().cancel()
    assert desk()() is None and work.state is state("CANCELLED") and names() == before


@in_blender
def test_a_result_whose_scene_is_gone_is_dropped_with_a_message():
    bpy = blender()
    work = ordered()
    bpy.ops.wm.read_homefile()
    before = names()
    wait_until(lambda: desk()() is None, "the work ends")
    assert work.state is state("FAILED") and "scene" in work.message
    assert names() == before


@in_blender
def test_undo_while_a_work_is_done_does_no_harm():
    bpy = blender()
    bpy.ops.ed.undo_push(message="one")
    bpy.ops.mesh.primitive_cube_add("EXEC_DEFAULT", True)
    work = ordered("slow", 0)
    well_under_way(work)
    bpy.ops.ed.undo()
    wait_until(lambda: desk()() is None, "the work ends")
    assert work.state is state("FINISHED"), work.message
    assert bpy.context.view_layer.objects.active.name == "slow_0000"


@in_blender
def test_disabling_the_addon_ends_worker_timer_and_folder():
    bpy = blender()
    start_slow_job()
    client = service().client
    bpy.ops.preferences.addon_disable(module=addon("compat").ADDON)
    assert not alive(client.pid) and not client.folder.exists()
    assert not hasattr(bpy.types.Scene, "gen3d")
    bpy.ops.preferences.addon_enable(module="bl_ext.user_default.gen3d")
    settings("chairs")
    assert bpy.ops.gen3d.generate() == {"FINISHED"}


@in_blender
def test_results_are_removed_from_the_temporary_folder_once_read():
    generate_works()
    assert list(Path(service().client.folder).iterdir()) == []


@in_blender
def test_a_result_of_another_kind_than_asked_for_is_refused():
    from gen3d_core import protocol

    made_by = (protocol.ModelIdentity("eggs", "/a/eggs.gen3d", "0f", "eggs"), "1.2", 0.8)
    reply = protocol.ThumbnailsResult(1, "a.npz", *made_by)
    read = addon("worker.results").read_result
    for request in (protocol.Generate(1, "eggs", protocol.Recipe(1), 32), protocol.Models(1)):
        with pytest.raises(ValueError, match=f"{request.type} was answered by thumbnails_result"):
            read(request, reply, Path("nowhere"))


@in_blender
def test_nobody_is_told_that_a_mesh_was_made():
    """onnxruntime's reports to its makers are off: it leaves neither an identifier nor reports in the user's home."""
    home = Path(tempfile.mkdtemp())
    os.environ.pop("CI", None)  # with which it would keep silent by itself
    os.environ.update({name: str(home) for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA")})
    generate_works()
    service().stop()
    assert [path for path in home.rglob("*") if "onnx" in path.name] == []


@in_blender
def test_the_workers_environment_is_clean():
    """Whatever a launcher set for another Python does not reach the worker."""
    for name in ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH"):
        os.environ[name] = "/nowhere"
    generate_works()
    variables = Path(f"/proc/{service().client.pid}/environ")
    if variables.exists():
        assert b"/nowhere" not in variables.read_bytes()
