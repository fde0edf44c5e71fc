"""Cameras that give one JPEG for each request."""

from __future__ import annotations

import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.camera.configured import open_source
from edged.camera.snapshots import SnapshotSource
from edged.camera.web import WebSource
from edged.config import CameraConfig
from edged.errors import DamagedFrame, SourceError
from tests.camera.leaks import leaves_nothing_behind
from tests.camera.servers import number
from tests.camera.snapshot_camera import SnapshotCamera, snapshot_camera

FAST = 1000.0


@contextmanager
def opened(source: SnapshotSource | WebSource) -> Iterator[NDArray[np.uint8]]:
    try:
        yield np.zeros(source.open().shape, np.uint8)
    finally:
        source.close()


def shown(source: SnapshotSource | WebSource, slot: NDArray[np.uint8]) -> int:
    assert source.grab(10) is not None
    source.retrieve(slot)
    return number(slot)


def loss(source: SnapshotSource | WebSource) -> str:
    with pytest.raises(SourceError) as caught:
        grab_for_ever(source)
    return str(caught.value)


def grab_for_ever(source: SnapshotSource | WebSource) -> None:
    while True:
        source.grab(10)


def ports(camera: SnapshotCamera) -> list[int]:
    return [port for port, _, _ in camera.asked]


def test_each_request_gives_a_picture_over_one_connection() -> None:
    with snapshot_camera() as camera:
        source = SnapshotSource(camera.url(), fps=FAST)
        with opened(source) as slot:
            assert slot.shape == (240, 320, 3)
            for camera.number in (1, 5, 9):
                assert shown(source, slot) == camera.number
        assert len(ports(camera)) == 4
        assert len(set(ports(camera))) == 1


@pytest.mark.parametrize("media_type", ["", "application/octet-stream", "text/plain", "image/png"])
def test_a_jpeg_with_a_length_is_a_snapshot_whatever_its_media_type_says(media_type: str) -> None:
    with snapshot_camera() as camera:
        camera.media_type = media_type
        source = WebSource(camera.url(), fps=FAST)
        with opened(source) as slot:
            for camera.number in (1, 5, 9):
                assert shown(source, slot) == camera.number


def test_a_compressed_answer_is_refused_by_its_name() -> None:
    with snapshot_camera() as camera:
        camera.fault = "gzip"
        assert "its answer is compressed (gzip), which edged does not ask for" in refusal(WebSource(camera.url()))
        assert camera.asked_encodings == {"identity"}


def test_a_picture_that_has_not_changed_is_not_sent_again() -> None:
    with snapshot_camera() as camera:
        camera.has_tags = True
        source = SnapshotSource(camera.url(), fps=FAST)
        with opened(source) as slot:
            assert [shown(source, slot) for _ in range(3)] == [0, 0, 0]
            camera.number = 4
            assert shown(source, slot) == 4
        assert [tag for _, _, tag in camera.asked] == ["", '"0"', '"0"', '"0"', '"0"']
        assert len(set(ports(camera))) == 1


@pytest.mark.parametrize("fault", ["close", "mute", "lengthless"])
def test_a_server_that_closes_the_connection_is_connected_to_again(fault: str) -> None:
    with snapshot_camera() as camera:
        camera.fault = fault
        source = SnapshotSource(camera.url(), fps=FAST)
        with opened(source) as slot:
            for camera.number in (1, 2, 3):
                assert shown(source, slot) == camera.number
        assert len(set(ports(camera))) == 4


def test_pictures_are_asked_for_at_the_rate_that_is_set_and_once_a_second_by_default() -> None:
    with snapshot_camera() as camera:
        source = SnapshotSource(camera.url(), fps=20)
        with opened(source):
            begin = time.monotonic()
            for _ in range(11):
                assert source.grab(10) is not None
            assert time.monotonic() - begin >= 0.499
            source.expect_rate(0.01)
            source.grab(10)
            asked = len(camera.asked)
            assert source.grab(0.05) is None
            assert len(camera.asked) == asked
            assert source.last_received() > time.monotonic() - 1
        assert SnapshotSource(camera.url())._interval == 1


def test_user_and_password_are_sent_at_once_after_the_first_answer() -> None:
    with snapshot_camera("s3cret") as camera:
        source = SnapshotSource(camera.url(login="user:s3cret"), fps=FAST)
        with opened(source) as slot:
            shown(source, slot)
            shown(source, slot)
        assert len(camera.asked) == 4
        assert len(set(ports(camera))) == 1
        told = refusal(SnapshotSource(camera.url(login="user:wrong"), fps=FAST))
        assert "it asks for a user and password that it knows" in told
        assert "wrong" not in told


def test_no_password_goes_to_another_host() -> None:
    with snapshot_camera("s3cret") as other, snapshot_camera() as camera:
        camera.elsewhere = other.url().replace("127.0.0.1", "localhost")
        told = refusal(SnapshotSource(camera.url("/moved", "user:s3cret"), follow_redirects="any", fps=FAST))
        assert f"redirected to {camera.elsewhere}: it asks for a user and password" in told
        assert "it redirects to another host" in refusal(SnapshotSource(camera.url("/moved", "user:s3cret"), fps=FAST))
        assert len(other.asked) == 1


def test_redirections_are_followed_each_time() -> None:
    with snapshot_camera() as camera:
        source = SnapshotSource(camera.url("/moved"), fps=FAST)
        with opened(source) as slot:
            shown(source, slot)
        assert [path for _, path, _ in camera.asked] == ["/moved", "/snapshot.jpg"] * 2
        assert len(set(ports(camera))) == 1


def refusal(source: SnapshotSource | WebSource) -> str:
    with pytest.raises(SourceError) as caught, opened(source):
        pass
    return str(caught.value)


@pytest.mark.parametrize(
    ("fault", "reason"),
    [
        ("hang", "no answer within 0.5 s"),
        ("cut", "it closes the connection within its answer"),
        ("endless", "its answer does not end: more than 16777216 bytes came"),
        ("huge", "its answer is said to have 1073741824 bytes, and 16777216 are permitted"),
        ("gone", "it has nothing there"),
    ],
)
def test_an_answer_that_is_no_picture_is_a_loss_with_its_reason(fault: str, reason: str) -> None:
    with snapshot_camera() as camera:
        source = SnapshotSource(camera.url(), fps=FAST, timeout=10)
        with opened(source):
            camera.fault = fault
            if fault == "hang":
                source._timeout = 0.5
                source._client._timeout = 0.5
            assert f"{camera.url()}: {reason}" in loss(source)
        camera.fault = ""
        with opened(source) as slot:
            assert shown(source, slot) == 0


def test_a_damaged_picture_is_a_damaged_frame_and_one_of_another_size_a_loss() -> None:
    with snapshot_camera() as camera:
        source = SnapshotSource(camera.url(), fps=FAST)
        with opened(source) as slot:
            camera.fault = "large"
            assert source.grab(10) is not None
            with pytest.raises(SourceError, match="its pictures are 640×480 now instead of 320×240"):
                source.retrieve(slot)
            assert source._resource is not None
            source._resource.content = source._resource.content[:-300]
            with pytest.raises(DamagedFrame, match="it is cut short"):
                source.retrieve(slot)


def test_a_camera_that_sends_no_whole_picture_any_more_shows_no_sign_that_all_is_well() -> None:
    with snapshot_camera() as camera:
        source = SnapshotSource(camera.url(), fps=20)
        with opened(source) as slot:
            shown(source, slot)
            camera.fault = "damaged"
            damaged_at = time.monotonic()
            while time.monotonic() < damaged_at + 0.5:
                source.grab(10)
                with pytest.raises(DamagedFrame, match="it is cut short"):
                    source.retrieve(slot)
            assert source.last_received() < damaged_at + 0.4
            camera.fault = ""
            shown(source, slot)
            assert source.last_received() > damaged_at + 0.5


def test_a_higher_rate_does_not_wait_for_the_next_picture_of_the_lower_one() -> None:
    with snapshot_camera() as camera:
        source = SnapshotSource(camera.url(), fps=0.001)
        with opened(source):
            source.grab(10)
            assert source.grab(0.01) is None
            source.expect_rate(FAST)
            assert source.grab(10) is not None


def test_the_format_has_the_compression_and_the_rate() -> None:
    with snapshot_camera() as camera:
        source = SnapshotSource(camera.url(), fps=4)
        try:
            found = source.open()
        finally:
            source.close()
        assert (found.codec, found.decoder, found.fps) == ("jpeg", "opencv", 4.0)


def test_wake_ends_a_wait_for_the_next_picture_and_for_an_answer() -> None:
    for fault in ("", "hang"):
        with snapshot_camera() as camera:
            source = SnapshotSource(camera.url(), fps=0.01, timeout=60)
            with opened(source):
                source.grab(10)
                camera.fault = fault
                if fault:
                    source._due = 0.0
                threading.Timer(0.1, source.wake).start()
                begin = time.monotonic()
                if fault:
                    assert "told to stop" in loss(source)
                else:
                    assert source.grab(60) is None
                assert time.monotonic() - begin < 30


def test_an_http_camera_whose_address_gives_one_jpeg_is_polled() -> None:
    with snapshot_camera() as camera:
        config = CameraConfig.model_validate({"source": camera.url(), "fps": 1000})
        for decode, shape in (("full", (240, 320, 3)), ("reduced", (120, 160, 3))):
            source = open_source(config, decode=decode, input_size=(96, 96))  # type: ignore[arg-type]  # one of both
            assert isinstance(source, WebSource)
            with opened(source) as slot:
                assert slot.shape == shape
                camera.number += 1
                assert source.grab(10) is not None
                source.retrieve(slot)
                assert source.last_received() > 0


def test_opening_and_closing_leaves_nothing_behind() -> None:
    with snapshot_camera() as camera:
        source = SnapshotSource(camera.url(), fps=FAST)

        def one_round() -> None:
            with opened(source) as slot:
                shown(source, slot)

        leaves_nothing_behind(one_round)
