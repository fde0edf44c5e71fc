"""Containers: what is no video, and what leads to other files."""

from __future__ import annotations

import gc
import io
import weakref
from pathlib import Path

import av
import numpy as np
import pytest

from edged.camera.file import VideoFile
from edged.camera.video.container import Container
from edged.errors import SourceError
from tests.camera.video.clips import make_clip

DASH = """<?xml version="1.0"?><MPD xmlns="urn:mpeg:dash:schema:mpd:2011" type="static"><Period>
<AdaptationSet mimeType="video/mp4"><Representation id="1"><BaseURL>{}</BaseURL></Representation></AdaptationSet>
</Period></MPD>"""


def refusal(content: bytes) -> str:
    with pytest.raises(SourceError) as caught:
        Container(io.BytesIO(content))
    return str(caught.value)


@pytest.mark.parametrize("where", ["file://{}", "{}", "http://127.0.0.1:1/x.ts", "tcp://127.0.0.1:1"])
@pytest.mark.parametrize(
    "form",
    [
        "#EXTM3U\n#EXT-X-TARGETDURATION:1\n#EXTINF:1,\n{}\n#EXT-X-ENDLIST\n",
        "ffconcat version 1.0\nfile '{}'\n",
        DASH,
        "v=0\no=- 0 0 IN IP4 127.0.0.1\ns=x\nc=IN IP4 127.0.0.1\nm=video 5004 RTP/AVP 96\na=rtpmap:96 H264/90000\n",
    ],
    ids=["hls", "concat", "dash", "sdp"],
)
def test_a_list_of_other_files_leads_nowhere(
    tmp_path: Path, form: str, where: str, capfd: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    clip = make_clip(tmp_path / "clip.ts")
    monkeypatch.chdir(tmp_path)
    path = tmp_path / "list.m3u8"
    path.write_text(form.format(where.format(clip)))
    video = VideoFile(path, loop=False, fps=None)
    with pytest.raises(SourceError, match=r"list\.m3u8: "):
        video.open()
    video.close()
    assert capfd.readouterr().err == ""


def test_a_container_is_free_at_once_when_nobody_has_it(tmp_path: Path) -> None:
    make_clip(tmp_path / "clip.mp4")
    container = Container(io.BytesIO((tmp_path / "clip.mp4").read_bytes()))
    seen = weakref.ref(container)
    gc.disable()
    try:
        container.close()
        del container
        assert seen() is None
    finally:
        gc.enable()


def test_what_is_no_video_is_refused_with_the_name_of_what_is() -> None:
    assert refusal(b"") == refusal(b"no video" * 1000)
    assert refusal(b"").endswith("H.264 in an .mp4 works")


def test_no_packet_and_no_frame_is_kept_after_it_was_shown(tmp_path: Path) -> None:
    """A frame that is kept by a reference to itself waits for the garbage collector, which does not know its size."""
    path = make_clip(tmp_path / "clip.mp4", frames=100)
    gc.collect()
    gc.disable()
    try:
        video = VideoFile(path, loop=False, fps=1000)
        slot = np.zeros(video.open().shape, np.uint8)
        most = 0
        for _ in range(100):
            while video.grab(10) is None:
                pass
            video.retrieve(slot)
            most = max(most, sum(isinstance(it, av.VideoFrame) and it.width == 64 for it in gc.get_objects()))
        video.close()
    finally:
        gc.enable()
    assert 0 < most < 8
