"""Checkpoints compared."""

from pathlib import Path

import torch


def content(folder: Path, name: str = "state.pt") -> dict:
    """Everything in a checkpoint but the time it took."""
    saved = torch.load(folder / name, weights_only=True)
    del saved["seconds"]
    return saved


def assert_equal(a: object, b: object, where: str = "") -> None:
    if isinstance(a, torch.Tensor):
        assert isinstance(b, torch.Tensor) and torch.equal(a, b), where
    elif isinstance(a, dict):
        assert isinstance(b, dict) and a.keys() == b.keys(), where
        for key in a:
            assert_equal(a[key], b[key], f"{where}.{key}")
    else:
        assert a == b, where
