"""Read and write `NAME.gen3d`: a zip of well-known formats and nothing executable.

Members: `model.json` (what it is), `weights.safetensors` (for torch), ONNX graphs (for onnxruntime; `lattice.onnx` only
where the field is separable, `encoder.onnx` only where pictures can be encoded), how codes are distributed where that
is not standard normal (`gen3d_core.codes.prior`), `preview.png`. Whatever is read comes from a stranger, and the file
is read once: what is hashed is what is used.
"""

from __future__ import annotations

import hashlib
import json
import zipfile
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gen3d_core.codes import prior
from gen3d_core.errors import Gen3DError
from gen3d_core.files import read_regular, replacing
from gen3d_core.model.manifest import FORMAT, FORMAT_VERSION, MAX_MANIFEST, parse_manifest
from gen3d_core.model.members import GRAPHS, MAX_TOTAL, MEMBERS, PRIORS, check_sizes, read_members

SUFFIX = ".gen3d"
REQUIRED = ("model.json", "shape.onnx", "occupancy.onnx", "colour.onnx")
OBJECT_GRAPHS = tuple(name for name in GRAPHS if name != "encoder.onnx")
"""The graphs that make the object: what a model is, whatever else its file says."""
MAX_PREVIEW = 4 << 20
MAX_PRIOR = 16 << 20
_LARGEST = {"model.json": MAX_MANIFEST, "preview.png": MAX_PREVIEW, **dict.fromkeys(PRIORS, MAX_PRIOR)}
_MAX_FILE = MAX_TOTAL + (1 << 20)


class ModelFileError(Gen3DError):
    """A `.gen3d` file that cannot be used; the text names the file and what is wrong with it."""


@dataclass(frozen=True)
class ModelArchive:
    """A model file in memory: `manifest` is model.json, `members` the other members that were asked for, by name.

    `file_hash` is the SHA-256 of the whole file, `identity` that of the graphs that make the object (`identify`), empty
    where not all of them were asked for.
    """

    manifest: dict[str, Any]
    members: Mapping[str, bytes] = field(repr=False)
    file_hash: str = field(default="", compare=False)
    identity: str = ""


def read_model(path: Path, only: Collection[str] | None = None) -> ModelArchive:
    """Read and check a model file; `only` limits which members besides model.json are loaded. Raises
    `ModelFileError`."""
    path = Path(path)
    if not path.exists():
        raise ModelFileError(f"{path}: there is no such file")
    if not path.is_file():
        raise ModelFileError(f"{path}: not a file")
    try:
        data = _read_file(path)
        names: list[str] = []

        def wanted(name: str) -> bool:
            names.append(name)  # of every member, asked for or not
            return only is None or name == "model.json" or name in only

        members = read_members(data, _LARGEST, wanted)
        manifest = parse_manifest(members.pop("model.json"))
        missing = [name for name in REQUIRED if name not in names]
        if missing:
            raise Gen3DError(f"incomplete model file, {missing[0]} is missing")
        digest = hashlib.sha256(data).hexdigest()
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    except Gen3DError as error:
        raise ModelFileError(f"{path}: {error}") from error
    whole = all(name in members for name in names if name in OBJECT_GRAPHS)
    return ModelArchive(manifest, members, digest, identify(members) if whole else "")


def read_priors(archive: ModelArchive) -> prior.CodePriors:
    """How the codes of a model read with `PRIORS` are distributed. Raises `ModelFileError`."""
    sizes = {name: archive.manifest[f"{code}_dim"] for code, name in prior.MEMBERS.items()}
    found: dict[str, Any] = dict.fromkeys(PRIORS)
    for name in PRIORS:
        if name in archive.members:
            packed = archive.members[name]
            try:
                found[name] = (
                    prior.CodePrior.unpacked(packed, sizes[name]) if name in sizes else prior.unpacked_choice(packed)
                )
            except Gen3DError as error:
                raise ModelFileError(f"{archive.manifest['name']}: {name}: {error}") from error
    return prior.CodePriors(*(found[name] for name in PRIORS))


def write_model(path: Path, manifest: Mapping[str, Any], members: Mapping[str, bytes]) -> None:
    """Write a model file in one step; equal input gives equal bytes with the same zlib. `manifest` need not hold
    `format`, `format_version` and `identity`.

    Raises `ModelFileError` for what `read_model` would refuse, `OutputError` when the disk does.
    """
    path = Path(path)
    full = {**manifest, "format": FORMAT, "format_version": FORMAT_VERSION, "identity": identify(members)}
    try:
        text = json.dumps(full, indent=1, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (TypeError, ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: model.json cannot hold this manifest: {error}") from error
    contents = {"model.json": text, **members}
    for name in contents:
        if name not in MEMBERS:
            raise ModelFileError(f"{path}: {name!r} is not a member of a model file")
    for name in REQUIRED:
        if name not in contents:
            raise ModelFileError(f"{path}: {name} is missing")
    try:
        parse_manifest(text)
        check_sizes({name: len(data) for name, data in contents.items()}, _LARGEST)
    except Gen3DError as error:
        raise ModelFileError(f"{path}: {error}") from error
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name in MEMBERS:
            if name in contents:
                info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                info.create_system = 3  # otherwise the platform's own, and bytes would differ between systems
                info.external_attr = 0o644 << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, contents[name])


def identify(members: Mapping[str, bytes]) -> str:
    """The identity of a model: a SHA-256 of the graphs that make the object, in hexadecimal. Metrics, an encoder or a
    preview do not change it; another training does."""
    digest = hashlib.sha256()
    for name in sorted(OBJECT_GRAPHS):
        if name in members:
            digest.update(f"{name} {hashlib.sha256(members[name]).hexdigest()}\n".encode())
    return digest.hexdigest()


def sha256(path: Path) -> str:
    """A file's SHA-256 in hexadecimal."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _read_file(path: Path) -> bytes:
    data = read_regular(path, _MAX_FILE)
    if len(data) > _MAX_FILE:
        raise Gen3DError(f"refused, it has more than {_MAX_FILE >> 20} MB")
    return data
