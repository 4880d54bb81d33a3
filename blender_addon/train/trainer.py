# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the Python that trains is given to run, as text and in isolated mode. Standard library only.

`--about` tells what it has. Anything else is a command of gen3d-train, which is interrupted, and so saves what it has
learned, when its standard input ends: because its parent closes it, on every system, or because the parent is gone.
"""

import _thread
import importlib
import os
import runpy
import signal
import site
import sys
import threading
import time

SAVING_SECONDS = 60.0  # for a step under way and its checkpoint; nobody waits for what takes longer


def see_user_packages() -> None:
    """Isolated mode leaves out the working folder, and the user's own packages too, where pip may have put gen3d."""
    if sys.prefix == sys.base_prefix:
        site.addsitedir(site.getusersitepackages())


def tell_about() -> None:
    """Of what training needs; a traceback names what is not there."""
    torch, gen3d, _ = map(importlib.import_module, ("torch", "gen3d_core", "training.commands"))
    device = torch.cuda.get_device_name(0) if torch.cuda.is_available() else "processor"
    python = sys.version.split()[0]
    sys.stdout.write(f"Python {python}, gen3d {gen3d.__version__}, torch {torch.__version__}, {device}\n")


def watch_parent() -> None:
    """Interrupt this process when its standard input ends.

    The input is taken away from descriptor 0: on Windows whoever asks about that one would wait with the thread that
    reads it.
    """
    parent, main_thread = os.dup(0), threading.get_ident()
    nothing = os.open(os.devnull, os.O_RDONLY)
    os.dup2(nothing, 0)
    os.close(nothing)
    signal.signal(signal.SIGINT, signal.default_int_handler)  # it may have been ignored where this was started

    def wait() -> None:
        try:
            while os.read(parent, 4096):
                pass
        except OSError:
            pass  # a broken pipe is an end too
        if hasattr(signal, "pthread_kill"):
            signal.pthread_kill(main_thread, signal.SIGINT)  # also while it waits for a lock
        else:
            _thread.interrupt_main()
        time.sleep(SAVING_SECONDS)
        os._exit(1)

    threading.Thread(target=wait, name="gen3d-parent", daemon=True).start()


def main() -> None:
    see_user_packages()
    if sys.argv[1:] == ["--about"]:
        tell_about()
        return
    watch_parent()
    runpy.run_module("training.cli", run_name="__main__", alter_sys=True)


if __name__ == "__main__":
    main()
