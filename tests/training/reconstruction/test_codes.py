"""Codes of known objects: how far they are blurred is learned."""

from __future__ import annotations

import dataclasses
import math
from pathlib import Path

import pytest
import torch
from torch.distributions import Normal, kl_divergence

from gen3d_core.networks.layers import pixel_norm
from tests.training.checkpoints import content
from tests.training.reconstruction.known_objects import write_ellipsoids
from tests.training.reconstruction.tiny_reconstruction import CONFIG, SMALL, train
from training.reconstruction.codes import CodeTable, nats
from training.reconstruction.state import FILE_NAME


def test_codes_are_blurred_by_the_noise_of_each_number() -> None:
    table = CodeTable(pixel_norm(torch.randn(3, 4)), torch.randn(3, 2), noise=0.5)
    with torch.no_grad():
        table.shape_noise.add_(torch.tensor([0.0, 1.0, -1.0, 0.0]))
    objects = torch.full((20_000,), 1)
    blurred = table.blurred_shapes(objects, torch.Generator().manual_seed(0))
    wanted = 0.5 * torch.tensor([1.0, math.e, 1 / math.e, 1.0])
    assert torch.allclose(blurred.std(0), wanted, rtol=0.03)
    assert torch.allclose(blurred.mean(0), table.shapes(objects[:1])[0], atol=0.04)
    assert table.blurred_appearances(objects[:5], torch.Generator()).shape == (5, 2)


def test_nats_are_what_a_code_tells_of_an_object() -> None:
    code, noise = pixel_norm(torch.randn(1, 6))[0], torch.linspace(-2, 0.3, 6)
    told = kl_divergence(Normal(code, noise.exp()), Normal(0.0, 1.0)).sum()
    assert nats(noise).item() == pytest.approx(told.item(), rel=1e-4)


@pytest.mark.usefixtures("single_thread")
def test_noise_widens_where_it_costs_little_and_narrows_where_nothing_is_gained(tmp_path: Path) -> None:
    data = write_ellipsoids(tmp_path / "data")
    found = {}
    for weight in (0.0, 1.0):
        settings = dataclasses.replace(SMALL, nats_weight=weight, nats_weight_end=weight, noise_rate=0.02)
        out = train(data, tmp_path / str(weight), dataclasses.replace(CONFIG, reconstruction=settings))
        found[weight] = content(out, FILE_NAME)["codes"]["shape_noise"].exp().mean().item()
    assert found[0.0] < SMALL.code_noise < found[1.0]
