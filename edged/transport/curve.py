"""CURVE on a socket: messages are encrypted, and each end identifies the other by its key."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TypeAlias

import zmq

from edged.transport.keys import Key, KeyPair

__all__ = ["Curve", "secure"]

Socket: TypeAlias = zmq.Socket[bytes]


@dataclass(frozen=True, slots=True)
class Curve:
    """The keys that secure one end of a connection.

    ``server`` is the public key of the end that is connected to. None: this end is the server, and its `Gate` decides
    which clients it lets in.
    """

    own: KeyPair
    server: Key | None = None


def secure(socket: Socket, curve: Curve | None) -> None:
    """Secure what *socket* binds or connects to from now on; in clear if *curve* is None.

    A socket must bind its addresses in clear before those with keys, because libzmq cannot forget a ZAP domain.
    """
    socket.set(zmq.CURVE_SERVER, 0)  # in clear, until one of the options below changes that
    if curve is None:
        return
    socket.set(zmq.CURVE_PUBLICKEY, curve.own.public)
    socket.set(zmq.CURVE_SECRETKEY, curve.own.secret)
    if curve.server is not None:
        socket.set(zmq.CURVE_SERVERKEY, curve.server)
        return
    socket.set(zmq.CURVE_SERVER, 1)
    # Without a domain libzmq asks no gate and lets every key in. With the option after it, a context without a gate
    # refuses every client instead of letting every client in.
    socket.set(zmq.ZAP_DOMAIN, b"edged")
    socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
