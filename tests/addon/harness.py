# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs test functions inside Blender, with the extension installed from its zip. One file because it is both the tests'
side and the program of the child, which may import nothing else of the project.

A test marked with `in_blender` looks like any other, but its body runs in a child process in which `bpy` is loaded, the
add-on is enabled and the project's folder is not on the path: whatever it imports comes from the extension's wheels.
One process runs the tests of a file, each in a scene, a folder and preferences as when Blender starts; the add-on's
worker goes on. A test that changes more than that (kills, environment, the add-on itself) is marked `own_blender`.
"""

import argparse
import importlib.util
import json
import os
import subprocess
import sys
import threading
import time
import traceback
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

MODULE = "bl_ext.user_default.gen3d"
# -I leaves out the project's folder; another Python with bpy is named by every_blender.py.
COMMAND = (os.environ.get("GEN3D_BPY_PYTHON", sys.executable), "-I", __file__)


def environment(user_folder: Path, temporary: Path) -> dict[str, str]:
    places = dict.fromkeys(("TMPDIR", "TEMP", "TMP"), str(temporary))
    return {**os.environ, **places, "BLENDER_USER_RESOURCES": str(user_folder)}


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
    done = subprocess.run(
        [*COMMAND, *arguments],
        env=environment(user_folder, temporary),
        cwd=temporary,
        timeout=seconds,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        errors="replace",
    )
    assert done.returncode == code, f"exit code {done.returncode} from Blender\n{done.stdout}"
    return done.stdout


class Blender:
    """A Blender that runs tests one after another. One that has died or hangs is replaced before the next test."""

    def __init__(self, user_folder: Path, temporary: Path) -> None:
        self._user_folder, self._temporary = user_folder, temporary
        self._log = temporary / "log.txt"
        self._process: subprocess.Popen[str] | None = None

    def run(self, test: tuple[str, str], folder: Path, seconds: float = 180.0) -> None:
        """Run a test (file, function) in a folder. What fails in there fails here, with its traceback."""
        process = self._started()
        assert process.stdin is not None and process.stdout is not None
        start = self._log.stat().st_size
        limit = threading.Timer(seconds, process.kill)
        limit.start()
        try:
            process.stdin.write(json.dumps([*test, str(folder)]) + "\n")
            process.stdin.flush()
            answer = process.stdout.readline()
        except OSError:  # its end of the pipe is gone
            answer = ""
        finally:
            limit.cancel()
        if answer.strip() != PASSED:
            self.stop()
            with self._log.open(encoding="utf-8", errors="replace") as log:
                log.seek(start)
                said = log.read()
            raise AssertionError(f"{answer.strip() or 'Blender died or took too long'}\n{said}")

    def stop(self) -> None:
        if self._process is not None:
            for pipe in (self._process.stdin, self._process.stdout):
                assert pipe is not None
                try:
                    pipe.close()
                except OSError:  # what was written did not arrive
                    pass
            try:
                self._process.wait(20.0)
            except subprocess.TimeoutExpired:
                self._process.kill()
                self._process.wait()
            self._process = None

    def _started(self) -> "subprocess.Popen[str]":
        if self._process is None:
            self._temporary.mkdir(exist_ok=True)
            self._log.touch()
            self._process = subprocess.Popen(
                [*COMMAND, "--serve", str(self._log)],
                env=environment(self._user_folder, self._temporary),
                cwd=self._temporary,
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                text=True,
            )
        return self._process


PASSED, FAILED = "passed", "failed"


class Request(Protocol):
    """What is used here of pytest's fixture `request`: Blender's own Python need not know pytest's types."""

    node: Any

    def getfixturevalue(self, argname: str) -> Any: ...


def in_blender(function: Callable[[], None]) -> Callable[..., None]:
    """The body of this test runs in Blender; in one of its own, if the test is marked `own_blender`."""

    def outside(request: Request, tmp_path: Path) -> None:
        test, folder = (function.__code__.co_filename, function.__name__), tmp_path / "temporary"
        if request.node.get_closest_marker("own_blender"):
            run_inside(request.getfixturevalue("user_folder"), folder, test=test)
        else:
            folder.mkdir()
            request.getfixturevalue("file_blender").run(test, folder)

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

    return addon("queue.service").service.submit(
        protocol.Generate, model=model, recipe=protocol.Recipe(seed), resolution=resolution
    )


def wait_until(condition: Callable[[], object], what: str, seconds: float = 30.0) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(0.01)


def learn() -> None:
    """Ask the worker what the models hold, as a panel does when it is first drawn."""
    addon("queue.service").learn()


def adjusted() -> None:
    """Wait for the end of an adjustment: calling it is the part of Blender's timer."""
    live = addon("queue.adjust_session").live
    wait_until(lambda: live() is None, "the adjustment ends")


def install_and_enable(path: str | None) -> None:
    """As a user does it: install from a file, then tick the box."""
    bpy = blender()
    import addon_utils  # known only once bpy is

    if path is not None:
        bpy.ops.extensions.package_install_files(filepath=path, repo="user_default", enable_on_install=False)
    bpy.ops.preferences.addon_enable(module=MODULE)
    assert addon_utils.check(MODULE) == (True, True)


def start_afresh(folder: str) -> None:
    """Scene, preferences and folder as when Blender starts."""
    bpy = blender()
    os.chdir(folder)
    bpy.ops.wm.read_homefile(use_factory_startup=True)
    preferences = bpy.context.preferences.addons[MODULE].preferences
    for each in preferences.bl_rna.properties:
        if each.identifier in preferences.bl_rna.base.properties:
            continue
        preferences.property_unset(each.identifier)


def run_test(file: str, function: str) -> None:
    spec = importlib.util.spec_from_file_location("inside", file)
    assert spec is not None and spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    getattr(getattr(module, function), INSIDE)()


def serve(log: str) -> None:
    """Run the tests that are asked for, line by line, until there are no more lines. What is printed goes to a file."""
    answers = os.fdopen(os.dup(1), "w", encoding="utf-8")
    with open(log, "ab") as file:  # noqa: PTH123  by its number for Blender's own words too
        for stream in (1, 2):
            os.dup2(file.fileno(), stream)
    install_and_enable(None)
    for line in sys.stdin:
        source, function, folder = json.loads(line)
        passed = False
        try:
            start_afresh(folder)
            run_test(source, function)
            passed = True
        except BaseException:  # noqa: BLE001  whatever it was, the parent is told
            traceback.print_exc()
        sys.stdout.flush()
        sys.stderr.flush()
        answers.write(f"{PASSED if passed else FAILED}\n")
        answers.flush()


def main() -> None:
    parser = argparse.ArgumentParser()
    parser.add_argument("--install")
    parser.add_argument("--test", nargs=2, metavar=("FILE", "FUNCTION"))
    parser.add_argument("--serve", metavar="LOG")
    options = parser.parse_args()
    # Test files import this one by the name that it has outside.
    sys.modules["tests.addon.harness"] = sys.modules["__main__"]
    if options.serve:
        serve(options.serve)
        return
    install_and_enable(options.install)
    if options.test:
        run_test(*options.test)


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
