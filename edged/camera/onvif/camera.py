"""An ONVIF camera, asked for the addresses of its streams and snapshots."""

from __future__ import annotations

import time
from collections.abc import Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime

from edged.bell import Bell
from edged.camera.http.address import Address
from edged.camera.http.failures import reason_of
from edged.camera.onvif.discovery import FoundDevice, find_devices
from edged.camera.onvif.soap import NotAuthorizedError, Soap
from edged.camera.onvif.xml import Element
from edged.config.problems import shown
from edged.errors import SourceError
from edged.peer_text import peer_text

__all__ = ["OnvifCamera", "OnvifProfile", "ask_camera", "ask_cameras", "device_at", "find_cameras"]

SECONDS = 10.0  # for all requests to one camera
ASKED_AT_ONCE = 32
MOST_PROFILES = 8
_DEVICE, _MEDIA = "http://www.onvif.org/ver10/device/wsdl", "http://www.onvif.org/ver10/media/wsdl"
_SCHEMA = "http://www.onvif.org/ver10/schema"


@dataclass(frozen=True, slots=True)
class OnvifProfile:
    """One stream: its name, its encoding and size as the camera gives them, and its addresses without a password.

    Empty text and 0 stand for what it does not say.
    """

    name: str
    encoding: str
    width: int
    height: int
    fps: float
    stream: str
    snapshot: str


@dataclass(frozen=True, slots=True)
class OnvifCamera:
    """A camera: its name, the address of its service, its streams, and why there are none."""

    name: str
    service: str
    profiles: tuple[OnvifProfile, ...]
    problem: str = ""


def find_cameras(user: str | None, password: str) -> list[OnvifCamera]:
    """Return the cameras of the network, each asked with *user* and *password*.

    Raises:
        OSError: no question can be sent.
    """
    return ask_cameras(find_devices(), user, password)


def ask_cameras(devices: Sequence[FoundDevice], user: str | None, password: str) -> list[OnvifCamera]:
    """Ask *devices* for their streams, many at once: some may have made it up that they are there, and are silent."""
    with ThreadPoolExecutor(ASKED_AT_ONCE, "ONVIF") as asking:
        return list(asking.map(lambda device: ask_camera(device, user, password), devices))


def device_at(host: str) -> FoundDevice:
    """Return the device at *host*, which may have a port, where ONVIF wants its service.

    Raises:
        ValueError: *host* is none.
    """
    if any(sign in host for sign in "/?#@"):
        raise ValueError(f"must be HOST or HOST:PORT (got {shown(host)})")
    return FoundDevice(Address.parse(f"http://{host}/onvif/device_service"), "")


def ask_camera(device: FoundDevice, user: str | None, password: str) -> OnvifCamera:
    """Ask *device* for its streams; what fails is the ``problem`` of what is returned."""
    bell = Bell()
    try:
        soap = Soap(user, password, bell, time.monotonic() + SECONDS)
        name, profiles = _ask(soap, device)
    except NotAuthorizedError as exc:
        return OnvifCamera(device.name, device.service.url, (), f"{exc}: give it with --user")
    except (OSError, MemoryError) as exc:
        reason = peer_text(reason_of(exc, device.service.host, SECONDS))
        return OnvifCamera(device.name, device.service.url, (), reason)
    finally:
        bell.close()
    return OnvifCamera(name, device.service.url, profiles, _problem(profiles))


def _problem(profiles: Sequence[OnvifProfile]) -> str:
    """Return why none of *profiles* can be used; empty if one can."""
    if not profiles:
        return "it has no video stream"
    if any(profile.stream or profile.snapshot for profile in profiles):
        return ""
    return (
        "the addresses that it gives for its pictures are none of this host, so edged does not print them; "
        "ask it by the address that it has in its network settings"
    )


def _ask(soap: Soap, device: FoundDevice) -> tuple[str, tuple[OnvifProfile, ...]]:
    service = device.service
    _set_clock(soap, service)
    name = device.name
    if not name:
        about = soap.ask(service, f'<GetDeviceInformation xmlns="{_DEVICE}"/>')
        name = peer_text(f"{about.get('Manufacturer')} {about.get('Model')}".strip(), 60)
    offered = soap.ask(service, f'<GetCapabilities xmlns="{_DEVICE}"><Category>Media</Category></GetCapabilities>')
    media = _at_home(offered.get("Media", "XAddr"), service)
    answer = soap.ask(media, f'<GetProfiles xmlns="{_MEDIA}"/>')
    found = [each for each in answer.all("Profiles") if each.attributes.get("token")]
    return name, tuple(filter(None, (_profile(soap, media, each) for each in found[:MOST_PROFILES])))


def _set_clock(soap: Soap, service: Address) -> None:
    """Learn the camera's clock, which it tells everybody; a camera that does not has a right one, perhaps."""
    try:
        shown = soap.ask(service, f'<GetSystemDateAndTime xmlns="{_DEVICE}"/>', signed=False)
    except SourceError:
        return
    utc = next(shown.all("UTCDateTime"), None)
    if utc is not None:
        try:
            date = [int(utc.get("Date", part)) for part in ("Year", "Month", "Day")]
            clock = [int(utc.get("Time", part)) for part in ("Hour", "Minute", "Second")]
            soap.set_clock(datetime(date[0], date[1], date[2], clock[0], clock[1], clock[2], tzinfo=UTC))
        except (ValueError, OverflowError):
            return


def _profile(soap: Soap, media: Address, profile: Element) -> OnvifProfile | None:
    token = _quoted(profile.attributes["token"])
    video = next(profile.all("VideoEncoderConfiguration"), None)
    if video is None:
        return None
    stream = soap.ask(
        media,
        f'<GetStreamUri xmlns="{_MEDIA}"><StreamSetup><Stream xmlns="{_SCHEMA}">RTP-Unicast</Stream>'
        f'<Transport xmlns="{_SCHEMA}"><Protocol>RTSP</Protocol></Transport></StreamSetup>'
        f"<ProfileToken>{token}</ProfileToken></GetStreamUri>",
    ).get("MediaUri", "Uri")
    try:
        snapshot = soap.ask(
            media, f'<GetSnapshotUri xmlns="{_MEDIA}"><ProfileToken>{token}</ProfileToken></GetSnapshotUri>'
        ).get("MediaUri", "Uri")
    except SourceError:  # not every camera has them
        snapshot = ""
    return OnvifProfile(
        peer_text(profile.get("Name"), 60),
        peer_text(video.get("Encoding"), 20),
        _number(video.get("Resolution", "Width")),
        _number(video.get("Resolution", "Height")),
        float(_number(video.get("RateControl", "FrameRateLimit"))),
        _shown(stream, ("rtsp", "rtsps"), media),
        _shown(snapshot, ("http", "https"), media),
    )


def _at_home(text: str, service: Address) -> Address:
    """Return the address *text* if it is at the host of *service*, which is the one that is asked; else *service*."""
    try:
        found = Address.parse(text)
    except ValueError:
        return service
    return found if found.host == service.host and found.user is None else service


def _shown(text: str, schemes: tuple[str, ...], media: Address) -> str:
    """Return an address that the camera has given, where it can be one of its own pictures; else nothing."""
    try:
        address = Address.parse(text.strip(), schemes)
    except ValueError:
        return ""
    return address.url if address.host == media.host else ""


def _number(text: str) -> int:
    return int(text) if text.isascii() and text.isdecimal() and len(text) < 7 else 0


def _quoted(text: str) -> str:
    return text.replace("&", "&amp;").replace("<", "&lt;").replace(">", "&gt;")
