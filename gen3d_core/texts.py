"""Texts that come from files, made fit to be shown. Standard library only."""

from __future__ import annotations

import re

_CONTROL = re.compile("[\x00-\x08\x0b-\x1f\x7f-\x9f\u061c\u200e\u200f\u2028-\u202e\u2066-\u2069\ud800-\udfff]")
"""Control characters but tab and newline, marks that turn the direction of writing, halves of characters."""
REPLACEMENT = "\ufffd"


def shown(text: str) -> str:
    """The same lines, with nothing in them that a terminal would obey."""
    return _CONTROL.sub(REPLACEMENT, text.replace("\r\n", "\n"))


def plain(value: object, most: int = 1000) -> str:
    """One line of at most `most` characters that says what a value says."""
    text = value if isinstance(value, str) else str(value)
    text = shown(text[: 2 * most + 2]).replace("\n", " ").replace("\t", " ")
    return text if len(text) <= most else text[: most - 1] + "…"
