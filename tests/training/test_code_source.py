"""Codes for training: the normal draws of always, or those of the distribution that a run's folder holds."""

from __future__ import annotations

import dataclasses
from pathlib import Path

import numpy as np
import torch

from gen3d_core.codes.prior import CodePrior, CodePriors
from gen3d_core.model.archive import read_model, write_model
from tests.tiny_run import TINY
from training.code_source import CodeSource

PRIOR = CodePrior(
    np.array([0.75, 0.25], np.float32),
    np.array([[2, 0], [-2, 1]], np.float32),
    np.stack([[[0.5, 0.1], [0.1, 0.2]], [[0.1, 0.0], [0.0, 0.3]]]).astype(np.float32),
)


def test_without_a_distribution_they_are_the_plain_draws() -> None:
    rng, plain = torch.Generator().manual_seed(3), torch.Generator().manual_seed(3)
    source = CodeSource(4, 2)
    assert torch.equal(source.shapes(5, rng), torch.randn(5, 4, generator=plain))
    assert torch.equal(source.appearances(6, rng), torch.randn(6, 2, generator=plain))


def test_they_follow_the_distribution_that_seeds_follow() -> None:
    drawn = CodeSource(2, 2, CodePriors(PRIOR, None)).shapes(20_000, torch.Generator().manual_seed(0))
    rng = np.random.default_rng(0)
    seeds = np.stack([PRIOR.draw(rng) for _ in range(20_000)])
    assert np.allclose(drawn.mean(0), seeds.mean(0), atol=0.06)
    assert np.allclose(np.cov(drawn.numpy().T), np.cov(seeds.T), atol=0.1)


def test_a_run_knows_its_own_only_where_its_codes_are_framed(tmp_path: Path) -> None:
    plain = dataclasses.replace(TINY.generator, shape_dim=2)
    framed = dataclasses.replace(plain, framed_codes=True)
    assert CodeSource.of_run(framed, tmp_path).priors == CodePriors()
    (tmp_path / "shape_prior.f32").write_bytes(PRIOR.packed())
    found = CodeSource.of_run(framed, tmp_path).priors
    assert found.shape is not None and np.array_equal(found.shape.means, PRIOR.means) and found.appearance is None
    assert CodeSource.of_run(plain, tmp_path).priors == CodePriors()


def test_a_model_file_s_are_those_that_its_seeds_follow(tmp_path: Path, tiny_model: Path) -> None:
    """What an encoder learns to read is what the model draws."""
    archive = read_model(tiny_model)
    assert CodeSource.of_model(archive).priors == CodePriors()
    wide = CodePrior(np.ones(1, np.float32), np.full((1, 8), 3, np.float32), np.eye(8, dtype=np.float32)[None])
    write_model(tmp_path / "drawn.gen3d", archive.manifest, {**archive.members, "shape_prior.f32": wide.packed()})
    source = CodeSource.of_model(read_model(tmp_path / "drawn.gen3d"))
    assert source.shapes(400, torch.Generator().manual_seed(0)).mean(0).sub(3).abs().max() < 0.3
