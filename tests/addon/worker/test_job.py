# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The worker and its jobs: progress, a worker that does not hear, is killed or is disabled, what it knows and leaves.

Inside Blender: see `in_blender`. `slow` is a model with seconds of work.
"""

import os
import signal
import tempfile
import threading
from pathlib import Path
from typing import Any

import pytest

from tests.addon.harness import (
    addon,
    blender,
    in_blender,
    service,
    settings,
    state,
    submit,
    wait_until,
)
from tests.addon.measures import (
    generate_works,
    is_alive,
    kill,
    names,
)


def start_slow_job() -> Any:
    """A job that is well under way."""
    job = submit("slow", 0, 64)
    wait_until(lambda: job.poll() or job.fraction > 0.1, "the job starts")
    assert not job.done and job.stage
    return job


@in_blender
def test_a_job_reports_growing_progress_and_ends_finished():
    job, seen = submit("slow", 0, 32), []
    wait_until(lambda: job.poll() or seen.append(job.fraction), "the job ends")
    assert job.state is state("FINISHED"), job.message
    assert seen == sorted(seen) and len(set(seen)) > 5 and job.fraction == 1.0


@pytest.mark.own_blender
@in_blender
def test_a_worker_that_does_not_hear_the_cancel_is_killed():
    addon("worker.job").CANCEL_SECONDS = 0.5
    job = start_slow_job()
    worker = service().client.pid
    os.kill(worker, signal.SIGSTOP)
    job.cancel()
    wait_until(job.poll, "the job is cancelled", seconds=4)
    assert job.state is state("CANCELLED") and not is_alive(worker)
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
def test_results_are_removed_from_the_temporary_folder_once_read():
    generate_works()
    assert list(Path(service().client.folder).iterdir()) == []


@in_blender
def test_nobody_is_told_that_a_mesh_was_made():
    """onnxruntime's reports to its makers are off: it leaves neither an identifier nor reports in the user's home."""
    home = Path(tempfile.mkdtemp())
    os.environ.pop("CI", None)  # with which it would keep silent by itself
    os.environ.update({name: str(home) for name in ("HOME", "XDG_CACHE_HOME", "XDG_DATA_HOME", "LOCALAPPDATA")})
    generate_works()
    service().stop()
    assert [path for path in home.rglob("*") if "onnx" in path.name] == []


@pytest.mark.own_blender
@in_blender
def test_the_workers_environment_is_clean():
    """Whatever a launcher set for another Python does not reach the worker."""
    for name in ("PYTHONPATH", "PYTHONHOME", "LD_LIBRARY_PATH"):
        os.environ[name] = "/nowhere"
    generate_works()
    variables = Path(f"/proc/{service().client.pid}/environ")
    if variables.exists():
        assert b"/nowhere" not in variables.read_bytes()


@pytest.mark.own_blender
@in_blender
def test_disabling_the_addon_ends_worker_timer_and_folder():
    bpy = blender()
    start_slow_job()
    client = service().client
    bpy.ops.preferences.addon_disable(module=addon("compat").ADDON)
    assert not is_alive(client.pid) and not client.folder.exists()
    assert not hasattr(bpy.types.Scene, "gen3d")
    bpy.ops.preferences.addon_enable(module="bl_ext.user_default.gen3d")
    settings("chairs")
    assert bpy.ops.gen3d.generate() == {"FINISHED"}


@pytest.mark.own_blender
@in_blender
def test_a_result_of_another_kind_than_asked_for_is_refused():
    from gen3d_core import protocol

    made_by = (protocol.ModelIdentity("eggs", "/a/eggs.gen3d", "0f", "eggs", "1e"), "1.2", 0.8)
    reply = protocol.ThumbnailsResult(1, "a.npz", *made_by)
    read = addon("worker.results").read_result
    for request in (protocol.Generate(1, "eggs", protocol.Recipe(1), 32), protocol.Models(1)):
        with pytest.raises(ValueError, match=f"{request.type} was answered by thumbnails_result"):
            read(request, reply, Path("nowhere"))
