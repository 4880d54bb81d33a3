"""Strips of pictures for people: what a model makes, beside what it learned from."""

from __future__ import annotations

import io
from collections.abc import Sequence

import numpy as np
from PIL import Image, ImageDraw, ImageFont

from gen3d_core.mesh.mesh import Mesh
from gen3d_core.pictures.preview import flatten_on_white, render_mesh

TILE = 128
VIEW_DEG = (35.0, 22.0)
BACK_DEG = (205.0, 22.0)
_MARGIN, _LABEL = 8, 150
_INK, _PAPER = (60, 60, 60), (255, 255, 255)


def tiles(pictures: np.ndarray) -> list[np.ndarray]:
    """Pictures (N, 3, s, s) in [0, 1] as tiles (TILE, TILE, 3) uint8."""
    images = [Image.fromarray(np.rint(p.transpose(1, 2, 0) * 255).astype(np.uint8)) for p in pictures]
    return [np.asarray(image.resize((TILE, TILE), Image.Resampling.BICUBIC)) for image in images]


def mesh_tiles(
    meshes: Sequence[Mesh | None], view: tuple[float, float] = VIEW_DEG, *, bare: bool = False
) -> list[np.ndarray]:
    """Each mesh from `view` (azimuth, elevation in degrees), in its colours or as bare geometry; a grey cross where
    there is none."""
    return [
        _cross() if mesh is None else flatten_on_white(render_mesh(mesh, view[0], view[1], TILE, bare=bare))
        for mesh in meshes
    ]


def strip(rows: Sequence[Sequence[np.ndarray]]) -> Image.Image:
    """Rows of tiles (TILE, TILE, 3) without labels, one below the other."""
    width = max(len(row) for row in rows)
    sheet = Image.new("RGB", (width * TILE, len(rows) * TILE), _PAPER)
    for y, row in enumerate(rows):
        for x, tile in enumerate(row):
            sheet.paste(Image.fromarray(tile), (x * TILE, y * TILE))
    return sheet


def label_bands(bands: Sequence[tuple[str, Image.Image]]) -> Image.Image:
    """Pictures one below the other, each with a label on its left, a thin line between them."""
    font = ImageFont.load_default(size=15)
    width = _LABEL + max(image.width for _, image in bands) + 2 * _MARGIN
    sheet = Image.new("RGB", (width, sum(image.height + _MARGIN for _, image in bands) + _MARGIN), _PAPER)
    draw = ImageDraw.Draw(sheet)
    y = _MARGIN
    for number, (label, image) in enumerate(bands):
        if number:
            draw.line((_MARGIN, y - _MARGIN // 2, width - _MARGIN, y - _MARGIN // 2), fill=(225, 225, 225))
        sheet.paste(image, (_LABEL + _MARGIN, y))
        draw.multiline_text((2 * _MARGIN, y + image.height / 2), label, fill=_INK, font=font, anchor="lm", spacing=5)
        y += image.height + _MARGIN
    return sheet


def png(image: Image.Image) -> bytes:
    """The picture as a PNG file."""
    file = io.BytesIO()
    image.save(file, format="PNG", optimize=True)
    return file.getvalue()


def _cross() -> np.ndarray:
    image = Image.new("RGB", (TILE, TILE), _PAPER)
    draw = ImageDraw.Draw(image)
    low, high = TILE * 3 // 8, TILE * 5 // 8
    draw.line((low, low, high, high), fill=(200, 200, 200), width=2)
    draw.line((low, high, high, low), fill=(200, 200, 200), width=2)
    return np.asarray(image)
