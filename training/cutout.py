"""One picture: decoding it safely, separating the object from a plain background, framing it in a square."""

import io
import warnings

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError
from skimage.color import rgb2lab
from skimage.measure import label

from training.picture_source import UnreadablePicture

MIN_SIDE = 8
MAX_PIXELS = 100_000_000
FILL = 0.85  # share of the square that the object's longer side takes
_WORK_SIDE = 1024
_PLAIN_SHARE = 0.9  # of the border must agree on one colour
_NEAR = 12.0  # CIE Lab distance within which a pixel counts as background
_SAME = 2.5  # distance within which an enclosed region is a hole that shows the background


def decode(data: bytes, size: int) -> Image.Image:
    """RGBA picture from a file's bytes, turned as its EXIF data says, at most max(1024, 4 `size`) wide and high.

    Raises UnreadablePicture for anything that is not a whole picture of at least 8x8 and at most 100 million pixels.
    """
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            image = Image.open(io.BytesIO(data))
            if min(image.size) < MIN_SIDE:
                raise UnreadablePicture(
                    f"{image.width}x{image.height} pixels: too small, at least {MIN_SIDE}x{MIN_SIDE}"
                )
            if image.width * image.height > MAX_PIXELS:
                raise UnreadablePicture(f"{image.width}x{image.height} pixels: too large")
            image.load()
            image = _eight_bits(ImageOps.exif_transpose(image))
    except UnidentifiedImageError as error:
        raise UnreadablePicture("not a picture") from error
    except (OSError, SyntaxError, ValueError, EOFError, IndexError, MemoryError, Image.DecompressionBombError) as error:
        raise UnreadablePicture(str(error).splitlines()[0] if str(error) else type(error).__name__) from error
    limit = max(_WORK_SIDE, 4 * size)
    if max(image.size) > limit:
        scale = limit / max(image.size)
        image = _resized(image, (max(1, round(image.width * scale)), max(1, round(image.height * scale))))
    return image


def has_alpha(image: Image.Image) -> bool:
    """Whether an RGBA picture's alpha is meant: at least 0.5 % of it is clear."""
    return bool((np.asarray(image)[..., 3] < 128).mean() >= 0.005)


def without_background(image: Image.Image) -> Image.Image | None:
    """The picture with a plain background made transparent, or None where the border has no one colour.

    Background is what is near the border's median colour (CIE Lab) and connected to the border, and enclosed regions
    that match it closely. Raises UnreadablePicture when nothing else is there.
    """
    lab = rgb2lab(np.asarray(image)[..., :3])
    rim = max(1, round(0.02 * min(image.size)))
    border = np.ones(lab.shape[:2], bool)
    border[rim:-rim, rim:-rim] = False
    distance = np.linalg.norm(lab - np.median(lab[border], axis=0), axis=-1)
    if (distance[border] < _NEAR).mean() < _PLAIN_SHARE:
        return None
    near = distance < _NEAR
    regions = np.asarray(label(near, connectivity=1))
    outer = np.unique(np.concatenate([regions[0], regions[-1], regions[:, 0], regions[:, -1]]))
    background = np.isin(regions, outer[outer > 0]) | _holes(regions, distance, outer)
    if min(image.size) >= 256:
        background = _grown(background)
    share = 1 - background.mean()
    if share < 0.002:
        raise UnreadablePicture("nothing stands out from its background")
    if share > 0.98:
        return None
    pixels = np.array(image)
    pixels[..., 3] = np.where(background, 0, 255)
    return Image.fromarray(pixels)


def framed(image: Image.Image, size: int) -> Image.Image:
    """The visible object centred in a `size` square, its longer side `FILL` of it.

    Raises UnreadablePicture when nothing is visible.
    """
    alpha = np.asarray(image)[..., 3] >= 16
    rows, columns = np.flatnonzero(alpha.any(1)), np.flatnonzero(alpha.any(0))
    if not len(rows):
        raise UnreadablePicture("fully transparent")
    box = (int(columns[0]), int(rows[0]), int(columns[-1]) + 1, int(rows[-1]) + 1)
    width, height = box[2] - box[0], box[3] - box[1]
    side = round(max(width, height) / FILL)
    square = Image.new("RGBA", (side, side))
    square.paste(image.crop(box), ((side - width) // 2, (side - height) // 2))
    return _resized(square, (size, size))


def centre_square(image: Image.Image, size: int) -> Image.Image:
    """The largest central square, `size` wide."""
    side = min(image.size)
    left, top = (image.width - side) // 2, (image.height - side) // 2
    return _resized(image.crop((left, top, left + side, top + side)), (size, size))


def _resized(image: Image.Image, size: tuple[int, int]) -> Image.Image:
    """Area-like resampling on premultiplied colour, so that what lies under transparent pixels cannot bleed in."""
    return image.convert("RGBa").resize(size, Image.Resampling.HAMMING).convert("RGBA")


def _eight_bits(image: Image.Image) -> Image.Image:
    if image.mode.startswith(("I", "F")):
        values = np.asarray(image, np.float64)
        top = 65535.0 if image.mode != "F" and values.max() > 255 else 255.0 if values.max() > 1 else 1.0
        grey = np.clip(np.nan_to_num(values) / top * 255, 0, 255).astype(np.uint8)
        return Image.fromarray(grey).convert("RGBA")
    return image.convert("RGBA")


def _holes(regions: NDArray[np.int_], distance: NDArray[np.float64], outer: NDArray[np.int_]) -> NDArray[np.bool_]:
    count = int(regions.max()) + 1
    area = np.bincount(regions.ravel(), minlength=count)
    mean = np.bincount(regions.ravel(), distance.ravel(), count) / np.maximum(area, 1)
    enclosed = (mean < _SAME) & (area >= 0.0003 * regions.size)
    enclosed[0] = False
    enclosed[outer] = False
    return enclosed[regions]


def _grown(mask: NDArray[np.bool_]) -> NDArray[np.bool_]:
    """One pixel wider: the rim of a photographed object is mixed with its background."""
    wide = mask.copy()
    wide[1:] |= mask[:-1]
    wide[:-1] |= mask[1:]
    wide[:, 1:] |= mask[:, :-1]
    wide[:, :-1] |= mask[:, 1:]
    return wide
