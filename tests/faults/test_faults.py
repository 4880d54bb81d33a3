"""Of a hundred malformed model files each is read or refused in one line: no traceback, no code, no file outside."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]


@pytest.mark.slow
@pytest.mark.skipif(not hasattr(os, "fork"), reason="each case runs in a forked process")
def test_a_hundred_malformed_files():
    command = [sys.executable, "-m", "tests.faults", "--cases", "100"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert done.stdout.splitlines()[-2].split()[:2] == ["all", "100"]
