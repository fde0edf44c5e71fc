"""Ports of the publisher, served by the thread of the test."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import zmq

from tests.transport.pub.serving import Context, Served, Socket


@pytest.fixture
def served() -> Iterator[Served]:
    served = Served()
    yield served
    served.close()


@pytest.fixture
def context() -> Iterator[Context]:
    """libzmq; what a test leaves open is closed after it."""
    context: Context = zmq.Context()
    opened: list[Socket] = []
    make = context.socket

    def kept(kind: int) -> Socket:
        opened.append(make(kind))
        return opened[-1]

    context.socket = kept  # type: ignore[method-assign, assignment]  # of this one object, for one kind of call
    yield context
    for socket in opened:
        socket.close(linger=0)
    context.term()
