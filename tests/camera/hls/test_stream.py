"""Lists of segments over HTTP: recorded and live ones, and where they may lead."""

from __future__ import annotations

import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from edged.camera.stream import StreamSource
from edged.camera.web import WebSource
from edged.errors import SourceError
from edged.values import Stamp
from tests.camera.leaks import leaves_nothing_behind
from tests.camera.video.clips import make_clip
from tests.camera.web_files import WebFiles, web_files
from tests.fakes import eventually
from tests.stopwatch import stopwatch

pytestmark = pytest.mark.timed

LIMIT = 10.0


def segment(
    folder: Path, first: int, *, frames: int = 12, codec: str = "libx264", size: tuple[int, int] = (64, 48)
) -> bytes:
    """A transport stream of half a second, whose times begin at frame *first*."""
    path = folder / f"{first}.ts"
    times = [first + n for n in range(frames)]
    options = {"x265-params": "log-level=none"} if codec == "libx265" else {}
    return make_clip(path, size=size, frames=frames, codec=codec, times=times, options=options).read_bytes()


def playlist(*lines: str, ended: bool = True, first: int = 0, seconds: float = 0.48) -> bytes:
    head = ["#EXTM3U", "#EXT-X-VERSION:7", "#EXT-X-TARGETDURATION:1", f"#EXT-X-MEDIA-SEQUENCE:{first}"]
    body = [text for line in lines for text in ([line] if line.startswith("#") else [f"#EXTINF:{seconds},", line])]
    return "\n".join([*head, *body, *(["#EXT-X-ENDLIST"] if ended else [])]).encode()


def levels(source: StreamSource | WebSource, most: int = 1000) -> tuple[list[int], list[Stamp], str]:
    """The levels and stamps of the frames that come, and how the stream was lost."""
    slot = np.zeros(source.open().shape, np.uint8)
    seen: list[int] = []
    stamps: list[Stamp] = []
    deadline = time.monotonic() + 30
    while len(seen) < most and time.monotonic() < deadline:
        try:
            stamp = source.grab(0.25)
        except SourceError as exc:
            return seen, stamps, str(exc)
        if stamp is not None:
            source.retrieve(slot)
            seen.append(round((float(slot.mean()) - 8) / 16))
            stamps.append(stamp)
    return seen, stamps, ""


def refusal(source: StreamSource | WebSource) -> str:
    with pytest.raises(SourceError) as caught:
        source.open()
    source.close()
    return str(caught.value)


def test_a_recorded_list_is_played_to_its_end_at_its_own_speed(tmp_path: Path) -> None:
    files = {f"/v/{n}.ts": segment(tmp_path, 12 * n) for n in range(3)}
    files["/v/list.m3u8"] = playlist("0.ts", "1.ts", "2.ts")
    with web_files(WebFiles(files)) as server:
        source = WebSource(server.url("/v/list.m3u8"), timeout=LIMIT)
        seen, stamps, reason = levels(source)
        source.close()
    assert seen == [*range(12)] * 3
    assert reason.endswith("/v/list.m3u8: stopped delivering")
    assert {(stamp.source, stamp.ts_from) for stamp in stamps} == {("driver", "pts")}
    # The clip ends within 1.4 s; where the machine is busy it takes longer, and never less.
    assert stamps[-1].t_cap_ns - stamps[0].t_cap_ns > 1.3e9
    assert all(later.t_cap_ns - earlier.t_cap_ns > 30e6 for earlier, later in pairwise(stamps))


def test_a_list_of_variants_leads_to_the_first_with_video(tmp_path: Path) -> None:
    files = {
        "/0.ts": segment(tmp_path, 0),
        "/small.m3u8": playlist("0.ts"),
        "/all.m3u8": b'#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=9,CODECS="mp4a.40.2"\nsound.m3u8\n'
        b'#EXT-X-STREAM-INF:BANDWIDTH=99,CODECS="avc1.4d401e,mp4a.40.2"\nsmall.m3u8\n',
    }
    with web_files(WebFiles(files)) as server:
        source = WebSource(server.url("/all.m3u8"), timeout=LIMIT)
        assert levels(source)[0] == [*range(12)]
        source.close()
        assert server.asked("/sound.m3u8") == 0


def test_a_live_list_is_entered_near_its_end_and_followed(tmp_path: Path) -> None:
    files = {f"/{n}.ts": segment(tmp_path, 12 * n) for n in range(9)}
    files["/live.m3u8"] = playlist(*(f"{n}.ts" for n in range(6)), ended=False)
    with web_files(WebFiles(files)) as server:
        source = WebSource(server.url("/live.m3u8"), timeout=LIMIT)
        assert len(levels(source, most=10)[0]) == 10
        assert [server.asked(f"/{n}.ts") for n in range(4)] == [0, 0, 0, 1]
        server.files["/live.m3u8"] = playlist(*(f"{n}.ts" for n in range(3, 9)), ended=False, first=3)
        slot = np.zeros((48, 64, 3), np.uint8)

        def last_is_asked_for() -> bool:
            if source.grab(0.25) is not None:
                source.retrieve(slot)
            return server.asked("/8.ts") > 0

        eventually(last_is_asked_for, "the newest segment is asked for")
        assert [server.asked(f"/{n}.ts") for n in range(9)] == [0, 0, 0, 1, 1, 1, 1, 1, 1]
        source.close()


def test_a_live_list_that_names_nothing_new_is_a_loss(tmp_path: Path) -> None:
    files = {f"/{n}.ts": segment(tmp_path, 12 * n) for n in range(3)}
    files["/live.m3u8"] = playlist("0.ts", "1.ts", "2.ts", ended=False)
    with web_files(WebFiles(files)) as server:
        source = WebSource(server.url("/live.m3u8"), timeout=2.0)
        seen, _, reason = levels(source)
        source.close()
    assert len(seen) >= 33  # the last frames wait for those that follow them
    assert "its list has named nothing new for" in reason or "no frame for 2 s" in reason


def test_a_live_stream_that_waits_for_a_segment_ends_at_once_when_it_is_woken(tmp_path: Path) -> None:
    files = {"/0.ts": segment(tmp_path, 0, frames=24), "/live.m3u8": playlist("0.ts", ended=False, seconds=60)}
    with web_files(WebFiles(files)) as server:
        source = WebSource(server.url("/live.m3u8"), timeout=LIMIT)
        levels(source, most=12)
        with stopwatch() as watch:
            source.wake()
            assert source.grab(60) is None
            source.close()
        assert watch.seconds < 1.0


@pytest.mark.parametrize("codec", ["libx264", "libx265", "mpeg4"])
def test_a_stream_goes_on_after_a_discontinuity_with_another_codec_and_size(tmp_path: Path, codec: str) -> None:
    files = {"/0.ts": segment(tmp_path, 0), "/1.ts": segment(tmp_path, 90000, codec=codec, size=(128, 96))}
    files["/list.m3u8"] = playlist("0.ts", "#EXT-X-DISCONTINUITY", "1.ts")
    with web_files(WebFiles(files)) as server:
        source = WebSource(server.url("/list.m3u8"), timeout=LIMIT)
        seen, stamps, _ = levels(source)
        source.close()
    assert seen == [*range(12)] * 2
    assert all(later.t_cap_ns - earlier.t_cap_ns < 5e9 for earlier, later in pairwise(stamps))


def test_fragments_of_mp4_with_a_beginning_and_byte_ranges_are_read(tmp_path: Path) -> None:
    whole = make_clip(
        tmp_path / "all.mp4", frames=12, gop=4, file_options={"movflags": "frag_keyframe+empty_moov+default_base_moof"}
    ).read_bytes()
    first, second = whole.index(b"moof") - 4, whole.index(b"moof", whole.index(b"moof") + 4) - 4
    lines = [
        f'#EXT-X-MAP:URI="all.m4s",BYTERANGE="{first}@0"',
        f"#EXT-X-BYTERANGE:{second - first}@{first}",
        "all.m4s",
        f"#EXT-X-BYTERANGE:{len(whole) - second}",
        "all.m4s",
    ]
    with web_files(WebFiles({"/all.m4s": whole, "/list.m3u8": playlist(*lines)})) as server:
        source = WebSource(server.url("/list.m3u8"), timeout=LIMIT)
        assert levels(source)[0] == [*range(12)]
        source.close()
        assert [asked for path, asked, _ in server.requests if path == "/all.m4s"] == [
            f"bytes=0-{first - 1}",
            f"bytes={first}-{second - 1}",
            f"bytes={second}-{len(whole) - 1}",
        ]


def test_a_segment_that_is_gone_is_passed_over(tmp_path: Path) -> None:
    files = {
        "/0.ts": segment(tmp_path, 0),
        "/2.ts": segment(tmp_path, 24),
        "/list.m3u8": playlist("0.ts", "1.ts", "2.ts"),
    }
    with web_files(WebFiles(files)) as server:
        source = WebSource(server.url("/list.m3u8"), timeout=LIMIT)
        seen, _, _ = levels(source)
        source.close()
    assert seen == [*range(12)] * 2


def test_no_list_leads_to_another_host(tmp_path: Path) -> None:
    with web_files(WebFiles({"/0.ts": segment(tmp_path, 0)})) as other:
        away = other.url("/0.ts", host="localhost")
        files = {
            "/segment.m3u8": playlist(away),
            "/map.m3u8": playlist(f'#EXT-X-MAP:URI="{away}"', "0.ts"),
            "/variant.m3u8": b"#EXTM3U\n#EXT-X-STREAM-INF:BANDWIDTH=1\n" + away.encode(),
            "/file.m3u8": playlist("file:///etc/passwd"),
            "/0.ts": segment(tmp_path, 0),
        }
        with web_files(WebFiles(files)) as server:
            for name in ("/segment.m3u8", "/map.m3u8", "/variant.m3u8", "/file.m3u8"):
                refusal(WebSource(server.url(name), timeout=LIMIT))
            assert "its list leads to another host" in refusal(WebSource(server.url("/variant.m3u8"), timeout=LIMIT))
            assert other.requests == []
            source = WebSource(server.url("/segment.m3u8"), timeout=LIMIT, follow_redirects="any")
            assert levels(source)[0] == [*range(12)]
            source.close()
        assert other.asked("/0.ts") == 1


def test_user_and_password_go_with_the_segments_of_their_host_only(tmp_path: Path) -> None:
    with web_files(WebFiles({"/1.ts": segment(tmp_path, 12)})) as other:
        files = {"/0.ts": segment(tmp_path, 0), "/l.m3u8": playlist("0.ts", other.url("/1.ts", host="localhost"))}
        with web_files(WebFiles(files, login="me:secret")) as server:
            source = WebSource(server.url("/l.m3u8", login="me:secret"), timeout=LIMIT, follow_redirects="any")
            assert levels(source)[0] == [*range(12)] * 2
            source.close()
        assert [login for _, _, login in other.requests] == [None]


@pytest.mark.parametrize(
    ("content", "reason"),
    [
        (
            playlist('#EXT-X-KEY:METHOD=AES-128,URI="k"', "0.ts"),
            "its segments are encrypted, which edged does not undo",
        ),
        (playlist(), "its list names no video"),
        (b"#EXTM3U\n" + b"#" * (5 << 20), "its list is too long, or comes too slowly"),
        (playlist(*["0.ts"] * 50_001), "its list has more than 50000 segments"),
    ],
    ids=["encrypted", "empty", "long", "many"],
)
def test_a_list_that_cannot_be_played_is_refused_with_the_reason(content: bytes, reason: str) -> None:
    with web_files(WebFiles({"/l.m3u8": content})) as server:
        assert reason in refusal(WebSource(server.url("/l.m3u8"), timeout=LIMIT))


def test_lists_leave_nothing_behind(tmp_path: Path) -> None:
    files = {"/0.ts": segment(tmp_path, 0, frames=24), "/live.m3u8": playlist("0.ts", ended=False)}
    with web_files(WebFiles(files)) as server:

        def one_round() -> None:
            source = WebSource(server.url("/live.m3u8"), timeout=LIMIT)
            source.open()
            source.grab(1)
            source.close()
            source.close()

        leaves_nothing_behind(one_round)
