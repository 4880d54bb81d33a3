"""Numbers from outside: Python's and numpy's alike, within bounds, and named where they are not."""

from fractions import Fraction

import numpy as np
import pytest

from gen3d_core import limits
from gen3d_core.errors import Gen3DError


@pytest.mark.parametrize("value", [7, np.int64(7), np.uint8(7), np.array(7)])
def test_whatever_counts_is_a_whole_number(value: object):
    found = limits.check_whole("seed", value, limits.SEED)
    assert type(found) is int and found == 7


@pytest.mark.parametrize("value", [True, np.True_, 7.0, "7", None, np.array([7])])
def test_what_does_not_count_is_none(value: object):
    with pytest.raises(Gen3DError, match="seed is .*: expected a whole number from 0 to 2147483647"):
        limits.check_whole("seed", value, limits.SEED)


def test_huge_ones_are_named_in_few_words():
    for value, said in ((10**5000, "about 5000 digits"), (-1, "-1"), (np.int64(2**40), "1099511627776")):
        with pytest.raises(Gen3DError, match=f"seed is .*{said}: expected 0 to 2147483647"):
            limits.check_whole("seed", value, limits.SEED)


def test_reals():
    for value in (0.5, np.float32(0.5), np.float64(0.5), Fraction(1, 2)):
        assert type(limits.check_real("truncation", value, limits.TRUNCATION)) is float
    for value in (np.float32("nan"), np.float64(9), 10**400, "1", np.array([0.5])):
        with pytest.raises(Gen3DError, match="truncation is .*: expected"):
            limits.check_real("truncation", value, limits.TRUNCATION)
