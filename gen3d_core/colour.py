"""The sRGB transfer curve (IEC 61966-2-1), as colours are stored encoded and light adds up linearly; CIE Lab."""

from __future__ import annotations

import numpy as np

_TO_XYZ = np.array([[0.412453, 0.357580, 0.180423], [0.212671, 0.715160, 0.072169], [0.019334, 0.119193, 0.950227]])
"""Linear sRGB to CIE XYZ (ITU-R BT.709 primaries)."""
_WHITE = np.array([0.95047, 1.0, 1.08883])
"""D65, 2 degree observer."""


def to_linear(encoded: np.ndarray) -> np.ndarray:
    """Encoded sRGB in [0, 1] to linear light in [0, 1], float64."""
    c = np.clip(np.asarray(encoded, np.float64), 0.0, 1.0)
    return np.where(c <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)


def to_encoded(linear: np.ndarray) -> np.ndarray:
    """Linear light in [0, 1] to encoded sRGB in [0, 1], float64."""
    c = np.clip(np.asarray(linear, np.float64), 0.0, 1.0)
    return np.where(c <= 0.0031308, c * 12.92, 1.055 * c ** (1.0 / 2.4) - 0.055)


def to_lab(encoded: np.ndarray) -> np.ndarray:
    """Encoded sRGB (..., 3) in [0, 1] to CIE Lab under D65, in which distances are about as large as they look."""
    ratio = to_linear(encoded) @ _TO_XYZ.T / _WHITE
    x, y, z = np.moveaxis(np.where(ratio > 0.008856, np.cbrt(ratio), 7.787 * ratio + 16 / 116), -1, 0)
    return np.stack([116 * y - 16, 500 * (x - y), 200 * (y - z)], axis=-1)
