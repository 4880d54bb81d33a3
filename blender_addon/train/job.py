# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Meshes to pictures, or to a model, in a process that outlives Blender's window. Standard library only.

Run by the Python that the user named, in which gen3d is installed with its extra `train`: renders the meshes and, where
a model is asked for, trains and exports. What it is doing stands in `job.json` of its folder; a file `stop` there ends
it early, and what a training has learned until then is exported.
"""

import argparse
import json
import os
import subprocess
import sys
import time
from pathlib import Path

STATUS, STOP, LOG = "job.json", "stop", "job.log"
POLL_SECONDS = 0.5


class Failed(RuntimeError):
    """A step ended badly. The message is the last line that it wrote."""


def write_status(folder: Path, **values: object) -> None:
    """Replace job.json as a whole, so that a reader never sees half of it."""
    beside = folder / f".{STATUS}.partial"
    beside.write_text(json.dumps({"pid": os.getpid(), **values}), encoding="utf-8")
    os.replace(beside, folder / STATUS)


def step(folder: Path, stage: str, arguments: list[str], *, stoppable: bool = False) -> None:
    """Run a gen3d-train command. Raises Failed."""
    write_status(folder, stage=stage)
    with (folder / LOG).open("ab") as log:
        start = log.tell()
        child = subprocess.Popen([sys.executable, "-m", "training.cli", *arguments], stdout=log, stderr=log)
        while child.poll() is None:
            if (folder / STOP).exists():
                child.terminate()  # training keeps a checkpoint every minute
                child.wait()
            time.sleep(POLL_SECONDS)
    if (folder / STOP).exists():
        if stoppable:
            return
        raise Failed("Stopped")
    if child.returncode:
        with (folder / LOG).open("rb") as log:
            log.seek(start)
            lines = log.read().decode("utf-8", "replace").replace("\r", "\n").split("\n")
        raise Failed(next((line.strip() for line in reversed(lines) if line.strip()), f"{stage} failed"))


def main() -> int:
    parser = argparse.ArgumentParser(description="Render, train and export.")
    parser.add_argument("--folder", type=Path, required=True, help="holds meshes/; everything else is written into it")
    parser.add_argument("--blender", required=True, help="program that renders")
    parser.add_argument("--data", type=Path, help="where the pictures go (default: data, in the folder)")
    parser.add_argument("--model", type=Path, help="NAME.gen3d to write; without it, nothing is trained")
    parser.add_argument("--minutes", default="60")
    parser.add_argument("--views", required=True)
    parser.add_argument("--settings", nargs=argparse.REMAINDER, default=[], help="further settings of the training")
    options = parser.parse_args()
    folder = options.folder
    data, run = options.data or folder / "data", folder / "run"
    try:
        if not data.exists():
            render = ["render", str(folder / "meshes"), "--out", str(data), "--views", options.views]
            step(folder, "rendering", [*render, *(["--blender", options.blender] if options.blender else [])])
        if options.model is None:
            write_status(folder, stage="done", message=f"The pictures are in {data}")
            return 0
        train = ["train", str(data), "--out", str(run), "--minutes", options.minutes, *options.settings]
        step(folder, "training", train, stoppable=True)
        (folder / STOP).unlink(missing_ok=True)
        step(folder, "exporting", ["export", str(run), "--out", str(options.model)])
    except Failed as error:
        write_status(folder, stage="failed", message=str(error))
        return 1
    write_status(folder, stage="done", message="The new model is in the list")
    return 0


if __name__ == "__main__":
    sys.exit(main())
