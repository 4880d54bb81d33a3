# SPDX-FileCopyrightText: 2026 The Gen3D contributors
# SPDX-License-Identifier: GPL-3.0-or-later
"""Pictures as they are meant to be seen: colours, which way up, and what is no picture. Inside Blender: see
`in_blender`."""

import struct
import types
import zlib
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tests.addon.harness import addon, blender, in_blender, settings

# ---- files, byte for byte


def png(pixels: np.ndarray, *, exif: bytes = b"") -> bytes:
    """Of pixels (H, W, C), of 8 or 16 bits."""
    height, width, channels = pixels.shape
    bits = 8 * pixels.itemsize
    header = struct.pack(">IIBBBBB", width, height, bits, {3: 2, 4: 6}[channels], 0, 0, 0)
    rows = b"".join(b"\0" + row.tobytes() for row in pixels.astype(pixels.dtype.newbyteorder(">")))
    chunks = [(b"IHDR", header), *([(b"eXIf", exif)] if exif else []), (b"IDAT", zlib.compress(rows)), (b"IEND", b"")]
    sealed = (
        struct.pack(">I", len(data)) + name + data + struct.pack(">I", zlib.crc32(name + data)) for name, data in chunks
    )
    return b"\x89PNG\r\n\x1a\n" + b"".join(sealed)


def tiff(pixels: np.ndarray, orientation: int = 1) -> bytes:
    """Of pixels (H, W, 3), of 8 or 16 bits or single precision."""
    height, width, _ = pixels.shape
    data, bits = pixels.astype(pixels.dtype.newbyteorder("<")).tobytes(), 8 * pixels.itemsize
    after = 8 + 2 + 12 * 11 + 4
    kind = 3 if pixels.dtype.kind == "f" else 1
    entries = [
        *((256, 3, 1, width), (257, 3, 1, height), (258, 3, 3, after), (259, 3, 1, 1), (262, 3, 1, 2)),
        *((273, 4, 1, after + 12), (274, 3, 1, orientation), (277, 3, 1, 3), (278, 3, 1, height)),
        *((279, 4, 1, len(data)), (339, 3, 3, after + 6)),
    ]
    table = b"".join(
        struct.pack("<HHIHH", *entry, 0) if entry[1:3] == (3, 1) else struct.pack("<HHII", *entry) for entry in entries
    )
    return b"".join(
        [
            *(b"II*\0", struct.pack("<IH", 8, len(entries)), table, struct.pack("<I", 0)),
            *(struct.pack("<3H", *[bits] * 3), struct.pack("<3H", *[kind] * 3), data),
        ]
    )


def exr(pixels: np.ndarray) -> bytes:
    """Of linear pixels (H, W, 3), single precision, not compressed."""
    height, width, _ = pixels.shape
    channels = b"".join(name + b"\0" + struct.pack("<iIii", 2, 0, 1, 1) for name in (b"B", b"G", b"R")) + b"\0"
    window = struct.pack("<4i", 0, 0, width - 1, height - 1)
    one = struct.pack("<f", 1.0)
    attributes = (
        (b"channels", b"chlist", channels), (b"compression", b"compression", b"\0"), (b"dataWindow", b"box2i", window),
        (b"displayWindow", b"box2i", window), (b"lineOrder", b"lineOrder", b"\0"), (b"pixelAspectRatio", b"float", one),
        (b"screenWindowCenter", b"v2f", bytes(8)), (b"screenWindowWidth", b"float", one),
    )  # fmt: skip
    header = b"v/1\x01" + struct.pack("<I", 2)
    for name, kind, value in attributes:
        header += name + b"\0" + kind + b"\0" + struct.pack("<i", len(value)) + value
    header += b"\0"
    rows = [row[:, ::-1].T.astype("<f4").tobytes() for row in pixels]
    begins = [len(header) + 8 * height + number * (8 + len(rows[0])) for number in range(height)]
    lines = (struct.pack("<ii", number, len(row)) + row for number, row in enumerate(rows))
    return header + struct.pack(f"<{height}Q", *begins) + b"".join(lines)


def exif(orientation: int, order: str = "<") -> bytes:
    mark = b"II*\0" if order == "<" else b"MM\0*"
    return mark + struct.pack(f"{order}IHHHIHHI", 8, 1, 0x0112, 3, 1, orientation, 0, 0)


def written(name: str, data: bytes) -> Path:
    path = Path(name).absolute()
    path.write_bytes(data)
    return path


def saved(pixels: np.ndarray, kind: str, name: str) -> Path:
    """Written by Blender itself, of pixels (H, W, 3)."""
    bpy, (height, width, _) = blender(), pixels.shape
    image = bpy.data.images.new("saved", width, height)
    rgba = np.concatenate([pixels / np.float32(255), np.ones((height, width, 1), np.float32)], axis=2)
    image.pixels.foreach_set(rgba[::-1].astype(np.float32).ravel())
    image.file_format = kind
    path = Path(name).absolute()
    image.save(filepath=str(path), quality=100)
    bpy.data.images.remove(image)
    return path


def pixels_of_file(path: Path) -> np.ndarray:
    return addon("scene.picture_pixels").pixels_of_file(path)


# ---- colours


@in_blender
def test_pictures_of_more_than_8_bits_have_the_colours_that_they_show() -> None:
    bpy = blender()
    shown = np.full((32, 32, 3), (128, 64, 26), np.uint8)
    linear = np.where(shown <= 10, shown / 255 / 12.92, ((shown / 255 + 0.055) / 1.055) ** 2.4).astype(np.float32)
    half = np.concatenate([257 * shown.astype(np.uint16), np.full((32, 32, 1), 32896, np.uint16)], axis=2)
    image = bpy.data.images.new("linear", 32, 32, float_buffer=True)
    image.colorspace_settings.name = "Linear Rec.709"
    image.pixels.foreach_set(np.concatenate([linear, np.ones((32, 32, 1), np.float32)], axis=2).ravel())
    for path in (
        written("8.png", png(shown)),
        written("16.png", png(257 * shown.astype(np.uint16))),
        written("16_alpha.png", png(half)),
        written("8.tif", tiff(shown)),
        written("16.tif", tiff(257 * shown.astype(np.uint16))),
        written("linear.exr", exr(linear)),
    ):
        found = pixels_of_file(path)
        assert np.abs(found[..., :3].astype(int) - shown).max() <= 1, (path.name, found[0, 0])
        assert (found[..., 3] == (128 if "alpha" in path.name else 255)).all(), path.name
    found = addon("scene.picture_pixels").pixels_of(image)
    assert np.abs(found[..., :3].astype(int) - shown).max() <= 1, found[0, 0]
    large = np.full((1100, 1100, 3), (128, 64, 26), np.uint16) * 257
    found = pixels_of_file(written("large.png", png(large)))
    assert found.shape[0] <= 512 and np.abs(found[..., :3].astype(int) - shown[0, 0]).max() <= 1


# ---- which way up


@in_blender
def test_pictures_are_upright_as_their_exif_data_says() -> None:
    bpy = blender()
    upright = np.zeros((32, 48, 3), np.uint8)
    upright[:16, :16], upright[:16, -16:], upright[-16:, :16] = (200, 0, 0), (0, 200, 0), (0, 0, 200)
    lying = {  # as such a camera writes it: EXIF names where the first row and column are
        1: upright, 2: upright[:, ::-1], 3: upright[::-1, ::-1], 4: upright[::-1],
        5: upright.transpose(1, 0, 2), 6: np.rot90(upright), 7: np.rot90(upright, 2).transpose(1, 0, 2),
        8: np.rot90(upright, -1),
    }  # fmt: skip
    for orientation, pixels in lying.items():
        pixels = np.ascontiguousarray(pixels)
        files = [written(f"{orientation}.png", png(pixels, exif=exif(orientation, "<>"[orientation % 2])))]
        files.append(written(f"{orientation}.tif", tiff(pixels, orientation)))
        for kind in ("JPEG", "WEBP"):
            path = saved(pixels, kind, f"{orientation}.{kind.lower()}")
            data = path.read_bytes()
            if kind == "JPEG":
                block = b"Exif\0\0" + exif(orientation)
                path.write_bytes(data[:2] + b"\xff\xe1" + struct.pack(">H", len(block) + 2) + block + data[2:])
            else:
                block = b"EXIF" + struct.pack("<I", len(exif(orientation))) + exif(orientation)
                height, width = pixels.shape[:2]
                extended = b"VP8X" + struct.pack("<IB3x", 10, 0x08) + struct.pack("<I", width - 1)[:3]
                extended += struct.pack("<I", height - 1)[:3]
                body = b"WEBP" + extended + data[12:] + block
                path.write_bytes(b"RIFF" + struct.pack("<I", len(body)) + body)
            files.append(path)
        for path in files:
            found = pixels_of_file(path)[..., :3].astype(int)
            assert found.shape == upright.shape, (path.name, found.shape)
            assert np.abs(found - upright).mean() < 6, path.name
            loaded = bpy.data.images.load(str(path))
            if path.suffix == ".png":
                loaded.pack()
            again = addon("scene.picture_pixels").pixels_of(loaded)
            assert np.array_equal(again[..., :3], found), path.name
            bpy.data.images.remove(loaded)
    turned = bpy.data.images.load(str(Path("6.png").absolute()))
    turned.pixels[0] = 0.5  # what was painted here is as it is seen here
    assert addon("scene.picture_pixels").pixels_of(turned).shape[:2] == (48, 32)
    for cut in (b"", b"\xff\xd8\xff", b"\xff\xd8\xff\xe1\x00", png(upright, exif=b"II*\0\xff\xff\xff\xff")[:60]):
        assert addon("scene.picture_files").orientation_of(cut) == 1


# ---- what is no picture


@in_blender
def test_files_that_are_no_pictures_and_a_render_are_named() -> None:
    bpy = blender()
    postscript = b"%!PS-Adobe-3.0 EPSF-3.0\n%%BoundingBox: 0 0 10 10\nshowpage\n"
    heic = b"\0\0\0\x18ftypheic" + bytes(40)
    film = b"\0\0\0\x18ftypisom" + bytes(40)
    for name, data, said in (
        ("a.png", postscript, "none of PNG, JPEG"),
        ("b.jpg", heic, "HEIC"),
        ("c.png", film, "none of PNG, JPEG"),
        ("d.tga", b"hello" * 20, "none of PNG, JPEG"),
        ("e.png", png(np.zeros((8, 8, 3), np.uint8))[:40], "cannot be read"),
    ):
        before = len(bpy.data.images)
        settings()
        with pytest.raises(RuntimeError) as caught:
            bpy.ops.gen3d.from_picture(filepath=str(written(name, data)))
        (line,) = str(caught.value).strip().splitlines()
        assert said in line and name in line, line
        assert len(bpy.data.images) == before
    assert pixels_of_file(saved(np.zeros((32, 32, 3)), "TARGA", "plain.TGA")).shape == (32, 32, 4)
    plain = bpy.data.images.new("plain", 16, 16)
    # Blender makes this image with the first window or render; its pixels it tells nobody.
    scene = bpy.context.scene
    scene.render.engine, scene.cycles.samples, scene.cycles.device = "CYCLES", 1, "CPU"
    scene.render.resolution_x = scene.render.resolution_y = 16
    assert bpy.ops.render.render() == {"FINISHED"}
    with pytest.raises(RuntimeError, match="Render Result cannot be read: save it"):
        bpy.ops.gen3d.from_picture(image="Render Result")

    class Menu:
        """What the image editor's menu is drawn with: it counts buttons."""

        def __init__(self) -> None:
            self.layout, self.offered = self, []

        def separator(self) -> None: ...

        def operator(self, name: str, text: str) -> Any:
            self.offered.append(name)
            return types.SimpleNamespace()

    for image, offered in ((bpy.data.images["Render Result"], 0), (plain, 1)):
        menu = Menu()
        space = types.SimpleNamespace(image=image)
        addon("ui.picture").draw_in_image_editor(menu, types.SimpleNamespace(space_data=space))
        assert len(menu.offered) == offered
