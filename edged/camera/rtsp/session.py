"""A session with an RTSP server (RFC 2326): from the first request to the packets of its video."""

from __future__ import annotations

import re
import threading
import time
from collections.abc import Callable
from contextlib import ExitStack, suppress
from typing import Literal

from edged.bell import Bell
from edged.camera.http.address import Address
from edged.camera.http.connection import HttpConnection, Woken, tls_context
from edged.camera.http.redirects import MOST_REDIRECTIONS, REDIRECTIONS, Follow, redirected
from edged.camera.rtsp.conversation import Conversation
from edged.camera.rtsp.failures import RtspError, refusal_of, transports_refused
from edged.camera.rtsp.messages import Interleaved, RtspMessage
from edged.camera.rtsp.sdp import VideoTrack, video_track
from edged.camera.rtsp.udp import UdpChannels
from edged.errors import map_exceptions

__all__ = ["RtspSession", "Transport"]

SESSION_SECONDS = 60  # after which a server that does not give a time forgets a session
MOST_KEEP_ALIVE = 30.0  # seconds between two signs of life
_SESSION = re.compile(r"([!-:<-~]{1,256})(?:\s*+;\s*+timeout\s*+=\s*+([0-9]{1,6}))?", re.ASCII)
_CHANNELS = re.compile(r"interleaved=([0-9]{1,3})(?:-([0-9]{1,3}))?", re.ASCII)
_SERVER_PORTS = re.compile(r"server_port=([0-9]{1,5})(?:-([0-9]{1,5}))?", re.ASCII)
_CLIENT_PORTS = re.compile(r"client_port=([0-9]{1,5})", re.ASCII)
_FINAL = (401, 403, 404, 410)  # answers that no other transport changes
_LARGEST_PORT = 65535

Transport = Literal["auto", "tcp", "udp"]
"""The way of the video: over the connection of the requests, over UDP, or over UDP where the server wants that."""


class _Redirected(Exception):  # noqa: N818 - not an error: the server is elsewhere
    """The server answers with another address."""


class RtspSession:
    """Plays the video of one RTSP address. Its methods raise what those of `Conversation` do.

    Args:
        address: of the stream, with the user and password that go to its own host only.
        verify_tls: refuse a server whose certificate no authority has signed that this machine trusts.
        follow: the redirections that are followed; none leads from ``rtsps`` to clear text.
        transport: how the video is to come. Over ``rtsps`` it never comes over UDP, because that is in clear text.
        bell, woken: end every wait.
        on_video: called with each RTP packet of the video, which is valid during the call.
        on_report: called with each RTCP packet.
    """

    def __init__(
        self,
        address: Address,
        *,
        verify_tls: bool,
        follow: Follow,
        transport: Transport,
        bell: Bell,
        woken: threading.Event,
        on_video: Callable[[memoryview], None],
        on_report: Callable[[memoryview], None],
    ) -> None:
        self._origin = address
        self.asked = address
        """The address that was asked last: where redirections have led."""
        self._verify_tls = verify_tls
        self._follow: Follow = follow
        self._transport: Transport = transport
        self._bell = bell
        self._woken = woken
        self._handlers: dict[int, Callable[[memoryview], None]] = {}
        self._on_video, self._on_report = on_video, on_report
        self._talk: Conversation | None = None
        self._udp: UdpChannels | None = None
        self._video_channel = 0
        self._track: VideoTrack | None = None
        self._session = ""
        self._keep_alive_method = "OPTIONS"
        self._keep_alive_seconds = MOST_KEEP_ALIVE
        self._next_keep_alive = 0.0

    def describe(self, deadline: float) -> VideoTrack:
        """Connect, and find the video, wherever the server is."""
        address = self._origin
        for _ in range(MOST_REDIRECTIONS + 1):
            try:
                self._track = self._describe_at(address, deadline)
            except _Redirected as elsewhere:
                self._disconnect()
                with map_exceptions({ValueError: RtspError}):
                    address = redirected(self._origin, address, str(elsewhere), self._follow)
            else:
                return self._track
        raise RtspError("it is redirected again and again")

    def play(self, deadline: float) -> None:
        """Let the video come."""
        assert self._track is not None, "play before describe"
        self._set_up(self._track, deadline)
        self._ask("PLAY", self._track.session_control, {"Range": "npt=0.000-"}, deadline)
        self._next_keep_alive = time.monotonic() + self._keep_alive_seconds

    def advance(self) -> bool:
        """Take in the next packet, if it has arrived, and do not wait. Returns whether there was anything."""
        assert self._talk is not None, "advance before describe"
        came = self._udp is not None and self._udp.advance()
        came = self._talk.advance() or came
        response = self._talk.response()
        if response is not None and response.status == 401 and self._talk.learn(response):
            self._next_keep_alive = time.monotonic() + 1.0  # its nonce was too old
        if time.monotonic() >= self._next_keep_alive:
            self._keep_alive(self._talk)
        return came

    def skip(self, timestamp: int) -> tuple[int, int]:
        """Pass over packets of the video that have come, of that RTP timestamp; see `RtspReader.skip`."""
        if self._talk is None or self._udp is not None:
            return 0, 0
        return self._talk.skip(self._video_channel, timestamp)

    @property
    def came_by_udp(self) -> int | None:
        """Packets that have come over UDP; None where that is not used."""
        return None if self._udp is None else self._udp.packets

    def rest(self, deadline: float) -> bool:
        """Wait until *deadline*, whatever arrives meanwhile. Returns whether it did: packets over UDP could be lost."""
        if self._talk is None or self._udp is not None:
            return False
        self._talk.rest(deadline)
        return True

    def wait(self, deadline: float) -> None:
        """Wait until something may have arrived, or the server wants a sign of life."""
        assert self._talk is not None, "wait before describe"
        due = self._next_keep_alive if self._udp is None else min(self._next_keep_alive, self._udp.due)
        try:
            self._talk.wait(min(deadline, due), () if self._udp is None else self._udp.sockets)
        except TimeoutError:
            if time.monotonic() >= deadline:
                raise

    def close(self) -> None:
        """Tell the server if it takes that at once, and close the connection; harmless when done twice."""
        if self._talk is not None and self._session and self._track is not None:
            with suppress(OSError, Woken):
                uri, headers = self._track.session_control, {"Session": self._session}
                self._talk.send("TEARDOWN", uri, headers, time.monotonic())
        self._disconnect()

    def _describe_at(self, address: Address, deadline: float) -> VideoTrack:
        self.asked = address
        tls = tls_context(verify=self._verify_tls) if address.is_encrypted else None
        connection = HttpConnection(address, tls, self._bell, deadline)
        self._talk = Conversation(connection, address, self._woken, self._dispatch)
        self._note_methods(self._talk.ask("OPTIONS", address.url, {}, deadline))
        response = self._ask("DESCRIBE", address.url, {"Accept": "application/sdp"}, deadline)
        headers = response.headers
        with map_exceptions({ValueError: RtspError}):
            base = headers.get("Content-Base") or headers.get("Content-Location") or address.url
            return video_track(response.body, base)

    def _set_up(self, track: VideoTrack, deadline: float) -> None:
        """Agree on a transport: TCP first, because a firewall or a NAT lets it through, and nothing is lost in it."""
        assert self._talk is not None
        refusals: dict[str, RtspMessage | None] = {}
        if self._transport != "udp" or self._talk.address.is_encrypted:
            offer = {"Transport": "RTP/AVP/TCP;unicast;interleaved=0-1"}
            response = self._talk.ask("SETUP", track.control, offer, deadline)
            if self._is_accepted(response) and self._note_channels(response):
                return
            refusals["TCP"] = None if response.status == 200 else response
        if self._transport != "tcp" and not self._talk.address.is_encrypted:
            response = self._set_up_udp(self._talk, track, deadline)
            if self._udp is not None:
                return
            refusals["UDP"] = None if response.status == 200 else response
        raise RtspError(transports_refused(refusals, self._talk.address))

    def _set_up_udp(self, talk: Conversation, track: VideoTrack, deadline: float) -> RtspMessage:
        udp = UdpChannels(talk.own_end, talk.other_end, self._on_video, self._on_report)
        with ExitStack() as undo:
            undo.callback(udp.close)
            first, second = udp.ports
            offer = {"Transport": f"RTP/AVP/UDP;unicast;client_port={first}-{second}"}
            response = talk.ask("SETUP", track.control, offer, deadline)
            transport = response.headers.get("Transport").lower()
            if self._is_accepted(response) and _is_udp_to(first, transport):
                ports = _SERVER_PORTS.search(transport)
                if ports is not None:
                    video = int(ports[1])
                    reports = int(ports[2] or video + 1)
                    if 0 < video <= _LARGEST_PORT and 0 < reports <= _LARGEST_PORT:
                        udp.open_way((video, reports))
                undo.pop_all()
                self._udp = udp
        return response

    def _is_accepted(self, response: RtspMessage) -> bool:
        """Take note of the session that a SETUP has made. Returns whether it did."""
        assert self._talk is not None
        if response.status in _FINAL:
            raise RtspError(refusal_of(response, self._talk.address))
        if response.status == 200:
            self._note_session(response)
        return response.status == 200

    def _ask(self, method: str, uri: str, headers: dict[str, str], deadline: float) -> RtspMessage:
        assert self._talk is not None
        session = {"Session": self._session} if self._session else {}
        response = self._talk.ask(method, uri, session | headers, deadline)
        location = response.headers.get("Location")
        if response.status in REDIRECTIONS and location and not session:
            raise _Redirected(location)
        if response.status != 200:
            raise RtspError(refusal_of(response, self._talk.address))
        return response

    def _note_methods(self, response: RtspMessage) -> None:
        if "GET_PARAMETER" in response.headers.get("Public"):
            self._keep_alive_method = "GET_PARAMETER"

    def _note_session(self, response: RtspMessage) -> None:
        session = _SESSION.match(response.headers.get("Session"))
        if session is None:
            raise RtspError("it gives no session")
        self._session = session[1]
        seconds = int(session[2] or SESSION_SECONDS)
        self._keep_alive_seconds = min(max(seconds / 2, 1.0), MOST_KEEP_ALIVE)

    def _note_channels(self, response: RtspMessage) -> bool:
        """Take note of the channels that the server has chosen. Returns whether it has."""
        channels = _CHANNELS.search(response.headers.get("Transport"))
        if channels is None:
            return False
        self._video_channel = video = int(channels[1])
        self._handlers = {int(channels[2] or video + 1): self._on_report, video: self._on_video}
        return True

    def _dispatch(self, packet: Interleaved) -> None:
        handler = self._handlers.get(packet.channel)
        if handler is not None:
            handler(packet.payload)

    def _keep_alive(self, talk: Conversation) -> None:
        assert self._track is not None
        now = time.monotonic()
        self._next_keep_alive = now + self._keep_alive_seconds
        with map_exceptions({TimeoutError: RtspError}, text=lambda _: "it takes in no more requests"):
            talk.send(self._keep_alive_method, self._track.session_control, {"Session": self._session}, now + 0.1)

    def _disconnect(self) -> None:
        self._session = ""
        self._handlers = {}
        if self._udp is not None:
            self._udp.close()
            self._udp = None
        if self._talk is not None:
            self._talk.close()
            self._talk = None


def _is_udp_to(port: int, transport: str) -> bool:
    """Check whether a server that has chosen *transport* sends to our own *port* by UDP."""
    chosen = _CLIENT_PORTS.search(transport)
    is_elsewhere = "interleaved" in transport or "multicast" in transport
    return not is_elsewhere and (chosen is None or int(chosen[1]) == port)
