"""Publishers for the subscribers."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from tests.publishing import Publisher


@pytest.fixture
def publish(tmp_path: Path) -> Iterator[Callable[..., Publisher]]:
    """Factory of publishers: on an ``ipc://`` path of the test, or on the address that is given."""
    with ExitStack() as opened:

        def start(address: str = f"ipc://{tmp_path}/pub.sock") -> Publisher:
            return opened.enter_context(Publisher(address))

        yield start


@pytest.fixture
def publisher(publish: Callable[..., Publisher]) -> Publisher:
    """A publisher on an ``ipc://`` path."""
    return publish()
