"""What a killed rendering leaves: all of it beside its target, where the next one clears it away."""

import os
import subprocess
import sys
import time
from pathlib import Path

import pytest

from tests.training.render.test_render import needs_blender, two_boxes
from training.data.dataset import load_dataset

RENDER = "import sys; from training.cli import main; sys.exit(main(sys.argv[1:]))"


def contents(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.slow
@pytest.mark.skipif(os.name == "nt", reason="Windows has no SIGKILL")
@needs_blender
def test_a_killed_rendering_leaves_nothing_elsewhere_and_the_next_one_clears_it(tmp_path: Path) -> None:
    temporary, source = tmp_path / "tmp", tmp_path / "in"
    temporary.mkdir()
    source.mkdir()
    two_boxes().export(source / "box.off")  # Blender is given a copy
    environment = {**os.environ, "TMPDIR": str(temporary)}
    command = [sys.executable, "-c", RENDER, "render", str(source), "--out", str(tmp_path / "set"), "--size", "16"]
    child = subprocess.Popen([*command, "--views", "5000"], env=environment, stderr=subprocess.DEVNULL)
    partial = tmp_path / "set.partial"
    last = time.monotonic() + 60
    while not list(partial.glob("images/*.png")):
        assert time.monotonic() < last and child.poll() is None
        time.sleep(0.05)
    child.kill()
    child.wait()
    assert contents(tmp_path) == ["in", "set.partial", "tmp"] and contents(temporary) == []
    time.sleep(1)
    pictures = len(list(partial.glob("images/*.png")))
    time.sleep(1)
    assert len(list(partial.glob("images/*.png"))) == pictures, "the renderer outlived the one who listens to it"
    again = subprocess.run([*command, "--views", "3"], env=environment, capture_output=True, timeout=120)
    assert again.returncode == 0, again.stderr.decode()
    assert contents(tmp_path) == ["in", "set", "tmp"] and contents(temporary) == []
    assert contents(tmp_path / "set") == ["dataset.json", "images", "transforms.json"]
    assert len(load_dataset(tmp_path / "set").pictures) == 3
