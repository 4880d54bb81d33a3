"""Inside Blender: a mesh file brought in as its pictures show it, still, and placed in the canonical frame."""

# Blender's stubs call almost everything optional.
# pyright: reportAttributeAccessIssue=false, reportOptionalMemberAccess=false, reportArgumentType=false
# pyright: reportOptionalIterable=false

import fnmatch
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import bpy
import numpy as np
from mathutils import Matrix
from numpy.typing import NDArray

from training.render.blender_paint import CLEAR, plain_alpha
from training.render.notes import COARSE, DWARFED, LEFT_OUT, STRAY, Note

# Blender's importers bring glTF, OBJ and FBX in with Z up and the front at -Y; canonical is the front at +X.
FRONT_TO_X = np.array([[0.0, -1, 0, 0], [1, 0, 0, 0], [0, 0, 1, 0], [0, 0, 0, 1]])
IMPORTERS = {
    ".glb": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    ".gltf": lambda path: bpy.ops.import_scene.gltf(filepath=path),
    ".obj": lambda path: bpy.ops.wm.obj_import(filepath=path),
    ".fbx": lambda path: bpy.ops.import_scene.fbx(filepath=path),
    ".ply": lambda path: bpy.ops.wm.ply_import(filepath=path, import_colors="SRGB"),
    ".stl": lambda path: bpy.ops.wm.stl_import(filepath=path),
}
CANONICAL_FILES = {".ply", ".stl"}
DWARFS = 4.0
"""How many times a part may enlarge the whole before it is named."""
STRAYS = 8.0
"""How many times as far out as 99 of 100 vertices the last one may lie before it is named."""
ROUNDED = 1e-3
"""Of the whole's radius: steps in which 32 bits hold its coordinates, from which on it is named."""


class UnusableModel(Exception):
    """The file cannot be read as a model; the message says why."""


@dataclass
class _Part:
    """A mesh in its own coordinates, its matrix to the world (4,4), and its drawn vertices (V,3) in the world: both
    in double precision, since some objects stand half a million units from the origin. `step` is by how much, in the
    world, 32 bits round the vertices where the importer left them."""

    name: str
    mesh: bpy.types.Mesh
    matrix: NDArray[np.float64]
    points: NDArray[np.float64]
    step: float


def load_model(path: Path, radius: float, leave_out: Sequence[str]) -> tuple[list[bpy.types.Object], list[Note]]:
    """Import a file and leave nothing in the scene but its drawn meshes in the pose in which its animation begins,
    front at +X, bounding box centred, farthest vertex at `radius`. Parts whose names, or whose parents' names, match
    `leave_out` are not drawn. Raises UnusableModel when Blender cannot read it or it shows no surface.
    """
    suffix = path.suffix.lower()
    before = set(bpy.data.objects)
    try:
        IMPORTERS[suffix](str(path))
    except RuntimeError as error:
        raise UnusableModel(str(error).strip().splitlines()[-1]) from error
    added = [item for item in bpy.data.objects if item not in before]
    _to_first_frame()
    drawn = [item for item in _shown(bpy.context.view_layer.layer_collection) if item in added]
    kept = [item for item in drawn if not _matches(item, leave_out)]
    parts = [part for item in kept if (part := _part(item)) is not None]
    if not parts:
        left_out = " but what --leave-out names" if len(kept) < len(drawn) else ""
        raise UnusableModel(f"it holds no surface{left_out}")
    notes = [(LEFT_OUT, str(len(drawn) - len(kept)))] if len(kept) < len(drawn) else []
    points = np.concatenate([part.points for part in parts])
    centre = (points.min(axis=0) + points.max(axis=0)) / 2
    farthest = float(np.linalg.norm(points - centre, axis=1).max())
    if not 1e-9 < farthest < 1e12:
        raise UnusableModel("it has no size, or coordinates that are not finite")
    step = max(part.step for part in parts)
    if step > ROUNDED * farthest:
        notes.append((COARSE, f"in steps of 1/{farthest / step:.0f} of its radius"))
    place = np.eye(4) if suffix in CANONICAL_FILES else FRONT_TO_X.copy()
    place[:3] *= radius / farthest
    place[:3, 3] = -place[:3, :3] @ centre
    bpy.data.batch_remove(added)
    return [_object(part, place) for part in parts], notes + _oddly_large(parts, points)


def _to_first_frame() -> None:
    """Where its animation begins; every object is then in its pose of that frame."""
    starts = [action.frame_range[0] for action in bpy.data.actions]
    bpy.context.scene.frame_set(round(min(starts)) if starts else 1)
    bpy.context.view_layer.update()


def _shown(layer: bpy.types.LayerCollection) -> Iterator[bpy.types.Object]:
    """Meshes that the file shows: neither hidden themselves nor in a collection that is, as bone shapes and further
    scenes are."""
    if layer.exclude or layer.hide_viewport or layer.collection.hide_render or layer.collection.hide_viewport:
        return
    for item in layer.collection.objects:
        if item.type == "MESH" and not item.hide_render and not item.hide_viewport:
            yield item
    for child in layer.children:
        yield from _shown(child)


def _matches(item: bpy.types.Object | None, patterns: Sequence[str]) -> bool:
    while item is not None:
        data = item.data.name if item.data else item.name
        names = {re.sub(r"\.\d{3}$", "", name).lower() for name in (item.name, data)}
        names |= {item.name.lower(), data.lower()}
        if any(fnmatch.fnmatchcase(name, pattern.lower()) for name in names for pattern in patterns):
            return True
        item = item.parent
    return False


def _part(item: bpy.types.Object) -> _Part | None:
    """A mesh as it stands now, deformed by its bones and free of what moved it; None where nothing of it is drawn."""
    graph = bpy.context.evaluated_depsgraph_get()
    shape = item.evaluated_get(graph)
    mesh = bpy.data.meshes.new_from_object(shape, preserve_all_data_layers=True, depsgraph=graph)
    vertices = _vertices(mesh)
    used = _drawn_vertices(mesh)
    if not len(used):
        return None
    matrix = _world(item, graph)
    middle = (vertices[used].min(axis=0) + vertices[used].max(axis=0)) / 2
    if not np.isfinite(middle).all():
        raise UnusableModel("it has no size, or coordinates that are not finite")
    mesh.vertices.foreach_set("co", (vertices - middle).astype(np.float32).ravel())
    mesh.update()
    matrix[:3, 3] += matrix[:3, :3] @ middle
    points = (vertices[used] - middle) @ matrix[:3, :3].T + matrix[:3, 3]
    step = float(np.spacing(np.float32(np.abs(vertices[used]).max()))) * float(np.linalg.norm(matrix[:3, :3], 2))
    return _Part(item.name, mesh, matrix, points, step)


def _world(item: bpy.types.Object, graph: bpy.types.Depsgraph) -> NDArray[np.float64]:
    """The matrix to the world, multiplied in double precision along parents that are plain objects."""
    shape = item.evaluated_get(graph)
    if item.constraints or (item.parent is not None and item.parent_type != "OBJECT"):
        return np.array(shape.matrix_world, np.float64)
    own = np.array(shape.matrix_basis, np.float64)
    if item.parent is None:
        return own
    return _world(item.parent, graph) @ np.array(item.matrix_parent_inverse, np.float64) @ own


def _vertices(mesh: bpy.types.Mesh) -> NDArray[np.float64]:
    flat = np.empty(3 * len(mesh.vertices), np.float32)
    mesh.vertices.foreach_get("co", flat)
    return flat.reshape(-1, 3).astype(np.float64)


def _drawn_vertices(mesh: bpy.types.Mesh) -> NDArray[np.int32]:
    """Numbers of the vertices of faces whose material is not wholly clear."""
    corners = np.empty(len(mesh.loops), np.int32)
    mesh.loops.foreach_get("vertex_index", corners)
    sizes, slots = np.empty(len(mesh.polygons), np.int32), np.empty(len(mesh.polygons), np.int32)
    mesh.polygons.foreach_get("loop_total", sizes)
    mesh.polygons.foreach_get("material_index", slots)
    clear = [i for i, material in enumerate(mesh.materials) if material and plain_alpha(material) < CLEAR]
    return np.unique(corners[~np.isin(np.repeat(slots, sizes), clear)])


def _object(part: _Part, place: NDArray[np.float64]) -> bpy.types.Object:
    item = bpy.data.objects.new(part.name, part.mesh)
    item.matrix_world = Matrix((place @ part.matrix).tolist())
    bpy.context.scene.collection.objects.link(item)
    return item


def _oddly_large(parts: list[_Part], points: NDArray[np.float64]) -> list[Note]:
    """Parts or points beside which all the rest is small."""
    boxes = np.array([(part.points.min(axis=0), part.points.max(axis=0)) for part in parts])
    whole = np.linalg.norm(np.ptp(points, axis=0))
    notes: list[Note] = []
    for i, part in enumerate(parts if 1 < len(parts) <= 1000 else []):
        others = np.delete(boxes, i, axis=0)
        rest = np.linalg.norm(others[:, 1].max(axis=0) - others[:, 0].min(axis=0))
        if whole > DWARFS * rest:
            notes.append((DWARFED, f"'{part.name}', {whole / rest if rest > 0 else np.inf:.0f} times"))
    distances = np.linalg.norm(points - np.median(points, axis=0), axis=1)
    most = float(np.quantile(distances, 0.99))
    if not notes and distances.max() > STRAYS * most:
        notes.append((STRAY, f"{distances.max() / max(most, 1e-12):.0f} times"))
    return notes
