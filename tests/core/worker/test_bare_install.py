"""Every job of the worker without Pillow: the extension's runtime inside Blender has none."""

import subprocess
import sys

SCRIPT = """
import sys
sys.modules["PIL"] = None  # as if it were not installed
import tempfile
from pathlib import Path
import numpy as np
from gen3d_core import protocol
from gen3d_core.model.model import load
from gen3d_core.pictures.preview import render_mesh
from gen3d_core.worker.handlers import Jobs
folder = Path(tempfile.mkdtemp())
np.savez(folder / "a.npz", pixels=render_mesh(load("cars", 1).sample(3, 48), 40, 20, 96))
jobs, recipe = Jobs(folder, 1), protocol.Recipe(3)
for request in (
    protocol.Models(1),
    protocol.Generate(2, "cars", recipe, 32),
    protocol.Thumbnails(3, "cars", [recipe], 64),
    protocol.Encode(4, "cars", ["a.npz"], 32),
    protocol.Morph(5, "cars", [recipe, protocol.Recipe(4)], protocol.MorphSettings(2, 32)),
):
    reply = jobs.do(request, lambda fraction, stage: None)
    print(reply.type, [each.error for each in getattr(reply, "broken", [])])
"""


def test_every_job_is_done():
    done = subprocess.run([sys.executable, "-c", SCRIPT], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.splitlines() == [
        *("models []", "mesh_result []", "thumbnails_result []", "encoded_result []", "morph_result []")
    ]
