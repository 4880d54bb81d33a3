"""Real meshes to measure generated ones against: read from files, in the canonical frame, bounded.

Frames agree with those that `gen3d-train render` gives the same files: GLB, glTF and OBJ are Y up with the front at
+Z, the others are canonical (Z up, front +X) already.
"""

from __future__ import annotations

import logging
import struct
import zipfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import trimesh
from tqdm import tqdm

from gen3d_core.errors import Gen3DError, first_line
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.pictures.foreign import describe_foreign
from training.data.mesh_files import find_meshes, mesh_name

SUFFIXES = (".glb", ".gltf", ".obj", ".ply", ".stl", ".off")
MAX_BYTES = 256 << 20
MAX_FACES = 2_000_000
_Y_UP = {".glb", ".gltf", ".obj"}
_GREY = 0.6
UNREADABLE = (
    ValueError, LookupError, TypeError, AttributeError, AssertionError, RuntimeError, ArithmeticError, MemoryError,
    EOFError, OSError, struct.error, zipfile.BadZipFile,
)  # fmt: skip
"""What readers of damaged files raise."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True)
class RealMeshes:
    """`references` that generated meshes are compared with, and as many `others` to compare with them for the floor;
    None where there are none, so that one half of the references has to be compared with the other."""

    references: tuple[Mesh, ...]
    others: tuple[Mesh, ...] | None

    @property
    def comparison_limit(self) -> int:
        """How many generated meshes can be compared with as many references and as many others."""
        return min(len(self.references), len(self.others or self.references))


def real_meshes(dataset: Path, reference: Path | None, count: int, seed: int) -> RealMeshes | None:
    """At most `count` reference meshes, drawn by the seed, and real ones for the floor; None when there are none.

    References lie in `reference`, by default in DATASET/meshes/heldout, which `gen3d-train render procedural:...`
    writes. The others come from DATASET/meshes/train.

    Raises:
        Gen3DError: see `read_meshes`.
    """
    folder = reference or dataset / "meshes" / "heldout"
    if reference is None and not folder.is_dir():
        return None
    references = read_meshes(folder, count, [seed, 10], "reference meshes")
    train = dataset / "meshes" / "train"
    if not train.is_dir() or train.resolve() == folder.resolve():
        return RealMeshes(references, None)
    return RealMeshes(references, read_meshes(train, count, [seed, 11], "further real meshes"))


def read_meshes(folder: Path, count: int, stream: Sequence[int] = (0, 12), what: str = "meshes") -> tuple[Mesh, ...]:
    """At most `count` meshes at or below a folder, drawn from the random stream of that name.

    Files that cannot be read are named in a warning and replaced by others.

    Raises:
        Gen3DError: no folder, fewer than two meshes that can be read, or a file that is absurdly large.
    """
    files = _list_meshes(folder)
    rng = np.random.default_rng(list(stream))
    meshes: list[Mesh] = []
    reasons: list[str] = []
    with tqdm(total=min(count, len(files)), desc=what, unit="mesh", leave=False) as bar:
        for index in rng.permutation(len(files)):
            if len(meshes) == count:
                break
            path = files[index]
            try:
                meshes.append(read_mesh(path))
            except Gen3DError:
                raise
            except UNREADABLE as error:
                reasons.append(f"{mesh_name(path, folder)}: {first_line(error)}")
                _log.warning("skipped %s", reasons[-1])
                continue
            bar.update()
    if len(meshes) < 2:
        why = f"; {reasons[0]}" if reasons else ""
        raise Gen3DError(
            f"{folder}: a set of meshes needs two or more, and {len(meshes)} of its {len(files)} can be read{why}"
        )
    return tuple(meshes)


def read_mesh(path: Path) -> Mesh:
    """A mesh file, turned to the canonical frame but neither moved nor scaled, in grey.

    Raises:
        Gen3DError: the file is absurdly large.
        ValueError: it is not a mesh.
    """
    if path.stat().st_size > MAX_BYTES:
        raise Gen3DError(f"{path} has {path.stat().st_size >> 20} MB: a reference mesh may have {MAX_BYTES >> 20}")
    with path.open("rb") as file:
        foreign = describe_foreign(file.read(128))
    if foreign:
        raise ValueError(foreign)
    loaded = trimesh.load(path, force="mesh", process=False, skip_materials=True)
    if not isinstance(loaded, trimesh.Trimesh) or len(loaded.faces) == 0:
        raise ValueError("it holds no surface")
    if len(loaded.faces) > MAX_FACES:
        raise Gen3DError(f"{path} has {len(loaded.faces)} triangles: a reference mesh may have {MAX_FACES}")
    faces = np.asarray(loaded.faces, np.int64)
    used, faces = np.unique(faces, return_inverse=True)
    vertices = np.asarray(loaded.vertices, np.float64)[used]
    if path.suffix.lower() in _Y_UP:
        vertices = vertices[:, [2, 0, 1]]  # the inverse of gen3d_core.mesh.gltf.y_up
    if not np.isfinite(vertices).all() or not 1e-9 < np.ptp(vertices, axis=0).max() < 1e12:
        raise ValueError("it has no size, or coordinates that are not finite")
    grey = np.full(vertices.shape, _GREY, np.float32)
    return Mesh(vertices.astype(np.float32), faces.reshape(-1, 3).astype(np.int32), grey)


def _list_meshes(folder: Path) -> list[Path]:
    if not folder.is_dir():
        raise Gen3DError(f"{folder} is not a folder of meshes")
    files = find_meshes(folder, SUFFIXES)
    if not files:
        raise Gen3DError(f"{folder} holds no mesh that can be read ({', '.join(s[1:].upper() for s in SUFFIXES)})")
    return files
