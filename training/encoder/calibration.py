"""Below what an encoded picture is doubtful: hardly any picture of a model's own kind falls short of it."""

from __future__ import annotations

import numpy as np
from jaxtyping import Float
from torch import Tensor
from tqdm import tqdm

from gen3d_core.inversion.encode import encode
from gen3d_core.mesh.extract import MeshError
from gen3d_core.model.model import Model
from gen3d_core.model.prediction import SIDE
from gen3d_core.pictures import cutout

PICTURES = 96
SHARE = 0.05
"""Of pictures of the model's own kind that may fall short, of either."""


def low_limits(model: Model, pictures: Float[Tensor, "n 4 side side"]) -> dict[str, float]:
    """`low_confidence` and `low_certainty` for a model's record: what the lowest `SHARE` of these pictures,
    premultiplied RGBA in [0, 1], have at most."""
    found = []
    for picture in tqdm(pictures.permute(0, 2, 3, 1).numpy(), desc="confidence", unit="picture", leave=False):
        straight = picture.copy()
        straight[..., :3] /= np.maximum(straight[..., 3:], 1e-3)
        try:
            framed = cutout.frame_object((straight.clip(0, 1) * 255).round().astype(np.uint8), SIDE)
            encoded = encode(model, [framed])
            found.append((encoded.confidence, encoded.certainty))
        except (cutout.UnreadablePicture, MeshError):
            found.append((0.0, 0.0))
    confidence, certainty = np.quantile(found, SHARE, axis=0)
    return {"low_confidence": round(float(confidence), 3), "low_certainty": round(float(certainty), 3)}
