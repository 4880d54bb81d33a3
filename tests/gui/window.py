# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""A real Blender window on a virtual screen, with a mouse: what a user's hands and eyes are to the tests.

Linux with Xvfb, xdotool and ImageMagick. `GEN3D_GUI` names the Blenders to test, separated by colons: programs, or
folders that hold a whole system with Blender, Xvfb, xdotool and ImageMagick in it (a chroot, as debootstrap makes it).

One file because it is one window and what drives it.
"""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
import socket
import subprocess
import tempfile
import time
from pathlib import Path
from typing import Any

HERE = Path(__file__).resolve().parent
SIZE = (1500, 1000)
START_SECONDS = 120.0
HEADER = 25  # height of a panel's header in pixels
STEP = 10  # pixels between the places at which buttons are looked for
DOWN, UP = "5", "4"  # the mouse wheel's buttons
HALF = 9  # pixels from a button's edge to its middle


def blenders() -> list[Path]:
    """What GEN3D_GUI names, else the Blender on PATH, where the tools for a virtual screen are."""
    named = [Path(part) for part in os.environ.get("GEN3D_GUI", "").split(os.pathsep) if part]
    found = shutil.which("blender")
    tools = all(shutil.which(tool) for tool in ("Xvfb", "xdotool", "import"))
    return named or ([Path(found)] if found and tools else [])


class Window:
    """A Blender window; use it as a context. Files are exchanged through `folder`, which it sees as `/tmp/NAME`."""

    def __init__(self, blender: Path, display: int = 87) -> None:
        self.root = blender if blender.is_dir() else None
        self._program = "blender" if self.root else str(blender)
        self._display = f":{display}"
        self._port = _free_port()
        self._last = 0  # row of the button that was found last: the next one is looked for from there on
        self._processes: list[subprocess.Popen] = []
        temporary = Path(self.root, "tmp") if self.root else Path(tempfile.gettempdir())
        self.folder = Path(tempfile.mkdtemp(prefix="gen3d-gui-", dir=temporary))

    def seen(self, path: Path) -> str:
        """How Blender names a file of `folder`."""
        return str(Path("/", path.relative_to(self.root)) if self.root else path)

    def python(self) -> str:
        """The version of Blender's Python, such as 3.11."""
        ask = "import sys; print('python %d.%d' % sys.version_info[:2])"
        command = self._command(self._program, "--background", "--factory-startup", "--python-expr", ask)
        found = re.search(r"^python (\S+)$", subprocess.run(command, capture_output=True, text=True).stdout, re.M)
        if not found:
            raise RuntimeError(f"{self._program} does not start")
        return found[1]

    def __enter__(self) -> Window:
        width, height = SIZE
        shutil.copy(HERE / "inside.py", self.folder)
        (self.folder / "user").mkdir()
        self._start(
            "Xvfb", self._display, "-screen", "0", f"{width}x{height}x24", "+extension", "GLX", "-nolisten", "tcp"
        )
        _wait(lambda: subprocess.run(self._command("xdotool", "getmouselocation"), capture_output=True).returncode == 0)
        self._start_hand()
        self._start(
            self._program, "--window-geometry", "0", "0", str(width), str(height),
            "--python", self.seen(self.folder / "inside.py"),
        )  # fmt: skip
        _wait(self._connect)
        self.run("pass")
        return self

    def __exit__(self, *unused: object) -> None:
        with contextlib.suppress(OSError):  # Blender may have left already
            self._stream.close()
        self._connection.close()
        if self._hand.stdin is not None:
            self._hand.stdin.close()
        self._done.close()
        for process in reversed([*self._processes, self._hand]):
            process.terminate()
            try:
                process.wait(timeout=10)
            except subprocess.TimeoutExpired:
                process.kill()
                process.wait()
        shutil.rmtree(self.folder, ignore_errors=True)

    @property
    def pid(self) -> int:
        return self._processes[-1].pid

    def run(self, code: str) -> Any:
        """Execute code in Blender; what it leaves in `result` comes back."""
        self._stream.write(json.dumps({"code": code}).encode() + b"\n")
        self._stream.flush()
        answer = json.loads(self._stream.readline())
        if "error" in answer:
            raise AssertionError(answer["error"])
        return answer["result"]

    def until(self, condition: str, seconds: float = 60.0) -> float:
        """Wait until an expression holds in Blender. Returns the seconds that it took."""
        began = time.monotonic()
        while not self.run(f"import sys\nresult = bool({condition})"):
            if time.monotonic() - began > seconds:
                raise AssertionError(f"waited {seconds} s in vain for {condition}")
            time.sleep(0.05)
        return time.monotonic() - began

    def open_tab(self, name: str) -> None:
        self.run("_, area, _ = view(); area.spaces.active.show_region_ui = True")
        time.sleep(0.5)
        self.run(f"_, area, regions = view(); regions['UI'].active_panel_category = {name!r}; area.tag_redraw()")
        time.sleep(1.0)

    def press(self, what: str) -> None:
        """Click the button in the sidebar whose operator call or property path has `what` in it."""
        self._hover(self._find(what))
        self._mouse("click", "1")
        time.sleep(0.2)

    def drag(self, what: str, pixels: int, steps: int = 1, seconds: float = 0.0, begin: str = "") -> float:
        """Take a slider of the sidebar with the mouse and move it to the right, or to the left, after executing
        `begin` in Blender. Returns the seconds that it was held."""
        place, row = self._find(what)
        self._hover((place, row))
        self.run(begin)
        began = time.monotonic()
        self._mouse("mousedown", "1")
        for step in range(1, steps + 1):
            self._mouse("mousemove", str(place + pixels * step // steps), str(row))
            time.sleep(seconds / steps)
        self._mouse("mouseup", "1")
        held = time.monotonic() - began
        time.sleep(0.2)
        return held

    def open_panel_below(self, what: str) -> None:
        """Unfold the panel whose header is the next thing below a button, and fold all others."""
        place, row = self._find(what)
        self._hover((place, row + 34))
        self._mouse("keydown", "ctrl")
        self._mouse("click", "1")
        self._mouse("keyup", "ctrl")
        time.sleep(1.0)

    def tick_in_redo_panel(self, row: int) -> None:
        """Unfold "Adjust Last Operation" in the corner of the 3D view and click the checkbox in a row of it, from 0.

        By its place: Blender tells nothing of an operator's properties under the mouse.
        """
        x, y, width, height, total = self._place("HUD")
        if height < 2 * HEADER:
            self._hover((x + width // 2, total - y - height // 2))
            self._mouse("click", "1")
            time.sleep(2.0)
            x, y, width, height, total = self._place("HUD")
        self._hover((x + int(0.45 * width), total - y - height + int((1.7 + 0.92 * row) * HEADER)))
        self._mouse("click", "1")
        time.sleep(0.2)

    def _place(self, region: str) -> list[int]:
        return self.run(
            f"window, _, regions = view(); r = regions[{region!r}]\n"
            "result = [r.x, r.y, r.width, r.height, window.height]"
        )

    def _find(self, what: str) -> tuple[int, int]:
        x, y, width, height, total = self._place("UI")
        self._mouse("mousemove", str(x - 40), str(total - y - height // 2))
        top, bottom = total - y - height + 4, total - y - 4
        for wheel in ("", DOWN, UP):
            if wheel:
                self._mouse("mousemove", str(x + width // 2), str((top + bottom) // 2))
                self._mouse("click", "--repeat", "30", wheel)
            for row in sorted(range(top, bottom, STEP), key=lambda row: abs(row - self._last)):
                for place in (x + (width - 20) // 2, x + width - 45, x + 45):
                    if self._is_there(what, place, row):
                        while row - 2 > top and self._is_there(what, place, row - 2):
                            row -= 2
                        self._last = row + HALF
                        return place, self._last
        raise AssertionError(f"no button for {what} in the sidebar")

    def _is_there(self, what: str, place: int, row: int) -> bool:
        self._mouse("mousemove", str(place), str(row))
        self.run("pass")  # Blender runs a timer before it handles the events that came with it
        return what in self.run("result = under_mouse()")

    def _hover(self, where: tuple[int, int]) -> None:
        place, row = where
        self._mouse("mousemove", str(place), str(row))
        time.sleep(0.2)
        self._mouse("mousemove", str(place + 1), str(row))
        time.sleep(0.2)

    def type(self, keys: str) -> None:
        """Press keys, such as ctrl+z, with the mouse over the 3D view."""
        self._mouse("mousemove", "400", "500")
        time.sleep(0.3)
        self._mouse("key", keys)
        time.sleep(0.5)

    def shot(self, path: Path) -> None:
        """The whole screen as a PNG."""
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(
            subprocess.run(self._command("import", "-window", "root", "png:-"), capture_output=True, check=True).stdout
        )

    def _start_hand(self) -> None:
        """One process for all that mouse and keys do: each of its own would take the processors from Blender."""
        reader, writer = os.openpty()  # to a pipe it would answer only at its end
        self._hand = subprocess.Popen(self._command("xdotool", "-"), stdin=subprocess.PIPE, stdout=writer, text=True)
        os.close(writer)
        self._done = os.fdopen(reader)

    def _mouse(self, *words: str) -> None:
        """Returns when the screen knows of it; Blender hears of it next."""
        assert self._hand.stdin is not None
        self._hand.stdin.write(" ".join(words) + "\ngetmouselocation\n")
        self._hand.stdin.flush()
        self._done.readline()

    def _start(self, *words: str) -> None:
        log = (self.folder / f"{Path(words[0]).name}.log").open("wb")
        self._processes.append(subprocess.Popen(self._command(*words), stdout=log, stderr=subprocess.STDOUT))
        log.close()

    def _connect(self) -> bool:
        if self._processes[-1].poll() is not None:
            raise RuntimeError((self.folder / f"{Path(self._program).name}.log").read_text(errors="replace")[-2000:])
        try:
            connection = socket.create_connection(("127.0.0.1", self._port), 1.0)
        except OSError:
            return False
        connection.settimeout(120.0)
        self._connection, self._stream = connection, connection.makefile("rwb")
        return True

    def _command(self, *words: str) -> list[str]:
        environment = {
            "HOME": self.seen(self.folder), "PATH": "/usr/local/bin:/usr/bin:/bin", "LC_ALL": "C.UTF-8",
            "LIBGL_ALWAYS_SOFTWARE": "1", "DISPLAY": self._display, "GEN3D_GUI_PORT": str(self._port),
            "BLENDER_USER_RESOURCES": self.seen(self.folder / "user"),
        }  # fmt: skip
        start = ["chroot", str(self.root)] if self.root else []
        return [*start, "env", "-i", *(f"{name}={value}" for name, value in environment.items()), *words]


def _free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as server:
        return server.getsockname()[1]


def _wait(condition: Any) -> None:
    end = time.monotonic() + START_SECONDS
    while not condition():
        if time.monotonic() > end:
            raise RuntimeError("the window did not open")
        time.sleep(0.2)
