"""A flood of requests at a daemon with as many enrolled references as it may have: others do not wait for it."""

from __future__ import annotations

import gc
import json
import queue
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

import pytest

from edged.client.control import ControlClient
from edged.enrolled import MOST, EnrolledStore
from edged.errors import ControlError
from edged.service.control.server import REST, Control, _UnderWay
from edged.transport.zmtp.commands import from_properties
from edged.transport.zmtp.frames import command, to_bytes
from edged.transport.zmtp.greeting import greeting
from edged.wire import control as wire
from edged.wire.control_requests import GetStatus
from tests.fakes import eventually
from tests.raw_subscriber import connected
from tests.service.control.test_server import House

LONGEST_SECONDS = 0.2
CALLS = 15
HELLO = greeting(b"NULL", minor=0) + command(b"READY", from_properties({b"Socket-Type": b"DEALER"}))

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


FLOODS = pytest.mark.parametrize(
    "ops",
    [
        ['{"op": "status"}'],
        ['{"op": "references"}'],
        ['{"op": "status"}', '{"op": "references"}', '{"op": "nonsense"}'],
        ['{"op": "snapshot", "camera": "still"}'],
        ['{"op": "snapshot", "camera": "still"}', '{"op": "status"}', '{"op": "references"}', '{"op": "nonsense"}'],
    ],
    ids=["status", "references", "all kinds", "snapshot", "all kinds and snapshots"],
)


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
        with house.running(), without_older_objects():
            yield house


@contextmanager
def without_older_objects() -> Iterator[None]:
    """Python's collector passes over what other tests have left in this process.

    It runs in whichever thread makes an object, and to look at the objects of thousands of tests takes longer than any
    turn of the control stage, whose time would have that in it.
    """
    gc.collect()
    gc.freeze()
    try:
        yield
    finally:
        gc.unfreeze()


class Work:
    """Processor time of the control stage, up to the moment when it has answered.

    What it does for the flood while the client is kept waiting for the processor is not counted, on either side: a
    request goes out in one piece, with the handshake of a new connection, and the stage's thread reads its own clock
    when it has sent the answer.
    """

    def __init__(self, patch: pytest.MonkeyPatch) -> None:
        (stage,) = (thread for thread in threading.enumerate() if thread.name == "control")
        assert stage.ident is not None
        self._clock = time.pthread_getcpuclockid(stage.ident)
        self._answered: queue.SimpleQueue[float] = queue.SimpleQueue()
        answer = Control._answer

        def answer_and_note(control: Control, under_way: _UnderWay, frames: Sequence[bytes]) -> None:
            answer(control, under_way, frames)
            if under_way.request_id == "other":
                self._answered.put(time.thread_time())

        patch.setattr(Control, "_answer", answer_and_note)

    def seconds(self, connection: socket.socket, before: bytes = b"") -> float:
        """Return the seconds that a status takes that is asked for over *connection*, after the bytes *before*."""
        content = before + to_bytes([b"", wire.write_request(GetStatus(), "other")])
        begin = time.clock_gettime(self._clock)
        connection.sendall(content)
        return self._answered.get(timeout=20) - begin


def work_of_a_status(house: House, work: Work) -> float:
    """Ask for the status, over a connection that is kept and over new ones. Returns the most that one took."""
    with connected(house.address) as kept:
        found = [work.seconds(kept, HELLO)]
        for _ in range(CALLS):
            found.append(work.seconds(kept))
            with connected(house.address) as new:
                # A true client asks after the answer to its handshake, so it waits for one turn more.
                found.append(work.seconds(new, HELLO) + work.seconds(new))
    return max(found)


def check_work(house: House, work: Work) -> None:
    """Check what a status takes: the stage pauses for `REST` times as long as it works, so that much of it is work.

    A machine whose host takes its processor away counts that as work, too. That is rare, and what is too much work is
    so each time.
    """
    most = LONGEST_SECONDS / (1 + REST)
    assert any(work_of_a_status(house, work) <= most for _ in range(3))


@contextmanager
def within(seconds: float) -> Iterator[None]:
    """Check the time that the block takes, without the time that it waits for a processor that other programs have.

    The daemon and the caller are threads of this process. The caller waits, then the control stage, or either of them
    for Python's lock while the thread that has it waits.
    """
    begin, before = time.monotonic(), waits_for_a_processor()
    yield
    took = time.monotonic() - begin
    waits = {task: waited - before.get(task, waited) for task, waited in waits_for_a_processor().items()}
    starved = sum(waits.pop(task) for task in (_task("control"), str(threading.get_native_id())))
    starved += max(waits.values())
    assert took - starved <= seconds, f"{took:.3f} s, {starved:.3f} s of them without a processor"


def waits_for_a_processor() -> dict[str, float]:
    """Return the seconds that each thread of this process has waited for one, as the kernel counts them."""
    waits = {}
    for task in Path("/proc/self/task").iterdir():
        with suppress(FileNotFoundError, ProcessLookupError):  # it has ended
            waits[task.name] = int((task / "schedstat").read_text().split()[1]) / 1e9
    return waits


def _task(name: str) -> str:
    return next(str(thread.native_id) for thread in threading.enumerate() if thread.name == name)


def check_time(house: House) -> None:
    """Ask in the same ways with a true client."""
    with ControlClient(house.address) as kept:
        for _ in range(CALLS):
            with within(LONGEST_SECONDS):
                assert kept.status().enrolled == MOST
            with within(LONGEST_SECONDS), ControlClient(house.address) as new:
                assert new.status().enrolled == MOST


def has_room(house: House) -> bool:
    """Whether the requests of a flood that is over are no longer under way."""
    try:
        with ControlClient(house.address) as daemon:
            daemon.forget("nobody")
    except ControlError as refusal:
        return refusal.code != "busy"
    raise AssertionError("there is a reference 'nobody'")


@FLOODS
def test_others_do_not_wait_for_a_flood_of_requests(
    house: House, ops: list[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    work = Work(monkeypatch)
    with flooded(house.address, *ops):
        check_work(house, work)
    eventually(lambda: has_room(house), "the flood's requests are done")


@pytest.mark.timed
@FLOODS
def test_the_status_comes_at_once_beside_a_flood_of_requests(house: House, ops: list[str]) -> None:
    with flooded(house.address, *ops):
        check_time(house)
    eventually(lambda: has_room(house), "the flood's requests are done")


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
