"""Imports point one way: training -> gen3d_core, blender_addon -> gen3d_core.protocol; the runtime half knows no torch.

The rules are checked over the syntax trees of all sources, so that imports inside functions and branches count as well;
fresh processes then show what importing really loads.
"""

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
PACKAGES = ("gen3d_core", "training", "blender_addon")

# The half of gen3d_core that may import torch. Whatever is not named here is runtime half: the strict side.
MODEL_HALF = {
    f"gen3d_core.{name}"
    for name in """
        camera patch encoding raycast search normals sampling compositing layers fields renderer generator
        discriminator losses onnx_export encoder recorded trained fitting refinement tuning
    """.split()
}
# The runtime half's only doors to the other: opened only when a user asks for what needs torch, see the command.
DOORS = {("gen3d_core.cli.encode", f"gen3d_core.{name}") for name in ("refinement", "tuning")}
DATA_SET_RENDERER = "training.render.blender_script"  # the one script outside the add-on that runs inside Blender
BLENDER = {"bpy", "bmesh", "mathutils", "gpu", "blf", "bl_ext", "bl_operators", "bl_ui", "addon_utils", "bpy_extras"}
DISTRIBUTION = {"skimage": "scikit-image", "PIL": "pillow", "torch_fidelity": "torch-fidelity"}


def modules() -> dict[str, Path]:
    """Every source file of the three packages by its dotted module name."""
    found = {}
    for package in PACKAGES:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


def imports_of(module: str) -> Iterator[str]:
    """Absolute dotted names that a module's source imports anywhere, also by import_module("...")."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"), filename=str(path))):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                # `from package import name` imports the submodule where there is one.
                submodule = f"{base}.{alias.name}"
                in_project = base.split(".")[0] in PACKAGES
                yield submodule if submodule in MODULES or (in_project and base not in MODULES) else base
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield importlib.util.resolve_name(node.args[0].value, package)


def top(name: str) -> str:
    return name.split(".")[0]


def of(package: str) -> list[str]:
    return [module for module in MODULES if top(module) == package]


def within(name: str, packages: set[str]) -> bool:
    """Whether a dotted name is one of the named modules or lies below one."""
    return any(name == package or name.startswith(package + ".") for package in packages)


RUNTIME_HALF = [module for module in of("gen3d_core") if not within(module, MODEL_HALF)]


def declared(*extras: str) -> set[str]:
    """Names of the distributions that the base install and the named extras bring."""
    lines = PROJECT["dependencies"] + [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    return {re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0] for line in lines}


def third_party(module: str) -> set[str]:
    """Distributions that a module imports: neither standard library nor this project's own packages."""
    names = {top(name) for name in imports_of(module)} - sys.stdlib_module_names - set(PACKAGES)
    return {DISTRIBUTION.get(name, name) for name in names}


def test_there_is_something_to_check():
    assert all(of(package) for package in PACKAGES)
    assert "gen3d_core.protocol" in RUNTIME_HALF


@pytest.mark.parametrize("package", PACKAGES)
def test_every_folder_with_sources_is_a_package(package: str):
    """Folders without __init__.py would be left out of the built distribution without a word."""
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("module", of("gen3d_core"))
def test_core_imports_neither_training_nor_blender(module: str):
    assert [n for n in imports_of(module) if top(n) in {"training", "blender_addon", "build_addon", *BLENDER}] == []


@pytest.mark.parametrize("module", of("training"))
def test_training_imports_only_core_of_this_project(module: str):
    forbidden = {"blender_addon", "build_addon"} | (set() if module == DATA_SET_RENDERER else BLENDER)
    assert [name for name in imports_of(module) if top(name) in forbidden] == []


@pytest.mark.parametrize("module", of("blender_addon"))
def test_addon_imports_only_the_protocol_of_core(module: str):
    for name in imports_of(module):
        allowed = {"blender_addon", "numpy", *BLENDER} | sys.stdlib_module_names
        assert top(name) in allowed or name == "gen3d_core.protocol", f"{module} imports {name}"


def test_the_data_set_renderer_runs_in_a_blender_that_knows_nothing_of_this_project():
    assert {top(name) for name in imports_of(DATA_SET_RENDERER)} - sys.stdlib_module_names <= {"numpy", *BLENDER}


@pytest.mark.parametrize("module", RUNTIME_HALF)
def test_runtime_half_stands_on_the_base_install(module: str):
    assert third_party(module) <= declared()
    assert {(module, name) for name in imports_of(module) if within(name, MODEL_HALF)} <= DOORS


@pytest.mark.parametrize("module", [m for m in MODULES if within(m, MODEL_HALF) or top(m) == "training"])
def test_model_half_and_training_stand_on_the_train_extra(module: str):
    assert third_party(module) - BLENDER <= declared("train")


def loaded_by(names: list[str]) -> set[str]:
    """Top-level modules that a fresh process holds after importing the named ones."""
    script = (
        "import importlib, json, sys\n"
        "before = set(sys.modules)\n"
        "for name in sys.argv[1:]: importlib.import_module(name)\n"
        "print(json.dumps(sorted(set(sys.modules) - before)))"
    )
    command = [sys.executable, "-c", script, *names]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return {top(name) for name in json.loads(done.stdout.splitlines()[-1])}


def test_importing_the_protocol_loads_the_standard_library_only():
    assert loaded_by(["gen3d_core.protocol"]) <= sys.stdlib_module_names | {"gen3d_core"}


def test_importing_the_runtime_half_loads_no_torch_and_no_blender():
    names = [module for module in RUNTIME_HALF if not module.endswith("__main__")]
    assert loaded_by(names) & ({"torch", "training", "blender_addon"} | BLENDER) == set()


def test_constraints_pin_every_declared_dependency():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower() for line in lines if line and not line.startswith("#")}
    assert {name.lower() for name in declared("train", "blender", "dev")} - {PROJECT["name"]} <= pinned


def test_constraints_name_no_local_builds_or_paths():
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert not line or line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.]+(; .+)?", line), line
