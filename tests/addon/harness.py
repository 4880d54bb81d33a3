# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs test functions inside Blender, each in a process of its own, with the extension installed from its zip.

A test marked with `in_blender` looks like any other, but its body runs in a child process in which `bpy` is loaded, the
add-on is enabled and the project's folder is not on the path: whatever it imports comes from the extension's wheels.
This file is both the decorator and that child's program.
"""

import argparse
import functools
import importlib.util
import os
import subprocess
import sys
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any

MODULE = "bl_ext.user_default.gen3d"


def run_inside(
    user_folder: Path,
    temporary: Path,
    *,
    install: Path | None = None,
    test: tuple[str, str] | None = None,
    code: int = 0,
    seconds: float = 180.0,
) -> str:
    """Start Blender with a user's folder, install a zip or enable what is installed, and run a test (file, function).

    What fails in there, or ends with another exit code, fails here, with its traceback. Temporary files go to
    `temporary`. Returns what was printed.
    """
    arguments = ["--install", str(install)] if install else []
    arguments += ["--test", *test] if test else []
    temporary.mkdir(exist_ok=True)
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
    done = subprocess.run(
        # -I leaves out the project's folder; another Python with bpy is named by every_blender.py.
        [os.environ.get("GEN3D_BPY_PYTHON", sys.executable), "-I", __file__, *arguments],
        env={**os.environ, **places, "BLENDER_USER_RESOURCES": str(user_folder)},
        cwd=temporary,
        timeout=seconds,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert done.returncode == code, f"exit code {done.returncode} from Blender\n{done.stdout}"
    return done.stdout


def in_blender(function: Callable[[], None]) -> Callable[..., None]:
    """The body of this test runs in Blender."""

    def outside(user_folder: Path, tmp_path: Path) -> None:
        test = (function.__code__.co_filename, function.__name__)
        run_inside(user_folder, tmp_path / "temporary", test=test)

    outside.__name__, outside.__doc__, outside.__module__ = function.__name__, function.__doc__, function.__module__
    setattr(outside, INSIDE, function)
    return outside


INSIDE = "inside"


# ---- in Blender


def blender() -> Any:
    """`bpy`, whose types know neither the add-on's operators nor a context that is there."""
    import bpy

    return bpy


def addon(part: str) -> Any:
    """A module of the enabled add-on, by name."""
    return sys.modules[f"{MODULE}.{part}"]


def settings(model: str = "ellipsoids", seed: int = 3, resolution: int = 32) -> Any:
    """The scene's settings, set."""
    chosen = blender().context.scene.gen3d
    chosen.model, chosen.seed, chosen.resolution = model, seed, resolution
    return chosen


def make(seed: int, model: str = "ellipsoids", resolution: int = 32) -> Any:
    """A new object, made as a script does."""
    bpy = blender()
    settings(model, seed=seed, resolution=resolution)
    assert bpy.ops.gen3d.generate() == {"FINISHED"}
    return bpy.context.view_layer.objects.active


def select(*chosen: Any) -> None:
    """Only these; the first is active."""
    bpy = blender()
    bpy.ops.object.select_all(action="DESELECT")
    for each in chosen:
        each.select_set(True)
    bpy.context.view_layer.objects.active = chosen[0]


def submit(model: str, seed: int, resolution: int) -> Any:
    """A job of the add-on's own worker."""
    from gen3d_core import protocol

    return service().submit(protocol.Generate, model=model, seed=seed, resolution=resolution)


def service() -> Any:
    """The add-on's worker."""
    return addon("queue.service").service


def state(name: str) -> Any:
    """Of a job or a batch."""
    return addon("worker.job").State[name]


def queue() -> Any:
    """The add-on's queue; calling it is the part of Blender's timer, which does not run here."""
    return addon("queue.service").queue


def run_queue(what: str, seconds: float = 30.0) -> None:
    """Call the queue as the timer does, until nothing is left."""
    wait_until(lambda: queue()() is None, what, seconds)


def item(model: str, seed: int) -> Any:
    """One object to make, as Generate asks for it."""
    objects = addon("scene.objects")
    place = objects.Placement.here(blender().context)
    return addon("queue.batch").Item(
        {"model": model, "seed": seed, "resolution": 64 if model == "slow" else 32},
        functools.partial(objects.place, placement=place, name=f"{model}_{seed:04d}"),
    )


def enqueue(items: list[Any]) -> Any:
    """A batch in the queue, as Generate leaves it there in a window."""
    batch = addon("ui.submission").pressed_batch(blender().context, "Generate", items)
    queue().add(batch)
    return batch


def wait_until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(0.01)


def install_and_enable(path: str | None) -> None:
    """As a user does it: install from a file, then tick the box."""
    bpy = blender()
    import addon_utils  # known only once bpy is

    if path is not None:
        bpy.ops.extensions.package_install_files(filepath=path, repo="user_default", enable_on_install=False)
    bpy.ops.preferences.addon_enable(module=MODULE)
    assert addon_utils.check(MODULE) == (True, True)


def load(name: str, file: str) -> Any:
    """The module in a file, known by a name from then on."""
    spec = importlib.util.spec_from_file_location(name, file)
    assert spec is not None and spec.loader is not None
    module = sys.modules[name] = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--install")
    parser.add_argument("--test", nargs=2, metavar=("FILE", "FUNCTION"))
    options = parser.parse_args()
    install_and_enable(options.install)
    if options.test:
        file, function = options.test
        # Test files import this one and the next by the names that they have outside.
        sys.modules["tests.addon.harness"] = sys.modules["__main__"]
        load("tests.addon.measures", str(Path(__file__).with_name("measures.py")))
        module = load("inside", file)
        getattr(getattr(module, function), INSIDE)()


if __name__ == "__main__":
    code = 1
    try:
        main()
        code = 0
    except BaseException:  # noqa: BLE001  whatever it was, the parent is told by the exit code
        traceback.print_exc()
    sys.stdout.flush()
    sys.stderr.flush()
    # Blender as a module can crash or hang when the interpreter takes down its timers.
    os._exit(code)
