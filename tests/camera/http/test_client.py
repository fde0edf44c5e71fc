"""Failures of a web camera, each with the address where it happened."""

from __future__ import annotations

import re
import time

import pytest

from edged.bell import Bell
from edged.camera.http.client import WebClient
from edged.errors import SourceError
from tests.camera.servers import MjpegServer, free_port, serving


def failure(url: str) -> str:
    bell = Bell()
    try:
        with pytest.raises(SourceError) as caught:
            WebClient(url, 10, True, "same-host").ask(bell, time.monotonic() + 10).body.close()
    finally:
        bell.close()
    return str(caught.value)


def test_after_a_redirection_a_failure_names_the_address_that_answered() -> None:
    with serving(MjpegServer(auth="basic")) as asking, serving(MjpegServer()) as camera:
        camera.elsewhere = asking.url("/stream")
        told = failure(camera.url("/elsewhere", credentials="user:s3cret"))
    assert told.startswith(f"{camera.url('/elsewhere')}: redirected to {asking.url('/stream')}: it asks for a user")
    assert "s3cret" not in told


def test_after_a_redirection_to_a_closed_port_that_port_is_named() -> None:
    port = free_port()
    with serving(MjpegServer()) as camera:
        camera.elsewhere = f"http://127.0.0.1:{port}/x"
        told = failure(camera.url("/elsewhere"))
    assert re.search(rf"redirected to http://127\.0\.0\.1:{port}/x: nobody listens there", told)


def test_without_a_redirection_the_address_is_named_once() -> None:
    with serving(MjpegServer()) as camera:
        assert failure(camera.url("/none")).count(str(camera.port)) == 1
