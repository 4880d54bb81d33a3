"""`gen3d-train compare`: folders that `evaluate` made, side by side on one page."""

from __future__ import annotations

import logging
from collections.abc import Mapping, Sequence
from pathlib import Path

from PIL import Image

from gen3d_core.errors import Gen3DError
from gen3d_core.pictures.opening import UnreadablePicture, open_picture
from training.evaluation.comparison import Comparison, compare_results, to_json
from training.evaluation.curves import COLOURS, charts
from training.evaluation.folder import write_together
from training.evaluation.page import group_rows, render
from training.evaluation.results import STRIPS, read_evaluation
from training.evaluation.strips import label_bands, png

MOST = 8
"""Models on one page."""
MAX_PICTURE_BYTES = 32 << 20
MAX_SIDE = 8192
_log = logging.getLogger(__name__)


def compare(folders: Sequence[Path], out: Path) -> Comparison:
    """Write compare.json, compare.html and compare.png into `out`, all of them or nothing.

    Raises:
        Gen3DError: not two to eight evaluations, one that cannot be read, or such as cannot be compared.
    """
    if not 2 <= len(folders) <= MOST:
        raise Gen3DError(f"{len(folders)} evaluations given: compare takes 2 to {MOST} folders made by evaluate")
    evaluations = [read_evaluation(folder) for folder in folders]
    comparison = compare_results(evaluations, [str(folder) for folder in folders])
    strips = [{name: read_strip(folder / name) for name in STRIPS} for folder in folders]
    curves = [(label, evaluation.curve) for label, evaluation in zip(comparison.labels, evaluations, strict=True)]
    page = render(
        "compare.html",
        comparison=comparison,
        data=evaluations[0].data,
        options=evaluations[0].options,
        groups=group_rows(comparison.rows),
        strips=strips,
        charts=charts(curves),
        keys=[(label, COLOURS[number]) for number, (label, curve) in enumerate(curves) if curve],
        without_curve=[label for label, curve in curves if not curve],
    )
    sheet = bands(comparison.labels, strips)
    write_together(out, {"compare.json": to_json(comparison), "compare.html": page, "compare.png": sheet})
    _log.info("%d models compared, see %s", len(folders), out / "compare.html")
    return comparison


def read_strip(path: Path) -> bytes:
    """A PNG file of an evaluation, checked before it is decoded. Raises Gen3DError."""
    if not path.is_file():
        raise Gen3DError(f"{path} is missing: evaluate again")
    if path.stat().st_size > MAX_PICTURE_BYTES:
        raise Gen3DError(f"{path} has {path.stat().st_size >> 20} MB: too large for a strip of pictures")
    content = path.read_bytes()
    try:
        with open_picture(content, ("PNG",)) as image:
            if max(image.size) > MAX_SIDE:
                raise Gen3DError(f"{path} is {image.width}x{image.height} pixels: too large for a strip of pictures")
            image.load()
    except UnreadablePicture as error:
        raise Gen3DError(f"{path} is damaged: evaluate again") from error
    return content


def bands(labels: Sequence[str], strips: Sequence[Mapping[str, bytes]]) -> bytes:
    """The contact sheet: a band of renders, meshes and interpolations for each model, as a PNG file."""
    rows = []
    for label, pictures in zip(labels, strips, strict=True):
        images = [_decode(pictures[name]) for name in STRIPS]
        band = Image.new("RGB", (max(image.width for image in images), sum(image.height for image in images)), "white")
        top = 0
        for image in images:
            band.paste(image, (0, top))
            top += image.height
        rows.append((label.replace(" (", "\n("), band))
    return png(label_bands(rows))


def _decode(content: bytes) -> Image.Image:
    with open_picture(content, ("PNG",)) as image:
        return image.convert("RGB")
