"""Generated pictures against real ones: how near, how faithful, how varied, each with its floor."""

from __future__ import annotations

from collections.abc import Iterator

import numpy as np
from jaxtyping import Float
from torch import Tensor, nn

from gen3d_core.errors import Gen3DError
from training.evaluation.results import Estimate, Row
from training.metrics.features import density_coverage, random_features
from training.metrics.frechet import Distance, Products
from training.metrics.image_network import INSTALL, ImageNetwork, image_features
from training.metrics.inception import fid_kid
from training.metrics.wasserstein import sliced_wasserstein

GROUP = "Pictures"
NEIGHBOURS = 5
LEAST = NEIGHBOURS + 1
"""Pictures of each kind below which there is no density or coverage."""
MOST = 1000
"""Pictures of each kind that the image network is shown: it takes 20 ms for one on a core."""


def picture_rows(
    real: Float[Tensor, "n 3 s s"],
    floor: Float[Tensor, "n 3 s s"],
    fake: Float[Tensor, "n 3 s s"],
    seed: int,
    inception: nn.Module | None,
    network: ImageNetwork | None,
) -> Iterator[Row]:
    """Rows for equally many pictures over white: `fake` against `real`, and for the floor `floor` against `real`.

    `inception` takes pictures to features, see `load_inception`; None leaves FID and KID out, as None for `network`
    leaves out the same distances in the features of EfficientNet-Lite0.
    """
    yield from _wasserstein(real, floor, fake, seed)
    yield from _density_coverage(real, floor, fake, seed)
    yield from _image_network(real, floor, fake, seed, network)
    yield from _inception(real, floor, fake, seed, inception)


def _wasserstein(real: Tensor, floor: Tensor, fake: Tensor, seed: int) -> Iterator[Row]:
    try:
        distances, floors = sliced_wasserstein(real, fake, seed), sliced_wasserstein(real, floor, seed)
    except Gen3DError as error:  # sizes without a pyramid
        yield Row("pictures.swd", GROUP, "sliced Wasserstein", None, note=f"Not measured: {error}.")
        return
    for size in distances:
        yield Row(
            f"pictures.swd.{size}",
            GROUP,
            f"sliced Wasserstein, level of {size} pixels",
            Estimate(distances[size]),
            Estimate(floors[size]),
            note="Distance of patches, times 1000; fine levels tell of sharpness, coarse ones of layout."
            if size == max(distances)
            else "",
        )


def _density_coverage(real: Tensor, floor: Tensor, fake: Tensor, seed: int) -> Iterator[Row]:
    features = random_features(real)
    ours = density_coverage(features, random_features(fake), NEIGHBOURS)
    best = density_coverage(features, random_features(floor), NEIGHBOURS)
    kinds = (
        ("density", ours.density, best.density, "How much generated pictures lie where real ones are dense. Above "
         "the floor: nearer to typical pictures than real ones are."),
        ("coverage", ours.covered, best.covered, "Share of real pictures with a generated one in their neighbourhood."),
    )  # fmt: skip
    for name, values, floors, note in kinds:
        yield Row(
            f"pictures.{name}",
            GROUP,
            name,
            Estimate.of_mean(values, [seed, 20]),
            Estimate.of_mean(floors, [seed, 21]),
            "highest",
            note=f"{note} Features of a fixed random network, k = {NEIGHBOURS}.",
        )


def _image_network(real: Tensor, floor: Tensor, fake: Tensor, seed: int, network: ImageNetwork | None) -> Iterator[Row]:
    names = (("frechet", "Fréchet distance, EfficientNet-Lite0"), ("kernel", "kernel distance, EfficientNet-Lite0"))
    if network is None:
        for key, name in names:
            yield Row(f"pictures.{key}", GROUP, name, None, note=f"Not measured: {INSTALL} brings its weights.")
        return
    one, two, made = (image_features(network, pictures[:MOST]).numpy() for pictures in (real, floor, fake))
    ours, best = Products.of(one, made), Products.of(one, two)
    notes = (
        f"FID's formula on the 1280 features of a network that knows ImageNet, {len(one)} pictures of each kind; "
        "values of another count, or of Inception, cannot be compared.",
        "KID's formula on the same features; unbiased, so it may be negative.",
    )
    for (key, name), note, number in zip(names, notes, (22, 24), strict=True):
        measured, real_one = (
            getattr(products, key)(np.random.default_rng([seed, number + which]))
            for which, products in enumerate((ours, best))
        )
        yield Row(f"pictures.{key}", GROUP, name, _estimate(measured), _estimate(real_one), note=note)


def _estimate(distance: Distance) -> Estimate:
    return Estimate(distance.value, distance.low, distance.high)


def _inception(real: Tensor, floor: Tensor, fake: Tensor, seed: int, network: nn.Module | None) -> Iterator[Row]:
    if network is None:
        for key, name in (("fid", "FID"), ("kid", "KID, times 1000")):
            yield Row(f"pictures.{key}", GROUP, name, None, note="Not measured: no Inception weights were named.")
        return
    ours, best = fid_kid(real, fake, network, seed), fid_kid(real, floor, network, seed)
    note = f"{len(real)} pictures of each kind; values of another count cannot be compared."
    yield Row("pictures.fid", GROUP, "FID", Estimate(ours.fid), Estimate(best.fid), note=note)
    yield Row(
        "pictures.kid",
        GROUP,
        "KID, times 1000",
        Estimate(1000 * ours.kid_mean),
        Estimate(1000 * best.kid_mean),
        note=f"Deviation over subsets {1000 * ours.kid_std:.3g}, of the floor {1000 * best.kid_std:.3g}.",
    )
