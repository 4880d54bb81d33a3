"""Pictures of objects that a reconstruction knows, with the codes that it learned for them.

They are an encoder's best teachers: real pictures, and nothing has to be rendered.
"""

from __future__ import annotations

from pathlib import Path

import torch
from jaxtyping import Float
from torch import Tensor

from gen3d_core.errors import Gen3DError
from gen3d_core.networks.fields.triplane import TriplaneField
from gen3d_core.rendering.generator import Generator
from training.compute import autocast
from training.data.dataset import PictureDataset
from training.encoder.occupancy_probes import SolidProbes
from training.encoder.pool import CodeBatch, Pool, RenderedObjects, frame_data_pictures
from training.reconstruction.prior import Frame
from training.reconstruction.state import read_codes, read_frame
from training.reconstruction.views import group_views

MOST = 24_576
"""Pictures, those of all objects in turn."""
AT_ONCE = 8
ROUNDED = 1e-2
"""By how much frames of codes differ, at most, that a model file holds in half precision."""


@torch.no_grad()
def known_pictures(
    run_folder: Path,
    data: PictureDataset,
    generator: Generator,
    probes: SolidProbes,
    truncation: float,
    rng: torch.Generator,
) -> Pool:
    """Teaching pictures of a run's known objects, each reduced to its object.

    Raises:
        Gen3DError: no codes in the folder, or those of other data or of another model.
    """
    tables = read_codes(run_folder)
    views = group_views(data)
    if views is None or views.objects != len(tables[0]):
        there = 0 if views is None else views.objects
        raise Gen3DError(
            f"{run_folder} knows {len(tables[0])} objects, the data set holds {there}: give the one that it was taught"
        )
    field = generator.field
    if not isinstance(field, TriplaneField) or not field.config.framed_codes:
        raise Gen3DError(f"the model's codes were not learned in {run_folder}: leave --known out")
    if not torch.allclose(field.shape_mapping.centre, read_frame(run_folder), atol=ROUNDED):
        raise Gen3DError(f"the codes in {run_folder} are not those of this model: export it anew from there")
    pairs = zip((field.shape_mapping, field.appearance_mapping), tables, strict=True)
    shape, appearance = (
        torch.from_numpy(Frame(mapping.centre.numpy(), mapping.spread.numpy()).normal(table.numpy()))
        for mapping, table in pairs
    )
    each = max(1, min(views.taught, MOST // views.objects))
    pool = Pool(min(MOST, each * views.objects), shape.shape[1], appearance.shape[1])
    for objects in torch.randperm(views.objects, generator=rng)[: pool.capacity // each].split(AT_ONCE):
        rows = views.rows[objects, :each].flatten()
        seen = frame_data_pictures(_premultiplied(views.pictures[rows]), views.angles[rows])
        with autocast(torch.device("cpu")):
            solid = probes.occupancy(generator.condition(shape[objects], appearance[:1], truncation))
        codes = CodeBatch(*(table[objects].repeat_interleave(each, 0) for table in (shape, appearance)))
        pool.add(RenderedObjects(seen, codes, solid.repeat_interleave(each, 0)))
    return pool


def _premultiplied(rgba: Tensor) -> Float[Tensor, "n 4 s s"]:
    pictures = rgba.permute(0, 3, 1, 2).float() / 255
    return torch.cat([pictures[:, :3] * pictures[:, 3:], pictures[:, 3:]], 1)
