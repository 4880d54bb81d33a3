"""Pictures that show nothing teach nothing: they are named, not learned from."""

import numpy as np
from numpy.typing import NDArray


def shows_nothing(pixels: NDArray[np.uint8]) -> str | None:
    """Why a picture (H,W,4), straight alpha, shows no object; None where it shows one."""
    if pixels[..., 3].sum(dtype=np.int64) < 255:
        return "fully transparent"
    if np.ptp(pixels.reshape(-1, 4), axis=0).max() == 0:
        return "of one colour throughout"
    return None
