"""The sRGB transfer curve (IEC 61966-2-1): colours are stored encoded, light adds up linearly."""

from __future__ import annotations

import numpy as np


def to_linear(encoded: np.ndarray) -> np.ndarray:
    """Encoded sRGB in [0, 1] to linear light in [0, 1], float64."""
    c = np.clip(np.asarray(encoded, np.float64), 0.0, 1.0)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def to_encoded(linear: np.ndarray) -> np.ndarray:
    """Linear light in [0, 1] to encoded sRGB in [0, 1], float64."""
    c = np.clip(np.asarray(linear, np.float64), 0.0, 1.0)
    return np.where(c <= 0.0031308, c * 12.92, 1.055 * c ** (1.0 / 2.4) - 0.055)
