"""RTSP cameras whose video comes over UDP, of which packets overtake each other, are lost, or never come."""

from __future__ import annotations

import socket
import threading
from pathlib import Path

import numpy as np
import pytest

from edged.camera.rtsp.session import Transport
from edged.camera.rtsp.source import RtspSource
from tests.camera.leaks import leaves_nothing_behind
from tests.camera.rtsp.clips import coded, payloads, rtp
from tests.camera.rtsp.playing import LIMIT, LOST, good_and_damaged, loss, playing, refusal, take
from tests.camera.rtsp.server import RtspServer, serving_rtsp
from tests.stopwatch import stopwatch

pytestmark = pytest.mark.timed


def camera(*transports: str, **options: object) -> RtspServer:
    server = RtspServer(**options)  # type: ignore[arg-type]  # as the server has them
    server.transports = set(transports)
    return server


def asked(server: RtspServer) -> list[str]:
    """The transports that were asked for, in their order."""
    return [headers["transport"].split(";")[0] for method, _, headers in server.requests if method == "SETUP"]


@pytest.mark.parametrize("codec", ["h264", "hevc", "mjpeg"])
def test_a_camera_is_read_over_udp_frame_by_frame(codec: str) -> None:
    server = camera("udp", clip=coded(codec))
    with playing(server) as (source, slot):
        numbers = take(source, slot, 20)
        assert numbers == sorted(numbers)
        assert numbers[-1] - numbers[0] < 40
        assert source.lost_packets == 0


@pytest.mark.parametrize("status", [461, 400])
def test_udp_is_asked_for_only_where_tcp_is_refused(status: int) -> None:
    server = camera("udp")
    server.transport_refused = status
    with playing(server) as (source, slot):
        take(source, slot)
    assert asked(server) == ["RTP/AVP/TCP", "RTP/AVP/UDP"]
    server = camera("tcp", "udp")
    with playing(server) as (source, slot):
        take(source, slot)
    assert asked(server) == ["RTP/AVP/TCP"]


def test_a_transport_that_is_configured_is_the_only_one() -> None:
    server = camera("tcp", "udp")
    with playing(server, transport="udp") as (source, slot):
        take(source, slot)
    assert asked(server) == ["RTP/AVP/UDP"]
    with serving_rtsp(camera("udp")) as server:
        assert refusal(RtspSource(server.url(), timeout=LIMIT, transport="tcp")).endswith(
            "it does not send over TCP (it says 461 Unsupported Transport): write rtsp_transport: auto or udp"
        )
        assert asked(server) == ["RTP/AVP/TCP"]
    with serving_rtsp(camera("tcp")) as server:
        assert refusal(RtspSource(server.url(), timeout=LIMIT, transport="udp")).endswith(
            "it does not send over UDP (it says 461 Unsupported Transport): write rtsp_transport: auto or tcp"
        )


@pytest.mark.parametrize("transport", ["auto", "udp"])
def test_what_is_encrypted_never_goes_over_to_udp(transport: Transport, certificate: Path) -> None:
    with serving_rtsp(camera("udp", certificate=str(certificate))) as server:
        source = RtspSource(server.url(), timeout=LIMIT, verify_tls=False, transport=transport)
        assert "because UDP is not encrypted" in refusal(source)
        assert "RTP/AVP/UDP" not in asked(server)


def test_a_refused_password_is_not_tried_over_udp() -> None:
    with serving_rtsp(camera("udp")) as server:
        server.answers["SETUP"] = b'RTSP/1.0 401 No\r\nCSeq: CSEQ\r\nWWW-Authenticate: Basic realm="x"\r\n\r\n'
        assert "it asks for a user and password" in refusal(server.url())
        assert asked(server) == ["RTP/AVP/TCP"]


def test_packets_that_never_arrive_have_their_own_sentence() -> None:
    with serving_rtsp(camera("udp")) as server:
        server.order = lambda _: []
        assert refusal(server.url(), timeout=1.0).endswith(
            "no whole frame within 1 s: nothing comes over UDP, which a firewall or a NAT may hold up; "
            "use rtsp_transport: tcp"
        )


def test_packets_that_overtake_each_other_do_no_damage() -> None:
    server = camera("udp", clip=coded(width=640, height=480))
    server.order = lambda packets: packets[::-1]
    with playing(server) as (source, slot):
        # The first picture cannot be put right: nobody knows that something was sent before what came first.
        numbers = take(source, slot, 20)
        assert numbers == sorted(numbers)
        assert source.lost_packets == 0


def test_frames_that_miss_a_packet_are_damaged_until_the_next_key_frame() -> None:
    server = camera("udp", clip=coded(gop=10))
    with playing(server) as (source, slot):
        take(source, slot, 3)
        server.loses = lambda n: n % 60 == 0
        good, damaged = good_and_damaged(source, slot)
        assert damaged == {LOST.format(server.port)}
        assert max(good) < len(server.clip.units)  # a smeared one would have another number
        assert source.lost_packets > 0


def test_packets_of_strangers_are_left_out() -> None:
    server = camera("udp")
    with playing(server) as (source, slot), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as stranger:
        stranger.bind(("127.0.0.2", 0))
        junk = payloads("h264", coded(width=640, height=480).units[0])
        for n in range(50):
            for sequence in (65_500 + n, n):  # in place of the camera's own
                stranger.sendto(rtp(junk[0], sequence, n, marker=True), ("127.0.0.1", server.udp_to[0]))
            stranger.sendto(b"\x81\xcb\0\1\0\0\0\1", ("127.0.0.1", server.udp_to[0] + 1))  # a goodbye
            take(source, slot)
        assert source.lost_packets == 0


def test_a_flood_of_packets_is_a_loss(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.camera.rtsp.flood.MOST_ITEMS", 500)  # the camera sends less than 100
    server = camera("udp")
    with playing(server) as (source, slot):
        take(source, slot)
        server.order = lambda packets: packets * 100
        assert "it sends more than 500 packets a second" in loss(source)


SHORT = 20  # pictures of a clip, whose numbers are below that
FORGED = 30  # the number of a picture that the camera never sends


def forged(packet: bytes, kind: str) -> tuple[int, bytes]:
    """What is sent before a *packet* of the camera to confuse its reader, and which of the two ports it goes to."""
    sequence, timestamp = int.from_bytes(packet[2:4]), int.from_bytes(packet[4:8])
    units = coded(frames=FORGED + 1, gop=1).units[FORGED]
    whole = b"\x18" + b"".join(len(nal).to_bytes(2) + nal for nal in units)
    match kind:
        case "another source":
            return 0, rtp(whole, sequence, timestamp, marker=True)[:8] + b"evil" + whole
        case "the same source":
            return 0, rtp(whole, sequence, timestamp, marker=True)
        case "the next picture":
            return 0, rtp(whole, sequence + 1, timestamp + 1, marker=True)
        case "far ahead":
            return 0, rtp(whole, sequence + 20_000, timestamp, marker=True)
        case "goodbye":
            return 1, b"\x81\xcb\0\1evil"
    raise AssertionError(kind)


@pytest.mark.parametrize("kind", ["another source", "the same source", "the next picture", "far ahead", "goodbye"])
def test_packets_in_the_name_of_the_camera_from_another_port_are_left_out(kind: str) -> None:
    server = camera("udp", clip=coded(frames=SHORT))
    with playing(server) as (source, slot), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
        forger.bind(("127.0.0.1", 0))
        take(source, slot)

        def forge_first(packets: list[bytes]) -> list[bytes]:
            for each in packets:
                channel, packet = forged(each, kind)
                forger.sendto(packet, ("127.0.0.1", server.udp_to[0] + channel))
            return packets

        server.order = forge_first
        assert max(take(source, slot, 50)) < SHORT
        assert source.lost_packets == 0


def test_packets_from_the_port_of_the_camera_but_of_another_source_are_left_out() -> None:
    server = camera("udp", clip=coded(frames=SHORT))
    with playing(server) as (source, slot):
        take(source, slot)
        server.order = lambda packets: [
            each for packet in packets for each in (forged(packet, "another source")[1], packet)
        ]
        assert max(take(source, slot, 50)) < SHORT
        assert source.lost_packets == 0


def test_a_flood_in_the_name_of_the_camera_costs_it_nothing() -> None:
    server = camera("udp")
    with playing(server) as (source, slot), socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as forger:
        forger.bind(("127.0.0.1", 0))
        take(source, slot)
        ending = threading.Event()

        def flood() -> None:
            packets = [forged(rtp(b"", 0, 0), kind) for kind in ("another source", "goodbye")]
            while not ending.is_set():
                for channel, packet in packets:
                    forger.sendto(packet, ("127.0.0.1", server.udp_to[0] + channel))

        thread = threading.Thread(target=flood)
        thread.start()
        try:
            take(source, slot, 50)
        finally:
            ending.set()
            thread.join()
        assert source.lost_packets == 0


def test_a_camera_may_send_from_another_port_than_it_announces() -> None:
    server = camera("udp")
    server.announced = 5
    with playing(server) as (source, slot):
        assert take(source, slot, 30)
        assert source.lost_packets == 0


def test_a_wait_is_ended_from_another_thread() -> None:
    server = camera("udp")
    with playing(server, timeout=60) as (source, slot):
        take(source, slot)
        server.mode = "hang"
        threading.Timer(0.3, source.wake).start()
        with stopwatch() as watch:
            while source.grab(60) is not None:
                pass
        assert watch.seconds < 3


def test_a_camera_that_falls_silent_is_lost_in_time_and_one_that_goes_at_once() -> None:
    server = camera("udp")
    with playing(server, timeout=1) as (source, slot):
        take(source, slot)
        server.mode = "hang"
        assert loss(source).endswith(": no frame for 1 s")
        server.mode = "run"
        source.open()
        take(source, slot)
        server.stop()
        with stopwatch() as watch:
            assert "it has closed the connection" in loss(source)
        assert watch.seconds < 3


def test_opening_and_closing_leaves_nothing_behind() -> None:
    with serving_rtsp(camera("udp")) as server:
        source = RtspSource(server.url(), timeout=LIMIT)

        def one_round() -> None:
            slot = np.zeros(source.open().shape, np.uint8)
            take(source, slot)
            source.close()
            source.close()
            server.answers["PLAY"] = b"\0"
            refusal(source)
            del server.answers["PLAY"]

        leaves_nothing_behind(one_round)
