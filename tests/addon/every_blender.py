# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's tests in every supported Blender: python -m tests.addon.every_blender [VERSION ...]

Each is the module bpy of that version, installed once into build/blender/VERSION (about 1 GB each). Its Python has to
be there: on PATH as python3.11 and python3.13, by the launcher `py` on Windows, or named by --python.
"""

from __future__ import annotations

import argparse
import os
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PYTHON_OF = {"4.2.23": "3.11", "4.5.15": "3.11", "5.0.1": "3.11", "5.2.3": "3.13"}
TESTER = "GEN3D_BPY_PYTHON"  # read by harness.py


def interpreter(version: str, named: list[Path]) -> list[str]:
    """How to call a version of Python. Raises SystemExit where there is none."""
    launcher = shutil.which("py") if os.name == "nt" else None
    found = shutil.which(f"python{version}")
    candidates = [[str(path)] for path in named] + ([[found]] if found else [])
    candidates += [[launcher, f"-{version}"]] if launcher else []
    for command in candidates:
        ask = [*command, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"]
        if subprocess.run(ask, capture_output=True, text=True).stdout.strip() == version:
            return command
    raise SystemExit(f"no Python {version} was found: name one with --python")


def prepared(blender: str, named: list[Path]) -> Path:
    """A Python in which `import bpy` gives this version of Blender; made on first use."""
    folder = ROOT / "build" / "blender" / blender
    python = folder / ("Scripts/python.exe" if os.name == "nt" else "bin/python")
    ready = folder / "ready"
    if not ready.exists():
        subprocess.run([*interpreter(PYTHON_OF[blender], named), "-m", "venv", "--clear", str(folder)], check=True)
        install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
        subprocess.run([*install, f"bpy=={blender}", "pytest"], check=True)
        ready.touch()
    return python


def main() -> int:
    parser = argparse.ArgumentParser(description="Run the add-on's tests in every supported Blender.")
    parser.add_argument("versions", nargs="*", metavar="VERSION", help=f"of {', '.join(PYTHON_OF)} (default: all)")
    parser.add_argument("--python", nargs="+", type=Path, default=[], help="Pythons that are not on PATH")
    options = parser.parse_args()
    if unknown := [version for version in options.versions if version not in PYTHON_OF]:
        parser.error(f"there is no module bpy {unknown[0]} here: known are {', '.join(PYTHON_OF)}")
    failed = []
    for blender in options.versions or PYTHON_OF:
        python = prepared(blender, options.python)
        sys.stdout.write(f"Blender {blender}\n")
        sys.stdout.flush()
        tests = [sys.executable, "-m", "pytest", "tests/addon"]
        if subprocess.run(tests, cwd=ROOT, env={**os.environ, TESTER: str(python)}).returncode:
            failed.append(blender)
    sys.stdout.write(f"failed in Blender {', '.join(failed)}\n" if failed else "passed in all\n")
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
