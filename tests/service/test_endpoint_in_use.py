"""The check whether a process listens at the endpoints of a configuration, with real sockets."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest

from edged.config import Endpoint, load_text
from edged.service.endpoint_in_use import publishing_already
from tests.keyed import free_port

CONFIG = """\
model: {{name: efficientnet-lite0-int8}}
cameras: {{front: {{source: "pattern:"}}}}
publish: {{endpoints: [{endpoints}]}}
"""


def endpoints(*texts: str) -> list[Endpoint]:
    config = load_text(CONFIG.format(endpoints=", ".join(f'"{text}"' for text in texts)), "/etc/edged.yaml").config
    return list(config.publish.endpoints)


@pytest.fixture
def busy() -> Iterator[int]:
    """A port of loopback on which somebody listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield int(server.getsockname()[1])


def test_a_port_is_taken_while_somebody_listens_there(busy: int) -> None:
    free = f"pub+bind:tcp://127.0.0.1:{free_port()}"
    assert publishing_already(endpoints(free)) is None
    assert publishing_already(endpoints(free, f"pub+bind:tcp://127.0.0.1:{busy}")) == f"tcp://127.0.0.1:{busy}"


def test_a_socket_file_is_taken_while_somebody_listens_there(tmp_path: Path) -> None:
    path = tmp_path / "pub.sock"
    both = endpoints(f"pub+bind:ipc://{path}", "pub+bind:tcp://127.0.0.1:*")
    assert publishing_already(both) is None
    with socket.socket(socket.AF_UNIX) as server:
        server.bind(str(path))
        assert publishing_already(both) is None, "nobody listens yet"
        server.listen()
        assert publishing_already(both) == f"ipc://{path}"
    assert publishing_already(both) is None, "the file alone is nobody"


def test_an_endpoint_to_connect_to_is_not_in_use(busy: int) -> None:
    assert publishing_already(endpoints(f"pub+connect:tcp://127.0.0.1:{busy}")) is None


def test_without_endpoints_none_is_in_use() -> None:
    assert publishing_already([]) is None


def test_an_address_of_ipv6_is_tried_without_its_brackets() -> None:
    try:
        server = socket.create_server(("::1", 0), family=socket.AF_INET6)
    except OSError:
        pytest.skip("no IPv6 on this machine")
    with server:
        address = f"tcp://[::1]:{server.getsockname()[1]}"
        assert publishing_already(endpoints(f"pub+bind:{address}")) == address
