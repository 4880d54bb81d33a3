"""What hangs together: graphs given by their edges, and masks by their neighbouring pixels. Numpy only."""

from __future__ import annotations

import numpy as np


def label_components(edges: np.ndarray, count: int) -> np.ndarray:
    """Label of each of `count` nodes: the smallest node of its connected component, edges (E, 2) -> (count,) int64.

    Minimum-label hooking with pointer jumping (Shiloach and Vishkin 1982).
    """
    labels = np.arange(count)
    while True:
        ends = labels[edges]
        low, high = ends.min(axis=1), ends.max(axis=1)
        apart = low != high
        if not apart.any():
            return labels
        edges, low, high = edges[apart], low[apart], high[apart]
        np.minimum.at(labels, high, low)
        while True:
            jumped = labels[labels]
            if np.array_equal(jumped, labels):
                break
            labels = jumped


def label_regions(mask: np.ndarray) -> np.ndarray:
    """Label of each pixel's region, pixels that share a side: (H, W) bool -> (H, W) int64, 0 where the mask is false
    and from 1 on without gaps elsewhere."""
    begins = mask.copy()
    begins[:, 1:] &= ~mask[:, :-1]
    run = (np.cumsum(begins.ravel()) - 1).reshape(mask.shape)
    both = mask[1:] & mask[:-1]
    edges = np.unique(np.stack([run[:-1][both], run[1:][both]], axis=1), axis=0)
    _, number = np.unique(label_components(edges, int(begins.sum())), return_inverse=True)
    return np.where(mask, np.concatenate([number.ravel() + 1, [0]])[np.where(mask, run, -1)], 0)
