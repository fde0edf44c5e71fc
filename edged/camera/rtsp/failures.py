"""The sentences for an RTSP camera that does not do what is wanted, each with the cure where there is one."""

from __future__ import annotations

import socket
import ssl

from edged.camera.http.address import Address
from edged.camera.http.auth import authorization, schemes
from edged.camera.http.failures import reason_of
from edged.camera.rtsp.messages import RtspMessage
from edged.peer_text import peer_text

__all__ = ["RtspError", "failure_of", "refusal_of"]


class RtspError(OSError):
    """The server refuses a request, or what it sends makes no sense."""


def refusal_of(response: RtspMessage, address: Address) -> str:
    """Return the sentence for a *response* of the server at *address* that is not the one wanted."""
    said = f"(it says {_said(response, address)})"
    match response.status:
        case 401:
            return _login_refused(response, address)
        case 403:
            return f"it forbids this {said}: allow this user to view it, in the camera's settings"
        case 404 | 410:
            return f"it has nothing there {said}: check the path of the URL, which every maker chooses differently"
        case 453 | 503:
            return f"it is not available now, or serves as many viewers as it can {said}: close other viewers"
        case _:
            return f"it refuses {said}"


def transports_refused(refusals: dict[str, RtspMessage | None], address: Address) -> str:
    """Return the sentence for a server that sends the video over none of the transports that it was asked for.

    *refusals* are its answers by transport; None is an answer that names another one.
    """
    names = " or ".join(refusals)
    said = ", ".join(
        "another transport" if response is None else _said(response, address) for response in refusals.values()
    )
    match tuple(refusals):
        case ("TCP",) if address.is_encrypted:
            cure = "switch on RTSP over TCP (interleaved) in the camera, because UDP is not encrypted"
        case ("TCP",):
            cure = "write rtsp_transport: auto or udp"
        case ("UDP",):
            cure = "write rtsp_transport: auto or tcp"
        case _:
            cure = "the camera may serve as many viewers as it can, or by multicast only; see its settings"
    return f"it does not send over {names} (it says {said}): {cure}"


def failure_of(failure: Exception, address: Address, timeout: float) -> str:
    """Return what happened, where the server at *address* was to answer within *timeout* seconds."""
    reason = reason_of(failure, address.host, timeout)
    match failure:
        case TimeoutError():
            return f"{reason}: check the address and port, and whether a firewall is in between"
        case ConnectionRefusedError():
            return f"{reason}: check the port (554 is the usual one), and whether the camera has RTSP switched on"
        case socket.gaierror():
            return f"{reason}: check it, or write the IP address"
        case ssl.SSLCertVerificationError():
            return reason
        case ssl.SSLError():
            return f"{reason}: check the port (322 is the usual one), or write rtsp://"
        case _:
            return reason


def _login_refused(response: RtspMessage, address: Address) -> str:
    challenges = response.headers.all("WWW-Authenticate")
    asked = peer_text(", ".join(schemes(challenges)) or "no scheme")
    said = f"(it says {_said(response, address)}, and asks for {asked})"
    if authorization(challenges, address) is None:
        return f"it wants a login that edged does not know {said}: choose Basic, Digest MD5 or SHA-256 in the camera"
    if address.user is None:
        return f"it asks for a user and password: write {address.scheme}://USER:PASSWORD@HOST/… {said}"
    return f"it refuses this user or password {said}: write others into {address.scheme}://USER:PASSWORD@HOST/…"


def _said(response: RtspMessage, address: Address) -> str:
    return f"{response.status} {peer_text(address.without_login(response.reason))}".strip()
