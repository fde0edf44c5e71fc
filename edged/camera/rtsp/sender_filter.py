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
_LOAD_WORD, _JUMP_IF_EQUAL, _RETURN = 0x20, 0x15, 0x06  # linux/filter.h: BPF_LD|W|ABS, BPF_JMP|JEQ|K, BPF_RET|K
_NETWORK_HEADER = 0x100000000 - 0x100000  # SKF_NET_OFF, as the unsigned number that it is there
_SENDER_OF_IPV4, _SENDER_OF_IPV6 = 12, 8  # bytes of the header before it
_WHOLE, _NOTHING = 0xFFFFFFFF, 0


def accept_only(channel: socket.socket, sender: str) -> None:
    """Let *channel* receive only what comes from the address *sender*, from any port.

    Raises:
        OSError: the kernel takes no filters.
    """
    address = ipaddress.ip_address(sender.partition("%")[0])
    words = struct.unpack(f">{len(address.packed) // 4}I", address.packed)
    begin = _NETWORK_HEADER + (_SENDER_OF_IPV4 if address.version == 4 else _SENDER_OF_IPV6)
    steps: list[bytes] = []
    for number, word in enumerate(words):
        to_the_end = 2 * (len(words) - number) - 1  # past the following words, and past the step that accepts
        steps += [_step(_LOAD_WORD, begin + 4 * number), _step(_JUMP_IF_EQUAL, word, otherwise=to_the_end)]
    program = b"".join([*steps, _step(_RETURN, _WHOLE), _step(_RETURN, _NOTHING)])
    memory = ctypes.create_string_buffer(program, len(program))
    described = struct.pack("@HP", len(program) // 8, ctypes.addressof(memory))
    channel.setsockopt(socket.SOL_SOCKET, _SO_ATTACH_FILTER, described)


def _step(code: int, value: int, otherwise: int = 0) -> bytes:
    return struct.pack("@HBBI", code, 0, otherwise, value)
