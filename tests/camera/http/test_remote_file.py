"""A file of a web server that never lets its reader wait."""

from __future__ import annotations

import time
from contextlib import closing

from edged.bell import Bell
from edged.camera.http.client import WebClient
from edged.camera.http.remote_file import RemoteFile
from tests.camera.servers import flooding

HEAD = b"HTTP/1.1 200 OK\r\nContent-Type: video/mp2t\r\n\r\n"


def test_a_reader_that_is_woken_reads_no_more_although_there_is_always_more() -> None:
    bell = Bell()
    with flooding(HEAD, bytes(65536)) as url:
        client = WebClient(url, 10, True, "same-host")
        file = RemoteFile(client, client.ask(bell, time.monotonic() + 10), bell, 10)
        with closing(file):
            assert file.read(65536)
            bell.ring()
            assert not file.read(65536)
            assert file.failure
    bell.close()
