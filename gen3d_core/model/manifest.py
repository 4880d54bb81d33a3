"""`model.json` of a model file: what the file says of itself, every value of it bounded."""

from __future__ import annotations

import json
import math
import re
from typing import Any

from gen3d_core import limits
from gen3d_core.codes.directions import read_directions
from gen3d_core.errors import Gen3DError, first_line
from gen3d_core.model.cameras import recorded_prior

FORMAT = "gen3d-model"
FORMAT_VERSION = 1
MAX_MANIFEST = 4 << 20
"""Bytes."""
DEEPEST = 32
"""Lists and tables within each other."""
LARGEST = 2**63
"""No whole number in it may be this large."""
LONGEST_CATEGORY = 200
LONGEST_LICENCE = 2000
LONGEST_CREDIT = 2000
MOST_CREDITS = 100_000

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_-]{0,63}")


def parse_manifest(data: bytes) -> dict[str, Any]:
    """The manifest in the bytes of `model.json`. Raises `Gen3DError`, which does not name the file."""
    try:
        manifest = json.loads(data.decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise Gen3DError(f"model.json is not JSON: {first_line(error)}") from error
    if not isinstance(manifest, dict) or manifest.get("format") != FORMAT:
        raise Gen3DError(f"a zip, but not a Gen3D model (model.json does not say {FORMAT!r})")
    version = manifest.get("format_version")
    if isinstance(version, bool) or not isinstance(version, int):
        raise Gen3DError("model.json has no whole-number format_version")
    if version != FORMAT_VERSION:
        advice = (
            "newer than this program: update Gen3D"
            if version > FORMAT_VERSION
            else "older than this program reads: export it again"
        )
        shown = limits.abbreviate(version)
        raise Gen3DError(f"format version {shown} is {advice} (this one reads version {FORMAT_VERSION})")
    try:
        _check_texts(manifest)
        limits.check_whole("shape_dim", manifest.get("shape_dim"), (1, 4096))
        limits.check_whole("appearance_dim", manifest.get("appearance_dim"), (1, 4096))
        limits.check_real("truncation", manifest.get("truncation"), limits.TRUNCATION)
        read_directions(manifest)
        recorded_prior(manifest)
        _check_values(manifest)
    except Gen3DError as error:
        raise Gen3DError(f"model.json: {error}") from error
    return manifest


def _check_texts(manifest: dict[str, Any]) -> None:
    """The texts that are shown for a model wherever it is listed."""
    if not isinstance(manifest.get("name"), str) or not _NAME.fullmatch(manifest["name"]):
        raise Gen3DError("name is not 1 to 64 letters, digits, '-' or '_'")
    if not isinstance(manifest.get("category"), str) or len(manifest["category"]) > LONGEST_CATEGORY:
        raise Gen3DError(f"category is not a text of at most {LONGEST_CATEGORY} characters")
    licence = manifest.get("licence")
    if isinstance(licence, str) and len(licence) > LONGEST_LICENCE:
        raise Gen3DError(f"licence has more than {LONGEST_LICENCE} characters: name it, and say where its text is")
    credits = manifest.get("attribution")
    if isinstance(credits, list) and (
        len(credits) > MOST_CREDITS or any(isinstance(line, str) and len(line) > LONGEST_CREDIT for line in credits)
    ):
        raise Gen3DError(f"attribution is more than {MOST_CREDITS} lines of at most {LONGEST_CREDIT} characters")


def _check_values(manifest: dict[str, Any]) -> None:
    """Numbers that every number type holds, and no deeper than anyone would write; without recursion."""
    level: list[object] = [manifest]
    for _ in range(DEEPEST):
        below: list[object] = []
        for value in level:
            if isinstance(value, dict):
                below += value.values()
            elif isinstance(value, list):
                below += value
            elif isinstance(value, float) and not math.isfinite(value):
                raise Gen3DError("it holds a number that is not finite")
            elif isinstance(value, int) and abs(value) >= LARGEST:
                raise Gen3DError(f"it holds {limits.abbreviate(value)}: too large")
        if not below:
            return
        level = below
    raise Gen3DError(f"it is nested more than {DEEPEST} deep")
