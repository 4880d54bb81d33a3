import numpy as np

from gen3d_core.codes.codes import Codes, blend, codes, lerp, slerp, vary


def array(values: list[int]) -> np.ndarray:
    return np.array(values, np.float32)


def test_equal_seeds_give_equal_codes_and_other_seeds_others():
    a, b, c = codes(7, 64, 32), codes(7, 64, 32), codes(8, 64, 32)
    assert np.array_equal(a.shape, b.shape) and np.array_equal(a.appearance, b.appearance)
    assert not np.array_equal(a.shape, c.shape) and not np.array_equal(a.appearance, c.appearance)
    assert a.shape.dtype == a.appearance.dtype == np.float32


def test_the_draw_is_fixed_for_ever():
    """A seed written down today must give the same object in every later version."""
    drawn = codes(7, 3, 2)
    assert np.allclose(drawn.shape, [0.00123015, 0.29874554, -0.27413785], atol=1e-7)
    assert np.allclose(drawn.appearance, [0.34736177, -2.337856], atol=1e-6)


def test_codes_are_standard_normal():
    many = np.concatenate([codes(seed, 64, 32).shape for seed in range(400)])
    assert abs(many.mean()) < 4 / len(many) ** 0.5
    assert abs(many.std() - 1) < 4 / (2 * len(many)) ** 0.5


def test_shape_and_appearance_are_drawn_apart():
    painted = codes(7, 64, 64, appearance_seed=8)
    assert np.array_equal(painted.shape, codes(7, 64, 64).shape)
    assert np.array_equal(painted.appearance, codes(8, 64, 64).appearance)
    assert abs(np.corrcoef(codes(7, 64, 64).shape, codes(7, 64, 64).appearance)[0, 1]) < 0.4


def test_mixes_start_and_end_where_they_should():
    a, b = codes(1, 16, 8), codes(2, 16, 8)
    for mix in (lerp, slerp):
        for t, end in ((0.0, a), (1.0, b)):
            mixed = mix(a, b, t)
            assert np.allclose(mixed.shape, end.shape, atol=1e-6) and np.allclose(
                mixed.appearance, end.appearance, atol=1e-6
            )
        crossed = mix(a, b, 0.0, 1.0)
        assert np.allclose(crossed.shape, a.shape, atol=1e-6) and np.allclose(
            crossed.appearance, b.appearance, atol=1e-6
        )


def test_the_middle_of_an_arc_between_unit_axes():
    a, b = Codes(array([1, 0]), array([1, 0])), Codes(array([0, 1]), array([0, 1]))
    assert np.allclose(slerp(a, b, 0.5).shape, [0.5**0.5, 0.5**0.5])
    assert np.allclose(lerp(a, b, 0.5).shape, [0.5, 0.5])


def test_the_arc_between_opposite_and_zero_codes_is_finite():
    a = Codes(array([1, 0]), array([0, 0]))
    b = Codes(array([-1, 0]), array([3, 4]))
    mixed = slerp(a, b, 0.25)
    assert np.allclose(mixed.shape, [0.5, 0]) and np.allclose(mixed.appearance, [0.75, 1])


def test_a_blend_is_typical_wherever_it_lies():
    """Its length is that of its parents, in the middle as at the corners, also between equal parents."""
    a, b = codes(1, 4000, 1000), codes(2, 4000, 1000)
    corner = blend([a, b], [0.0, 1.0], [1.0, 0.0])
    assert np.array_equal(corner.shape, b.shape) and np.array_equal(corner.appearance, a.appearance)
    middle = blend([a, b], [1.0, 1.0], [1.0, 1.0])
    assert abs(np.linalg.norm(middle.shape) / 4000**0.5 - 1) < 0.03
    same = blend([a, a], [0.3, 0.7], [0.5, 0.5])
    assert np.allclose(same.shape, a.shape, atol=1e-5)


def test_a_variation_stays_at_nothing_and_arrives_at_one():
    a, b = codes(1, 4000, 1000), codes(2, 4000, 1000)
    assert np.array_equal(vary(a, b, 0.0, 1.0).shape, a.shape) and np.array_equal(vary(a, b, 1.0, 0.0).shape, b.shape)
    assert np.array_equal(vary(a, b, 0.5, 1.0).appearance, b.appearance)
    near = vary(a, b, 0.3, 0.3)
    assert abs(near.shape.std() - 1) < 0.05, "as likely as any draw"
    assert np.linalg.norm(near.shape - a.shape) < 0.35 * np.linalg.norm(b.shape - a.shape)
