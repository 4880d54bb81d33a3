"""Bodies carved out by what can be seen: how full they are, and which are alike."""

import numpy as np
import pytest

from gen3d_core.mesh.mesh import Mesh
from training.metrics.body import SIDE, SOLID, carve, nearest
from training.procedural.family import make_shape, shape_kind, shape_parts
from training.procedural.solids import box, column


def mesh_of(*solids) -> Mesh:
    """Overlapping closed solids in one mesh."""
    starts = np.cumsum([0, *(len(solid.vertices) for solid in solids)])
    vertices = np.concatenate([solid.vertices for solid in solids]).astype(np.float32)
    faces = np.concatenate([solid.faces + start for solid, start in zip(solids, starts, strict=False)])
    return Mesh(vertices, faces.astype(np.int32), np.full(vertices.shape, 0.5, np.float32))


def test_a_block_is_a_solid_and_a_table_is_not() -> None:
    block, top = box((-1, -1, 0), (1, 1, 1.5)), box((-1, -1, 1.3), (1, 1, 1.5))
    legs = [box((x, y, 0), (x + 0.1, y + 0.1, 1.4)) for x in (-1, 0.9) for y in (-1, 0.9)]
    assert carve(mesh_of(block)).fill == pytest.approx(1.0, abs=0.05)
    expected = (4 * 0.2 + 4 * 0.01 * 1.3) / 6
    assert carve(mesh_of(top, *legs)).fill == pytest.approx(expected, abs=0.03)


def test_the_convex_hull_and_overlaps_do_not_mislead() -> None:
    """A cylinder is convex; a cross of two bars fills half of its hull, whatever is counted twice."""
    rod = column([((0, 0, 0), (0.5, 0.5)), ((0, 0, 1), (0.5, 0.5))], 32)
    assert carve(mesh_of(rod, rod)).fill == pytest.approx(1.0, abs=0.05)
    cross = mesh_of(box((-1, -0.25, 0), (1, 0.25, 0.5)), box((-0.25, -1, 0), (0.25, 1, 0.5)))
    hull = 4 - 4 * 0.75**2 / 2
    assert carve(cross).fill == pytest.approx(1.75 / hull, abs=0.05)


def test_open_soups_have_the_body_that_is_seen() -> None:
    """Neither the way that faces wind nor a missing wall inside matters; a single sheet has no volume."""
    block = mesh_of(box((0, 0, 0), (1, 1, 1)))
    inside_out = Mesh(block.vertices, np.ascontiguousarray(block.faces[:, ::-1]), block.colours)
    assert carve(inside_out).fill == carve(block).fill
    sheet = Mesh(np.array([[0, 0, 0], [1, 0, 0], [1, 1, 0], [0, 1, 0]], np.float32),
                 np.array([[0, 1, 2], [0, 2, 3]], np.int32), np.zeros((4, 3), np.float32))  # fmt: skip
    flat = carve(sheet)
    assert flat.fill == 0 and (flat.distances() > 0).all()


def test_no_procedural_chair_is_a_solid_and_a_block_with_a_back_is() -> None:
    """Armchairs on blocks come nearest; a chair filled up to the floor has at least twice the fill."""
    fills = {seed: carve(make_shape("chairs", seed)).fill for seed in range(24)}
    armchairs = [seed for seed in fills if shape_kind("chairs", seed) == "armchair"]
    others = [seed for seed in fills if seed not in armchairs]
    assert max(fills[seed] for seed in others) < 0.45 < min(fills[seed] for seed in armchairs)
    assert max(fills.values()) < SOLID
    lump = mesh_of(box((-0.25, -0.25, 0), (0.25, 0.25, 0.45)), box((-0.25, -0.25, 0.4), (-0.18, 0.25, 0.65)))
    assert carve(lump).fill > SOLID
    for seed in others[:4]:
        parts = [part.solid for part in shape_parts("chairs", seed)]
        low, high = parts[0].vertices.min(0), parts[0].vertices.max(0)  # the seat
        filled = mesh_of(*parts, box((low[0], low[1], 0), (high[0], high[1], high[2])))
        assert carve(filled).fill > 2 * fills[seed]


def test_the_nearest_body_is_the_most_alike() -> None:
    """Thin legs that stand elsewhere matter, although they hardly have a volume; the same body is at distance 0."""

    def table(leg: float) -> np.ndarray:
        legs = [box((leg * x - 0.04, leg * y - 0.04, 0), (leg * x + 0.04, leg * y + 0.04, 1)) for x in (-1, 1)
                for y in (-1, 1)]  # fmt: skip
        return carve(mesh_of(box((-1, -1, 0.95), (1, 1, 1.1)), *legs)).distances()

    tables = np.stack([table(0.9), table(0.1), table(0.85), table(0.15)])
    assert tables.shape == (4, (SIDE // 2) ** 3)
    assert nearest(tables, tables).tolist() == [2, 3, 0, 1]
    assert nearest(tables.copy(), tables).tolist() == [0, 1, 2, 3]
