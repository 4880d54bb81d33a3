"""What a run leaves to read: `log.jsonl`, TensorBoard events, and sample grids."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from torch.utils.tensorboard import SummaryWriter

from gen3d_core.files import replacing

FILE_NAME = "log.jsonl"


class Tracker:
    """Appends numbers to the JSONL log and to TensorBoard."""

    def __init__(self, folder: Path, images: int) -> None:
        self.path = folder / FILE_NAME
        self._forget_after(images)
        self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=images)

    def _forget_after(self, images: int) -> None:
        """Drop lines of steps that a crash has undone: they are about to be made, and logged, again."""
        if not self.path.exists():
            return
        kept = []
        for line in self.path.read_text(encoding="utf-8", errors="replace").splitlines():
            with suppress(KeyError, TypeError):  # the crash cut this line short
                if _parse(line)["images"] <= images:
                    kept.append(line + "\n")
        with replacing(self.path) as file:
            file.write("".join(kept).encode())

    def record(self, images: int, values: Mapping[str, float | None]) -> None:
        """One line of the log at `images` pictures shown; None values are left out, what is not finite becomes null."""
        known = {name: round(value, 6) for name, value in values.items() if value is not None}
        written = {name: value if math.isfinite(value) else None for name, value in known.items()}  # JSON has no NaN
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"images": images, **written}) + "\n")
        for name, value in known.items():
            self.board.add_scalar(name, value, images)

    def event(self, images: int, text: str) -> None:
        """A remark in the log."""
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"images": images, "event": text}) + "\n")
        self.board.add_text("events", text, images)

    def close(self) -> None:
        """Write out what TensorBoard still buffers."""
        self.board.close()


def curve(folder: Path, most: int = 120) -> dict[str, list[float | None]]:
    """The log's numbers as columns of equal length, thinned to at most `most` rows; what a row lacks is None.

    Lines that a crash or a full disk cut short are left out.
    """
    path = folder / FILE_NAME
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines() if path.exists() else []
    rows = [row for row in map(_parse, lines) if row and "event" not in row]
    rows = rows[:: max(1, -(-len(rows) // most))]
    return {name: [row.get(name) for row in rows] for name in sorted({key for row in rows for key in row})}


def _parse(line: str) -> dict[str, Any]:
    """What a line holds, {} where it is not whole."""
    try:
        row = json.loads(line)
    except ValueError:
        return {}
    return row if isinstance(row, dict) else {}
