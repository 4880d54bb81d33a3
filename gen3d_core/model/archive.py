"""Read and write `NAME.gen3d`: a zip of well-known formats and nothing executable.

Members: `model.json` (what it is), `weights.safetensors` (for torch), ONNX graphs (for onnxruntime; `lattice.onnx` only
where the field is separable, `encoder.onnx` only where pictures can be encoded), how codes are distributed where that
is not standard normal (`gen3d_core.codes.prior`), `preview.png`. Whatever is read comes from a stranger: names are
allow-listed, sizes bounded before allocation, nothing is ever unpacked to disk.
"""

from __future__ import annotations

import hashlib
import json
import re
import zipfile
import zlib
from collections.abc import Collection, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from gen3d_core import limits
from gen3d_core.codes import prior
from gen3d_core.codes.directions import read_directions
from gen3d_core.errors import Gen3DError, first_line
from gen3d_core.files import replacing

FORMAT = "gen3d-model"
FORMAT_VERSION = 1
SUFFIX = ".gen3d"
GRAPHS = ("shape.onnx", "lattice.onnx", "occupancy.onnx", "colour.onnx", "encoder.onnx")
PRIORS = tuple(prior.MEMBERS.values())
MEMBERS = ("model.json", "weights.safetensors", *GRAPHS, *PRIORS, "preview.png")
REQUIRED = ("model.json", "shape.onnx", "occupancy.onnx", "colour.onnx")
MAX_MEMBER = 256 << 20
"""Bytes of the largest member, unpacked."""
MAX_MANIFEST = 4 << 20

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")
_ZIP_START = b"PK\x03\x04"


class ModelFileError(Gen3DError):
    """A `.gen3d` file that cannot be used; the text names the file and what is wrong with it."""


@dataclass(frozen=True)
class ModelArchive:
    """A model file in memory: `manifest` is model.json, `members` the other members that were asked for, by name."""

    manifest: dict[str, Any]
    members: Mapping[str, bytes] = field(repr=False)


def read_model(path: Path, only: Collection[str] | None = None) -> ModelArchive:
    """Read and check a model file; `only` limits which members besides model.json are loaded. Raises
    `ModelFileError`."""
    path = Path(path)
    if not path.exists():
        raise ModelFileError(f"{path}: there is no such file")
    if not path.is_file():
        raise ModelFileError(f"{path}: not a file")
    try:
        with zipfile.ZipFile(path) as archive:
            infos = _checked_infos(path, archive)
            manifest = _parse_manifest(path, _read_member(archive, infos["model.json"], MAX_MANIFEST, path))
            missing = [name for name in REQUIRED if name not in infos]
            if missing:
                raise ModelFileError(f"{path}: incomplete model file, {missing[0]} is missing")
            wanted = [name for name in infos if name != "model.json" and (only is None or name in only)]
            members = {name: _read_member(archive, infos[name], MAX_MEMBER, path) for name in wanted}
    except zipfile.BadZipFile as error:
        with path.open("rb") as file:
            is_zip = file.read(4) == _ZIP_START
        reason = f"damaged or cut short ({error}): copy or download it again" if is_zip else "not a Gen3D model file"
        raise ModelFileError(f"{path}: {reason}") from error
    except (EOFError, zlib.error, NotImplementedError) as error:
        raise ModelFileError(f"{path}: damaged or cut short ({error}): copy or download it again") from error
    except OSError as error:
        raise ModelFileError(f"{path}: cannot be read: {error.strerror or error}") from error
    return ModelArchive(manifest, members)


def read_priors(archive: ModelArchive) -> prior.CodePriors:
    """How the codes of a model read with `PRIORS` are distributed. Raises `ModelFileError`."""
    found: dict[str, prior.CodePrior] = {}
    for code, name in prior.MEMBERS.items():
        if name in archive.members:
            try:
                found[code] = prior.CodePrior.unpacked(archive.members[name], archive.manifest[f"{code}_dim"])
            except Gen3DError as error:
                raise ModelFileError(f"{archive.manifest['name']}: {name}: {error}") from error
    return prior.CodePriors(**found)


def write_model(path: Path, manifest: Mapping[str, Any], members: Mapping[str, bytes]) -> None:
    """Write a model file in one step; equal input gives equal bytes with the same zlib. `manifest` need not hold
    `format` and `format_version`.

    Raises `ModelFileError` for what `read_model` would refuse, `OutputError` when the disk does.
    """
    path = Path(path)
    full = {**manifest, "format": FORMAT, "format_version": FORMAT_VERSION}
    try:
        text = json.dumps(full, indent=1, allow_nan=False, ensure_ascii=False).encode("utf-8")
    except (TypeError, ValueError) as error:
        raise ModelFileError(f"{path}: model.json cannot hold this manifest: {error}") from error
    _parse_manifest(path, text)
    contents = {"model.json": text, **members}
    for name in contents:
        if name not in MEMBERS:
            raise ModelFileError(f"{path}: {name!r} is not a member of a model file")
        if len(contents[name]) > (MAX_MANIFEST if name == "model.json" else MAX_MEMBER):
            raise ModelFileError(f"{path}: {name} has {len(contents[name]) >> 20} MB: too large")
    for name in REQUIRED:
        if name not in contents:
            raise ModelFileError(f"{path}: {name} is missing")
    with replacing(path) as file, zipfile.ZipFile(file, "w") as archive:
        for name in MEMBERS:
            if name in contents:
                info = zipfile.ZipInfo(name, date_time=(1980, 1, 1, 0, 0, 0))
                info.create_system = 3  # otherwise the platform's own, and bytes would differ between systems
                info.external_attr = 0o644 << 16
                info.compress_type = zipfile.ZIP_DEFLATED
                archive.writestr(info, contents[name])


def sha256(path: Path) -> str:
    """The file's SHA-256 in hexadecimal: what objects remember of the model they came from."""
    with Path(path).open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def _checked_infos(path: Path, archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos: dict[str, zipfile.ZipInfo] = {}
    entries = archive.infolist()
    for info in entries:
        parts = info.orig_filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or ":" in info.orig_filename or "\0" in info.orig_filename:
            raise ModelFileError(
                f"{path}: refused, it holds a path that leaves its folder ({info.orig_filename[:80]!r})"
            )
    if "model.json" not in (info.orig_filename for info in entries):
        raise ModelFileError(f"{path}: a zip, but not a Gen3D model (no model.json in it)")
    for info in entries:
        name = info.orig_filename
        if name not in MEMBERS:
            raise ModelFileError(f"{path}: refused, it holds an unknown member {name[:80]!r}")
        if name in infos:
            raise ModelFileError(f"{path}: refused, it holds {name} twice")
        if info.flag_bits & 0x1:
            raise ModelFileError(f"{path}: refused, {name} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise ModelFileError(f"{path}: refused, {name} is compressed by an unusual method")
        infos[name] = info
    return infos


def _read_member(archive: zipfile.ZipFile, info: zipfile.ZipInfo, limit: int, path: Path) -> bytes:
    if info.file_size > limit:
        raise ModelFileError(
            f"{path}: refused, {info.filename} unpacks to {info.file_size >> 20} MB (limit {limit >> 20} MB)"
        )
    with archive.open(info) as member:
        data = member.read(limit + 1)
    if len(data) != info.file_size:
        raise ModelFileError(f"{path}: damaged, {info.filename} has {len(data)} bytes instead of {info.file_size}")
    return data


def _parse_manifest(path: Path, text: bytes) -> dict[str, Any]:
    try:
        manifest = json.loads(text.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise ModelFileError(f"{path}: model.json is not JSON: {first_line(error)}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise ModelFileError(f"{path}: a zip, but not a Gen3D model (model.json does not say {FORMAT!r})")
    version = manifest.get("format_version")
    if isinstance(version, bool) or not isinstance(version, int):
        raise ModelFileError(f"{path}: model.json has no whole-number format_version")
    if version != FORMAT_VERSION:
        advice = (
            "newer than this program: update Gen3D"
            if version > FORMAT_VERSION
            else "older than this program reads: export it again"
        )
        raise ModelFileError(f"{path}: format version {version} is {advice} (this one reads version {FORMAT_VERSION})")
    if not isinstance(manifest.get("name"), str) or not _NAME.fullmatch(manifest["name"]):
        raise ModelFileError(f"{path}: model.json: name is not 1 to 64 letters, digits, '-' or '_'")
    if not isinstance(manifest.get("category"), str):
        raise ModelFileError(f"{path}: model.json: category is not a text")
    try:
        limits.check_whole("shape_dim", manifest.get("shape_dim"), (1, 4096))
        limits.check_whole("appearance_dim", manifest.get("appearance_dim"), (1, 4096))
        limits.check_real("truncation", manifest.get("truncation"), limits.TRUNCATION)
        read_directions(manifest)
    except Gen3DError as error:
        raise ModelFileError(f"{path}: model.json: {error}") from error
    return manifest
