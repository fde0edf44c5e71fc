"""Hostile RTSP cameras beside a good one."""

from __future__ import annotations

from collections.abc import Callable
from contextlib import AbstractContextManager
from pathlib import Path

import pytest

from tests.camera.rtsp.server import RtspServer, serving_rtsp
from tests.camera.servers import flooding
from tests.camera.video.test_held_frames import rtsp_camera
from tests.hostile.rig import hostile_rig

pytestmark = [pytest.mark.timed, pytest.mark.once]

OK = b"RTSP/1.0 200 OK\r\nCSeq: 1\r\n"
FLOODS = {
    "two gigabytes": (OK + b"Content-Length: 2000000000\r\n\r\n", bytes(60_000)),
    "a head without an end": (OK, b"a: b\r\n" * 10_000),
    "a line without an end": (OK + b"a: ", b"w" * 60_000),
    "packets of nothing": (b"", b"$\0\0\0" * 15_000),
    "packets of all sizes": (b"", b"$\0\xff\xff" + b"\x80" * 65_535),
    "newlines": (b"", b"\r\n" * 30_000),
    "responses to other requests": (b"", b"RTSP/1.0 200 OK\r\nCSeq: 99\r\n\r\n" * 2000),
}


def bad_camera(port: int) -> dict[str, str]:
    return {"bad": f'{{source: "rtsp://eve:s3cret@127.0.0.1:{port}/cam", retry_seconds: 0.2, retry_max_seconds: 0.4}}'}


@pytest.mark.parametrize("name", FLOODS)
def test_an_rtsp_server_that_floods_disturbs_nobody(tmp_path: Path, name: str) -> None:
    with flooding(*FLOODS[name]) as url:
        port = int(url.partition("127.0.0.1:")[2].partition("/")[0])
        # One connection of its own may be open at the end.
        with hostile_rig(tmp_path, cameras=bad_camera(port)) as rig, rig.undisturbed(4, descriptors=4):
            pass
    assert "s3cret" not in rig.log()


QUIRKS: dict[str, Callable[[RtspServer], None]] = {
    "junk in place of an answer": lambda server: server.answers.update(DESCRIBE=b"\xff" * 500),
    "it redirects to itself": lambda server: server.answers.update(
        DESCRIBE=f"RTSP/1.0 302 Found\r\nCSeq: CSEQ\r\nLocation: {server.url()}\r\n\r\n".encode()
    ),
    "a long challenge": lambda server: server.answers.update(
        OPTIONS=b"RTSP/1.0 401 x\r\nCSeq: CSEQ\r\nWWW-Authenticate: Digest " + b"w" * 8000 + b"\r\n\r\n"
    ),
    "a long reason": lambda server: server.answers.update(
        DESCRIBE=b"RTSP/1.0 500 " + b"\x1b[31m" * 1500 + b"\r\nCSeq: CSEQ\r\n\r\n"
    ),
    "it hangs in PLAY": lambda server: server.silent.add("PLAY"),
    "every packet is lost": lambda server: setattr(server, "loses", lambda _: True),
    "every third packet is lost": lambda server: setattr(server, "loses", lambda n: n % 3 == 0),
    "too many pictures": lambda server: setattr(server, "fps", 2000.0),
}


@pytest.mark.parametrize("name", QUIRKS)
def test_an_rtsp_camera_with_a_fault_disturbs_nobody(tmp_path: Path, name: str) -> None:
    server: AbstractContextManager[RtspServer] = serving_rtsp(RtspServer())
    with server as camera:
        QUIRKS[name](camera)
        with hostile_rig(tmp_path, cameras=bad_camera(camera.port)) as rig, rig.undisturbed(4, descriptors=4):
            pass
    log = rig.log()
    assert "s3cret" not in log
    assert "\x1b" not in log
    assert max(map(len, log.splitlines())) < 1000


# The memory that a small board's limit would leave: this machine has too much of it to be in the way.
LITTLE_MEMORY = """
import resource
import edged.camera.frame_limit as frame_limit
import edged.pipeline.ring as ring
def memory_left():
    with open("/proc/self/statm") as statm:
        return {most} - int(statm.read().split()[1]) * resource.getpagesize()
frame_limit.memory_left = ring.memory_left = memory_left
"""


def test_a_video_of_few_kilobytes_that_refers_to_many_frames_is_lost_by_their_count(tmp_path: Path) -> None:
    with (
        serving_rtsp(rtsp_camera(16)) as camera,
        hostile_rig(tmp_path, cameras=bad_camera(camera.port), sections="max_pixels: 3686400") as rig,
        # 64 MiB in the decoder, three slots of 11 MB, and one frame in conversion.
        rig.undisturbed(5, memory=120 << 20, descriptors=4),
    ):
        rig.wait_for_state("bad", "lost")
    assert "pixels refer to too many others: these take more than 64 MiB" in rig.log()


@pytest.mark.parametrize("size", [(5760, 5760), (3840, 2160)])
def test_a_video_that_takes_more_memory_than_is_left_is_lost_before_it_is_taken(
    tmp_path: Path, size: tuple[int, int]
) -> None:
    most = 300_000_000
    with (
        serving_rtsp(rtsp_camera(16, *size)) as camera,
        hostile_rig(tmp_path, cameras=bad_camera(camera.port), prelude=LITTLE_MEMORY.format(most=most)) as rig,
    ):
        with rig.undisturbed(5, memory=most, descriptors=4):
            rig.wait_for_state("bad", "lost")
        highest = rig.highest_memory()
    assert highest < most
    assert "not enough memory for the frames" in rig.log() or "need more memory than is left" in rig.log()
