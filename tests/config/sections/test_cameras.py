"""Options of each kind of camera: accepted values, defaults, and refusals."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from edged.config import CameraConfig, Config
from edged.config.sections.camera_controls import ControlsConfig
from edged.config.sections.camera_kinds import CAMERA_KINDS

Told = Callable[[str], list[str]]
Read = Callable[[str], Config]

SOURCES: dict[str, str] = {
    "file": "file:/a.mp4",
    "dir": "dir:/pictures",
    "usb": "usb:/dev/video0",
    "picamera": "picamera:0",
    "pattern": "pattern:",
    "rtsp": "rtsp://host/live",
    "rtsps": "rtsps://host/live",
    "http": "http://host/live",
    "https": "https://host/live",
}

OPTIONS: dict[str, tuple[str, set[str]]] = {
    "loop": ("true", {"file", "dir"}),
    "policy": ("block", {"file", "dir"}),
    "fps": ("5", set(SOURCES)),
    "width": ("640, height: 480", {"usb", "picamera"}),
    "height": ("480, width: 640", {"usb", "picamera"}),
    "pixel_format": ("mjpg", {"usb"}),
    "hflip": ("true", {"picamera"}),
    "vflip": ("true", {"picamera"}),
    "mirror": ("both", set(SOURCES)),
    "mask": ("[[[0, 0], [1, 0], [0, 1]]]", set(SOURCES)),
    "controls": ("{gain: 2}", {"picamera", "usb"}),
    "verify_tls": ("false", {"rtsps", "http", "https"}),
    "follow_redirects": ("any", {"rtsp", "rtsps", "http", "https"}),
    "rtsp_transport": ("tcp", {"rtsp", "rtsps"}),
    "decode_frames": ("key", {"rtsp", "rtsps", "http", "https"}),
    "decoder": ("h264_v4l2m2m", {"file", "rtsp", "rtsps", "http", "https"}),
    "ts_from": ("pts", {"rtsp", "rtsps"}),
    "skip_unchanged": ("true", set(SOURCES)),
    "changed_levels": ("12", set(SOURCES)),
    "refresh_seconds": ("0", set(SOURCES)),
    "on_demand": ("true", set(SOURCES)),
    "scaler_crop": ("true", {"picamera"}),
    "settle_frames": ("10", set(SOURCES)),
    "stall_seconds": ("3", set(SOURCES) - {"file", "dir"}),
    "frozen_seconds": ("3", set(SOURCES) - {"file", "dir", "pattern"}),
    "retry_seconds": ("1", set(SOURCES)),
    "retry_max_seconds": ("60", set(SOURCES)),
    "max_reopens": ("3", set(SOURCES)),
}

POINT_RULE = "must be a point: two numbers in 0…1, from the left and from the top"
FOCUS_RULE = "must be auto, or dioptres in 0…100: 0 is infinity, 2 half a metre"
WHITE_BALANCE_RULE = (
    "must be one of auto, incandescent, tungsten, fluorescent, indoor, daylight, cloudy, or the gains of red and blue "
    "such as [1.8, 1.5]"
)


def camera(kind: str, setting: str = "") -> str:
    return f"cameras: {{a: {{source: '{SOURCES[kind]}'{setting and f', {setting}'}}}}}"


def test_every_kind_of_source_is_looked_at_here() -> None:
    assert list(SOURCES) == [kind.name for kind in CAMERA_KINDS]
    assert set(OPTIONS) | {"source", "rotation", "regions"} == set(CameraConfig.model_fields)


@pytest.mark.parametrize("kind", SOURCES)
@pytest.mark.parametrize("option", OPTIONS)
def test_an_option_is_taken_where_it_means_something_and_refused_elsewhere(
    read: Read, told: Told, kind: str, option: str
) -> None:
    value, kinds = OPTIONS[option]
    text = camera(kind, f"{option}: {value}")
    if kind in kinds:
        read(text)
    else:
        lines = told(text)
        assert [line for line in lines if f"cameras.a.{option}: " in line and f"(source is '{SOURCES[kind]}')" in line]


@pytest.mark.parametrize("kind", SOURCES)
def test_the_default_of_every_option_is_taken_by_every_source(read: Read, kind: str) -> None:
    least = read(camera(kind)).cameras["a"]
    written = {name: value for name, value in least.model_dump(mode="json").items() if name != "source"}
    again = CameraConfig.model_validate({"source": SOURCES[kind], **written})
    assert again == least


@pytest.mark.parametrize(
    ("kind", "stall", "frozen", "reopens"),
    [("file", 0, 0, 0), ("dir", 0, 0, 0), ("pattern", 5, 0, 0), ("usb", 5, 30, 0), ("picamera", 5, 30, 6)],
)
def test_live_cameras_are_watched(read: Read, kind: str, stall: float, frozen: float, reopens: int) -> None:
    config = read(camera(kind)).cameras["a"]
    assert (config.stall_seconds, config.frozen_seconds, config.max_reopens) == (stall, frozen, reopens)
    assert (config.settle_frames, config.retry_seconds, config.retry_max_seconds) == (0, 2.0, 30.0)


def test_watching_can_be_switched_off(read: Read) -> None:
    config = read(camera("picamera", "stall_seconds: 0, frozen_seconds: 0, max_reopens: 0")).cameras["a"]
    assert (config.stall_seconds, config.frozen_seconds, config.max_reopens) == (0, 0, 0)


@pytest.mark.parametrize(
    ("old", "mirror"),
    [
        ("hflip: true", "horizontal"),
        ("vflip: true", "vertical"),
        ("hflip: true, vflip: true", "both"),
        ("hflip: false, vflip: false", "none"),
        ("hflip: false, mirror: vertical", "vertical"),
    ],
)
def test_the_old_names_of_mirror_go_on(read: Read, old: str, mirror: str) -> None:
    config = read(camera("picamera", old)).cameras["a"]
    assert (config.mirror, config.hflip, config.vflip) == (mirror, False, False)
    assert config == read(camera("picamera", f"mirror: {mirror}")).cameras["a"]


def test_a_mask_is_polygons(read: Read) -> None:
    mask = read(camera("usb", "mask: [[[0, 0], [1, 0.5], [0, 1]], [[0.5, 0], [1, 0], [1, 0.25]]]")).cameras["a"].mask
    assert mask == (((0.0, 0.0), (1.0, 0.5), (0.0, 1.0)), ((0.5, 0.0), (1.0, 0.0), (1.0, 0.25)))
    assert read(camera("usb", "mask: ")).cameras["a"].mask == ()


def test_controls_are_values(read: Read) -> None:
    text = "controls: {exposure_us: 8000, gain: 1.5, white_balance: [2, 1.5], focus: auto}"
    controls = read(camera("picamera", text)).cameras["a"].controls
    assert controls == ControlsConfig(exposure_us=8000, gain=1.5, white_balance=(2.0, 1.5), focus="auto")
    controls = read(camera("picamera", "controls: {white_balance: daylight, focus: 2}")).cameras["a"].controls
    assert (controls.white_balance, controls.focus) == ("daylight", 2.0)
    assert read(camera("picamera", "controls: ")).cameras["a"].controls == ControlsConfig()
    controls = (
        read(camera("usb", "controls: {gain: 0, white_balance: 5600, power_line_frequency: off}")).cameras["a"].controls
    )
    assert (controls.gain, controls.white_balance, controls.power_line_frequency) == (0.0, 5600, "off")
    assert read(camera("usb", "controls: {power_line_frequency: 60}")).cameras["a"].controls.power_line_frequency == 60


@pytest.mark.parametrize(
    ("kind", "setting", "line"),
    [
        ("usb", "width: 640", "width: must be given together: width and height"),
        ("usb", "height: 640", "height: must be given together: width and height"),
        ("usb", "width: 15, height: 480", "width: must be at least 16 (got 15)"),
        ("usb", "width: 1.5, height: 480", "width: must be a whole number (got 1.5)"),
        ("picamera", "width: 63", "width: must be at least 64 for picamera: (got 63)"),
        (
            "pattern",
            "width: 640",
            "width: is only for usb:, picamera: (source is 'pattern:'); leave it out and write pattern:WIDTHxHEIGHT",
        ),
        (
            "rtsp",
            "hflip: true",
            "hflip: is only for picamera: (source is 'rtsp://host/live'); leave it out and write mirror: horizontal",
        ),
        (
            "picamera",
            "hflip: true, mirror: none",
            "hflip: is an old name for mirror and must not be given beside it (mirror is 'none'); leave it out",
        ),
        (
            "picamera",
            "mirror: vertical, vflip: true",
            "vflip: is an old name for mirror and must not be given beside it (mirror is 'vertical'); leave it out",
        ),
        ("usb", "mirror: left", "mirror: must be one of none, horizontal, vertical, both (got 'left')"),
        (
            "usb",
            "mask: [[0, 0], [1, 0], [0, 1]]",
            "mask: must be a list of polygons, and this is one polygon: put another pair of brackets around it",
        ),
        ("usb", "mask: left", "mask: must be a list of polygons, [[[0, 0], [0.4, 0], [0, 0.4]]] (got 'left')"),
        (
            "usb",
            "mask: [7]",
            "mask[0]: must be a polygon: a list of points, such as [[0, 0], [0.4, 0], [0, 0.4]] (got 7)",
        ),
        ("usb", "mask: [[[0, 0], [1, 1]]]", "mask[0]: must have 3 to 256 points (got 2)"),
        ("usb", "mask: [[[0, 0], [1, 1, 1], [0, 1]]]", f"mask[0][1]: {POINT_RULE} (got 3 numbers)"),
        ("usb", "mask: [[[0, 0], 0.5, [0, 1]]]", f"mask[0][1]: {POINT_RULE} (got 0.5)"),
        ("usb", "mask: [[[0, 0], [0, 480], [0.5, 0]]]", "mask[0][1][1]: must be at most 1 (got 480)"),
        ("usb", "mask: [[[0, 0], [x, 1], [0.5, 0]]]", "mask[0][1][0]: must be a number (got 'x')"),
        (
            "usb",
            "mask: [[[0, 0], [0, 0], [0.5, 0.5], [1, 1]]]",
            "mask[0]: covers nothing, because its points lie on a line",
        ),
        (
            "usb",
            f"mask: [{', '.join(65 * ['[[0, 0], [1, 0], [0, 1]]'])}]",
            "mask: must have at most 64 polygons (got 65)",
        ),
        (
            "picamera",
            "regions: {bay: {left: 320px}}",
            (
                "regions.bay: is in pixels, and picamera: chooses a size that suits the regions: give the camera width "
                "and height too, or write numbers in 0…1"
            ),
        ),
        (
            "picamera",
            "height: 480, scaler_crop: true, regions: {bay: {left: 320px}}",
            "scaler_crop: must be false where a region is in pixels, because the frame is the region: write 0…1 there",
        ),
        (
            "picamera",
            "scaler_crop: true, mask: [[[0, 0], [1, 0], [0, 1]]]",
            "scaler_crop: must be false where there is a mask, because hardware does not crop to the pixel",
        ),
        (
            "rtsp",
            "verify_tls: false",
            "verify_tls: is only for rtsps://, http://, https:// (source is 'rtsp://host/live'); leave it out",
        ),
        ("rtsp", "rtsp_transport: sctp", "rtsp_transport: must be one of auto, tcp, udp (got 'sctp')"),
        (
            "rtsps",
            "rtsp_transport: udp",
            "rtsp_transport: must be tcp or auto for rtsps://, because UDP is not encrypted; or write rtsp://",
        ),
        (
            "file",
            "decode_frames: key",
            "decode_frames: is only for rtsp://, rtsps://, http://, https:// (source is 'file:/a.mp4'); leave it out",
        ),
        ("rtsp", "decode_frames: some", "decode_frames: must be one of auto, all, key (got 'some')"),
        ("rtsp", "ts_from: gps", "ts_from: must be one of pts, rtcp (got 'gps')"),
        (
            "usb",
            "pixel_format: h264",
            "pixel_format: must be one of mjpg, nv12, nv21, i420, yv12, yuyv, bgr, rgb, bgra, rgba, gray (got 'h264')",
        ),
        ("picamera", "hflip: 1", "hflip: must be true or false (got 1)"),
        ("picamera", "controls: 1", "controls: must be a mapping (got 1)"),
        (
            "picamera",
            "controls: {iso: 100}",
            "controls.iso: unknown key; known are exposure_us, gain, white_balance, focus, power_line_frequency",
        ),
        ("picamera", "controls: {exposure_us: 0}", "controls.exposure_us: must be at least 1 (got 0)"),
        ("picamera", "controls: {exposure_us: 0.5}", "controls.exposure_us: must be a whole number (got 0.5)"),
        (
            "picamera",
            "fps: 30, controls: {exposure_us: 33334}",
            "controls.exposure_us: must be at most 33333, the time of a frame at 30 fps (got 33334)",
        ),
        ("picamera", "controls: {gain: 0.5}", "controls.gain: must be at least 1 (got 0.5)"),
        ("picamera", "controls: {white_balance: dusk}", f"controls.white_balance: {WHITE_BALANCE_RULE} (got 'dusk')"),
        ("picamera", "controls: {white_balance: [1, 0]}", f"controls.white_balance: {WHITE_BALANCE_RULE} (got [1, 0])"),
        ("picamera", "controls: {focus: -1}", f"controls.focus: {FOCUS_RULE} (got -1)"),
        ("picamera", "controls: {focus: 101}", f"controls.focus: {FOCUS_RULE} (got 101.0)"),
        (
            "picamera",
            "controls: {white_balance: 5600}",
            "controls.white_balance: must not be kelvins for a picamera:; name a kind of light",
        ),
        (
            "picamera",
            "controls: {power_line_frequency: 50}",
            "controls.power_line_frequency: is only for usb:; leave it out",
        ),
        (
            "usb",
            "controls: {power_line_frequency: 55}",
            "controls.power_line_frequency: must be off, 50, 60 or auto (got 55)",
        ),
        (
            "usb",
            "controls: {gain: 1.5}",
            "controls.gain: must be whole for usb:, in the driver's own units (got 1.5)",
        ),
        ("usb", "controls: {gain: -1}", "controls.gain: must be at least 0 (got -1)"),
        (
            "picamera",
            "scaler_crop: true, regions: {b: {}, c: {}}",
            "scaler_crop: must be false where there are several regions (got 2): a camera delivers one",
        ),
        ("usb", "settle_frames: -1", "settle_frames: must be at least 0 (got -1)"),
        ("usb", "stall_seconds: -1", "stall_seconds: must be at least 0 (got -1)"),
        ("usb", "frozen_seconds: often", "frozen_seconds: must be a number (got 'often')"),
        (
            "pattern",
            "frozen_seconds: 1",
            "frozen_seconds: must be 0 for a source that sends no picture twice (source is 'pattern:')",
        ),
        (
            "dir",
            "stall_seconds: 1",
            "stall_seconds: must be 0 for a source that is waited for (source is 'dir:/pictures')",
        ),
        (
            "usb",
            "retry_seconds: 31",
            "retry_max_seconds: must be at least retry_seconds (got 30.0 and 31.0)",
        ),
        ("usb", "max_reopens: 1.5", "max_reopens: must be a whole number (got 1.5)"),
        ("usb", "max_reopens: -1", "max_reopens: must be at least 0 (got -1)"),
    ],
)
def test_a_wrong_option_is_reported_in_a_sentence(told: Told, kind: str, setting: str, line: str) -> None:
    (found,) = told(camera(kind, setting))
    assert found.split(" ", 1)[1] == f"cameras.a.{line}"


def test_a_wrong_source_hides_no_other_problem_and_makes_none(told: Told) -> None:
    values = "width: 640, hflip: true, scaler_crop: true, frozen_seconds: 1, policy: block, max_reopens: -1"
    lines = told(f"cameras: {{a: {{source: 'video0', {values}}}}}")
    assert [line.split(": ")[1] for line in lines] == ["cameras.a.source", "cameras.a.max_reopens"]


def test_only_cameras_that_send_jpegs_can_be_reduced(read: Read, told: Told) -> None:
    config = read(
        """\
        model: {decode: reduced}
        cameras:
          a: {source: "usb:/dev/video0"}
          b: {source: "usb:/dev/video1", pixel_format: mjpg}
          c: {source: "https://host/live"}
        """
    )
    assert config.model.decode == "reduced"
    assert all(camera.can_send_jpegs for camera in config.cameras.values())
    (line,) = told(
        """\
        model: {decode: reduced}
        cameras:
          a: {source: "usb:/dev/video0"}
          b: {source: "usb:/dev/video1", pixel_format: yuyv}
          c: {source: "rtsp://me:s3cret@host/live"}
        """
    )
    assert line == (
        "1:17: model.decode: must be full, because only the JPEGs of usb:, http:// and https:// cameras can be "
        "reduced, and not what comes from b ('usb:/dev/video1'), c ('rtsp://***@host/live')"
    )
