"""The picture in a model file: nine of its meshes, none chosen, as whoever opens the file would get them."""

from __future__ import annotations

import io

import numpy as np
from PIL import Image

from gen3d_core.errors import Gen3DError
from gen3d_core.model.model import Model
from gen3d_core.model.onnx_model import OnnxModel
from gen3d_core.pictures.preview import front_view

ROWS = 3
PIXELS = 128
RESOLUTION = 64


def portrait(runtime: OnnxModel, truncation: float) -> bytes:
    """A PNG of the first seeds, three by three, on a transparent ground; a seed without a surface stays empty."""
    model = Model(runtime, "")
    picture = np.zeros((ROWS * PIXELS, ROWS * PIXELS, 4), np.uint8)
    for seed in range(ROWS * ROWS):
        try:
            mesh = model.sample(seed, RESOLUTION, truncation=truncation)
        except Gen3DError:
            continue
        y, x = (PIXELS * place for place in divmod(seed, ROWS))
        picture[y : y + PIXELS, x : x + PIXELS] = front_view(mesh, PIXELS)
    packed = io.BytesIO()
    Image.fromarray(picture).save(packed, format="PNG", optimize=True)
    return packed.getvalue()
