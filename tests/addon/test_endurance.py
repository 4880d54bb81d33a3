# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Generate and delete, over and over, then Blender killed: what is left of memory, files and processes.

python -m tests.addon.test_endurance [CYCLES]    prints the figures (default: 1000 cycles, half an hour)
"""

import os
import re
import signal
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from tests.addon.harness import INSIDE, addon, blender, run_inside, settings, wait_until

CYCLES = "GEN3D_TEST_CYCLES"
POSIX = os.name == "posix"


def megabytes(pid: int) -> float:
    """Resident memory of a process."""
    told = subprocess.run(["ps", "-o", "rss=", "-p", str(pid)], capture_output=True, text=True).stdout
    return int(told) / 1024


def live_and_die() -> None:
    """In Blender: the cycles, a figure at each tenth of them, and an end without warning in the middle of a job."""
    bpy, cycles = blender(), int(os.environ.get(CYCLES, "20"))
    temporary = Path(tempfile.gettempdir())
    for cycle in range(1, cycles + 1):
        settings("chairs", seed=cycle % 50, resolution=48)
        assert bpy.ops.gen3d.generate() == {"FINISHED"}
        made = bpy.context.view_layer.objects.active
        mesh = made.data
        bpy.data.objects.remove(made)
        bpy.data.meshes.remove(mesh)
        bpy.ops.ed.undo_push(message="Delete")
        if cycle % max(1, cycles // 10) == 0:
            worker = addon("queue.service").service.client.pid
            files = sum(path.is_file() for path in temporary.rglob("*"))
            print(f"| {cycle} | {megabytes(os.getpid()):.0f} | {megabytes(worker):.0f} | {files} |", flush=True)
    desk = addon("queue.service")
    from gen3d_core import protocol

    job = desk.service.submit(protocol.Generate, model="slow", recipe=protocol.Recipe(0), resolution=64)
    wait_until(lambda: job.poll() or job.fraction > 0.1, "the job starts")
    print(f"worker {desk.service.client.pid}", flush=True)
    os.kill(os.getpid(), signal.SIGKILL)


setattr(live_and_die, INSIDE, live_and_die)


def after_the_end(user_folder: Path, temporary: Path, seconds: float) -> tuple[list[list[float]], str]:
    """The figures (cycle, MB of Blender, MB of the worker, files), and what is wrong afterwards."""
    test = (__file__, live_and_die.__name__)
    said = run_inside(user_folder, temporary, test=test, code=-signal.SIGKILL, seconds=seconds)
    figures = [
        [float(cell) for cell in row] for row in re.findall(r"^\| (\d+) \| (\d+) \| (\d+) \| (\d+) \|$", said, re.M)
    ]
    worker = int(re.findall(r"^worker (\d+)$", said, re.M)[0])
    end = time.monotonic() + 10.0
    while subprocess.run(["ps", "-p", str(worker)], capture_output=True).returncode == 0:
        if time.monotonic() > end:
            return figures, f"worker {worker} is alive ten seconds after Blender was killed"
        time.sleep(0.1)
    left = [str(path) for path in temporary.rglob("gen3d-*")]
    return figures, f"left behind: {left}" if left else ""


@pytest.mark.slow
@pytest.mark.skipif(not POSIX, reason="SIGKILL and ps are POSIX's; the worker's end with its pipe is tested everywhere")
def test_nothing_grows_and_a_killed_blender_leaves_nothing(user_folder: Path, tmp_path: Path):
    figures, wrong = after_the_end(user_folder, tmp_path / "temporary", 180.0)
    assert not wrong, wrong
    assert len(figures) == 10 and len({files for *_, files in figures}) == 1, "no file stays of any mesh"
    # The first half fills caches and the undo stack of 32 steps.
    assert figures[-1][2] - figures[4][2] < 50, figures


def main() -> None:
    import build_addon
    from tests.analytic import write_ellipsoid_model

    os.environ[CYCLES] = sys.argv[1] if sys.argv[1:] else "1000"
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        user = folder / "blender"
        user.mkdir()
        run_inside(user, folder / "temporary", install=build_addon.build(folder / "dist").path)
        (models,) = user.glob("extensions/.local/lib/python*/site-packages/gen3d_core/models")
        write_ellipsoid_model(models / "slow.gen3d", name="slow", work=8)
        figures, wrong = after_the_end(user, folder / "temporary", 3 * 3600.0)
    print("| cycles | Blender MB | worker MB | temporary files |\n|---|---|---|---|")
    for row in figures:
        print("| " + " | ".join(f"{cell:.0f}" for cell in row) + " |")
    print(wrong or "Blender killed: worker gone, nothing left in the temporary folder")


if __name__ == "__main__":
    main()
