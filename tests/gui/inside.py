# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs inside a Blender window: does what `window.py` asks for, between redraws. Standard library and bpy only.

Requests come as JSON lines over a socket of this machine: {"code": ...} is executed, what it leaves in `result` goes
back. It also keeps the longest gap between two of its own ticks: how long Blender was deaf to its user.
"""

import json
import os
import socket
import time
import traceback
from typing import Any

import bpy

TICK_SECONDS = 0.01

context: Any = bpy.context  # its stubs declare members as methods
listener = socket.create_server(("127.0.0.1", int(os.environ["GEN3D_GUI_PORT"])))
listener.setblocking(False)
clients: dict[socket.socket, bytes] = {}


class Gaps:
    """The longest time between two ticks since `reset`."""

    def __init__(self) -> None:
        self.last = time.perf_counter()
        self.longest = 0.0

    def tick(self) -> None:
        now = time.perf_counter()
        self.longest, self.last = max(self.longest, now - self.last), now

    def reset(self) -> None:
        self.longest = 0.0


gaps = Gaps()


def view() -> tuple[Any, Any, dict[str, Any]]:
    """The window, its 3D view and that one's regions by type."""
    window = context.window_manager.windows[0]
    area = next(area for area in window.screen.areas if area.type == "VIEW_3D")
    return window, area, {region.type: region for region in area.regions}


def inside(region: str = "WINDOW") -> Any:
    """A context for operators in the 3D view."""
    window, area, regions = view()
    return context.temp_override(window=window, area=area, region=regions[region])


def under_mouse() -> str:
    """What the button under the mouse does: an operator's call, or a property's path; "" where there is none."""
    manager = context.window_manager
    kept, found = manager.clipboard, ""
    buttons: Any = bpy.ops.ui
    with inside("UI"):
        if buttons.copy_python_command_button.poll():
            buttons.copy_python_command_button()
            found = manager.clipboard
        elif buttons.copy_data_path_button.poll():
            buttons.copy_data_path_button(full_path=True)
            found = manager.clipboard
    manager.clipboard = kept
    return found


def answer(line: bytes) -> dict[str, Any]:
    names = {"bpy": bpy, "view": view, "inside": inside, "under_mouse": under_mouse, "gaps": gaps}
    try:
        exec(compile(json.loads(line)["code"], "request", "exec"), names)  # noqa: S102 - the test's own code
    except BaseException:  # noqa: BLE001 - whatever it was, the test is told
        return {"error": traceback.format_exc()}
    return {"result": names.get("result")}


def tick() -> float:
    gaps.tick()
    try:
        client, _ = listener.accept()
        client.setblocking(False)
        clients[client] = b""
    except BlockingIOError:
        pass
    for client in list(clients):
        try:
            data = client.recv(1 << 20)
        except BlockingIOError:
            continue
        if not data:
            del clients[client]
            continue
        *lines, clients[client] = (clients[client] + data).split(b"\n")
        for line in lines:
            began = time.perf_counter()
            client.sendall(json.dumps(answer(line), default=repr).encode() + b"\n")
            gaps.last += time.perf_counter() - began  # the test's own work is not the add-on's
    return TICK_SECONDS


context.preferences.view.show_splash = False
# A slider that is dragged would hold the mouse in place, and take each of its places for a distance.
context.preferences.inputs.use_mouse_continuous = False
bpy.app.timers.register(tick, first_interval=0.1, persistent=True)
