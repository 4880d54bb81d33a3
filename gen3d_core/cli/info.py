"""The command `gen3d info`: what a model file says of itself."""

from __future__ import annotations

import argparse
import json
from collections.abc import Mapping
from typing import Any

from gen3d_core.cli.terminal import say
from gen3d_core.errors import plain

LONGEST = 100_000
"""Characters of one value: curves have thousands of numbers."""


def add_info(commands: Any) -> None:
    """Give the command line this command."""
    info = commands.add_parser("info", help="what a model file says of itself")
    info.add_argument("model", metavar="MODEL", help="name of a shipped model, or a .gen3d file")
    info.add_argument("--json", action="store_true", help="as JSON")
    info.set_defaults(run=_info)


def _info(options: argparse.Namespace) -> int:
    from gen3d_core.model.archive import OBJECT_GRAPHS, read_model
    from gen3d_core.model.model import find

    path = find(options.model)
    archive = read_model(path, only=OBJECT_GRAPHS)
    manifest = {**archive.manifest, "identity": archive.identity}
    if options.json:
        say(json.dumps({"file": str(path), "sha256": archive.file_hash, **manifest}, indent=2))
        return 0
    say(f"{manifest['name']}: a Gen3D model of {plain(manifest['category'])}")
    described = {
        "file": path,
        "size": f"{path.stat().st_size / 1e6:.1f} MB",
        "sha256": archive.file_hash,
        "identity": archive.identity,
        "format version": manifest["format_version"],
        "codes": f"shape {manifest['shape_dim']}, appearance {manifest['appearance_dim']}",
        "truncation": float(manifest["truncation"]),
        "licence": manifest.get("licence") or "not stated",
    }
    say(_table(described))
    if isinstance(manifest.get("attribution"), list) and manifest["attribution"]:
        say("\nlearned from the work of\n" + "\n".join(f"  {plain(line)}" for line in manifest["attribution"]))
    for section in ("training", "encoder", "metrics", "config"):
        if isinstance(manifest.get(section), dict) and manifest[section]:
            say(f"\n{section}\n" + _table(manifest[section]))
    return 0


def _table(values: Mapping[str, Any], indent: str = "  ") -> str:
    lines = []
    for key, value in values.items():
        if isinstance(value, Mapping):
            lines.append(f"{indent}{plain(key, 100)}")
            if value:
                lines.append(_table(value, indent + "  "))
        else:
            shown = (
                f"{value:.6g}"
                if isinstance(value, float)
                else ", ".join(map(str, value))
                if isinstance(value, list)
                else value
            )
            lines.append(f"{indent}{plain(key, 100):<16} {plain(shown, LONGEST)}")
    return "\n".join(lines)
