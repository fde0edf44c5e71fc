"""All sockets of a daemon together, and their end."""

from __future__ import annotations

import time
from pathlib import Path

import pytest
import zmq

from edged.config import Endpoint
from edged.pipeline import outlets as module
from edged.pipeline.keyring import Keyring
from edged.pipeline.outlets import Outlets


def test_its_end_is_waited_for_with_a_limit(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    """libzmq waits for ever for what is not closed, or not sent; nobody may wait so long for libzmq."""
    monkeypatch.setattr(module, "TERM_SECONDS", 0.2)
    outlets = Outlets()
    outlets.open(
        [Endpoint.parse(f"pub+bind:ipc://{tmp_path}/pub.sock", tmp_path)], Keyring(), queue=16, queue_bytes=9999
    )
    assert outlets._context is not None
    forgotten = outlets._context.socket(zmq.PUSH)
    begin = time.monotonic()
    outlets.close(0.0)
    assert time.monotonic() - begin < 2
    assert "libzmq did not end within 0.2 s and is left behind" in caplog.text
    forgotten.close(0)  # and so its thread ends


def test_subscriptions_that_nobody_looked_for_wait_until_somebody_does(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/pub.sock"
    outlets = Outlets()
    try:
        outlets.open([Endpoint.parse(f"pub+bind:{address}", tmp_path)], Keyring(), queue=16, queue_bytes=9999)
        _, socket = outlets.sockets()
        with zmq.Context() as context, context.socket(zmq.SUB) as subscriber:
            subscriber.subscribe(b"a/")
            subscriber.connect(address)
            assert socket.poll(20_000)
            assert outlets.attend(readable=False) == []
            outlets.send([b"a/", b"it hears this all the same"])
            assert subscriber.poll(20_000)
            assert outlets.attend() == [b"a/"]
            assert outlets.prefixes == (frozenset({b"a/"}),)
    finally:
        outlets.close(0.0)
