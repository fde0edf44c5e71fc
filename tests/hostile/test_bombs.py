"""Cameras and folders that claim any size, against a daemon with a good camera."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.bombs import HUGE, jpeg_of_scans, png_of_texts, progressive, resized_jpeg
from tests.camera.servers import answering
from tests.fakes import eventually
from tests.hostile.rig import hostile_rig

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace;boundary=x\r\n\r\n"
RETRY = "retry_seconds: 0.2, retry_max_seconds: 0.2"

pytestmark = pytest.mark.timed


def stream(*pictures: bytes) -> bytes:
    return b"".join(b"--x\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(picture), picture) for picture in pictures)


def test_network_cameras_that_send_bombs_are_lost_and_disturb_nothing(tmp_path: Path) -> None:
    scans = jpeg_of_scans(4000, with_data=True)
    with (
        answering(stream(resized_jpeg(65500, 65500)), head=HEAD) as huge,
        answering(stream(scans), head=HEAD) as slow,
        hostile_rig(
            tmp_path,
            cameras={name: f'{{source: "{url}", {RETRY}}}' for name, url in {"huge": huge, "slow": slow}.items()},
        ) as rig,
    ):
        with rig.undisturbed(seconds=6):
            rig.wait_for_state("huge", "lost")
            rig.wait_for_state("slow", "lost")
        eventually(lambda: "65500×65500 pixels" in rig.log(), "the size in the log")


def test_a_folder_of_bombs_costs_only_its_own_frames(tmp_path: Path) -> None:
    folder = tmp_path / "pictures"
    folder.mkdir()
    (folder / "0.jpg").write_bytes(progressive())
    for number, make in enumerate(HUGE.values(), 1):
        (folder / f"{number}.jpg").write_bytes(make())
    (folder / "scans.jpg").write_bytes(jpeg_of_scans(4000, with_data=True))
    (folder / "texts.png").write_bytes(png_of_texts(100))
    with (folder / "sparse.jpg").open("wb") as file:
        file.truncate(3 << 30)
    (folder / "z.jpg").write_bytes(progressive())
    cameras = {"folder": f'{{source: "dir:{folder}", loop: true, fps: 10}}'}
    with hostile_rig(tmp_path, cameras=cameras) as rig, rig.undisturbed(seconds=6):
        rig.wait_for_state("folder", "running")
