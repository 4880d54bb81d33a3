"""glTF's KHR_node_visibility, which Blender does not read: a copy of the file without what it says is not seen."""

import json
import struct
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote

EXTENSION = "KHR_node_visibility"
_JSON = 0x4E4F534A


def show_visible(file: Path, scratch: Path) -> Path:
    """`file`, or where nodes of the GLB or glTF file are marked invisible, a copy in the folder `scratch`, which is
    made, in which these nodes and all below them have no mesh.

    Raises ValueError, LookupError, TypeError, AttributeError or struct.error for what is no glTF.
    """
    content = file.read_bytes()
    if EXTENSION.encode() not in content:
        return file
    binary = content[:4] == b"glTF"
    length = 0
    if binary:
        length, kind = struct.unpack_from("<II", content, 12)
        if kind != _JSON:
            raise ValueError("its first part is not JSON")
    described = json.loads(content[20 : 20 + length] if binary else content.decode("utf-8-sig"))
    if not _take_hidden(described):
        return file
    for item in [*described.get("buffers", []), *described.get("images", [])]:
        if "uri" in item and not item["uri"].startswith("data:"):  # the copy lies in another folder
            item["uri"] = quote(str((file.parent / unquote(item["uri"])).resolve()), safe="/\\:")
    text = json.dumps(described).encode()
    if binary:
        text += b" " * (-len(text) % 4)
        rest = content[20 + length :]
        text = struct.pack("<4s4I", b"glTF", 2, 20 + len(text) + len(rest), len(text), _JSON) + text + rest
    scratch.mkdir()
    target = scratch / file.name
    target.write_bytes(text)
    return target


def _take_hidden(described: dict[str, Any]) -> bool:
    """Take the meshes from nodes that are not seen, and the extension from what a reader must know; whether any of
    this was there."""
    nodes = described.get("nodes", [])
    marks = [node.get("extensions", {}).get(EXTENSION, {}) for node in nodes]
    waiting = [i for i, mark in enumerate(marks) if mark.get("visible") is False]
    hidden: set[int] = set()
    while waiting:
        i = waiting.pop()
        if i not in hidden:
            hidden.add(i)
            waiting.extend(nodes[i].get("children", []))
    for i in hidden:
        for part in ("mesh", "skin", "weights", "extensions"):
            nodes[i].pop(part, None)
    for animation in described.get("animations", []) if hidden else []:  # what has no mesh has no shapes to blend
        animation["channels"] = [
            each
            for each in animation["channels"]
            if each["target"].get("node") not in hidden or each["target"]["path"] != "weights"
        ]
    required = described.get("extensionsRequired", [])
    if EXTENSION in required:
        required.remove(EXTENSION)
        if not required:
            del described["extensionsRequired"]
        return True
    return bool(hidden)
