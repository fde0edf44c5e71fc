"""Messages that have arrived at a socket."""

from __future__ import annotations

import zmq

from edged.transport.arrivals import has_arrivals
from tests.fakes import eventually


def test_a_message_has_arrived_when_all_its_parts_can_be_read_and_until_they_are() -> None:
    with zmq.Context() as context, context.socket(zmq.PAIR) as here, context.socket(zmq.PAIR) as there:
        here.bind("inproc://here")
        there.connect("inproc://here")
        assert not has_arrivals(here)
        there.send(b"one", zmq.SNDMORE)
        assert not has_arrivals(here)
        there.send(b"two")
        eventually(lambda: has_arrivals(here), "both parts")
        assert here.recv_multipart(zmq.NOBLOCK) == [b"one", b"two"]
        assert not has_arrivals(here)
