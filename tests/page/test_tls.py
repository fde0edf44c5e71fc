"""The certificate of the page: what is wrong with it is said at the start, and a browser that trusts it gets in."""

from __future__ import annotations

import http.client
import shutil
import socket
import ssl
import subprocess
import time
from collections.abc import Callable
from pathlib import Path

import pytest
from websockets.sync.client import connect
from websockets.typing import Origin

from edged.errors import ConfigError
from edged.page.connections import HEAD_SECONDS, SEND_SECONDS
from edged.page.gate import AccessGate
from edged.page.tls import tls_context
from tests.camera.certificates import Signed, signed
from tests.page.serving import TOKENS, Page, page


@pytest.fixture
def files(tmp_path: Path) -> Signed:
    folder = tmp_path / "keys"
    folder.mkdir()
    return signed(folder)


def openssl(*command: str) -> bytes:
    found = shutil.which("openssl")
    assert found is not None, "it has made the certificate"
    return subprocess.run([found, *command], check=True, capture_output=True).stdout


def https(served: Page, trusted: Path) -> http.client.HTTPSConnection:
    context = ssl.create_default_context(cafile=str(trusted))
    return http.client.HTTPSConnection("127.0.0.1", served.port, timeout=20, context=context)


def test_a_browser_that_trusts_the_certificate_gets_in(tmp_path: Path, files: Signed) -> None:
    gate = AccessGate(TOKENS, {"127.0.0.1"}, "https")
    with page(tmp_path, gate=gate, tls=tls_context(files.camera, None)) as served:
        connection = https(served, files.authority)
        connection.request("GET", "/session", headers={"Authorization": f"Bearer {TOKENS['look']}"})
        response = connection.getresponse()
        cookie = response.headers["Set-Cookie"]
        assert response.read() == b'{"role": "look"}'
        assert cookie.startswith("__Host-")
        assert "; Secure" in cookie
        connection.close()
        with connect(
            f"wss://127.0.0.1:{served.port}/ws",
            ssl=ssl.create_default_context(cafile=str(files.authority)),
            additional_headers={"Cookie": cookie.partition(";")[0]},
            origin=Origin(f"https://127.0.0.1:{served.port}"),
        ) as websocket:
            assert '"hello"' in str(websocket.recv(timeout=20))


def test_a_response_ends_with_its_connection(tmp_path: Path, files: Signed) -> None:
    """Else a client that reads to the end would wait, and the page keep the connection for it."""
    gate = AccessGate(TOKENS, {"127.0.0.1"}, "https")
    trusted = ssl.create_default_context(cafile=str(files.authority))
    with (
        page(tmp_path, gate=gate, tls=tls_context(files.camera, None)) as served,
        socket.create_connection(("127.0.0.1", served.port), 20) as raw,
        trusted.wrap_socket(raw, server_hostname="127.0.0.1") as client,
    ):
        client.sendall(f"GET / HTTP/1.1\r\nHost: {served.host}\r\n\r\n".encode())
        begin, read = time.monotonic(), b""
        while part := client.recv(1 << 16):
            read += part
        assert time.monotonic() - begin < SEND_SECONDS / 2
        assert read.startswith(b"HTTP/1.1 200")


@pytest.mark.timed
def test_a_handshake_that_does_not_end_and_clear_text_end_alone(
    tmp_path: Path, files: Signed, caplog: pytest.LogCaptureFixture
) -> None:
    gate = AccessGate(TOKENS, {"127.0.0.1"}, "https")
    with page(tmp_path, gate=gate, tls=tls_context(files.camera, None)) as served:
        address = ("127.0.0.1", served.port)
        begin = time.monotonic()
        with socket.create_connection(address, 20) as silent, socket.create_connection(address, 20) as clear:
            clear.sendall(b"GET / HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
            assert b"HTTP" not in clear.recv(100)
            silent.sendall(b"\x16\x03\x01\x02\x00")
            assert silent.recv(100) == b""
            assert HEAD_SECONDS - 1 < time.monotonic() - begin < HEAD_SECONDS + 15
        connection = https(served, files.authority)
        connection.request("GET", "/")
        assert connection.getresponse().status == 200
        connection.close()
    assert [record for record in caplog.records if record.name == "asyncio"] == []


def test_the_key_may_be_in_a_file_of_its_own(files: Signed) -> None:
    assert tls_context(files.camera.with_suffix(".crt"), files.camera.with_suffix(".key"))


def other_key(files: Signed) -> tuple[Path, Path | None]:
    return files.camera.with_suffix(".crt"), files.authority.with_suffix(".key")


def no_key(files: Signed) -> tuple[Path, Path | None]:
    return files.camera.with_suffix(".crt"), None


def no_certificate(files: Signed) -> tuple[Path, Path | None]:
    return files.camera.with_suffix(".key"), None


def locked_key(files: Signed) -> tuple[Path, Path | None]:
    locked = files.camera.with_name("locked.key")
    plain = str(files.camera.with_suffix(".key"))
    openssl("pkey", "-in", plain, "-aes128", "-passout", "pass:secret", "-out", str(locked))
    return files.camera.with_suffix(".crt"), locked


def noise(files: Signed) -> tuple[Path, Path | None]:
    noise = files.camera.with_name("noise.key")
    noise.write_bytes(b"\x00\xff" * 500)
    return files.camera.with_suffix(".crt"), noise


def missing_key(files: Signed) -> tuple[Path, Path | None]:
    return files.camera.with_suffix(".crt"), files.camera.with_name("none.key")


def folder(files: Signed) -> tuple[Path, Path | None]:
    return files.camera.parent, None


WRONG: list[tuple[Callable[[Signed], tuple[Path, Path | None]], str]] = [
    (other_key, r"ca\.key: is not the key of the certificate in .*camera\.crt"),
    (no_key, r"camera\.crt: has no private key in PEM"),
    (no_certificate, r"camera\.key: has no certificate in PEM"),
    (locked_key, r"locked\.key: its key needs a passphrase"),
    (noise, r"noise\.key: has no private key in PEM"),
    (missing_key, r"none\.key: cannot be read: .*No such file"),
    (folder, r"keys: cannot be read: .*directory"),
]


@pytest.mark.parametrize(("choose", "reason"), WRONG, ids=[choose.__name__ for choose, _ in WRONG])
def test_the_file_that_is_wrong_is_named_with_its_fault(
    files: Signed, choose: Callable[[Signed], tuple[Path, Path | None]], reason: str
) -> None:
    with pytest.raises(ConfigError, match=reason):
        tls_context(*choose(files))


def test_a_certificate_that_has_expired_is_refused_and_one_of_the_future_is_not(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    """A board without a clock of its own is in the past until it has the time from the network."""
    for name in ("old", "new"):
        (tmp_path / name).mkdir()
    old = signed(tmp_path / "old", begins_in_days=-9, ends_in_days=-1)
    with pytest.raises(ConfigError, match=r"camera\.pem: has expired, .*renew it"):
        tls_context(old.camera, None)
    new = signed(tmp_path / "new", begins_in_days=1, ends_in_days=9)
    assert tls_context(new.camera, None)
    assert "is not valid yet" in caplog.text
