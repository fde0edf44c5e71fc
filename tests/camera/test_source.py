"""What a configuration asks for is the source that it gets, with every option."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.camera import LiveStream, Source, open_source
from edged.camera.jpeg import REDUCTIONS, reduced
from edged.camera.pi.controls import WHITE_BALANCES, PiControls
from edged.camera.pi.view import FrameSize
from edged.camera.picamera import PicameraSource
from edged.camera.prepared import PreparedSource
from edged.camera.rtsp.source import RtspSource
from edged.camera.usb import UsbCamera
from edged.camera.v4l2.choice import FormatRequest
from edged.config import CameraConfig
from edged.config.sections.camera_controls import WhiteBalance
from edged.config.sections.camera_kinds import CAMERA_KINDS, CameraKind
from edged.errors import EndOfStream, SourceError
from edged.regions import Region
from edged.values import Format
from edged.vision.pixels.reduction import largest_reduction
from tests.camera.servers import MjpegServer, serving

MODEL = (224, 200)  # width and height of its input


def camera(source: str, **options: object) -> CameraConfig:
    return CameraConfig.model_validate({"source": source, **options})


@contextmanager
def opened(source: Source) -> Iterator[Format]:
    try:
        yield source.open()
    finally:
        source.close()


def frames(source: Source, most: int) -> list[NDArray[np.uint8]]:
    """What *source* delivers until its end, or *most* frames."""
    seen: list[NDArray[np.uint8]] = []
    with opened(source) as frame_format:
        while len(seen) < most:
            try:
                if source.grab(1.0) is None:
                    continue
            except EndOfStream:
                break
            slot = np.zeros(frame_format.shape, np.uint8)
            source.retrieve(slot)
            seen.append(slot)
    return seen


def test_a_file_plays_once_or_for_ever_at_its_speed(demo: Path) -> None:
    clip = f"file:{demo / 'street.mp4'}"
    assert len(frames(open_source(camera(clip, fps=1000)), 300)) == 240
    assert len(frames(open_source(camera(clip, fps=1000, loop=True)), 250)) == 250


def test_a_folder_is_a_file_of_pictures(demo: Path, tmp_path: Path) -> None:
    for name in "ab":
        (tmp_path / f"{name}.jpg").symlink_to(demo / "path-empty.jpg")
    assert len(frames(open_source(camera(f"dir:{tmp_path}", fps=1000)), 9)) == 2
    assert len(frames(open_source(camera(f"dir:{tmp_path}", fps=1000, loop=True)), 5)) == 5


def test_a_test_picture_has_the_size_and_rate_that_are_asked_for() -> None:
    with opened(open_source(camera("pattern:"))) as frame_format:
        assert frame_format == Format(640, 480, fps=15.0)
    with opened(open_source(camera("pattern:320x64", fps=50))) as frame_format:
        assert frame_format == Format(320, 64, fps=50.0)


def test_a_usb_camera_is_asked_for_size_rate_and_format() -> None:
    asked = camera("usb:/dev/video0", width=1280, height=720, fps=10, pixel_format="yuyv")
    source = open_source(asked, input_size=MODEL)
    assert isinstance(source, UsbCamera)
    assert source._request == FormatRequest(1280, 720, 10.0, "yuyv")
    assert source._reduce is None
    assert source._target == "/dev/video0"


def test_a_usb_camera_whose_frames_are_reduced_has_to_send_jpegs() -> None:
    source = open_source(camera("usb:C920", rotation=90), decode="reduced", input_size=MODEL)
    assert isinstance(source, UsbCamera)
    assert source._request == FormatRequest(pixels="mjpg")
    assert source._reduce is not None
    assert source._reduce(800, 896) == 4, "the crop is turned, so it has to be 200 × 224"
    assert source._reduce(799, 896) == 4, "sides are rounded up"
    assert source._reduce(796, 896) == 2
    assert source._reduce(200, 200) == 1


def test_a_picamera_is_set_as_configured() -> None:
    controls = {"exposure_us": 5000, "gain": 2, "white_balance": [1.5, 2], "focus": 0.5}
    asked = camera("picamera:imx708", width=800, hflip=True, fps=10, controls=controls)
    prepared = open_source(asked, input_size=MODEL)
    assert isinstance(prepared, PreparedSource)
    source = prepared._source
    assert isinstance(source, PicameraSource)
    assert source._target == "imx708"
    wanted = source._wanted
    assert (wanted.mirror, wanted.crop) == ("horizontal", None)
    assert wanted.controls == PiControls(5000, 2.0, (1.5, 2.0), 10.0, 0.5)
    assert wanted.size.pixels(16 / 9, 4608) == (800, 450)


@pytest.mark.parametrize("options", [{}, {"mirror": "both"}, {"mask": [[[0, 0], [1, 0], [0, 1]]]}])
def test_a_stream_stays_one_when_its_frames_are_prepared(options: dict[str, object]) -> None:
    source = open_source(camera("rtsp://127.0.0.1:9/live", **options))
    assert isinstance(source, LiveStream)
    source.expect_rate(0.5)


def test_a_slow_cap_does_not_slow_the_sensor() -> None:
    source = open_source(camera("picamera:0", fps=2))
    assert isinstance(source, PicameraSource)
    assert source._wanted.controls.fps is None


def test_a_picamera_delivers_as_many_pixels_as_the_smallest_region_needs() -> None:
    regions = {"wide": {"top": 0.5}, "high": {"right": 0.25}}
    source = open_source(camera("picamera:0", rotation=270, regions=regions), input_size=MODEL)
    assert isinstance(source, PicameraSource)
    assert source._wanted.size == FrameSize(at_least=(800, 448))
    without = open_source(camera("picamera:0"))
    assert isinstance(without, PicameraSource)
    assert without._wanted.size == FrameSize()


def test_a_picamera_that_crops_delivers_the_region_alone() -> None:
    asked = camera("picamera:0", regions={"door": {"left": 0.75, "top": 0.5}}, scaler_crop=True)
    source = open_source(asked, input_size=MODEL)
    assert isinstance(source, PicameraSource)
    assert source._wanted.crop == Region(left=0.75, top=0.5)
    assert source._wanted.size == FrameSize(at_least=MODEL)


def test_the_configuration_knows_the_same_kinds_of_light_as_the_camera() -> None:
    assert WhiteBalance.__args__ == tuple(WHITE_BALANCES)  # type: ignore[attr-defined]  # of every Literal


@pytest.mark.parametrize("exposure_us", [1, 33_333, 100_000])
@pytest.mark.parametrize("fps", [0.001, 9.99, 10, 30, 1000])
def test_whatever_the_configuration_takes_is_taken_by_a_picamera(exposure_us: int, fps: float) -> None:
    if exposure_us * fps > 1_000_000:
        with pytest.raises(ValueError, match="the time of a frame"):
            camera("picamera:0", fps=fps, controls={"exposure_us": exposure_us})
    else:
        open_source(camera("picamera:0", fps=fps, controls={"exposure_us": exposure_us}))


@pytest.mark.parametrize(("stall_seconds", "timeout"), [(2, 10), (5, 10), (25, 25), (3600, 30), (0, 30)])
def test_an_rtsp_camera_gets_time_to_begin(stall_seconds: float, timeout: float) -> None:
    source = open_source(camera("rtsp://user:secret@127.0.0.1:1/live", stall_seconds=stall_seconds))
    assert isinstance(source, RtspSource)
    assert source._timeout == timeout


@pytest.mark.parametrize("verify", [True, False])
def test_certificates_of_rtsps_are_verified_unless_that_is_not_wanted(verify: bool) -> None:
    source = open_source(camera("rtsps://127.0.0.1:1/live", verify_tls=verify))
    assert isinstance(source, RtspSource)
    assert source._verify_tls is verify


@pytest.mark.parametrize("follow", ["same-host", "any"])
def test_redirections_of_rtsp_are_followed_as_configured(follow: str) -> None:
    source = open_source(camera("rtsp://127.0.0.1:1/live", follow_redirects=follow))
    assert isinstance(source, RtspSource)
    assert source._follow == follow


@pytest.mark.parametrize("transport", ["auto", "tcp", "udp"])
@pytest.mark.parametrize("decode_frames", ["auto", "all", "key"])
@pytest.mark.parametrize("ts_from", ["pts", "rtcp"])
def test_an_rtsp_camera_is_read_as_configured(transport: str, decode_frames: str, ts_from: str) -> None:
    options = {"rtsp_transport": transport, "decode_frames": decode_frames, "ts_from": ts_from}
    source = open_source(camera("rtsp://127.0.0.1:1/live", **options))
    assert isinstance(source, RtspSource)
    assert (source._transport, source._decode_frames) == (transport, decode_frames)
    assert source._use_wall_clock is (ts_from == "rtcp")
    assert isinstance(source, LiveStream)


def test_jpegs_over_http_are_read_by_edged(demo: Path) -> None:
    with serving(MjpegServer()) as server, opened(open_source(camera(server.url()))) as frame_format:
        assert frame_format == Format(320, 240)


def test_jpegs_over_http_are_reduced_as_far_as_the_model_allows() -> None:
    half = camera("http://127.0.0.1/", regions={"left": {"right": 0.5}})
    with serving(MjpegServer()) as server:
        seen = []
        for config in (camera(server.url()), half.model_copy(update={"source": camera(server.url()).source})):
            source = open_source(config, decode="reduced", input_size=(80, 60))
            (frame,) = frames(source, 1)
            seen.append(frame.shape)
    assert seen == [(60, 80, 3), (120, 160, 3)]


def test_what_cannot_be_reduced_is_not_taken_in_full(demo: Path) -> None:
    with serving(MjpegServer(video=(demo / "street.mp4").read_bytes())) as server:
        source = open_source(camera(server.url("/video")), decode="reduced", input_size=MODEL)
        with pytest.raises(SourceError, match="not a stream of JPEGs, but video/x-msvideo"):
            source.open()
        source.close()


@pytest.mark.parametrize("reduction", [reduction for reduction in REDUCTIONS if reduction > 1])
def test_the_size_that_is_promised_is_the_one_that_the_decoder_gives(reduction: int) -> None:
    for size in range(1, 70):
        least = (reduced(size, reduction), reduced(size, reduction))
        assert largest_reduction(size, size, [Region()], least) >= reduction


EXAMPLES = {
    "file": "file:/a.mp4",
    "dir": "dir:/pictures",
    "usb": "usb:/dev/video0",
    "picamera": "picamera:0",
    "pattern": "pattern:",
    **{scheme: f"{scheme}://127.0.0.1:1/" for scheme in ("rtsp", "rtsps", "http", "https")},
}


@pytest.mark.parametrize("kind", CAMERA_KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_camera_is_opened_by_the_class_of_its_entry(kind: CameraKind) -> None:
    source = open_source(camera(EXAMPLES[kind.name]), input_size=MODEL)
    assert f"{type(source).__module__}:{type(source).__qualname__}" == kind.source_class
    assert all(callable(getattr(source, name)) for name in ("open", "grab", "retrieve", "wake", "close"))


def test_no_option_of_a_url_is_needed_to_make_a_source() -> None:
    """Making one opens nothing: no thread, no connection."""
    before = threading.active_count()
    for source in ("http://127.0.0.1:1/", "https://127.0.0.1:1/", "rtsp://127.0.0.1:1/", "usb:x", "picamera:9"):
        open_source(camera(source)).close()
    assert threading.active_count() == before
