"""JPEG 2000: what asks for far more work than pictures need is refused before it is decoded."""

from __future__ import annotations

import struct

import cv2
import numpy as np
import pytest

from edged.errors import PictureError
from edged.vision.pictures.decoding import decode_bgr
from edged.vision.pictures.jpeg2000_size import jpeg2000_size


def altered(at: int, content: bytes, *, insert: bool = False, marker: bytes = b"\xff\x52") -> bytes:
    """A JP2 of 640 × 480 with *content* at or, with *insert*, before a byte counted from its COD (or *marker*)."""
    made = cv2.imencode(".jp2", np.full((480, 640, 3), 90, np.uint8))[1].tobytes()
    place = made.index(marker) + at
    return made[:place] + content + made[place + (0 if insert else len(content)) :]


def with_precincts(size: int, levels: int = 5) -> bytes:
    made = altered(2, struct.pack(">H", 12 + levels + 1))
    made = made[: made.index(b"\xff\x52") + 4] + b"\x01" + made[made.index(b"\xff\x52") + 5 :]
    end = made.index(b"\xff\x52") + 14
    return made[:end] + bytes([size] * (levels + 1)) + made[end:]


def test_a_usual_picture_passes() -> None:
    assert jpeg2000_size(altered(0, b"")) == (640, 480)
    assert jpeg2000_size(with_precincts(0x88)) == (640, 480)
    assert decode_bgr(altered(0, b"")).shape == (480, 640, 3)


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (altered(6, b"\xff\xff"), "many layers or levels, or small blocks"),
        (altered(9, b"\x20"), "many layers or levels, or small blocks"),
        (altered(10, b"\0\0"), "many layers or levels, or small blocks"),
        (with_precincts(0x00), "many layers or levels, or small blocks"),
        (with_precincts(0x88, 2), "many layers or levels, or small blocks"),
        (altered(0, b"\xff\x53\0\x09\0\0\5\0\0\0\1", insert=True), "settings of tiles or components"),
        (
            altered(0, b"\xff\x53\0\x09\0\0\5\0\0\0\1", insert=True, marker=b"\xff\x93"),
            "settings of tiles or components",
        ),
        (altered(0, b"\xff\x52\0\x0c\0\0\0\1\0\5\0\0\0\1", insert=True, marker=b"\xff\x93"), "settings of tiles"),
        (altered(0, b"\xff\x64\0\2" * 20000, insert=True), "more than 16384 segments"),
        (altered(0, b"\xff\xfe"), "its header is cut short"),
        (altered(0, b"\0\0"), "its header is cut short"),
    ],
)
def test_what_asks_for_far_more_is_refused(content: bytes, reason: str) -> None:
    with pytest.raises(PictureError, match=reason):
        decode_bgr(content)
