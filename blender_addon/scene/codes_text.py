# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""What made an object as text: to mail it, to keep it, to make it again. No ``bpy`` here."""

import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

FORMAT = "gen3d-codes"
LONGEST = 200_000  # characters
MOST = 4096  # numbers of a code


class CodesError(ValueError):
    """A text that holds no codes. The message is one line for the user."""


@dataclass(frozen=True)
class Kept:
    """An object's ingredients: its model by name, file hash and identity ("" in texts of older versions), its codes,
    its truncation."""

    model: str
    model_hash: str
    model_identity: str
    shape: list[float]
    appearance: list[float]
    truncation: float


def to_text(record: Mapping[str, Any]) -> str:
    """The text of an object's record."""
    content = {
        "format": FORMAT,
        "model": str(record["model"]),
        "model_hash": str(record["model_hash"]),
        "model_identity": str(record.get("model_identity", "")),
        "truncation": float(record.get("truncation", 1.0)),
        # Seven digits hold a float32 but for its last bit, which no one sees.
        "shape": [float(f"{value:.7g}") for value in record["shape_code"]],
        "appearance": [float(f"{value:.7g}") for value in record["appearance_code"]],
    }
    return json.dumps(content)


def from_text(text: str) -> Kept:
    """What a text holds. Raises CodesError."""
    if len(text) > LONGEST:
        raise CodesError("The clipboard holds far more than the codes of an object: copy them again")
    try:
        content = json.loads(text)
    except (ValueError, RecursionError):
        content = None
    if not isinstance(content, dict) or content.get("format") != FORMAT:
        raise CodesError("The clipboard holds no codes: select a generated object and press Copy Codes first")
    model, model_hash = content.get("model"), content.get("model_hash")
    identity = content.get("model_identity", "")
    if not all(isinstance(each, str) for each in (model, model_hash, identity)) or not model:
        raise CodesError("The codes name no model: copy them again")
    (truncation,) = _numbers([content.get("truncation")])
    return Kept(
        str(model),
        str(model_hash),
        identity,
        _numbers(content.get("shape")),
        _numbers(content.get("appearance")),
        truncation,
    )


def _numbers(values: object) -> list[float]:
    if not isinstance(values, list) or not 0 < len(values) <= MOST:
        raise CodesError("The codes are incomplete: copy them again")
    if not all(isinstance(v, int | float) and not isinstance(v, bool) and math.isfinite(v) for v in values):
        raise CodesError("The codes hold something that is not a number: copy them again")
    return [float(value) for value in values]
