"""Malformed model files, the same for the same seed: bytes, zips, manifests, graphs, previews, weights."""

from __future__ import annotations

import io
import json
import struct
import warnings
import zipfile
from collections.abc import Mapping
from dataclasses import dataclass
from random import Random

from tests.faults.odd_graphs import odd_graph
from tests.faults.odd_values import odd, with_odd_leaf

NAMES = ("../x", "/x", "x\\..\\y", "C:x", "é.onnx", "x\0y", "shape.onnx", "notes.txt", " ", "shape.onnx/", "\x1b[2J")


@dataclass(frozen=True)
class Case:
    """A file and what was done to it."""

    kind: str
    data: bytes


def make_case(seed: int, number: int, models: Mapping[str, bytes]) -> Case:
    """The case of a number: one of the model files, by name, changed in one way."""
    rng = Random(f"{seed}/{number}")
    whole = models[rng.choice(sorted(models))]
    change = rng.choice((_bytes, _zip, _record, _manifest, _manifest, _graph, _graph, _graph, _preview, _weights))
    return change(rng, whole)


def _bytes(rng: Random, whole: bytes) -> Case:
    return Case(*_damaged(rng, whole))


def _damaged(rng: Random, data: bytes) -> tuple[str, bytes]:
    kind = rng.choice(("cut", "flipped", "zeroed", "inserted", "doubled", "shuffled"))
    start = rng.randrange(max(len(data), 1))
    stop = min(len(data), start + rng.choice([1, 4, 100, 10_000]))
    if kind == "cut":
        return kind, data[:start]
    if kind == "flipped":
        changed = bytearray(data)
        for _ in range(rng.choice([1, 3, 30])):
            if changed:
                changed[rng.randrange(len(changed))] ^= 1 << rng.randrange(8)
        return kind, bytes(changed)
    if kind == "zeroed":
        return kind, data[:start] + bytes(stop - start) + data[stop:]
    if kind == "inserted":
        return kind, data[:start] + rng.randbytes(stop - start) + data[start:]
    if kind == "doubled":
        return kind, data[:stop] + data[start:stop] + data[stop:]
    return kind, data[stop:] + data[start:stop] + data[:start]


def _zip(rng: Random, whole: bytes) -> Case:
    members = _unpacked(whole)
    kind = rng.choice(("more", "lost", "swapped", "stored", "encrypted", "commented", "many", "none"))
    if kind == "more":
        members[rng.choice(NAMES)] = rng.choice([b"", b"x", members["shape.onnx"]])
    elif kind == "lost":
        del members[rng.choice(sorted(members))]
    elif kind == "swapped":
        one, other = rng.choice(sorted(members)), rng.choice(sorted(members))
        members[one], members[other] = members[other], members[one]
    elif kind == "many":
        members |= {f"{rng.choice(NAMES)}{number}": b"" for number in range(rng.choice([10, 20_000]))}
    elif kind == "none":
        members = {}
    data = bytearray(_packed(members, comment=kind == "commented", stored=kind == "stored"))
    if kind == "encrypted":
        data[data.index(b"PK\x01\x02") + 8] |= 1
    return Case(f"zip {kind}", bytes(data))


def _record(rng: Random, whole: bytes) -> Case:
    """Fields of the zip's own records: sizes, offsets, names, lengths, as numbers that do not fit."""
    data = bytearray(whole)
    mark = rng.choice([b"PK\x01\x02", b"PK\x05\x06", b"PK\x03\x04"])
    places = [at for at in range(len(data) - 3) if data.startswith(mark, at)]
    at = rng.choice(places) + 4 + 2 * rng.randrange(22)
    value = rng.choice([0, 1, 0xFFFF, 0xFFFFFFFF, 0x7FFFFFFF, rng.getrandbits(32)])
    data[at : at + 4] = struct.pack("<I", value)
    return Case("zip record", bytes(data[: max(len(whole), at)]))


def _manifest(rng: Random, whole: bytes) -> Case:
    members = _unpacked(whole)
    if rng.random() < 0.15:
        members["model.json"] = rng.choice(
            (b"", b"{", b"[1]", b"\xff\xfe", b"null", b"[" * 100_000, b'{"a":' * 50_000, b"1" * 10_000)
        )
        return Case("manifest text", _packed(members))
    manifest = json.loads(members["model.json"])
    for _ in range(rng.choice([1, 1, 3])):
        key = rng.choice(sorted(manifest))
        manifest[key] = with_odd_leaf(rng, manifest[key])
    if rng.random() < 0.2:
        manifest[rng.choice(["attribution", "directions", "licence", "encoder", "tuned"])] = odd(rng)
    members["model.json"] = json.dumps(manifest).encode()
    return Case("manifest value", _packed(members))


def _graph(rng: Random, whole: bytes) -> Case:
    members = _unpacked(whole)
    name = rng.choice([each for each in sorted(members) if each.endswith(".onnx")])
    if rng.random() < 0.15:
        kind, members[name] = _damaged(rng, members[name])
        return Case(f"graph {kind}", _packed(members))
    kind, members[name] = odd_graph(rng, members[name])
    return Case(f"graph {kind}", _packed(members))


def _preview(rng: Random, whole: bytes) -> Case:
    members = _unpacked(whole)
    kind, members["preview.png"] = _damaged(rng, members.get("preview.png", b"\x89PNG\r\n\x1a\n" + bytes(100)))
    return Case(f"preview {kind}", _packed(members))


def _weights(rng: Random, whole: bytes) -> Case:
    members = _unpacked(whole)
    if "weights.safetensors" in members and rng.random() < 0.3:
        kind, members["weights.safetensors"] = _damaged(rng, members["weights.safetensors"])
        return Case(f"weights {kind}", _packed(members))
    manifest = json.loads(members["model.json"])
    for part in ("config", "training"):
        manifest[part] = with_odd_leaf(rng, manifest.get(part, {}))
    members["model.json"] = json.dumps(manifest).encode()
    return Case("weights config", _packed(members))


def _unpacked(whole: bytes) -> dict[str, bytes]:
    with zipfile.ZipFile(io.BytesIO(whole)) as archive:
        return {name: archive.read(name) for name in archive.namelist()}


def _packed(members: Mapping[str, bytes], *, comment: bool = False, stored: bool = False) -> bytes:
    file = io.BytesIO()
    method = zipfile.ZIP_STORED if stored else zipfile.ZIP_DEFLATED
    with warnings.catch_warnings(), zipfile.ZipFile(file, "w", method, compresslevel=1) as archive:
        warnings.simplefilter("ignore")  # of names that are there twice
        archive.comment = b"PK\x05\x06" * 4000 if comment else b""
        for name, data in members.items():
            archive.writestr(name, data)
    return file.getvalue()
