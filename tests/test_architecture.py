"""The house is as docs/architecture.md says: rooms, arrows, libraries. The page is read, not repeated here.

The rules are checked over the syntax trees of all sources, so that imports inside functions and branches count as well;
fresh processes then show what importing really loads.

One file because all of it reads one page.
"""

from __future__ import annotations

import ast
import importlib.util
import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
PAGE = (ROOT / "docs" / "architecture.md").read_text(encoding="utf-8")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
BLENDER = {"bpy", "bmesh", "mathutils", "gpu", "blf", "bl_ext", "bl_operators", "bl_ui", "addon_utils", "bpy_extras"}
DISTRIBUTION = {
    "skimage": "scikit-image",
    "PIL": "pillow",
    "pillow_heif": "pillow-heif",
    "torch_fidelity": "torch-fidelity",
}
MOST_LINES = 260


@dataclass(frozen=True)
class Room:
    """A row of the page: how far down it stands, and which libraries it may import."""

    floor: int
    libraries: frozenset[str]


@dataclass(frozen=True)
class Import:
    """A dotted name that a module imports, and whether only when a function of it is called."""

    name: str
    late: bool


def rows(heading: str) -> list[list[str]]:
    """The cells of the first table below a heading of the page."""
    section = PAGE.split(f"\n{heading}\n", 1)[1].split("\n#", 1)[0]
    lines = [line for line in section.splitlines() if line.startswith("|")]
    return [[cell.strip() for cell in line.strip("|").split("|")] for line in lines[2:]]


def words(cell: str) -> list[str]:
    return re.findall(r"`([\w.]+)`", cell)


ALLOWED = {words(name)[0]: set(words(imports)) for name, imports in rows("## Packages")}
"""What of this project each package imports."""


@cache
def rooms(package: str) -> dict[str, Room]:
    """The rooms of a package that has any."""
    if f"\n### {package}\n" not in PAGE:
        return {}
    return {
        name: Room(floor, frozenset(libraries.split(", ")))
        for floor, (names, _, libraries) in enumerate(rows(f"### {package}"))
        for name in words(names)
    }


def modules() -> dict[str, Path]:
    """Every source file of the packages by its dotted module name."""
    found = {}
    for package in ALLOWED:
        for path in sorted((ROOT / package).rglob("*.py")):
            parts = path.relative_to(ROOT).with_suffix("").parts
            found[".".join(parts[:-1] if parts[-1] == "__init__" else parts)] = path
    return found


MODULES = modules()


@cache
def imports_of(module: str) -> tuple[Import, ...]:
    """What a module's source imports anywhere, also by import_module("...")."""
    path = MODULES[module]
    package = module if path.name == "__init__.py" else module.rpartition(".")[0]
    tree = ast.parse(path.read_text(encoding="utf-8"), filename=str(path))
    functions = [node for node in ast.walk(tree) if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef)]
    late = {inner for function in functions for inner in ast.walk(function)}

    def names(node: ast.AST) -> Iterator[str]:
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = importlib.util.resolve_name("." * node.level + (node.module or ""), package)
            for alias in node.names:
                # `from package import name` imports the submodule where there is one.
                submodule = f"{base}.{alias.name}"
                yield submodule if submodule in MODULES else base
        elif isinstance(node, ast.Call) and node.args and isinstance(node.args[0], ast.Constant):
            called = node.func.attr if isinstance(node.func, ast.Attribute) else getattr(node.func, "id", "")
            if called in ("import_module", "__import__") and isinstance(node.args[0].value, str):
                yield importlib.util.resolve_name(node.args[0].value, package)

    return tuple(Import(name, node in late) for node in ast.walk(tree) for name in names(node))


def top(name: str) -> str:
    return name.split(".")[0]


def of(package: str) -> list[str]:
    return [module for module in MODULES if top(module) == package]


def room_of(module: str) -> str | None:
    """The room that a module lies in; None for the files of the package itself."""
    parts = MODULES[module].relative_to(ROOT).parts
    return parts[1] if len(parts) > 2 else None


def libraries(module: str) -> frozenset[str]:
    """Which libraries a module may import; files of the package itself those that most of its rooms may."""
    package, room = top(module), room_of(module)
    if room in rooms(package):
        return rooms(package)[room].libraries
    return frozenset({{"gen3d_core": "base", "blender_addon": "bpy"}.get(package, "train")})


def declared(*extras: str) -> set[str]:
    """Names of the distributions that the base install and the named extras bring."""
    lines = PROJECT["dependencies"] + [line for extra in extras for line in PROJECT["optional-dependencies"][extra]]
    return {re.split(r"[\[<>=!~; ]", line, maxsplit=1)[0] for line in lines}


def third_party(module: str) -> set[str]:
    """Distributions that a module imports: neither standard library nor this project's own packages."""
    names = {top(each.name) for each in imports_of(module)} - sys.stdlib_module_names - set(ALLOWED)
    return {DISTRIBUTION.get(name, name) for name in names}


@pytest.mark.parametrize("package", ALLOWED)
def test_the_page_names_every_room_and_no_other(package: str):
    folders = {path.relative_to(ROOT / package).parts[0] for path in (ROOT / package).glob("*/**/*.py")}
    assert folders == set(rooms(package))


@pytest.mark.parametrize("package", ALLOWED)
def test_every_folder_with_sources_is_a_package(package: str):
    """Folders without __init__.py would be left out of the built distribution without a word."""
    folders = {path.parent for path in (ROOT / package).rglob("*.py")}
    assert [str(folder) for folder in sorted(folders) if not (folder / "__init__.py").is_file()] == []


@pytest.mark.parametrize("package", ALLOWED)
def test_packages_import_what_the_page_allows(package: str):
    allowed = {package, *ALLOWED[package]}
    for module in of(package):
        for each in imports_of(module):
            inside = any(each.name == name or each.name.startswith(name + ".") for name in allowed)
            assert inside or top(each.name) not in {*ALLOWED, "build_addon", "tests"}, f"{module} imports {each.name}"


@pytest.mark.parametrize("package", ALLOWED)
def test_arrows_point_down(package: str):
    """From room to room below; what lies in the package itself is ground or roof."""
    floors = {name: room.floor for name, room in rooms(package).items()}
    for module in of(package):
        here = room_of(module)
        for each in imports_of(module):
            if here is None or top(each.name) != package or each.name not in MODULES:
                continue
            there = room_of(each.name)
            if there is None:
                inner = [far.name for far in imports_of(each.name) if top(far.name) == package and far.name in MODULES]
                up = [name for name in inner if room_of(name)]
                assert not up, f"{module} imports {each.name}, which is the roof: it imports {up[0]}"
            elif there != here:
                assert floors[here] < floors[there], f"{module} imports {each.name}, which lies above or beside it"


def test_there_are_no_circles():
    """Imports inside functions and for type checkers count."""
    left = {
        module: {each.name for each in imports_of(module) if each.name in MODULES and each.name != module}
        for module in MODULES
    }
    while left:
        leaves = {module for module, names in left.items() if not names & left.keys()}
        assert leaves, f"there is a circle among {sorted(left)}"
        left = {module: names for module, names in left.items() if module not in leaves}


@pytest.mark.parametrize("module", MODULES)
def test_rooms_import_the_libraries_that_they_may(module: str):
    may, known = libraries(module), set()
    if may & {"base", "train"}:
        known = declared("heic", *(["train"] if "train" in may else []))
    if top(module) == "blender_addon":
        known = {"numpy"}
    assert third_party(module) - (BLENDER if "bpy" in may else set()) <= known


@pytest.mark.parametrize("module", [module for module in of("gen3d_core") if "base" in libraries(module)])
def test_what_needs_torch_is_opened_by_the_top_floor_alone_and_late(module: str):
    for each in imports_of(module):
        if each.name in MODULES and "train" in libraries(each.name):
            room = room_of(module)
            assert each.late and room is not None and rooms("gen3d_core")[room].floor == 0, each.name


def test_what_runs_inside_blender_knows_nothing_of_this_project():
    """Outside the add-on: Blender's own Python has neither this project's libraries nor, but for neighbours that keep
    to the same, this project."""
    left = [
        module
        for module in MODULES
        if top(module) != "blender_addon" and any(top(each.name) in BLENDER for each in imports_of(module))
    ]
    seen: set[str] = set()
    assert left
    while left:
        module = left.pop()
        seen.add(module)
        names = {each.name for each in imports_of(module)}
        neighbours = {name for name in names if name.rpartition(".")[0] == module.rpartition(".")[0]}
        assert {top(name) for name in names - neighbours} - sys.stdlib_module_names <= {"numpy", *BLENDER}, module
        left += neighbours - seen


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


def test_importing_what_needs_nothing_loads_the_standard_library_only():
    bare = [module for module in of("gen3d_core") if libraries(module) == {"nothing"}]
    assert bare and loaded_by(bare) <= sys.stdlib_module_names | {"gen3d_core"}


def test_importing_the_base_loads_no_torch_and_no_blender():
    base = [each for each in of("gen3d_core") if "train" not in libraries(each) and not each.endswith("__main__")]
    assert base and loaded_by(base) & ({"torch", "training", "blender_addon"} | BLENDER) == set()


def test_few_files_lie_in_the_core_itself():
    assert len([path for path in (ROOT / "gen3d_core").iterdir() if path.is_file()]) <= 12


@pytest.mark.parametrize("folder", [*ALLOWED, "tests"])
def test_long_files_say_why(folder: str):
    for path in sorted((ROOT / folder).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        count, says = len(text.splitlines()), ast.get_docstring(ast.parse(text)) or ""
        assert count <= MOST_LINES or "one file" in says.lower(), f"{path} has {count} lines"


def test_constraints_pin_every_declared_dependency():
    lines = (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    pinned = {line.split("==")[0].lower() for line in lines if line and not line.startswith("#")}
    assert {name.lower() for name in declared("train", "blender", "dev")} - {PROJECT["name"]} <= pinned


def test_constraints_name_no_local_builds_or_paths():
    for line in (ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines():
        assert not line or line.startswith("#") or re.fullmatch(r"[\w.-]+==[\w.]+(; .+)?", line), line
