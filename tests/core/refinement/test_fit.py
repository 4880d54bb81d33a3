"""What holds an object against pictures has a gradient in everything that may move."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from gen3d_core.model.model import load
from gen3d_core.model.prediction import SIDE
from gen3d_core.refinement.fit import Fit, load_field

pytestmark = pytest.mark.usefixtures("single_thread")


@pytest.mark.parametrize("half_width", [0.3, 0.05])
def test_codes_cameras_and_weights_feel_what_is_unlike(encoding_model: Path, half_width: float) -> None:
    """At the narrow width too, where the search for the surface looks the planes up before anything is rendered."""
    generator, field = load_field(encoding_model)
    fit = Fit(generator, field, 1.0, load(encoding_model).codes(3), torch.tensor([[0.7, 0.2]]))
    for weight in field.synthesis.parameters():
        weight.requires_grad_()
    seen = torch.zeros(1, 4, SIDE, SIDE)
    seen[:, :, SIDE // 4 : SIDE // 2, SIDE // 4 :] = 0.8
    fit.loss(seen, half_width).backward()
    for felt in (fit.shape, fit.appearance, fit.pose, field.synthesis.constant, field.synthesis.out.conv.weight):
        assert felt.grad is not None and felt.grad.abs().max() > 0
