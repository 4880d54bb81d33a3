"""The members of a model file's zip, read within bounds: names are allow-listed, sizes bounded before allocation,
nothing is ever unpacked to disk."""

from __future__ import annotations

import io
import zipfile
from collections.abc import Callable, Collection, Mapping

from gen3d_core.codes import prior
from gen3d_core.errors import Gen3DError, first_line
from gen3d_core.files import DAMAGED_ZIP

GRAPHS = ("shape.onnx", "lattice.onnx", "occupancy.onnx", "colour.onnx", "encoder.onnx")
PRIORS = (*prior.MEMBERS.values(), prior.CHOSEN)
MEMBERS = ("model.json", "weights.safetensors", *GRAPHS, *PRIORS, "preview.png")
MAX_MEMBER = 128 << 20
"""Bytes of the largest member, unpacked ..."""
MAX_TOTAL = 192 << 20
"""... and of all together, whichever of them are read."""
MAX_GRAPHS = 96 << 20
"""Bytes of all graphs together: onnxruntime holds them twice for a while."""
_LONGEST_LIST = 1 << 20
"""Bytes of the list of members: ten entries, and a comment at most."""
_ZIP_START = b"PK\x03\x04"


def read_members(data: bytes, largest: Mapping[str, int], wanted: Callable[[str], bool]) -> dict[str, bytes]:
    """The wanted members by name, in the order of the file; `largest` has the bytes of those that may have less than
    `MAX_MEMBER`. Raises `Gen3DError`, which does not name the file."""
    try:
        file = _File(data)
        with zipfile.ZipFile(file) as archive:
            file.listed = True
            infos = _checked_infos(archive)
            check_sizes({name: info.file_size for name, info in infos.items()}, largest)
            return {name: _read(archive, info) for name, info in infos.items() if wanted(name)}
    except Gen3DError:
        raise
    except DAMAGED_ZIP as error:
        if isinstance(error, zipfile.BadZipFile) and not data.startswith(_ZIP_START):
            raise Gen3DError("not a Gen3D model file") from error
        raise Gen3DError(f"damaged or cut short ({first_line(error)}): copy or download it again") from error


def check_sizes(sizes: Mapping[str, int], largest: Mapping[str, int]) -> None:
    """Raises `Gen3DError` for members that unpack to too much, one of them or all together."""
    for name, size in sizes.items():
        limit = largest.get(name, MAX_MEMBER)
        if size > limit:
            raise Gen3DError(f"refused, {name} unpacks to {size >> 20} MB (limit {limit >> 20} MB)")
    together(sizes, MEMBERS, "its members", MAX_TOTAL)
    together(sizes, GRAPHS, "its graphs", MAX_GRAPHS)


def together(sizes: Mapping[str, int], names: Collection[str], what: str, limit: int) -> None:
    """Raises `Gen3DError` where the named members are larger than the limit."""
    total = sum(sizes.get(name, 0) for name in names)
    if total > limit:
        raise Gen3DError(f"refused, {what} unpack to {total >> 20} MB together (limit {limit >> 20} MB)")


class _File(io.BytesIO):
    """A file in memory that gives little at once until its list of members was read: a longer list is no model's."""

    listed = False

    def read(self, size: int | None = -1, /) -> bytes:
        if not self.listed and size is not None and size > _LONGEST_LIST:
            raise Gen3DError("refused, its list of members is too long")
        return super().read(size)


def _checked_infos(archive: zipfile.ZipFile) -> dict[str, zipfile.ZipInfo]:
    infos: dict[str, zipfile.ZipInfo] = {}
    entries = archive.infolist()
    for info in entries:
        parts = info.orig_filename.replace("\\", "/").split("/")
        if ".." in parts or parts[0] == "" or ":" in info.orig_filename or "\0" in info.orig_filename:
            raise Gen3DError(f"refused, it holds a path that leaves its folder ({info.orig_filename[:80]!r})")
    if "model.json" not in (info.orig_filename for info in entries):
        raise Gen3DError("a zip, but not a Gen3D model (no model.json in it)")
    for info in entries:
        name = info.orig_filename
        if name not in MEMBERS:
            raise Gen3DError(f"refused, it holds an unknown member {name[:80]!r}")
        if name in infos:
            raise Gen3DError(f"refused, it holds {name} twice")
        if info.flag_bits & 0x1:
            raise Gen3DError(f"refused, {name} is encrypted")
        if info.compress_type not in (zipfile.ZIP_STORED, zipfile.ZIP_DEFLATED):
            raise Gen3DError(f"refused, {name} is compressed by an unusual method")
        infos[name] = info
    return infos


def _read(archive: zipfile.ZipFile, info: zipfile.ZipInfo) -> bytes:
    with archive.open(info) as member:
        data = member.read(info.file_size + 1)
    if len(data) != info.file_size:
        raise Gen3DError(f"damaged, {info.filename} has {len(data)} bytes instead of {info.file_size}")
    return data
