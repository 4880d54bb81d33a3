"""What came of a case."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Outcome:
    """`faults` is empty where every promise was kept; `refused` says how often the program said no, or was stopped;
    `megabytes` is 0 where it was not measured."""

    faults: tuple[str, ...]
    refused: int = 0
    seconds: float = 0.0
    megabytes: int = 0
