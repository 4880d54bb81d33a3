"""What an evaluation says of sets that are known: solids, kinds, parts, halves of few real objects.

Sets are made of the procedural family itself, so that right and wrong are known.
"""

import inspect

import numpy as np
import pytest
import torch

import gen3d_core
from gen3d_core.mesh.extract import components
from gen3d_core.mesh.mesh import Mesh
from gen3d_core.model.model import Model
from training.data.meshes import RealMeshes
from training.evaluation.pictures import halve_pictures
from training.evaluation.real_set import RealSet
from training.evaluation.results import Row
from training.evaluation.score_bodies import carve_all, solid_rows
from training.evaluation.score_kinds import KnownKinds, kind_rows
from training.evaluation.score_pictures import picture_rows
from training.evaluation.wholes import RESOLUTION, parts_of_seeds
from training.metrics.body import Body
from training.metrics.image_network import load_image_network
from training.procedural.family import KINDS, make_shape, shape_kind

pytestmark = pytest.mark.usefixtures("single_thread")


def by_key(rows) -> dict[str, Row]:
    return {row.key: row for row in rows}


def value(row: Row) -> float:
    assert row.result is not None
    return row.result.value


def bodies_of(seeds) -> list[Body]:
    return carve_all([make_shape("chairs", seed) for seed in seeds], "chairs")


@pytest.fixture(scope="module")
def chairs() -> list[Body]:
    """The first 60 chairs, a sample of the family."""
    return bodies_of(range(60))


@pytest.fixture(scope="module")
def known() -> KnownKinds:
    return KnownKinds.of("chairs", 150)


def test_blocks_are_solids_and_chairs_are_not(chairs: list[Body]) -> None:
    corners = np.array(np.meshgrid([0, 1], [0, 1], [0, 1.5], indexing="ij")).reshape(3, -1).T.astype(np.float32)
    faces = [[0, 1, 3], [0, 3, 2], [4, 6, 7], [4, 7, 5], [0, 4, 5], [0, 5, 1], [2, 3, 7], [2, 7, 6], [0, 2, 6],
             [0, 6, 4], [1, 5, 7], [1, 7, 3]]  # fmt: skip
    block = Mesh(corners, np.array(faces, np.int32), corners * 0)
    lumps = [*carve_all([block] * 5, "blocks"), *chairs[:15]]
    wrong, right = by_key(solid_rows(lumps, chairs, 0)), by_key(solid_rows(chairs[:30], chairs[30:], 0))
    assert value(wrong["bodies.solids"]) == 0.25 and value(right["bodies.solids"]) == 0
    solids, fill = wrong["bodies.solids"], wrong["bodies.fill"]
    assert solids.result and solids.result.low is not None and 0 < solids.result.low < 0.25
    assert solids.floor and solids.floor.value == 0 and solids.best == "nearest" and solids.target == 0
    assert fill.floor and fill.floor.high is not None and value(fill) > fill.floor.high
    alone = by_key(solid_rows(lumps, [], 0))["bodies.solids"]
    assert alone.floor is None and alone.best == "lowest"


def test_a_sample_of_the_family_has_its_kinds_and_stools_alone_have_not(known: KnownKinds, chairs: list[Body]) -> None:
    stools = [seed for seed in range(300) if shape_kind("chairs", seed) == "stool"][:8]
    right, wrong = by_key(kind_rows(known, chairs, chairs, 0)), by_key(kind_rows(known, bodies_of(stools), chairs, 0))
    assert value(right["kinds.apart"]) < 0.2 and value(wrong["kinds.apart"]) > 0.7
    assert value(wrong["kinds.stool"]) > 0.8 and value(wrong["kinds.legs"]) < 0.2
    assert "more than" not in right["kinds.apart"].note or "legs" not in right["kinds.apart"].note.rsplit(":", 1)[1]
    for name in KINDS["chairs"]:
        row = wrong[f"kinds.{name}"]
        assert row.floor == right[f"kinds.{name}"].floor, "the floor does not depend on the model"
        assert row.best == "nearest" and row.target is not None
        assert name in wrong["kinds.apart"].note.rsplit(":", 1)[1]
    assert sum(value(row) for key, row in right.items() if key not in ("kinds.apart", "kinds.told")) == pytest.approx(1)


def test_kinds_are_told_rightly_nearly_always(known: KnownKinds, chairs: list[Body]) -> None:
    """Of shapes that are not among the known ones as well; what the page says of it is no better than that."""
    names = KINDS["chairs"]
    truly = np.array([names.index(shape_kind("chairs", seed)) for seed in range(len(chairs))])
    right = (known.tell(chairs) == truly).mean()
    row = by_key(kind_rows(known, chairs, [], 0))["kinds.told"]
    assert row.result is None and row.floor is not None
    assert right > 0.8 and row.floor.value == pytest.approx(right, abs=0.12)


def test_every_kind_occurs_and_shapes_are_what_their_kind_says() -> None:
    for family, names in KINDS.items():
        assert {shape_kind(family, seed) for seed in range(250)} == set(names)
    with pytest.raises(ValueError, match="unknown procedural family"):
        shape_kind("sofas", 0)


def test_parts_are_those_that_cleaning_would_remove() -> None:
    model = gen3d_core.load("chairs")
    found = parts_of_seeds(model, range(3), 0.8)
    for seed, parts in enumerate(found):
        mesh = model.sample(seed, RESOLUTION, truncation=0.8, floaters=0.0)
        assert parts == len(np.unique(components(mesh.faces, len(mesh.vertices))))
    assert inspect.signature(Model.sample).parameters["resolution"].default == RESOLUTION


# Few real objects


def test_few_references_are_halved_often_and_generated_ones_compared_alike() -> None:
    """Copies of the references, as many as a half, score as the floor's other half does or better; and real shapes
    score about what the floor says, whichever they are."""
    meshes = tuple(make_shape("chairs", seed) for seed in range(24))
    known = RealSet.of(RealMeshes(meshes[:12], None), 12, 256, 0)
    assert known.size == 6 and known.halves is not None
    for one, other in known.halves:
        assert not set(one) & set(other) and len(one) == len(other) == 6
    assert len({tuple(sorted(one)) for one, _ in known.halves}) > 10
    further, copies = known.scores(meshes[12:]), known.scores(meshes[:12])
    assert known.floor.mmd / 2 < further.mmd < 2 * known.floor.mmd
    assert abs(further.cov - known.floor.cov) < 0.3 and abs(further.one_nna - known.floor.one_nna) < 0.3
    assert copies.mmd < known.floor.mmd and copies.one_nna < known.floor.one_nna
    assert len(known.floor.nearest) == 12 and len(known.floor.correct) == 24
    fewer = known.scores(meshes[12:16])
    assert np.isfinite(fewer.mmd) and len(fewer.correct) == 4 + 12


def test_no_object_is_in_both_halves_of_the_pictures() -> None:
    models = [f"{place % 5}.glb" for place in range(60)]
    one, two = halve_pictures(models, np.random.default_rng(0))
    seen = [{models[place] for place in half} for half in (one, two)]
    assert not seen[0] & seen[1] and len(one) == len(two) == 24 and not set(one) & set(two)


@pytest.mark.parametrize("models", [[""] * 13, ["one.glb"] * 13, [f"{place}.ply" for place in range(13)]])
def test_pictures_of_one_object_or_of_many_once_are_simply_halved(models: list[str]) -> None:
    one, two = halve_pictures(models, np.random.default_rng(0))
    assert len(one) == len(two) == 6 and not set(one) & set(two)


# Pictures in the eyes of a network


def test_a_network_tells_other_pictures_from_more_of_the_same() -> None:
    """Discs against discs are the floor, squares are far above it, each with an interval."""
    rng = np.random.default_rng(0)

    def drawn(count: int, square: bool) -> torch.Tensor:
        y, x = np.mgrid[-1:1:64j, -1:1:64j]
        pictures = []
        for radius, colour in zip(rng.uniform(0.3, 0.7, count), rng.uniform(0, 0.8, (count, 3)), strict=True):
            reach = np.maximum(abs(x), abs(y)) if square else np.hypot(x, y)
            pictures.append(np.where(reach < radius, colour[:, None, None], 1.0))
        return torch.tensor(np.stack(pictures), dtype=torch.float32)

    real, floor = drawn(16, False), drawn(16, False)
    rows = by_key(picture_rows(real, floor, drawn(16, True), 0, None, load_image_network()))
    for key in ("pictures.frechet", "pictures.kernel"):
        row = rows[key]
        assert row.result and row.floor and row.result.low is not None and row.floor.high is not None
        assert row.result.low > row.floor.high, key
    bare = by_key(picture_rows(real, floor, real, 0, None, None))
    assert bare["pictures.frechet"].result is None and "gen3d[judge]" in bare["pictures.frechet"].note
