"""The kernel drops what others than the camera send to a UDP port, so that it takes no room from the camera's packets.

A connected socket would do that too, but for one port of the camera only, and cameras send from others than they say.
"""

from __future__ import annotations

import ctypes
import ipaddress
import socket
import struct

__all__ = ["accept_only"]

_SO_ATTACH_FILTER = 26
# linux/filter.h: BPF_LD|W|ABS, BPF_LD|H|ABS, BPF_JMP|JEQ|K, BPF_RET|K
_LOAD_WORD, _LOAD_HALF, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x28, 0x15, 0x06
_NETWORK_HEADER = 0x100000000 - 0x100000  # SKF_NET_OFF, as the unsigned number that it is there
_SENDER_OF_IPV4, _SENDER_OF_IPV6 = 12, 8  # bytes of the header before it
_PORT, _CONTENT = 0, 8  # bytes before them, from the begin of the UDP header
_WHOLE, _NOTHING = 0xFFFFFFFF, 0


def accept_only(
    channel: socket.socket, sender: str, *, port: int | None = None, source: bytes | None = None, source_at: int = 0
) -> None:
    """Let *channel* receive only what comes from the address *sender*; replaces what was said before.

    Args:
        channel: a UDP socket.
        sender: an IP address.
        port: of the sender; None: any.
        source: 4 bytes that a packet must have at *source_at*; None: any.
        source_at: count of bytes before them.

    Raises:
        OSError: the kernel takes no filters.
    """
    address = ipaddress.ip_address(sender.partition("%")[0])
    words = struct.unpack(f">{len(address.packed) // 4}I", address.packed)
    begin = _NETWORK_HEADER + (_SENDER_OF_IPV4 if address.version == 4 else _SENDER_OF_IPV6)
    checks = [(_LOAD_WORD, begin + 4 * number, word) for number, word in enumerate(words)]
    if port is not None:
        checks.append((_LOAD_HALF, _PORT, port))
    if source is not None:
        checks.append((_LOAD_WORD, _CONTENT + source_at, int.from_bytes(source)))
    steps: list[bytes] = []
    for number, (load, at, value) in enumerate(checks):
        to_the_end = 2 * (len(checks) - number) - 1  # past the following checks, and past the step that accepts
        steps += [_step(load, at), _step(_JUMP_IF_EQUAL, value, otherwise=to_the_end)]
    program = b"".join([*steps, _step(_RETURN, _WHOLE), _step(_RETURN, _NOTHING)])
    memory = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(memory))
    channel.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)


def _step(code: int, value: int, otherwise: int = 0) -> bytes:
    return struct.pack("@HBBI", code, 0, otherwise, value)
