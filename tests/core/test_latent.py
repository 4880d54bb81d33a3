import numpy as np

from gen3d_core.latent import Codes, codes, lerp, slerp


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
