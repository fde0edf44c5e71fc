"""CURVE on a socket: what is sent is secret, and each end knows by its key who the other one is."""

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

    ``server`` is the public key of the end that is called; None where that is this end, which is then the server and
    lets in whom its `Gate` knows.
    """

    own: KeyPair
    server: Key | None = None


def secure(socket: Socket, curve: Curve | None) -> None:
    """Secure what *socket* binds or connects to from now on; in clear if *curve* is None.

    What a socket binds in clear must come before what it serves with keys: libzmq cannot forget a ZAP domain.
    """
    socket.set(zmq.CURVE_SERVER, 0)  # which is plain, until one of the options below says otherwise
    if curve is None:
        return
    socket.set(zmq.CURVE_PUBLICKEY, curve.own.public)
    socket.set(zmq.CURVE_SECRETKEY, curve.own.secret)
    if curve.server is not None:
        socket.set(zmq.CURVE_SERVERKEY, curve.server)
        return
    socket.set(zmq.CURVE_SERVER, 1)
    # Without a domain libzmq asks no gate and lets every key in. With the option after it, nobody gets in where there
    # is no gate, instead of everybody.
    socket.set(zmq.ZAP_DOMAIN, b"edged")
    socket.set(zmq.ZAP_ENFORCE_DOMAIN, 1)
