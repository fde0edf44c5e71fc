"""The Task Library's resize said once more, slowly and as directly as it can be: what the fast one is held against.

One plain array expression for each case, in 64-bit integers, nothing shared with the code under test.
"""

from __future__ import annotations

import platform

import numpy as np
import numpy.typing as npt

Picture = npt.NDArray[np.uint8]
Wide = npt.NDArray[np.int64]

X86 = platform.machine().lower() in {"x86_64", "amd64", "i386", "i686"}


def exact_resize(picture: Picture, to_width: int, to_height: int, *, plane: bool = False) -> Picture:
    height, width = picture.shape[:2]
    if (width, height) == (to_width, to_height):
        return picture.copy()
    pixels = picture.astype(np.int64).reshape(height, width, -1)
    if plane and (width, height) == (2 * to_width, 2 * to_height):
        a, b, c, d = (pixels[row::2, column::2] for row in (0, 1) for column in (0, 1))
        halved: Wide = (a + b + c + d + 2) >> 2
        return halved.astype(np.uint8).reshape((to_height, to_width, *picture.shape[2:]))
    result = _resize(pixels, to_width, to_height, (128, 64) if plane else (127, 0))
    return result.astype(np.uint8).reshape((to_height, to_width, *picture.shape[2:]))


def _resize(pixels: Wide, to_width: int, to_height: int, columns: tuple[int, int]) -> Wide:
    height, width = pixels.shape[:2]
    blend = "both"
    if height == 1 or to_height == height or 3 * to_height == height:
        blend = "columns"
    if width == 1 or (blend == "columns" and width in (to_width, 3 * to_width)):
        blend = "none"
    x0, dx = _slope(width, to_width, blend != "none")
    y0, dy = _slope(height, to_height, blend == "both")
    x, y = x0 + dx * np.arange(to_width), y0 + dy * np.arange(to_height)
    if dx % 65536 == 0 and dy % 65536 == 0:
        if dx // 65536 % 2 == 0 and dy // 65536 % 2 == 0:
            return _box(pixels, x >> 16, y >> 16)
        if dx // 65536 % 2 == 1 and dy // 65536 % 2 == 1:
            return _pick(pixels, x >> 16, y >> 16)
    if blend == "none":
        return _pick(pixels, x >> 16, y >> 16)
    if dx == 65536 and x0 % 65536 == 0:
        return _blend_rows(pixels, np.minimum(y, ((height - 1) << 16) - 1))
    y = np.minimum(y, (height - 1) << 16)
    if blend == "columns":
        return _blend_columns(pixels[y >> 16], x, columns)
    if dy >= 65536:
        return _blend_columns(_blend_rows(pixels, y), x, columns)
    return _blend_rows(_blend_columns(pixels, x, columns), y)


def _pick(pixels: Wide, x: Wide, y: Wide) -> Wide:
    picked: Wide = pixels[y][:, x]
    return picked


def _slope(size: int, to_size: int, centred: bool) -> tuple[int, int]:
    if not centred:
        step = (size << 16) // to_size
        return step >> 1, step
    if to_size <= size:
        step = (size << 16) // to_size
        return (step >> 1) - 32768, step
    return 0, ((size << 16) - 0x10001) // (to_size - 1)


def _blend_rows(pixels: Wide, y: Wide) -> Wide:
    weight = (y >> 8 & 255)[:, None, None]
    after = np.minimum((y >> 16) + 1, len(pixels) - 1)
    blended: Wide = (pixels[y >> 16] * (256 - weight) + pixels[after] * weight + 128) >> 8
    return blended


def _blend_columns(pixels: Wide, x: Wide, columns: tuple[int, int]) -> Wide:
    whole, half = columns
    weight = (x >> 9 & 127)[None, :, None]
    after = np.minimum((x >> 16) + 1, pixels.shape[1] - 1)
    blended: Wide = (pixels[:, x >> 16] * (whole - weight) + pixels[:, after] * weight + half) >> 7
    return blended


def _box(pixels: Wide, x: Wide, y: Wide) -> Wide:
    a, b = pixels[y][:, x], pixels[y][:, x + 1]
    c, d = pixels[y + 1][:, x], pixels[y + 1][:, x + 1]
    once: Wide = (a + b + c + d + 2) >> 2
    if not X86:
        return once
    twice = (((a + c + 1) >> 1) + ((b + d + 1) >> 1) + 1) >> 1
    vectors = len(x) // 4 * 4
    return np.concatenate([twice[:, :vectors], once[:, vectors:]], axis=1)
