"""Seeds of a model whose codes were learned name shapes in one piece."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from scipy import ndimage

from gen3d_core.codes.codes import codes
from gen3d_core.codes.prior import CHOSEN, CodePrior, CodePriors, unpacked_choice
from gen3d_core.config import Config, GeneratorConfig, PosePrior
from gen3d_core.networks.fields.triplane import TriplaneField
from gen3d_core.rendering.generator import Generator
from training.code_source import CodeSource
from training.export import draws
from training.export.draws import chosen_draws

pytestmark = pytest.mark.usefixtures("single_thread")


@pytest.fixture(scope="module")
def rough() -> tuple[Generator, CodeSource]:
    """An untrained generator whose bodies crumble at their edges, some more and some less."""
    torch.manual_seed(1)
    small = GeneratorConfig(shape_dim=4, appearance_dim=3, framed_codes=True, synthesis_channels=(32, 32, 16, 8))
    generator = Generator(Config(generator=small), PosePrior())
    assert isinstance(generator.field, TriplaneField)
    with torch.no_grad():
        generator.field.occupancy_out.weight.mul_(5)
    one = np.ones(1, np.float32)
    prior = CodePrior(one, np.zeros((1, 4), np.float32), 1.5 * np.eye(4, dtype=np.float32)[None])
    return generator.eval(), CodeSource(4, 3, CodePriors(prior))


def whole(generator: Generator, source: CodeSource, number: int) -> bool:
    """Whether a draw's body is one piece, however closely it is looked at."""
    shape = torch.from_numpy(codes(number, 4, 3, priors=source.priors).shape)[None]
    field = generator.field.condition(shape, torch.zeros(1, 3), 1.0)
    bodies = [field.lattice(side)[0].numpy() > 0 for side in draws.LATTICES]
    return all(ndimage.label(body, np.ones((3, 3, 3)))[1] == 1 for body in bodies)  # type: ignore[index]


def test_the_first_draws_in_one_piece_are_listed(rough: tuple[Generator, CodeSource]) -> None:
    found = unpacked_choice(chosen_draws(*rough, 1.0, 8)[CHOSEN]).tolist()
    assert found == [number for number in range(found[-1] + 1) if whole(*rough, number)]
    assert len(found) == 8 and found[-1] > 7, "some draws are broken, or this shows nothing"


def test_where_hardly_any_draw_is_whole_all_are_named(
    rough: tuple[Generator, CodeSource], caplog: pytest.LogCaptureFixture
) -> None:
    generator, source = rough
    broken = next(number for number in range(99) if not whole(generator, source, number))
    shape = codes(broken, 4, 3, priors=source.priors).shape
    prior = CodePrior(np.ones(1, np.float32), shape[None], np.zeros((1, 4, 4), np.float32))
    assert chosen_draws(generator, CodeSource(4, 3, CodePriors(prior)), 1.0, 1000) == {}
    assert "too few to choose from" in caplog.text
