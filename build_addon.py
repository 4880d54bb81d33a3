# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: Apache-2.0
"""Build the Blender extension: python build_addon.py [--platform linux-x64 ...] [--python 3.11 ...] [--out dist]

The zip carries the add-on, the wheel of gen3d with its models, and the wheels that sampling needs for each Python that
a supported Blender runs on. Any platform's zip can be built on any other; equal sources give equal bytes. Nothing
tracked is edited; downloaded wheels stay in build/wheels.
"""

import argparse
import importlib.util
import os
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import tomllib
import zipfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).resolve().parent
ADDON = "blender_addon"
PYTHONS = ("3.11", "3.13")  # Blender 4.2 to 5.0, and 5.1 on
# What sampling needs besides numpy, which Blender brings. scikit-image's marching cubes does without its other needs.
PACKAGES = ("onnxruntime", "flatbuffers", "protobuf", "scikit-image", "lazy-loader", "packaging")
SYSTEMS = {"linux": "linux", "darwin": "macos", "win32": "windows"}
MACHINES = {"x86_64": "x64", "amd64": "x64", "arm64": "arm64", "aarch64": "arm64"}
# Tags of wheels that run there. On Linux up to the newest C library that Blender itself asks for; the machine that
# builds may have a newer one.
MANYLINUX = ("manylinux_2_28", "manylinux_2_27", "manylinux_2_26", "manylinux_2_24", "manylinux_2_17", "manylinux2014")
PLATFORMS = {
    "linux-x64": tuple(f"{tag}_x86_64" for tag in MANYLINUX),
    "linux-arm64": tuple(f"{tag}_aarch64" for tag in MANYLINUX),
    "windows-x64": ("win_amd64",),
    "macos-arm64": ("macosx_14_0_arm64",),
    "macos-x64": ("macosx_13_0_x86_64",),
}
# Where the pinned version has no wheels, the last that has.
OLDER = {"macos-x64": {"onnxruntime": "1.23.2"}}
EPOCH = (1980, 1, 1, 0, 0, 0)  # of every file in the zips
# What the wheel of gen3d is built from here. The artist trains nothing, and a package of so general a name as training
# does not belong into the one folder of wheels that all extensions share.
SOURCES = ("pyproject.toml", "README.md", "LICENSE", "LICENSES", "gen3d_core")


class BuildError(RuntimeError):
    """The zip cannot be built. The message is for the user."""


@dataclass(frozen=True)
class Built:
    """path: the zip; wheels: file name -> bytes of each it carries; validated: by Blender's own tool."""

    path: Path
    wheels: dict[str, int]
    validated: bool


def say(text: str) -> None:
    sys.stdout.write(text + "\n")
    sys.stdout.flush()


def run(command: list[str], what: str) -> None:
    """Run a command quietly. Raises BuildError with the end of its output when it fails."""
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, errors="replace")
    if done.returncode:
        end = "\n".join(done.stdout.splitlines()[-15:])
        raise BuildError(f"{what} failed (exit code {done.returncode}):\n{end}")


def pip(*arguments: str, what: str) -> None:
    run([sys.executable, "-m", "pip", "--quiet", "--disable-pip-version-check", *arguments], what)


def platform_name() -> str:
    """This platform as Blender names it, such as linux-x64."""
    system, machine = SYSTEMS.get(sys.platform), MACHINES.get(platform.machine().lower())
    if system is None or machine is None:
        raise BuildError(f"Blender has no extensions for {sys.platform} on {platform.machine()}")
    return f"{system}-{machine}"


def pinned(root: Path, *names: str) -> list[str]:
    """``name==version`` of each package, as constraints.txt says."""
    versions: dict[str, str] = {}
    for line in (root / "constraints.txt").read_text(encoding="utf-8").splitlines():
        if found := re.match(r"([\w.-]+)==([^\s;#]+)", line):
            versions[normal(found[1])] = found[2]
    missing = [name for name in names if normal(name) not in versions]
    if missing:
        raise BuildError(f"constraints.txt has no version for {', '.join(missing)}")
    return [f"{name}=={versions[normal(name)]}" for name in names]


def normal(name: str) -> str:
    return re.sub(r"[-_.]+", "-", name).lower()


def collect(requirements: list[str], cache: Path, folder: Path, *choice: str) -> None:
    """Put wheels into ``folder`` by way of ``cache``, to which those that it does not have are downloaded first."""
    choose = ("download", *requirements, "--no-deps", "--only-binary", ":all:", *choice)
    kept = (*choose, "--no-index", "--find-links", str(cache), "--dest", str(folder))
    cache.mkdir(parents=True, exist_ok=True)
    try:
        pip(*kept, what="collecting wheels")
    except BuildError:
        say(f"Downloading {', '.join(requirements)}")
        pip(*choose, "--dest", str(cache), what="downloading wheels")
        pip(*kept, what="collecting wheels")


def collect_runtime(root: Path, cache: Path, folder: Path, target: str, pythons: Sequence[str]) -> None:
    """Put what sampling needs on a platform into ``folder``, for several versions of Python."""
    older = OLDER.get(target, {})
    wanted = [f"{name}=={older[name]}" if name in older else pinned(root, name)[0] for name in PACKAGES]
    for python in pythons:
        choice = ["--python-version", python, "--implementation", "cp"]
        for tag in PLATFORMS[target]:
            choice += ["--platform", tag]
        collect(wanted, cache, folder, *choice)


def build_gen3d(root: Path, cache: Path, folder: Path) -> Path:
    """The wheel of gen3d, from a copy of its sources so that no old build folder leaks in. It must hold a model."""
    with tempfile.TemporaryDirectory() as temporary:
        sources, tools = Path(temporary, "sources"), Path(temporary, "tools")
        sources.mkdir()
        for name in SOURCES:
            if (root / name).is_dir():
                shutil.copytree(root / name, sources / name, ignore=shutil.ignore_patterns("__pycache__"))
            else:
                shutil.copy2(root / name, sources)
        collect(pinned(root, "setuptools"), cache, tools)
        offline = ("--no-deps", "--no-index", "--find-links", str(tools))
        pip("wheel", str(sources), *offline, "--wheel-dir", str(folder), what="building the wheel of gen3d")
    (wheel,) = folder.glob("gen3d-*.whl")
    with zipfile.ZipFile(wheel) as archive:
        contents = {name: archive.read(name) for name in archive.namelist()}
    if not any(re.fullmatch(r"gen3d_core/models/[^/]+\.gen3d", name) for name in contents):
        raise BuildError("the wheel of gen3d holds no model: there is no gen3d_core/models/NAME.gen3d")
    write_zip(wheel, contents)
    return wheel


def stage(root: Path, folder: Path, cache: Path, target: str, pythons: Sequence[str]) -> str:
    """Lay out a platform's extension in ``folder``. Returns its version."""
    text = (root / ADDON / "blender_manifest.toml").read_text(encoding="utf-8")
    shutil.copytree(root / ADDON, folder, dirs_exist_ok=True, ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy2(root / "LICENSES" / "GPL-3.0-or-later.txt", folder / "LICENSE.txt")
    wheels = folder / "wheels"
    wheels.mkdir()
    version, built = tomllib.loads(text)["version"], build_gen3d(root, cache, wheels).name.split("-")[1]
    if version != built:
        raise BuildError(f"blender_manifest.toml says version {version}, gen3d is {built}: make them one")
    collect_runtime(root, cache, wheels, target, pythons)
    listed = "".join(f'    "./wheels/{wheel.name}",\n' for wheel in sorted(wheels.iterdir()))
    head = f'platforms = ["{target}"]\nwheels = [\n{listed}]\n\n'
    (folder / "blender_manifest.toml").write_text(head + text, encoding="utf-8")
    return version


def blender_tool() -> list[str] | None:
    """How a command line for Blender's extension tool starts; the bpy module's is preferred. None without a Blender."""
    blender = os.environ.get("GEN3D_BLENDER") or shutil.which("blender")
    spec = importlib.util.find_spec("bpy")
    for place in spec.submodule_search_locations or () if spec else ():
        for script in Path(place).glob("*/scripts/addons_core/bl_pkg/cli/blender_ext.py"):
            return [sys.executable, str(script)]
    return [blender, "--factory-startup", "--command", "extension"] if blender else None


def write_zip(path: Path, contents: Mapping[str, bytes]) -> None:
    """A zip whose bytes depend on names and contents alone, with the same zlib."""
    with zipfile.ZipFile(path, "w") as archive:
        for name in sorted(contents):
            info = zipfile.ZipInfo(name, date_time=EPOCH)
            info.create_system, info.external_attr = 3, 0o644 << 16
            info.compress_type = zipfile.ZIP_STORED if name.endswith(".whl") else zipfile.ZIP_DEFLATED
            archive.writestr(info, contents[name])


def pack(source: Path, path: Path) -> bool:
    """Zip an extension's folder. Returns whether Blender's own tool, where there is one, has validated it."""
    files = [file for file in source.rglob("*") if file.is_file()]
    write_zip(path, {file.relative_to(source).as_posix(): file.read_bytes() for file in files})
    tool = blender_tool()
    if tool is None:
        return False
    run([*tool, "validate", str(path)], "Blender's extension validation")
    return True


def build(out: Path, root: Path = ROOT, target: str | None = None, pythons: Sequence[str] = PYTHONS) -> Built:
    """Make ``out``/gen3d-VERSION-PLATFORM.zip from the project at ``root``, for this platform unless told.

    BuildError leaves nothing half-written.
    """
    target = target or platform_name()
    if target not in PLATFORMS:
        raise BuildError(f"there are no wheels for {target}: known are {', '.join(PLATFORMS)}")
    out.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(prefix=".gen3d-", dir=out) as temporary:
        source, packed = Path(temporary, "gen3d"), Path(temporary, "packed.zip")
        source.mkdir()
        version = stage(root, source, root / "build" / "wheels", target, pythons)
        validated = pack(source, packed)
        wheels = {wheel.name: wheel.stat().st_size for wheel in sorted((source / "wheels").iterdir())}
        path = out / f"gen3d-{version}-{target}.zip"
        os.replace(packed, path)
    return Built(path, wheels, validated)


def main(arguments: Sequence[str] | None = None) -> int:
    parser = argparse.ArgumentParser(description="Build the Blender extension.")
    parser.add_argument("--out", type=Path, default=ROOT / "dist", help="folder for the zips (default: dist)")
    parser.add_argument(
        "--platform", nargs="+", choices=PLATFORMS, metavar="NAME", help=f"{', '.join(PLATFORMS)} (default: this one)"
    )
    parser.add_argument(
        "--python", nargs="+", default=PYTHONS, metavar="X.Y",
        help=f"versions of Python that the Blenders run on (default: {' '.join(PYTHONS)})",
    )  # fmt: skip
    options = parser.parse_args(arguments)
    if wrong := [python for python in options.python if not re.fullmatch(r"3\.\d+", python)]:
        parser.error(f"--python {wrong[0]}: expected a version such as 3.11")
    try:
        for target in options.platform or [platform_name()]:
            report(build(options.out, target=target, pythons=options.python))
    except (BuildError, OSError) as error:
        sys.stderr.write(f"build_addon: {error}\n")
        return 1
    return 0


def report(built: Built) -> None:
    for name, size in sorted(built.wheels.items(), key=lambda item: -item[1]):
        say(f"{size / 1e6:7.1f} MB  {name}")
    say(f"{built.path.stat().st_size / 1e6:7.1f} MB  {built.path}")
    if not built.validated:
        say("Not validated: neither Blender nor the bpy module is at hand")


if __name__ == "__main__":
    sys.exit(main())
