"""The sections under ``cameras``: where frames come from, and which parts of them are embedded."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Literal

from pydantic import BeforeValidator, Field

from edged.config.sections.camera_controls import ControlsConfig
from edged.config.sections.camera_kinds import CAMERA_KINDS, kinds_that_know, listed
from edged.config.sections.camera_rules import CameraRules
from edged.config.sections.fields import Name, SourceText, left_empty, no_fixed_default, whole
from edged.config.sections.mask import MaskPolygons
from edged.config.sections.region import RegionConfig
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

_FORMS = ", ".join(kind.form for kind in CAMERA_KINDS if not kind.is_url)
_URLS = listed([kind.prefix for kind in CAMERA_KINDS if kind.is_url], "or")
_SIZED = listed([kind.prefix for kind in kinds_that_know("width")], "and")
_REOPENS = ", ".join(f"{kind.max_reopens} for {kind.prefix}" for kind in CAMERA_KINDS if kind.max_reopens)


def _or_whole_frame(regions: object) -> object:
    return {"full": {}} if regions is None or regions == {} else regions


class CameraConfig(CameraRules):
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

    @property
    def is_live(self) -> bool:
        """True where frames come whether or not anybody reads them."""
        return self.source.kind.is_live

    @property
    def can_send_jpegs(self) -> bool:
        """True where its frames can come one by one as JPEGs."""
        return self.source.kind.sends_jpegs and self.pixel_format in (None, "mjpg")
