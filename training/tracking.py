"""What a run leaves to read: `log.jsonl`, TensorBoard events, and sample grids."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path

from torch.utils.tensorboard import SummaryWriter


class Tracker:
    """Appends numbers to the JSONL log and to TensorBoard."""

    def __init__(self, folder: Path, images: int) -> None:
        self.path = folder / "log.jsonl"
        self.board = SummaryWriter(str(folder / "tensorboard"), purge_step=images)

    def record(self, images: int, values: Mapping[str, float | None]) -> None:
        """One line of the log at `images` pictures shown; None values are left out."""
        known = {name: round(value, 6) for name, value in values.items() if value is not None}
        with self.path.open("a", encoding="utf-8") as file:
            file.write(json.dumps({"images": images, **known}) + "\n")
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
