"""Damaged JPEGs are told from whole ones, and whole ones are decoded at full size and at a fraction of it."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from edged.camera.jpeg import REDUCTIONS, check_jpeg, decode_jpeg, reduced
from edged.errors import DamagedFrame
from tests.jpegs import with_fill_bytes

Y422 = (cv2.IMWRITE_JPEG_SAMPLING_FACTOR, cv2.IMWRITE_JPEG_SAMPLING_FACTOR_422)  # what webcams send
RESTARTS = (cv2.IMWRITE_JPEG_RST_INTERVAL, 40)
PROGRESSIVE = (cv2.IMWRITE_JPEG_PROGRESSIVE, 1)
PACKET = 1020  # bytes of a USB 2 packet that may be lost on the way


def encode(picture: NDArray[np.uint8], *options: int, quality: int = 85) -> bytes:
    return cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality, *options])[1].tobytes()


def row(content: bytes) -> NDArray[np.uint8]:
    return np.frombuffer(content, np.uint8)


def slot(width: int, height: int, reduce: int = 1) -> NDArray[np.uint8]:
    return np.zeros((reduced(height, reduce), reduced(width, reduce), 3), np.uint8)


def scan_start(content: bytes) -> int:
    """Where the pixels begin: after the header of the scan."""
    at = content.index(b"\xff\xda")
    return at + 2 + int.from_bytes(content[at + 2 : at + 4], "big")


@pytest.fixture
def street(demo: Path) -> NDArray[np.uint8]:
    """A frame of the demo clip, 640 × 480."""
    clip = cv2.VideoCapture(str(demo / "street.mp4"))
    found, frame = clip.read()
    clip.release()
    assert found
    return cv2.resize(frame, (640, 480)).astype(np.uint8)


def test_a_whole_jpeg_is_decoded_as_opencv_does(street: NDArray[np.uint8]) -> None:
    for options in ((), Y422, RESTARTS, PROGRESSIVE):
        content = row(encode(street, *options))
        frame = slot(640, 480)
        decode_jpeg(content, frame)
        np.testing.assert_array_equal(frame, cv2.imdecode(content, cv2.IMREAD_COLOR))


def test_a_gray_jpeg_becomes_a_bgr_frame(street: NDArray[np.uint8]) -> None:
    gray = np.ascontiguousarray(street[..., 1])
    frame = slot(640, 480)
    decode_jpeg(row(encode(gray)), frame)
    assert np.abs(frame.astype(int) - gray[..., None]).mean() < 3


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize(("width", "height"), [(640, 480), (641, 479), (637, 333), (17, 9), (1, 1)])
def test_a_fraction_has_the_size_that_was_promised(
    street: NDArray[np.uint8], width: int, height: int, reduce: int
) -> None:
    content = row(encode(enlarged(street, width, height)))
    frame = slot(width, height, reduce)
    decode_jpeg(content, frame, reduce)
    assert frame.any()


def enlarged(picture: NDArray[np.uint8], width: int, height: int) -> NDArray[np.uint8]:
    return cv2.resize(picture, (width, height)).astype(np.uint8)


def test_the_tables_that_cameras_leave_out_are_known(street: NDArray[np.uint8]) -> None:
    content = encode(street, *Y422)
    whole = slot(640, 480)
    decode_jpeg(row(content), whole)
    bare = content
    while (at := bare.find(b"\xff\xc4")) >= 0:  # a Huffman table
        bare = bare[:at] + bare[at + 2 + int.from_bytes(bare[at + 2 : at + 4], "big") :]
    assert len(bare) < len(content)
    frame = slot(640, 480)
    decode_jpeg(row(bare), frame)
    np.testing.assert_array_equal(frame, whole)


@pytest.mark.parametrize("options", [(), Y422, RESTARTS, PROGRESSIVE])
def test_fill_bytes_before_the_markers_change_nothing(street: NDArray[np.uint8], options: tuple[int, ...]) -> None:
    """ITU-T T.81, B.1.1.2: any marker may follow any number of bytes FF."""
    content = encode(street, *options)
    plain, filled = slot(640, 480), slot(640, 480)
    decode_jpeg(row(content), plain)
    decode_jpeg(row(with_fill_bytes(content)), filled)
    np.testing.assert_array_equal(filled, plain)


def test_what_follows_the_end_does_not_matter(street: NDArray[np.uint8]) -> None:
    content = encode(street)
    for tail in (b"\0" * 700, b"\xff\xff\x12", content[:300]):
        assert check_jpeg(memoryview(content + tail)) == (640, 480)


def test_an_orientation_is_ignored(street: NDArray[np.uint8]) -> None:
    content = encode(street)
    orientation = b"Exif\0\0II*\0\x08\0\0\0\x01\0\x12\x01\x03\0\x01\0\0\0\x06\0\0\0\0\0\0\0"
    turned = content[:2] + b"\xff\xe1" + (len(orientation) + 2).to_bytes(2, "big") + orientation + content[2:]
    assert np.array(cv2.imdecode(row(turned), cv2.IMREAD_COLOR)).shape == (640, 480, 3)
    frame = slot(640, 480)
    decode_jpeg(row(turned), frame)
    np.testing.assert_array_equal(frame, cv2.imdecode(row(content), cv2.IMREAD_COLOR))


# Damage.


@settings(max_examples=60)
@given(st.data())
def test_a_picture_that_is_cut_short_is_damaged(data: st.DataObject) -> None:
    content = encode(enlarged(np.random.default_rng(5).integers(0, 256, (9, 16, 3), dtype=np.uint8), 320, 180))
    kept = data.draw(st.integers(0, len(content) - 2))
    with pytest.raises(DamagedFrame, match="damaged JPEG"):
        check_jpeg(memoryview(content[:kept]))


@settings(max_examples=200)
@given(st.binary(max_size=300), st.integers(0, 400))
def test_nothing_that_a_camera_can_send_is_anything_else_than_damaged(noise: bytes, at: int) -> None:
    content = encode(np.full((16, 16, 3), 90, np.uint8))
    spoilt = content[:at] + noise + content[at + len(noise) :]
    frame = slot(16, 16)
    try:
        decode_jpeg(row(spoilt), frame)
    except DamagedFrame:
        assert spoilt != content
        assert not frame.any()


def test_a_marker_between_the_pixels_is_damage(street: NDArray[np.uint8]) -> None:
    content = bytearray(encode(street))
    content[len(content) // 2 : len(content) // 2 + 2] = b"\xff\xe4"
    with pytest.raises(DamagedFrame, match="a marker stands where pixels should"):
        check_jpeg(memoryview(content))


def test_restart_markers_out_of_turn_are_damage(street: NDArray[np.uint8]) -> None:
    content = encode(street, *RESTARTS)
    at = content.index(b"\xff\xd3", scan_start(content))
    with pytest.raises(DamagedFrame, match="restart markers are out of turn"):
        check_jpeg(memoryview(content[: at + 1] + b"\xd5" + content[at + 2 :]))


@pytest.mark.parametrize(
    ("content", "how"),
    [
        (b"", "does not begin"),
        (b"\xff\xd8", "cut short"),
        (b"\x00" * 1000, "does not begin"),
        (b"\xff\xd8" + b"\xff\xe0\xff\xff" + b"\0" * 20, "cut short"),
        (b"\xff\xd8" + b"\xff\xda\x00\x02" + b"\0" * 20 + b"\xff\xd9", "has no size"),
        (b"\xff\xd8" + b"\xff\xc0\x00\x0b\x08\0\0\0\0\1\1\1\1" + b"\xff\xda\x00\x02" + b"\xff\xd9", "has no size"),
        (b"\xff\xd8" + b"\xff\xc0\x00\x03\x08" + b"\xff\xda\x00\x02" + b"\xff\xd9", "has no size"),
    ],
)
def test_a_broken_header_is_damage(content: bytes, how: str) -> None:
    with pytest.raises(DamagedFrame, match=how):
        check_jpeg(memoryview(content))


def test_another_size_is_damage(street: NDArray[np.uint8]) -> None:
    with pytest.raises(DamagedFrame, match="it has 640×480 pixels instead of 320×240"):
        decode_jpeg(row(encode(street)), slot(320, 240))


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("sampling", [(), Y422])
def test_a_lost_packet_in_the_middle_is_seen(street: NDArray[np.uint8], sampling: tuple[int, ...], reduce: int) -> None:
    content = encode(street, *sampling)
    start = scan_start(content)
    lost = np.linspace(start, len(content) - 2 - PACKET, 40).astype(int)
    seen = 0
    for at in lost:
        try:
            decode_jpeg(row(content[:at] + content[at + PACKET :]), slot(640, 480, reduce), reduce)
        except DamagedFrame:
            seen += 1
    assert seen >= 34  # a picture that breaks off just at the end of a row of blocks is taken for one with a bar


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize("quality", [30, 60, 90])
def test_grey_pictures_are_not_taken_for_damaged_ones(reduce: int, quality: int) -> None:
    ramp = np.linspace(120, 136, 480).round().astype(np.uint8)
    walls = [
        np.full((480, 640), 128, np.uint8),
        np.repeat(ramp[:, None], 640, axis=1),
        np.repeat(ramp[::-1, None], 640, axis=1),
        np.repeat(np.minimum(ramp, 128)[:, None], 640, axis=1),
        np.clip(np.random.default_rng(1).normal(128, 2, (480, 640)).round(), 0, 255).astype(np.uint8),
    ]
    for wall in walls:
        decode_jpeg(row(encode(np.repeat(wall[..., None], 3, axis=2), quality=quality)), slot(640, 480, reduce), reduce)


@pytest.mark.parametrize("reduce", REDUCTIONS)
@pytest.mark.parametrize(("left", "top"), [(0, 400), (0, 464), (320, 400), (128, 304), (0, 0)])
def test_grey_bars_and_labels_are_not_taken_for_damage(
    street: NDArray[np.uint8], left: int, top: int, reduce: int
) -> None:
    labelled = street.copy()
    labelled[top:, left:] = 128
    for sampling in ((), Y422):
        decode_jpeg(row(encode(labelled, *sampling)), slot(640, 480, reduce), reduce)


def test_real_frames_are_never_taken_for_damaged_ones(demo: Path) -> None:
    clip = cv2.VideoCapture(str(demo / "street.mp4"))
    count = 0
    while clip.grab():
        count += 1
        if count % 8 == 0:
            frame = clip.retrieve()[1].astype(np.uint8)
            for reduce in REDUCTIONS:
                decode_jpeg(row(encode(frame, *Y422)), slot(frame.shape[1], frame.shape[0], reduce), reduce)
    clip.release()
    assert count > 200
