"""The sections under ``cameras``: where frames come from, and which parts of them are embedded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field, ValidationInfo, field_validator, model_validator

from edged.config.problems import shown
from edged.config.sections.camera_kinds import CAMERA_KINDS, kinds_that_know, listed
from edged.config.sections.fields import Name, Section, SourceText, left_empty, misfit, no_fixed_default, whole
from edged.config.sections.mask import MaskPolygons
from edged.config.sections.picamera_controls import ControlsConfig
from edged.config.sections.region import RegionConfig
from edged.config.sections.source import SourceSpec
from edged.values import Mirror, Rotation, StreamClock

__all__ = ["CameraConfig", "DecodeFrames", "FollowName", "PixelFormatName", "Policy", "RtspTransport"]

Policy = Literal["block", "latest"]
FollowName = Literal["same-host", "any"]
DecodeFrames = Literal["auto", "all", "key"]
RtspTransport = Literal["auto", "tcp", "udp"]
PixelFormatName = Literal["mjpg", "nv12", "nv21", "i420", "yv12", "yuyv", "bgr", "rgb", "bgra", "rgba", "gray"]

_Side = Annotated[int, Field(ge=16, le=16384)]
_Seconds = Annotated[float, Field(ge=0, le=86400)]
_Pause = Annotated[float, Field(gt=0, le=3600)]

_RARE = sorted(frozenset[str]().union(*(kind.options for kind in CAMERA_KINDS)))
"""The options that only some kinds of cameras know. Others take nothing but their defaults."""

_NEW_NAMES = {"hflip": " and write mirror: horizontal", "vflip": " and write mirror: vertical"}

_FORMS = ", ".join(kind.form for kind in CAMERA_KINDS if not kind.is_url)
_URLS = listed([kind.prefix for kind in CAMERA_KINDS if kind.is_url], "or")
_SIZED = listed([kind.prefix for kind in kinds_that_know("width")], "and")
_REOPENS = ", ".join(f"{kind.max_reopens} for {kind.prefix}" for kind in CAMERA_KINDS if kind.max_reopens)


def _or_whole_frame(regions: object) -> object:
    return {"full": {}} if regions is None or regions == {} else regions


class CameraConfig(Section):
    """One camera, and the regions of its frames."""

    source: SourceText = Field(
        description=f"Where frames come from: {_FORMS}, or a URL that begins with {_URLS}.",
    )
    loop: bool = Field(default=False, description="Begin a file or folder again when it ends.")
    policy: Policy = Field(
        default=None,
        validate_default=True,
        json_schema_extra=no_fixed_default,
        description="When frames come faster than they are embedded: block lets a file or folder wait, so that every "
        "frame is embedded; latest drops all but the newest. Default: block for these, latest for live cameras.",
    )
    fps: Annotated[float, Field(gt=0, le=1000)] | None = Field(
        default=None,
        description="Frames per second: for a file or folder the speed at which it plays, for a live camera a cap. "
        "Default: as they come.",
    )
    width: _Side | None = Field(
        default=None, description=f"Of a frame, in pixels, for {_SIZED}. Default: what suits the camera."
    )
    height: _Side | None = Field(default=None, validate_default=True, description="Goes with width.")
    pixel_format: PixelFormatName | None = Field(
        default=None, description="What a usb: camera is asked for. Default: what suits its size, rate and bus."
    )
    mirror: Mirror = Field(
        default="none",
        description="Mirror the frames, in the sensor where it can: horizontal swaps left and right, vertical top and "
        "bottom, both turns them by 180 degrees. Regions and mask refer to the resulting frame.",
    )
    hflip: bool = Field(default=False, description="An old name for mirror: horizontal, for a picamera:.")
    vflip: bool = Field(default=False, description="An old name for mirror: vertical, for a picamera:.")
    controls: Annotated[ControlsConfig, left_empty] = Field(
        default={}, validate_default=True, description=ControlsConfig.__doc__
    )
    verify_tls: bool = Field(
        default=True,
        description="Refuse a server whose certificate no authority has signed that this machine trusts.",
    )
    follow_redirects: FollowName = Field(
        default="same-host",
        description="Which redirections of a web or RTSP server are followed: same-host, to its own host on any port, "
        "or any. None is followed from https:// or rtsps:// to clear text, and user and password go to no other host. "
        "The addresses in an HLS list count as redirections.",
    )
    rtsp_transport: RtspTransport = Field(
        default="auto",
        description="How the video of an RTSP camera comes: tcp, over the connection that it is asked over; udp; or "
        "auto, which is tcp unless the camera refuses that. rtsps:// takes no UDP, because that is not encrypted.",
    )
    decode_frames: DecodeFrames = Field(
        default="auto",
        description="The frames of a stream that are decoded: all; key, those only that are coded without another one, "
        "at a fraction of the work; or auto, which is key where fps asks for no more frames than those.",
    )
    ts_from: StreamClock = Field(
        default="rtcp",
        description="The clock that gives the capture times of an RTSP camera: rtcp, its wall clock, where it sends "
        "one that can be right, else as pts; or pts, the timestamps of its frames.",
    )
    decoder: Annotated[str, Field(pattern=r"^[a-z0-9_]{1,64}$")] | None = Field(
        default=None,
        description="FFmpeg's name of the decoder for the video of a file or a network camera, such as h264_v4l2m2m on "
        "a board that has it. Where it cannot be opened, FFmpeg decodes in software. Default: software.",
    )
    rotation: Annotated[Rotation, BeforeValidator(whole)] = Field(
        default=0, description="How far a region's picture is turned before it is embedded, in degrees clockwise."
    )
    regions: Annotated[Mapping[Name, RegionConfig], BeforeValidator(_or_whole_frame)] = Field(
        default=None,
        validate_default=True,
        json_schema_extra=no_fixed_default,
        description="Parts of the frame, each embedded for itself. Default: the whole frame, called full.",
    )
    mask: MaskPolygons = Field(
        default=(),
        description="Parts of the frame that are grey before anything sees it: polygons of points [x, y] in 0…1 of the "
        "frame as captured, before rotation, like regions.",
    )
    skip_unchanged: bool = Field(
        default=False,
        description="Do not embed a region in which nothing has moved: the vector of before is published again, as "
        "unchanged.",
    )
    changed_levels: Annotated[int, Field(ge=1, le=255)] = Field(
        default=6,
        description="For skip_unchanged: by how many of 255 levels some small part of a region, of some 16 by 16, has "
        "to differ from what was embedded last.",
    )
    refresh_seconds: _Seconds = Field(
        default=30.0,
        description="For skip_unchanged: after so long a region is embedded even if nothing has moved; 0: never.",
    )
    on_demand: bool = Field(
        default=False,
        description="Embed a region only while its vectors have a subscriber, a reference makes events of it, or "
        "it is being enrolled.",
    )
    scaler_crop: bool = Field(
        default=False, description="Let a picamera: with one region deliver only that region, in more pixels."
    )
    settle_frames: Annotated[int, Field(ge=0, le=1000)] = Field(
        default=0, description="Frames that are skipped after each start of a camera, while its exposure settles."
    )
    stall_seconds: _Seconds = Field(
        default=None,
        validate_default=True,
        json_schema_extra=no_fixed_default,
        description="A live camera without a good frame for so long is lost, and opened again; 0: never. Default: 5.",
    )
    frozen_seconds: _Seconds = Field(
        default=None,
        validate_default=True,
        json_schema_extra=no_fixed_default,
        description="A live camera that sends the same picture for so long is frozen, and opened again; 0: never. "
        "Default: 30.",
    )
    retry_seconds: _Pause = Field(
        default=2.0, description="First pause before a camera that is missing or has gone is opened again; it doubles."
    )
    retry_max_seconds: _Pause = Field(
        default=30.0, validate_default=True, description="The longest pause, at least retry_seconds."
    )
    max_reopens: Annotated[int, Field(ge=0, le=1_000_000)] = Field(
        default=None,
        validate_default=True,
        json_schema_extra=no_fixed_default,
        description="After so many attempts in a row without a good frame edged ends with status 1, to be started "
        f"again by systemd; 0: it never gives up. Default: {_REOPENS}, 0 for others.",
    )

    @model_validator(mode="before")
    @classmethod
    def _old_names(cls, values: object) -> object:
        """Read ``hflip`` and ``vflip`` of a camera that knows them as ``mirror``, unless that is given too."""
        if not isinstance(values, Mapping) or values.get("mirror") is not None:
            return values
        across, down = values.get("hflip", False), values.get("vflip", False)
        source = values.get("source")
        is_known = any(str(source).startswith(kind.prefix) for kind in kinds_that_know("hflip"))
        if is_known and isinstance(across, bool) and isinstance(down, bool) and (across or down):
            mirror = "both" if across and down else "horizontal" if across else "vertical"
            return {**values, "hflip": False, "vflip": False, "mirror": mirror}
        return values

    @field_validator("hflip", "vflip")
    @classmethod
    def _one_name(cls, flipped: bool, info: ValidationInfo) -> bool:
        source = _source(info)
        if flipped and source is not None and "hflip" in source.kind.options:  # else it was read as mirror
            mirror = shown(info.data.get("mirror"))
            raise misfit(
                f"is an old name for mirror and must not be given beside it (mirror is {mirror}); leave it out"
            )
        return flipped

    @field_validator("loop")
    @classmethod
    def _only_files_loop(cls, loop: bool, info: ValidationInfo) -> bool:
        source = _source(info)
        if loop and source is not None and source.kind.is_live:
            raise misfit(f"must be false for a live camera (source is {shown(str(source))})")
        return loop

    @field_validator("policy", mode="before")
    @classmethod
    def _policy_of_source(cls, policy: object, info: ValidationInfo) -> object:
        source = _source(info)
        if source is None:
            return "latest" if policy is None else policy
        if policy == "block" and source.kind.is_live:
            raise misfit(f"must be latest for a live camera, which cannot wait (source is {shown(str(source))})")
        if policy is None:
            return "latest" if source.kind.is_live else "block"
        return policy

    @field_validator(*_RARE)
    @classmethod
    def _known_by_source(cls, value: object, info: ValidationInfo) -> object:
        source, name = _source(info), str(info.field_name)
        if source is not None and name not in source.kind.options and value != _default(name):
            known = ", ".join(kind.prefix for kind in kinds_that_know(name))
            is_sized = source.kind.size_cure and name in ("width", "height")
            cure = f" and write {source.kind.size_cure}" if is_sized else _NEW_NAMES.get(name, "")
            raise misfit(f"is only for {known} (source is {shown(str(source))}); leave it out{cure}")
        return value

    @field_validator("width", "height")
    @classmethod
    def _size_of_source(cls, side: int | None, info: ValidationInfo) -> int | None:
        source = _source(info)
        if source is None:
            return side
        if side is not None and side < source.kind.least_side:
            raise misfit(f"must be at least {source.kind.least_side} for {source.kind.prefix} (got {side})")
        if not source.kind.takes_one_side and info.field_name == "height" and "width" in info.data:
            width = info.data["width"]
            if (width is None) != (side is None):
                raise misfit(
                    "must be given together: width and height", at=("..", "height" if width is None else "width")
                )
        return side

    @field_validator("rtsp_transport")
    @classmethod
    def _udp_is_in_clear(cls, transport: RtspTransport, info: ValidationInfo) -> RtspTransport:
        source = _source(info)
        if transport == "udp" and source is not None and source.kind.name == "rtsps":
            raise misfit("must be tcp or auto for rtsps://, because UDP is not encrypted; or write rtsp://")
        return transport

    @field_validator("controls")
    @classmethod
    def _exposure_fits(cls, controls: ControlsConfig, info: ValidationInfo) -> ControlsConfig:
        fps, exposure = info.data.get("fps"), controls.exposure_us
        if fps is not None and exposure is not None and exposure * fps > 1_000_000:
            rule = f"must be at most {1_000_000 / fps:.0f}, the time of a frame at {fps:g} fps (got {exposure})"
            raise misfit(rule, at=("exposure_us",))
        return controls

    @field_validator("controls")
    @classmethod
    def _controls_of_kind(cls, controls: ControlsConfig, info: ValidationInfo) -> ControlsConfig:
        source = _source(info)
        of_kind = {"picamera": controls.misfit_of_picamera, "usb": controls.misfit_of_usb}
        if source is not None and (misfits := of_kind.get(source.kind.name)) and (found := misfits()):
            raise found
        return controls

    @field_validator("scaler_crop")
    @classmethod
    def _one_region(cls, scaler_crop: bool, info: ValidationInfo) -> bool:
        regions = info.data.get("regions")
        if scaler_crop and info.data.get("mask"):
            raise misfit("must be false where there is a mask, because hardware does not crop to the pixel")
        if scaler_crop and regions is not None and len(regions) > 1:
            raise misfit(f"must be false where there are several regions (got {len(regions)}): a camera delivers one")
        return scaler_crop

    @field_validator("stall_seconds", "frozen_seconds", mode="before")
    @classmethod
    def _of_live_cameras(cls, seconds: object, info: ValidationInfo) -> object:
        source = _source(info)
        never = source is not None and (
            not source.kind.is_live or (info.field_name == "frozen_seconds" and not source.kind.repeats_pictures)
        )
        if seconds is None:
            return 0.0 if never else 5.0 if info.field_name == "stall_seconds" else 30.0
        if never and seconds != 0:
            what = "sends no picture twice" if source is not None and source.kind.is_live else "is waited for"
            raise misfit(f"must be 0 for a source that {what} (source is {shown(str(source))})")
        return seconds

    @field_validator("retry_max_seconds")
    @classmethod
    def _longest_last(cls, longest: float, info: ValidationInfo) -> float:
        first = info.data.get("retry_seconds")
        if first is not None and longest < first:
            raise misfit(f"must be at least retry_seconds (got {shown(longest)} and {shown(first)})")
        return longest

    @field_validator("max_reopens", mode="before")
    @classmethod
    def _reopens_of_source(cls, reopens: object, info: ValidationInfo) -> object:
        source = _source(info)
        if reopens is None:
            return source.kind.max_reopens if source is not None else 0
        return reopens

    @property
    def is_live(self) -> bool:
        """True where frames come whether or not anybody reads them."""
        return self.source.kind.is_live

    @property
    def can_send_jpegs(self) -> bool:
        """True where its frames can come one by one as JPEGs."""
        return self.source.kind.sends_jpegs and self.pixel_format in (None, "mjpg")


def _source(info: ValidationInfo) -> SourceSpec | None:
    """Return the source of the camera that is being read, unless that is wrong itself."""
    source: SourceSpec | None = info.data.get("source")
    return source


def _default(name: str) -> Any:
    return ControlsConfig() if name == "controls" else CameraConfig.model_fields[name].default
