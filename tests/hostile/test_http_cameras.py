"""Hostile HTTP cameras beside a good one, through the whole daemon."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.camera.servers import answering, flooding, jpeg
from tests.hostile.rig import hostile_rig

pytestmark = pytest.mark.timed

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=b\r\n"
CHUNKED = HEAD + b"Transfer-Encoding: chunked\r\n\r\n"
PICTURES = b"".join(b"--b\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg(n)), jpeg(n)) for n in range(20))
IN_CHUNKS = b"%x\r\n%s\r\n" % (len(PICTURES), PICTURES)

ANSWERS = {
    "digest": b"HTTP/1.1 401 No\r\nWWW-Authenticate: Digest " + b"w" * 60_000 + b"\r\n\r\n",
    "digest within its limits": b"HTTP/1.1 401 No\r\n"
    + (b"WWW-Authenticate: Digest %s\r\n" % (b"w" * 4000)) * 7
    + b"\r\n",
    "reason": b"HTTP/1.1 500 " + b"\x1b[2J\x07" * 10_000 + b"\r\n\r\n",
    "boundary in pieces": HEAD[:-12] + b"boundary*=a''b; boundary*0=c\r\n\r\n",
    "boundary of no code": HEAD[:-12] + b"boundary*=idna''x\r\n\r\n",
    "boundary of a bad code": HEAD[:-12] + b"boundary*=punycode''%ff\r\n\r\n",
    "boundary with a NUL": HEAD[:-12] + b"a=\0b''x\r\n\r\n",
    "boundary of digits": HEAD[:-12] + b"boundary*" + b"7" * 5000 + b"=x\r\n\r\n",
    "semicolons": HEAD[:-2] + b";" * 60_000 + b"\r\n\r\n",
}
FLOODS = {
    "newlines": (CHUNKED, b"\n" * 65536),
    "newlines after pictures": (CHUNKED + IN_CHUNKS, b"\n" * 65536),
    "chunks of a byte": (CHUNKED + IN_CHUNKS, b"1\nx\n" * 16384),
    "parts of 5 bytes": (HEAD + b"\r\n" + PICTURES, b"--b\n\n" * 13107),
    "bytes that are no part": (HEAD + b"\r\n" + PICTURES, bytes(65536)),
    "a head without an end": (b"HTTP/1.1 200 OK\r\n", b"a: b\r\n" * 10000),
}


def camera(url: str) -> dict[str, str]:
    return {"bad": f'{{source: "{url}", retry_seconds: 0.2, retry_max_seconds: 1}}'}


@pytest.mark.parametrize("answer", ANSWERS.values(), ids=ANSWERS)
def test_an_answer_of_one_camera_disturbs_no_other(answer: bytes, tmp_path: Path) -> None:
    with (
        answering(answer) as url,
        hostile_rig(tmp_path, cameras=camera(url.replace("//", "//user:password@"))) as rig,
    ):
        rig.wait_for_state("bad", "lost")
        with rig.undisturbed(3, descriptors=4):
            pass
        reason = rig.statuses("bad")[-1].reason or ""
        assert len(reason) < 500
        assert reason.isprintable()
        assert all(line.isprintable() and len(line) < 700 for line in rig.log().splitlines())


@pytest.mark.parametrize(("head", "flood"), FLOODS.values(), ids=FLOODS)
def test_a_flood_of_one_camera_disturbs_no_other(head: bytes, flood: bytes, tmp_path: Path) -> None:
    with (
        flooding(head, flood) as url,
        hostile_rig(tmp_path, cameras=camera(url)) as rig,
        rig.undisturbed(4, descriptors=4),
    ):
        pass


def test_a_library_that_prints_a_line_for_each_picture_of_a_camera_does_not_fill_the_log(tmp_path: Path) -> None:
    odd = jpeg(1)[:-2] + b"\1" * 300 + jpeg(1)[-2:]  # libjpeg prints how many bytes too many there are
    part = b"--b\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(odd), odd)
    with flooding(HEAD + b"\r\n", part) as url, hostile_rig(tmp_path, cameras=camera(url)) as rig:
        rig.wait_for_state("bad", "running")
        with rig.undisturbed(4, descriptors=4):
            pass
        assert "extraneous bytes" not in rig.log()
