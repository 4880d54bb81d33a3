"""What an encoder says of a framed picture: codes, and where the camera may have stood. Numpy only."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from gen3d_core.codes.codes import Codes

SIDE = 64
"""Pixels along a side of the framed pictures that encoders look at."""
AZIMUTHS = 24
"""Directions around the object that an encoder tells apart; the k-th is at k turns / 24."""
_RIVAL = 0.05
"""Share of probability from which a second direction is worth a look."""


@dataclass(frozen=True)
class AzimuthPeak:
    """Where around the object a camera may stand: an angle in radians, and the probability that an encoder gives it."""

    angle: float
    share: float = 1.0


@dataclass(frozen=True)
class Prediction:
    """Of one picture: codes, the likely azimuths, likeliest first, and the elevation in radians. `certainty` is 1 where
    one azimuth alone is possible, 0 where all are as likely: one less the entropy in units of its maximum."""

    codes: Codes
    azimuths: tuple[AzimuthPeak, ...]
    elevation: float
    certainty: float = 1.0


def parse_prediction(answer: np.ndarray, shape_dim: int, appearance_dim: int) -> Prediction:
    """Take apart an encoder's answer (shape_dim + appearance_dim + AZIMUTHS + 1,): codes, logits of directions,
    elevation in radians."""
    shape, appearance, logits, elevation = np.split(answer, np.cumsum([shape_dim, appearance_dim, AZIMUTHS]).tolist())
    share = np.exp(logits.astype(np.float64) - logits.max())
    share /= share.sum()
    certainty = 1 + float((share * np.log(np.maximum(share, 1e-12))).sum()) / np.log(AZIMUTHS)
    return Prediction(Codes(shape, appearance), _azimuths(share), float(elevation[0]), certainty)


def _azimuths(share: np.ndarray) -> tuple[AzimuthPeak, ...]:
    """The circular mean around each local maximum of the probabilities that is not negligible, by probability."""
    before, after = np.roll(share, 1), np.roll(share, -1)
    peaks = np.flatnonzero((share >= before) & (share > after))
    weight: np.ndarray = before + share + after
    step = 2 * np.pi / AZIMUTHS
    found = []
    for peak in peaks[np.argsort(-weight[peaks])]:
        if not found or weight[peak] >= _RIVAL:
            offset = np.arctan2(
                (after[peak] - before[peak]) * np.sin(step), share[peak] + (after[peak] + before[peak]) * np.cos(step)
            )
            found.append(AzimuthPeak(float((peak * step + offset) % (2 * np.pi)), float(weight[peak])))
    return tuple(found)
