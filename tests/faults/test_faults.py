"""Of a hundred cases each ends as it should: malformed files are read or refused in one line; commands that end at any
moment leave what is whole and can be given again; odd environments give the right result or one line."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
TRIED = 100 if hasattr(os, "fork") else 25
"""Malformed files are opened in forked processes."""


@pytest.mark.slow
def test_a_hundred_cases():
    command = [sys.executable, "-m", "tests.faults", "--cases", "100"]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=900)
    assert done.returncode == 0, done.stdout + done.stderr[-2000:]
    assert done.stdout.splitlines()[-2].split()[:2] == ["all", str(TRIED)]
