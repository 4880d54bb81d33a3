"""What an engineer hands in: codes, pictures and seeds are named where they are no use, and equal where they are."""

import dataclasses
from pathlib import Path
from typing import Any

import numpy as np
import pytest

import gen3d_core
from gen3d_core import Codes, Mesh, Model, encode
from gen3d_core.errors import Gen3DError
from gen3d_core.model.archive import ModelFileError
from tests.analytic import write_ellipsoid_model


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Model:
    return gen3d_core.load(write_ellipsoid_model(tmp_path_factory.mktemp("m") / "ellipsoids.gen3d", encoder=True))


def four(*values: Any, dtype: Any = np.float32) -> np.ndarray:
    return np.resize(np.array(values, dtype), 4)


@pytest.mark.parametrize(
    ("shape", "said"),
    [
        (four(0, np.nan), "the shape code holds nan: expected finite numbers from -20 to 20"),
        (four(np.inf), "the shape code holds inf"),
        (four(1e30), "the shape code holds 1e+30"),
        (np.zeros(3, np.float32), r"the shape code is an array of shape \(3,\): expected \(4,\)"),
        (four("a", dtype=object), "the shape code holds object"),
    ],
)
def test_codes_that_no_object_has_are_named(model: Model, shape: np.ndarray, said: str):
    with pytest.raises(Gen3DError, match=said.replace("+", r"\+")) as caught:
        model.build(Codes(shape, model.codes(0).appearance), 16)
    assert not isinstance(caught.value, ModelFileError), "it is not the file's fault"
    assert "\n" not in str(caught.value)


def test_seeds_and_numbers_of_numpy(model: Model):
    assert model.sample(np.int64(7), np.uint8(20), truncation=np.float32(0.5)) == model.sample(7, 20, truncation=0.5)  # pyright: ignore[reportArgumentType]
    path = gen3d_core.Path((model.codes(1), model.codes(2)))
    made = gen3d_core.interpolate(model, path, np.uint8(3), np.uint8(200))  # pyright: ignore[reportArgumentType]
    assert len(made.times) == 3


def test_equal_is_what_has_equal_numbers(model: Model):
    one, mesh = model.codes(3), model.sample(3, 16)
    assert one == model.codes(3) and one != model.codes(4) and one != "codes"
    assert mesh == model.sample(3, 16) and mesh != model.sample(4, 16)
    assert mesh != Mesh(mesh.vertices[:-1], mesh.faces, mesh.colours) and mesh != one
    assert gen3d_core.Path((one, one)) == gen3d_core.Path((model.codes(3), model.codes(3)))
    assert one in [model.codes(4), model.codes(3)]
    assert dataclasses.replace(one) == one
    with pytest.raises(TypeError, match="unhashable"):
        hash(one)


@pytest.mark.parametrize(
    ("pictures", "said"),
    [
        ([], "how many is 0: expected 1 to 16"),
        (np.zeros((0, 64, 64, 4), np.uint8), "how many is 0: expected 1 to 16"),
        ([np.zeros((0, 0, 4), np.uint8)], "a picture's side is 0: expected 8 to 1024"),
        ([np.zeros((64, 64, 4), np.uint8)] * 17, "how many is 17"),
        ("chair.png", "pictures is 'chair.png': expected a list"),
        (Path("chair.png"), "expected a list"),
    ],
)
def test_pictures_that_are_none_are_named(model: Model, pictures: Any, said: str):
    with pytest.raises(Gen3DError, match=said):
        encode(model, pictures)
