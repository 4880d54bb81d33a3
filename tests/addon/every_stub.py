# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""The add-on's types against the stubs of the oldest and the newest Blender: python -m tests.addon.every_stub

`make lint` checks with those of the version in the development environment. Stubs are kept in build/stubs/VERSION.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tomllib
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parents[2]
VERSIONS = ("4.2", "5.2")


def stubs(version: str) -> Path:
    """The folder of a version's stubs; fetched on first use."""
    folder = ROOT / "build" / "stubs" / version
    if not (folder / "ready").exists():
        pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--no-deps"]
        where = ["--constraint", str(ROOT / "constraints.txt"), "--upgrade", "--target", str(folder)]
        subprocess.run([*pip, *where, f"fake-bpy-module-{version}"], check=True)
        (folder / "ready").touch()
    return folder


def settings(folder: Path) -> dict[str, Any]:
    """The project's settings of pyright, for the add-on alone and with other stubs; paths as seen from `folder`."""
    pyright = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["tool"]["pyright"]
    (addon,) = (each for each in pyright["executionEnvironments"] if each["root"] == "blender_addon")
    root = Path(os.path.relpath(ROOT, folder)).as_posix()
    kept = {key: pyright[key] for key in ("typeCheckingMode", "reportMissingModuleSource")}
    return kept | {
        "include": [f"{root}/blender_addon"],
        "executionEnvironments": [addon | {"root": f"{root}/blender_addon", "extraPaths": [".", root]}],
    }


def main() -> int:
    failed = False
    for version in VERSIONS:
        folder = stubs(version)
        file = folder / "pyrightconfig.json"
        file.write_text(json.dumps(settings(folder)), encoding="utf-8")
        sys.stdout.write(f"Blender {version}: ")
        sys.stdout.flush()
        pyright = [sys.executable, "-m", "pyright", "--project", str(file), "--pythonpath", sys.executable]
        failed |= subprocess.run(pyright).returncode != 0
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
