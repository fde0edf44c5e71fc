"""Rules for the options of a camera: which of them a source knows, which go together, and defaults of a source."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from pydantic import ValidationInfo, field_validator, model_validator

from edged.config.problems import shown
from edged.config.sections.camera_controls import ControlsConfig
from edged.config.sections.camera_kinds import CAMERA_KINDS, kinds_that_know
from edged.config.sections.fields import Section, misfit
from edged.config.sections.region import RegionConfig
from edged.config.sections.source import SourceSpec

__all__ = ["CameraRules"]

_RARE = sorted(frozenset[str]().union(*(kind.options for kind in CAMERA_KINDS)))
"""The options that only some kinds of cameras know. Others take nothing but their defaults."""

_NEW_NAMES = {"hflip": " and write mirror: horizontal", "vflip": " and write mirror: vertical"}


class CameraRules(Section):
    """The rules for the options of `edged.config.CameraConfig`, which declares these.

    A rule sees the values of its own option and of those that are declared before it.
    """

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

    @field_validator("hflip", "vflip", check_fields=False)
    @classmethod
    def _one_name(cls, flipped: bool, info: ValidationInfo) -> bool:
        source = _source(info)
        if flipped and source is not None and "hflip" in source.kind.options:  # else it was read as mirror
            mirror = shown(info.data.get("mirror"))
            raise misfit(
                f"is an old name for mirror and must not be given beside it (mirror is {mirror}); leave it out"
            )
        return flipped

    @field_validator("loop", check_fields=False)
    @classmethod
    def _only_files_loop(cls, loop: bool, info: ValidationInfo) -> bool:
        source = _source(info)
        if loop and source is not None and source.kind.is_live:
            raise misfit(f"must be false for a live camera (source is {shown(str(source))})")
        return loop

    @field_validator("policy", mode="before", check_fields=False)
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

    @field_validator(*_RARE, check_fields=False)
    @classmethod
    def _known_by_source(cls, value: object, info: ValidationInfo) -> object:
        source, name = _source(info), str(info.field_name)
        if source is not None and name not in source.kind.options and value != cls._default(name):
            known = ", ".join(kind.prefix for kind in kinds_that_know(name))
            is_sized = source.kind.size_cure and name in ("width", "height")
            cure = f" and write {source.kind.size_cure}" if is_sized else _NEW_NAMES.get(name, "")
            raise misfit(f"is only for {known} (source is {shown(str(source))}); leave it out{cure}")
        return value

    @field_validator("width", "height", check_fields=False)
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

    @field_validator("rtsp_transport", check_fields=False)
    @classmethod
    def _udp_is_in_clear(cls, transport: str, info: ValidationInfo) -> str:
        source = _source(info)
        if transport == "udp" and source is not None and source.kind.name == "rtsps":
            raise misfit("must be tcp or auto for rtsps://, because UDP is not encrypted; or write rtsp://")
        return transport

    @field_validator("controls", check_fields=False)
    @classmethod
    def _exposure_fits(cls, controls: ControlsConfig, info: ValidationInfo) -> ControlsConfig:
        fps, exposure = info.data.get("fps"), controls.exposure_us
        if fps is not None and exposure is not None and exposure * fps > 1_000_000:
            rule = f"must be at most {1_000_000 / fps:.0f}, the time of a frame at {fps:g} fps (got {exposure})"
            raise misfit(rule, at=("exposure_us",))
        return controls

    @field_validator("controls", check_fields=False)
    @classmethod
    def _controls_of_kind(cls, controls: ControlsConfig, info: ValidationInfo) -> ControlsConfig:
        source = _source(info)
        of_kind = {"picamera": controls.misfit_of_picamera, "usb": controls.misfit_of_usb}
        if source is not None and (misfits := of_kind.get(source.kind.name)) and (found := misfits()):
            raise found
        return controls

    @field_validator("regions", check_fields=False)
    @classmethod
    def _pixels_of_one_size(cls, regions: Mapping[str, RegionConfig], info: ValidationInfo) -> object:
        source = _source(info)
        sides = [info.data.get(side) for side in ("width", "height")]
        if source is not None and source.kind.chooses_size and sides == [None, None]:
            for name, region in regions.items():
                if region.is_in_pixels:
                    raise misfit(
                        f"is in pixels, and {source.kind.prefix} chooses a size that suits the regions: give the "
                        "camera width and height too, or write numbers in 0…1",
                        at=(name,),
                    )
        return regions

    @field_validator("scaler_crop", check_fields=False)
    @classmethod
    def _one_region(cls, scaler_crop: bool, info: ValidationInfo) -> bool:
        regions = info.data.get("regions")
        if scaler_crop and info.data.get("mask"):
            raise misfit("must be false where there is a mask, because hardware does not crop to the pixel")
        if scaler_crop and regions and any(region.is_in_pixels for region in regions.values()):
            raise misfit("must be false where a region is in pixels, because the frame is the region: write 0…1 there")
        if scaler_crop and regions is not None and len(regions) > 1:
            raise misfit(f"must be false where there are several regions (got {len(regions)}): a camera delivers one")
        return scaler_crop

    @field_validator("stall_seconds", "frozen_seconds", mode="before", check_fields=False)
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

    @field_validator("retry_max_seconds", check_fields=False)
    @classmethod
    def _longest_last(cls, longest: float, info: ValidationInfo) -> float:
        first = info.data.get("retry_seconds")
        if first is not None and longest < first:
            raise misfit(f"must be at least retry_seconds (got {shown(longest)} and {shown(first)})")
        return longest

    @field_validator("max_reopens", mode="before", check_fields=False)
    @classmethod
    def _reopens_of_source(cls, reopens: object, info: ValidationInfo) -> object:
        source = _source(info)
        if reopens is None:
            return source.kind.max_reopens if source is not None else 0
        return reopens

    @classmethod
    def _default(cls, name: str) -> Any:
        return ControlsConfig() if name == "controls" else cls.model_fields[name].default


def _source(info: ValidationInfo) -> SourceSpec | None:
    """Return the source of the camera that is being read, unless that is wrong itself."""
    source: SourceSpec | None = info.data.get("source")
    return source
