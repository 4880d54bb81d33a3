"""What an encoder says of a framed picture: codes, and where the camera may have stood. Numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gen3d_core.latent import Codes

SIDE = 64
"""Pixels along a side of the framed pictures that encoders look at."""
FILL = 0.85
"""Share of a framed picture's side that the object's longer side takes."""
AZIMUTHS = 24
"""Directions around the object that an encoder tells apart; the k-th is at k turns / 24."""
_RIVAL = 0.05
"""Share of probability from which a second direction is worth a look."""


@dataclass(frozen=True)
class Reading:
    """Of one picture. `azimuths` are the likely ones, best first, and `elevation` an angle, in radians."""

    codes: Codes
    azimuths: tuple[float, ...]
    elevation: float


def reading(answer: np.ndarray, shape_dim: int, appearance_dim: int) -> Reading:
    """Take apart an encoder's answer (shape_dim + appearance_dim + AZIMUTHS + 1,): codes, logits of directions,
    elevation in radians."""
    shape, appearance, logits, elevation = np.split(answer, np.cumsum([shape_dim, appearance_dim, AZIMUTHS]).tolist())
    return Reading(Codes(shape, appearance), _azimuths(logits.astype(np.float64)), float(elevation[0]))


def _azimuths(logits: np.ndarray) -> tuple[float, ...]:
    """The circular mean around each local maximum of the probabilities that is not negligible, by probability."""
    share = np.exp(logits - logits.max())
    share /= share.sum()
    before, after = np.roll(share, 1), np.roll(share, -1)
    peaks = np.flatnonzero((share >= before) & (share > after))
    weight = before + share + after
    step = 2 * np.pi / AZIMUTHS
    found = []
    for peak in peaks[np.argsort(-weight[peaks])]:
        if not found or weight[peak] >= _RIVAL:
            offset = np.arctan2(
                (after[peak] - before[peak]) * np.sin(step), share[peak] + (after[peak] + before[peak]) * np.cos(step)
            )
            found.append(float((peak * step + offset) % (2 * np.pi)))
    return tuple(found)
