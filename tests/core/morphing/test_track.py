"""Meshes that follow families with known surfaces: where they are, that they do not fold, and when they must not go
on.

One file because all stands on a few morphs made once.
"""

import json
import struct
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import pytest

from gen3d_core.errors import Gen3DError
from gen3d_core.mesh.animated_gltf import animated_glb
from gen3d_core.mesh.distance import surface_distances
from gen3d_core.mesh.extract import MeshError, extract
from gen3d_core.mesh.gltf import y_up
from gen3d_core.mesh.lattice import FieldError
from gen3d_core.morphing.report import MorphMeshes
from gen3d_core.morphing.track import flipbook, morph
from tests.analytic import SolidField, Sphere, Torus

TIMES = np.linspace(0, 1, 6).tolist()


@dataclass(frozen=True)
class Solid:
    """A field as morphs take it, painted by position."""

    formula: Callable[[np.ndarray], np.ndarray]

    def logit(self, points: np.ndarray) -> np.ndarray:
        return self.formula(points.astype(np.float64)).astype(np.float32)

    def colour(self, points: np.ndarray) -> np.ndarray:
        return ((points + 1.0) / 2.0).astype(np.float32)


def sphere(t: float) -> Solid:
    return Solid(Sphere(0.35 + 0.3 * t**2).logit)


def axes(t: float) -> np.ndarray:
    return np.array([0.7 - 0.4 * t, 0.35 + 0.2 * t, 0.45 + 0.3 * t])


def ellipsoid(t: float) -> Solid:
    return Solid(lambda points: 20 * (1 - np.linalg.norm(points / axes(t), axis=-1)))


def cassini(a: float) -> Solid:
    """Turned around x: foci at distance a, one part while a < 0.4, two beyond (closed form: neck radius² 0.16 - a²)."""

    def formula(p: np.ndarray) -> np.ndarray:
        around = np.square(p[..., 1:]).sum(axis=-1)
        product = ((p[..., 0] - a) ** 2 + around) * ((p[..., 0] + a) ** 2 + around)
        return 20 * (0.4 - product**0.25)

    return Solid(formula)


def pierced(hole: float) -> Solid:
    """A thin round plate with a hole in the middle."""

    def formula(p: np.ndarray) -> np.ndarray:
        body = 1 - np.linalg.norm(p / [0.7, 0.7, 0.08], axis=-1)
        return 20 * np.minimum(body, np.linalg.norm(p[..., :2], axis=-1) - hole)

    return Solid(formula)


def solid_angles(vertices: np.ndarray, faces: np.ndarray) -> np.ndarray:
    """Of each triangle seen from the origin, signed (Van Oosterom and Strackee 1983)."""
    a, b, c = (vertices[faces[:, k]].astype(np.float64) for k in range(3))
    a, b, c = (each / np.linalg.norm(each, axis=1, keepdims=True) for each in (a, b, c))
    dot = lambda u, v: np.einsum("ij,ij->i", u, v)  # noqa: E731
    return 2 * np.arctan2(dot(a, np.cross(b, c)), 1 + dot(a, b) + dot(b, c) + dot(c, a))


def canonical(made: MorphMeshes, key: int, size: np.ndarray) -> np.ndarray:
    """Vertices of a solid with half axes `size` around the origin, back from their place on the ground."""
    return made.mesh(key).vertices * 2 * size.max() - [0, 0, size[2]]


@pytest.mark.parametrize(
    ("family", "size"),
    [(sphere, lambda t: np.full(3, 0.35 + 0.3 * t**2)), (ellipsoid, axes)],
    ids=["sphere", "ellipsoid"],
)
def test_vertices_lie_on_the_exact_surface_and_keep_their_order(family: Callable, size: Callable):
    made = morph(family, TIMES, 40)
    (segment,) = made.segments
    assert segment.vertices.shape == (6, *made.mesh(0).vertices.shape) and made.changes == ()
    for key, t in enumerate(TIMES):
        vertices = canonical(made, key, size(t))
        directions = vertices / np.linalg.norm(vertices, axis=1, keepdims=True)
        exact = 1 / np.linalg.norm(directions / size(t), axis=1)
        # Placing by the outermost vertices, not by the exact poles, shifts all by a little.
        assert np.abs(np.linalg.norm(vertices, axis=1) - exact).max() < 4e-3
        assert made.reports[key].worst_residual < 1e-3
        angles = solid_angles(vertices, segment.faces)
        assert angles.sum() == pytest.approx(4 * np.pi, abs=1e-5)
        if key:  # slivers of marching cubes at the first may be edge-on
            assert angles.min() > 0, "each direction is met once: nothing folded over"
        report = made.reports[key]
        assert (report.euler, report.fresh_euler, report.flipped, report.apart) == (2, 2, 0, 0)
        assert report.distance < 2e-3 and report.degenerate < (0.02 if key == 0 else 1e-9)


def test_vertices_before_placing_are_within_a_thousandth():
    """The projection itself, in the canonical frame."""
    mesh = extract(SolidField(Sphere(0.35)), 40)
    from gen3d_core.morphing.level_set import Advection

    advection = Advection(mesh.faces, len(mesh.vertices), 2 / 39)
    now = advection.project(sphere(0).logit, mesh.vertices)
    for t in np.linspace(0.1, 1, 10):
        now = advection.advance(now, sphere(t).logit)
        assert np.abs(np.linalg.norm(now.vertices, axis=1) - (0.35 + 0.3 * t**2)).max() < 1e-4


def test_colours_are_asked_again_at_every_key():
    made = morph(sphere, TIMES, 24)
    for key, t in enumerate(TIMES):
        at = canonical(made, key, np.full(3, 0.35 + 0.3 * t**2))
        assert np.allclose(made.mesh(key).colours, (at + 1) / 2, atol=5e-3)


def test_the_base_may_be_any_key():
    made = morph(ellipsoid, TIMES, 32, base=3)
    alone = morph(ellipsoid, [TIMES[3], 1.0], 32)
    assert len(made.segments) == 1 and made.segments[0].first == 0 and len(made.reports) == 6
    assert np.array_equal(made.segments[0].faces, alone.segments[0].faces)
    assert np.array_equal(made.mesh(3).vertices, alone.mesh(0).vertices)
    assert all(report.distance < 3e-3 for report in made.reports)


def test_equal_calls_give_equal_meshes():
    one, two = (morph(ellipsoid, TIMES, 24) for _ in range(2))
    assert np.array_equal(one.segments[0].vertices, two.segments[0].vertices) and one.reports == two.reports


def test_where_nothing_moves_no_vertex_does():
    made = morph(lambda t: ellipsoid(0.3), TIMES, 24)
    assert (made.segments[0].vertices == made.segments[0].vertices[0]).all()


# ---- changes of topology

FOCI = [0.22, 0.27, 0.32, 0.37, 0.42, 0.47]
SPLIT = 4


def test_a_split_is_seen_at_its_key_and_the_mesh_stops_before():
    made = morph(cassini, FOCI, 48, after_change="stop")
    assert [segment.keys for segment in made.segments] == [range(SPLIT)] and made.changes == ()
    assert len(made.reports) == SPLIT and max(report.distance for report in made.reports) < 4e-3


def test_after_a_split_a_new_segment_goes_on():
    made = morph(cassini, FOCI, 48)
    assert [segment.keys for segment in made.segments] == [range(SPLIT), range(SPLIT, 6)]
    assert len(made.reports) == 6 and max(report.distance for report in made.reports) < 4e-3
    assert max(report.flipped for report in made.reports) < 1e-3
    assert np.ptp(made.mesh(SPLIT).vertices, axis=0).argmax() == made.mesh(SPLIT).vertices.shape[1] - 3


def test_parts_join_when_the_mesh_comes_from_the_other_side():
    """Carried backward from the last key, where the largest part is one of two."""
    made = morph(cassini, FOCI, 48, base=5)
    assert [segment.keys for segment in made.segments] == [range(SPLIT), range(SPLIT, 6)]


def test_a_hole_that_grows_breaks_where_it_opened():
    """The skin over a small hole still shows the surface; once it does not, the break is put where the hole came."""
    holes = [0.0, 0.07, 0.1, 0.3]
    made = morph(lambda t: pierced(holes[int(t)]), [0.0, 1.0, 2.0, 3.0], 48)
    assert [segment.first for segment in made.segments] == [0, 1]
    assert [report.euler for report in made.reports] == [2, 0, 0, 0] and made.changes == ()


def test_a_small_hole_alone_is_told_but_does_not_break():
    holes = [0.0, 0.06, 0.0]
    made = morph(lambda t: pierced(holes[int(t)]), [0.0, 1.0, 2.0], 48)
    assert len(made.segments) == 1 and made.changes == (1,)
    assert (made.reports[1].euler, made.reports[1].fresh_euler, made.reports[1].lost) == (2, 0, False)


def test_a_flipbook_has_a_mesh_of_its_own_for_every_key():
    made = flipbook(cassini, FOCI, 32)
    assert [segment.first for segment in made.segments] == list(range(6)) and made.changes == ()
    field = SolidField(Torus())
    ring = flipbook(lambda t: Solid(field.solid.logit), [0.0, 1.0], 32)
    assert ring.reports[0].euler == 0 and ring.reports[0].distance < 1e-2


# ---- stopping and refusing


class Stopped(Exception):
    pass


def test_progress_rises_and_can_stop_the_work():
    told: list[float] = []
    morph(ellipsoid, TIMES, 24, progress=lambda fraction, stage: told.append(fraction))
    assert told == sorted(told) and told[-1] == 1.0 and len(told) > 12

    def stop(fraction: float, stage: str) -> None:
        if fraction > 0.5:
            raise Stopped

    with pytest.raises(Stopped):
        morph(ellipsoid, TIMES, 24, progress=stop)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"times": [0.0]}, "steps is 1"),
        ({"times": [0.0] * 300}, "steps is 300"),
        ({"resolution": 5}, "resolution is 5"),
        ({"resolution": 512, "times": [0.0] * 100}, "resolution² × steps"),
        ({"base": 6}, "base is 6"),
        ({"after_change": "tear"}, "after_change is 'tear': known are segment, stop"),
    ],
)
def test_bad_arguments(change: dict, named: str):
    with pytest.raises(Gen3DError, match=named):
        morph(sphere, **{"times": TIMES, "resolution": 24, **change})


def test_fields_without_a_usable_surface():
    with pytest.raises(MeshError, match="empty"):
        morph(lambda t: Solid(Sphere(0.5 - t).logit), [0.0, 0.2, 0.8], 24)
    with pytest.raises(FieldError, match="not finite"):
        morph(lambda t: Solid(lambda p: np.full(p.shape[:-1], np.nan)), TIMES, 24)


# ---- distances, files


def test_distance_of_concentric_spheres():
    a, b = (extract(SolidField(Sphere(radius)), 48) for radius in (0.5, 0.56))
    apart = surface_distances(a.vertices, a.faces, b.vertices, b.faces)
    assert apart.mean == pytest.approx(0.06, rel=0.02)
    assert apart.share_beyond(0.05) == 1.0 and apart.share_beyond(0.07) == 0.0


def parsed(data: bytes) -> tuple[dict, Callable[[int], np.ndarray]]:
    """The JSON of a .glb file, and its accessors as arrays."""
    length = struct.unpack("<I", data[12:16])[0]
    document, blob = json.loads(data[20 : 20 + length]), data[28 + length :]
    kinds = {5126: "<f4", 5123: "<u2", 5122: "<i2", 5125: "<u4"}

    def array(index: int) -> np.ndarray:
        accessor = document["accessors"][index]
        view = document["bufferViews"][accessor["bufferView"]]
        part = blob[view["byteOffset"] : view["byteOffset"] + view["byteLength"]]
        flat = np.frombuffer(part, kinds[accessor["componentType"]])
        return flat.reshape(accessor["count"], -1).squeeze()

    return document, array


def test_an_animated_file_blends_from_key_to_key():
    made = morph(ellipsoid, TIMES, 24)
    data = animated_glb(made.segments, "egg", 0.25)
    assert data == animated_glb(made.segments, "egg", 0.25)
    document, array = parsed(data)
    (mesh,) = document["meshes"]
    (primitive,) = mesh["primitives"]
    assert len(primitive["targets"]) == 5 and mesh["weights"] == [0.0] * 5
    base, colours = array(primitive["attributes"]["POSITION"]), array(primitive["attributes"]["COLOR_0"]) / 65535
    for key, target in enumerate(primitive["targets"], 1):
        assert np.allclose(base + array(target["POSITION"]), y_up(made.mesh(key).vertices), atol=1e-6)
        linear = np.where((c := made.mesh(key).colours) <= 0.04045, c / 12.92, ((c + 0.055) / 1.055) ** 2.4)
        assert np.allclose((colours + array(target["COLOR_0"]) / 32767)[:, :3], linear, atol=1e-4)
    (animation,) = document["animations"]
    (channel,) = animation["channels"]
    assert channel["target"] == {"node": 0, "path": "weights"}
    (sampler,) = animation["samplers"]
    assert sampler["interpolation"] == "LINEAR" and np.allclose(array(sampler["input"]), np.arange(6) * 0.25)
    assert np.array_equal(array(sampler["output"]).reshape(6, 5), np.eye(6, 5, k=-1))
    document, array = parsed(animated_glb(made.segments, "egg", 0.25, closed=True))
    sampler = document["animations"][0]["samplers"][0]
    assert array(sampler["input"])[-1] == 1.5 and not array(sampler["output"]).reshape(7, 5)[-1].any()


def test_an_animated_file_shows_one_segment_at_a_time():
    made = morph(cassini, FOCI, 24)
    document, array = parsed(animated_glb(made.segments, "split", 0.5))
    assert [node.get("scale") for node in document["nodes"]] == [None, [0, 0, 0]]
    assert document["scenes"][0]["nodes"] == [0, 1]
    animation = document["animations"][0]
    shown = {}
    for channel in animation["channels"]:
        sampler = animation["samplers"][channel["sampler"]]
        if channel["target"]["path"] == "scale":
            assert sampler["interpolation"] == "STEP" and np.allclose(array(sampler["input"]), np.arange(6) * 0.5)
            shown[channel["target"]["node"]] = array(sampler["output"])[:, 0].tolist()
    assert shown == {0: [1, 1, 1, 1, 0, 0], 1: [0, 0, 0, 0, 1, 1]}
