"""A flood of requests at a daemon with as many enrolled references as it may have: others do not wait for it."""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from edged.client.control import ControlClient
from edged.enrolled import MOST, EnrolledStore
from edged.service.control.server import REST
from tests.service.control.test_server import House
from tests.stopwatch import stopwatch

LONGEST_SECONDS = 0.2
CALLS = 15

FLOODER = """
import sys
import zmq

context = zmq.Context()
poller, requests = zmq.Poller(), [text.encode() for text in sys.argv[2:]]
for number in range(4):
    caller = context.socket(zmq.DEALER)
    caller.connect(sys.argv[1])
    caller.send(requests[0])
    poller.register(caller, zmq.POLLIN | zmq.POLLOUT)
answers = 0
while True:
    for caller, event in poller.poll(1000):
        if event & zmq.POLLIN:
            caller.recv_multipart()
            answers += 1
            if answers == 20:
                print("flooding", flush=True)
        elif event & zmq.POLLOUT:
            caller.send(requests[answers % len(requests)])
"""


@contextmanager
def flooded(address: str, *ops: str) -> Iterator[None]:
    """Four callers send these requests as fast as they can."""
    requests = [json.dumps({"v": 1, "id": "x", **json.loads(op)}) for op in ops]
    command = [sys.executable, "-c", FLOODER, address, *requests]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            assert process.stdout is not None
            assert process.stdout.readline() == "flooding\n"
            yield
        finally:
            process.kill()


def fill(folder: Path, most: int) -> None:
    """Make *most* references of the one that is in *folder*."""
    (record,) = folder.glob("*.json")
    content = json.loads(record.read_text())
    png = (folder / content["picture"]).read_bytes()
    for number in range(1, most):
        name = f"{record.stem}-{number}"
        picture = f"{name}.{number:016x}.png"
        (folder / picture).write_bytes(png)
        (folder / f"{name}.json").write_text(json.dumps({**content, "name": name, "picture": picture}))


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATE_DIRECTORY", str(house.folder / "state"))
        with house.running(), ControlClient(house.address) as daemon:
            daemon.enroll("now", "alone", frames=1)
        fill(house.folder / "state" / "references", MOST)
        with house.running():
            yield house


def processor_seconds() -> float:
    """Processor time of the control stage so far."""
    (task,) = (task for task in Path("/proc/self/task").iterdir() if (task / "comm").read_text().strip() == "control")
    return int((task / "schedstat").read_text().split()[0]) / 1e9


@contextmanager
def served_in_time() -> Iterator[None]:
    """Check that the block, which is one request of another caller, is served in time.

    The stage pauses for `REST` times as long as it works: so that much of the time is work. The work is measured by
    the processor, because other programs may have that meanwhile; the bound by the clock is a wide one.
    """
    before = processor_seconds()
    with stopwatch() as watch:
        yield
    assert processor_seconds() - before <= LONGEST_SECONDS / (1 + REST)
    assert watch.seconds <= 10 * LONGEST_SECONDS


def check_others(house: House) -> None:
    """Ask for the status, over a connection that is kept and over new ones."""
    with ControlClient(house.address) as kept:
        for _ in range(CALLS):
            with served_in_time():
                assert kept.status().enrolled == MOST
            with served_in_time(), ControlClient(house.address) as new:
                assert new.status().enrolled == MOST


@pytest.mark.parametrize(
    "ops",
    [
        ['{"op": "status"}'],
        ['{"op": "references"}'],
        ['{"op": "status"}', '{"op": "references"}', '{"op": "nonsense"}'],
        ['{"op": "snapshot", "camera": "still"}'],
    ],
    ids=["status", "references", "all kinds", "snapshot"],
)
def test_others_do_not_wait_for_a_flood_of_requests(house: House, ops: list[str]) -> None:
    with flooded(house.address, *ops):
        check_others(house)


def test_the_status_does_not_read_the_folder_and_the_next_change_does(
    house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = []
    load = EnrolledStore.load
    monkeypatch.setattr(EnrolledStore, "load", lambda store: read.append(store) or load(store))  # type: ignore[func-returns-value]  # for its effect
    with ControlClient(house.address) as daemon:
        assert (daemon.status().enrolled, len(daemon.references())) == (MOST, MOST + 1)
        assert read == []
        daemon.forget("now-1")
        assert read != []
        assert (daemon.status().enrolled, len(daemon.references())) == (MOST - 1, MOST)
        daemon.enroll("now-1", "alone", frames=1)
        assert (daemon.status().enrolled, len(daemon.references())) == (MOST, MOST + 1)
