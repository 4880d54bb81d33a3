"""How long work tells how far it is."""

from __future__ import annotations

from collections.abc import Callable

OnProgress = Callable[[float, str], None]
"""Told a fraction in [0, 1] and a few words; whatever it raises stops the work."""


def ignore_progress(fraction: float, stage: str) -> None:
    """A progress callback for those who do not watch."""
