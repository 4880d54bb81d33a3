"""Files that stand where another was expected, told by how they begin."""

from __future__ import annotations


def describe_foreign(data: bytes) -> str | None:
    """What a file is that is found in place of pictures, meshes and models alike; None where that is not known."""
    if not data:
        return "an empty file"
    if data.startswith(b"version https://git-lfs.github.com/spec/"):
        return "a Git LFS pointer, not the file itself: run 'git lfs pull' where it came from"
    if data.startswith((b"\x00\x05\x16\x07", b"\x00\x05\x16\x00")):
        return "what macOS keeps beside a file (AppleDouble), not the file itself: leave it out"
    return None
