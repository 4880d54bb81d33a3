"""A model adjusted to one object: its weights move a little while the codes that were found stay. Needs torch.

Roich et al., *Pivotal Tuning for Latent-based Editing of Real Images*, ACM Transactions on Graphics 2022. The result is
a model file of its own; the codes mean this object in that file alone.
"""

from __future__ import annotations

import copy
import io
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import torch

from gen3d_core.codes.codes import Codes
from gen3d_core.inversion.encode import Encoded
from gen3d_core.model.archive import ModelArchive, read_model, write_model
from gen3d_core.model.model import PREVIEW, Model, load
from gen3d_core.model.onnx_model import OnnxModel
from gen3d_core.model.prediction import SIDE
from gen3d_core.pictures.framing import network_input
from gen3d_core.pictures.preview import front_view
from gen3d_core.progress import OnProgress, ignore_progress
from gen3d_core.refinement.fit import Descent, Fit, load_field
from gen3d_core.weights.load import WEIGHTS, pack_weights, round_to_half
from gen3d_core.weights.onnx_export import export_graphs

STEPS = 40
RATE = 1e-3
PREVIEW_SIDE, PREVIEW_RESOLUTION = 256, 96
PLACING_STEPS = 10
"""Steps in which only the places of the pictures are found, before weights move."""


def tune_model(
    model: Model, pictures: Sequence[np.ndarray], found: Encoded, out: Path, progress: OnProgress = ignore_progress
) -> Model:
    """Write `out`, a copy of the model that makes what the framed `pictures` (S, S, 4) uint8 show out of the codes that
    were found, and return it opened. Raises `Gen3DError` as `gen3d_core.refinement.refine.refine_encoding` does."""
    generator, field = load_field(model.path)
    target = torch.from_numpy(network_input(list(pictures), SIDE))
    pose = torch.tensor([[each.azimuth, each.elevation] for each in found.cameras], dtype=torch.float32)
    fit = Fit(generator, field, float(model.manifest["truncation"]), found.codes, pose)
    placing = Descent(fit.groups()[1:])
    for _ in range(PLACING_STEPS):
        placing.step(fit.loss(target))
    weights = [
        weight for name, weight in field.named_parameters() if not name.startswith(("shape_mapping", "appearance_mapp"))
    ]
    for weight in weights:
        weight.requires_grad_()
    descent, best = Descent([{"params": weights, "lr": RATE}]), copy.deepcopy(generator.state_dict())
    for step in range(STEPS):
        progress(0.7 * step / STEPS, "tuning")
        here = copy.deepcopy(generator.state_dict())
        if descent.step(fit.loss(target)):
            best = here
    generator.load_state_dict(best)
    progress(0.7, "exporting")
    exported = round_to_half(generator.requires_grad_(False))
    archive = read_model(model.path)
    members = {**archive.members, WEIGHTS: pack_weights(exported), **export_graphs(exported.field.eval())}
    # It was measured as another model, and makes one object well.
    manifest = {
        **archive.manifest,
        "name": out.stem,
        "metrics": {},
        "tuned": {"from": model.name, "hash": model.hash, "identity": model.identity},
    }
    members[PREVIEW] = _preview(OnnxModel.of(out, ModelArchive(manifest, members)), found.codes)
    write_model(out, manifest, members)
    progress(1.0, "exporting")
    return load(out)


def _preview(runtime: OnnxModel, codes: Codes) -> bytes:
    """A PNG of the object."""
    from PIL import Image

    packed = io.BytesIO()
    Image.fromarray(front_view(Model(runtime, "").build(codes, PREVIEW_RESOLUTION), PREVIEW_SIDE)).save(packed, "PNG")
    return packed.getvalue()
