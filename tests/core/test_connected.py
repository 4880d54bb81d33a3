"""What hangs together, against scikit-image's labels."""

import numpy as np
import pytest
from skimage.measure import label

from gen3d_core.connected import label_components, label_regions


def test_components_are_named_by_their_smallest_node():
    assert label_components(np.array([[4, 2], [2, 5], [1, 3]]), 7).tolist() == [0, 1, 2, 1, 2, 2, 6]


@pytest.mark.parametrize("share", [0.0, 0.3, 0.6, 0.9, 1.0])
def test_regions_are_those_of_scikit_image(share: float):
    mask = np.random.default_rng(0).random((61, 83)) < share
    mine, theirs = label_regions(mask), np.asarray(label(mask, connectivity=1))
    assert ((mine > 0) == mask).all() and mine.max() == theirs.max()
    # One name for one name.
    pairs = np.unique(np.stack([mine[mask], theirs[mask]], axis=1), axis=0)
    assert len(pairs) == mine.max()
