"""UDP ports at which only one sender counts, however much others send."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress

import pytest

from edged.camera.rtsp.sender_filter import accept_only
from edged.camera.rtsp.udp import UdpChannels

FLOOD = 20_000


@contextmanager
def sockets(*addresses: str) -> Iterator[list[socket.socket]]:
    """UDP sockets at these addresses."""
    with ExitStack() as stack:
        made = []
        for address in addresses:
            family = socket.AF_INET6 if ":" in address else socket.AF_INET
            made.append(stack.enter_context(socket.socket(family, socket.SOCK_DGRAM)))
            made[-1].bind((address, 0))
            made[-1].setblocking(False)
        yield made


def received(channel: socket.socket) -> list[bytes]:
    """Everything that waits at *channel*."""
    found = []
    with suppress(BlockingIOError):
        while True:
            found.append(channel.recv(2000))
    return found


def test_only_the_packets_of_the_sender_arrive_from_any_of_its_ports() -> None:
    with sockets("127.0.0.1", "127.0.0.2", "127.0.0.3", "127.0.0.2") as (here, camera, stranger, other_port):
        accept_only(here, "127.0.0.2")
        for sender, content in ((stranger, b"no"), (camera, b"x" * 1400), (stranger, b"no"), (other_port, b"yes")):
            sender.sendto(content, here.getsockname())
        assert received(here) == [b"x" * 1400, b"yes"]


def test_the_port_of_the_sender_and_bytes_of_the_packet_may_count_too() -> None:
    with sockets("127.0.0.1", "127.0.0.2", "127.0.0.2") as (here, camera, other_port):
        port = camera.getsockname()[1]
        accept_only(here, "127.0.0.2", port=port, source=b"mine", source_at=8)
        for sender, content in ((camera, b"????????mine!"), (other_port, b"????????mine?"), (camera, b"????????mind?")):
            sender.sendto(content, here.getsockname())
        camera.sendto(b"????????min", here.getsockname())
        assert received(here) == [b"????????mine!"]


@pytest.mark.parametrize(("sender", "count"), [("::1", 1), ("::2", 0), ("1::1", 0), ("::1%lo", 1)])
def test_every_part_of_an_ipv6_address_counts(sender: str, count: int) -> None:
    with ExitStack() as stack:
        try:
            here, camera = stack.enter_context(sockets("::1", "::1"))
        except OSError:
            pytest.skip("this machine has no IPv6")
        accept_only(here, sender)
        camera.sendto(b"x", here.getsockname())
        assert len(received(here)) == count


def test_a_flood_of_a_stranger_takes_no_room_from_the_packets_of_the_camera() -> None:
    packets: list[bytes] = []
    with sockets("127.0.0.1", "127.0.0.2") as (camera, stranger):
        channels = UdpChannels(("127.0.0.1", 0), ("127.0.0.1", 554), lambda p: packets.append(bytes(p)), lambda _: None)
        try:
            for _ in range(FLOOD):
                stranger.sendto(bytes(1400), ("127.0.0.1", channels.ports[0]))
            camera.sendto(b"\x80\x60" + bytes(1398), ("127.0.0.1", channels.ports[0]))
            while channels.advance():
                pass
        finally:
            channels.close()
    assert len(packets) == 1
