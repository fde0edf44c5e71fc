"""The subscriber, over real sockets: deliveries, counters and endings."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import zmq

from edged.client import Subscriber
from edged.errors import PublishError, WireError
from edged.wire import Message, Status, Vec, encode
from tests.publishing import Publisher, status, vec
from tests.stopwatch import stopwatch

Publish = Callable[..., Publisher]

SOON = 10.0  # seconds that a thing which happens at once may take on a busy machine


def receive(subscriber: Subscriber, count: int) -> list[Message]:
    """Return the next *count* messages."""
    messages: list[Message] = []
    for _ in range(count):
        message = subscriber.receive(timeout=SOON)
        assert message is not None, f"only {len(messages)} of {count} messages came"
        messages.append(message)
    return messages


def pump(subscriber: Subscriber, publisher: Publisher) -> None:
    """Let *subscriber* read until it has subscribed at *publisher*: ZeroMQ does that again only while it is used."""
    deadline = time.monotonic() + SOON
    while not publisher.socket.poll(0):
        assert time.monotonic() < deadline
        subscriber.receive(0.02)
    publisher.wait_for_subscription()


def vectors(messages: list[Message]) -> list[Vec]:
    return [message for message in messages if isinstance(message, Vec)]


def held() -> tuple[int, int]:
    """Return the number of threads, ZeroMQ's included, and of file descriptors of this process."""
    return len(list(Path("/proc/self/task").iterdir())), len(list(Path("/proc/self/fd").iterdir()))


@contextmanager
def after(seconds: float, act: Callable[[], object]) -> Iterator[None]:
    """Run *act* in another thread while the test waits for its effect."""
    timer = threading.Timer(seconds, act)
    timer.start()
    try:
        yield
    finally:
        timer.join()


# -- what is delivered ------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["ipc", "tcp"])
def test_messages_come_typed_and_in_order(publish: Publish, transport: str) -> None:
    publisher = publish() if transport == "ipc" else publish("tcp://127.0.0.1:*")
    with Subscriber(publisher.address) as subscriber:
        publisher.wait_for_subscription()
        for seq in range(100):
            publisher.send(vec(seq))
            (message,) = vectors(receive(subscriber, 1))
            assert message.seq == seq
            assert message.sims[0].ref == "path-empty"
            assert np.array_equal(message.vector, np.full(1280, seq, dtype=np.float32))
        assert not subscriber.gaps


def test_a_vector_is_read_only(publisher: Publisher) -> None:
    with Subscriber(publisher.address) as subscriber:
        publisher.wait_for_subscription()
        publisher.send(vec())
        (message,) = vectors(receive(subscriber, 1))
    with pytest.raises(ValueError, match="read-only"):
        message.vector[0] = 1
    assert message.vector[0] == 0  # and outlives the subscriber


def test_iterating_yields_every_message(publisher: Publisher) -> None:
    with Subscriber(publisher.address) as subscriber:
        publisher.wait_for_subscription()
        publisher.send(*(vec(seq) for seq in range(5)))
        assert [message.seq for message in itertools.islice(subscriber, 5)] == [0, 1, 2, 3, 4]


def test_only_vectors_come_by_default(publisher: Publisher) -> None:
    with Subscriber(publisher.address) as subscriber, Subscriber(publisher.address, kinds="status") as other:
        assert sorted(publisher.wait_for_subscription(2)) == [b"edged/1/status/", b"edged/1/vec/"]
        publisher.send(status(), vec(), status(1), vec(1))
        assert [message.kind for message in receive(subscriber, 2)] == ["vec", "vec"]
        assert [message.kind for message in receive(other, 2)] == ["status", "status"]


def test_names_select_messages(publisher: Publisher) -> None:
    with Subscriber(publisher.address, node="porch", camera="cam1", region="path") as subscriber:
        assert publisher.wait_for_subscription() == [b"edged/1/vec/porch/cam1/path/"]
        publisher.send(vec(camera="cam10"), vec(camera="cam1", region="path2"), vec(camera="cam1"))
        (message,) = receive(subscriber, 1)
        assert (message.camera, subscriber.receive(0)) == ("cam1", None)


def test_a_camera_is_found_on_any_node(publisher: Publisher) -> None:
    with Subscriber(publisher.address, camera="street") as subscriber:
        publisher.wait_for_subscription()
        publisher.send(vec(camera="yard"), vec(node="porch"), vec(node="garage"))
        assert [message.node for message in receive(subscriber, 2)] == ["porch", "garage"]


def test_a_region_is_selected_together_with_the_status_of_its_camera(publisher: Publisher) -> None:
    with Subscriber(publisher.address, kinds=("vec", "status"), region="path") as subscriber:
        publisher.wait_for_subscription(2)
        publisher.send(vec(region="door"), status(), vec(region="path"))
        assert [message.kind for message in receive(subscriber, 2)] == ["status", "vec"]


def test_several_endpoints_are_one_stream(publish: Publish, tmp_path: Path) -> None:
    porch, garage = publish(), publish("tcp://127.0.0.1:*")
    with Subscriber(porch.address, garage.address) as subscriber:
        porch.wait_for_subscription()
        garage.wait_for_subscription()
        porch.send(vec(node="porch"))
        garage.send(vec(node="garage"))
        assert {message.node for message in receive(subscriber, 2)} == {"porch", "garage"}


def test_a_subscriber_that_binds_waits_for_daemons(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/hub.sock"
    with Subscriber(f"sub+bind:{address}") as subscriber, Publisher(address, bind=False) as publisher:
        pump(subscriber, publisher)
        publisher.send(vec(3))
        assert receive(subscriber, 1)[0].seq == 3


def test_an_address_that_another_program_has_bound_is_refused(publish: Publish) -> None:
    taken = publish("tcp://127.0.0.1:*").address
    with pytest.raises(PublishError, match="Address already in use"):
        Subscriber(f"sub+bind:{taken}")


def test_without_an_endpoint_the_daemon_of_this_machine_is_found(
    publish: Publish, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "edged").mkdir()
    publisher = publish(f"ipc://{tmp_path}/edged/pub.sock")
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    with Subscriber() as subscriber:
        publisher.wait_for_subscription()
        publisher.send(vec())
        receive(subscriber, 1)


def test_receive_raw_returns_the_frames_too(publisher: Publisher) -> None:
    with Subscriber(publisher.address) as subscriber:
        publisher.wait_for_subscription()
        message = vec(7)
        publisher.send(message)
        delivery = subscriber.receive_raw(SOON)
    assert delivery is not None
    assert delivery.message.seq == 7
    assert delivery.frames == tuple(map(bytes, encode(message)))


# -- waiting ----------------------------------------------------------------------------------------------------------


def test_receive_returns_none_after_its_timeout(publisher: Publisher) -> None:
    with Subscriber(publisher.address) as subscriber:
        start = time.monotonic()
        assert subscriber.receive(0.05) is None
        assert time.monotonic() - start >= 0.05
        assert subscriber.receive(0) is None
        assert subscriber.receive(-1) is None


def test_messages_of_other_names_do_not_extend_the_timeout(publisher: Publisher) -> None:
    junk = [b"edged/1/vec/", b"junk", b""]
    stop = threading.Event()

    def flood() -> None:
        while not stop.is_set():
            publisher.socket.send_multipart(junk)

    with Subscriber(publisher.address) as subscriber:
        publisher.wait_for_subscription()
        thread = threading.Thread(target=flood)
        thread.start()
        try:
            start = time.monotonic()
            assert subscriber.receive(0.3) is None
            assert time.monotonic() - start < SOON
            assert subscriber.malformed > 0
        finally:
            stop.set()
            thread.join()


def test_a_subscriber_that_was_there_first_is_connected_as_the_daemon_starts(publish: Publish, tmp_path: Path) -> None:
    with Subscriber(f"ipc://{tmp_path}/pub.sock") as subscriber:
        assert subscriber.receive(0.5) is None  # long enough for pauses between attempts to have grown, if they did
        publisher = publish()
        with stopwatch() as watch:
            publisher.wait_for_subscription()
        assert watch.seconds < 0.5  # less than a daemon takes to its first message
        publisher.send(vec(0), vec(1))
        assert [message.seq for message in receive(subscriber, 2)] == [0, 1]


# -- newest only ------------------------------------------------------------------------------------------------------


def test_newest_only_delivers_the_newest_of_every_topic(publisher: Publisher) -> None:
    with Subscriber(publisher.address, newest_only=True, queue=1000) as subscriber:
        publisher.wait_for_subscription()
        for seq in range(5):
            publisher.send(*(vec(seq, region=region) for region in ("a", "b", "c")))
        publisher.send(vec(0, region="last"))
        wait_until_read(subscriber, 16)
        got = [(message.region, message.seq) for message in vectors(receive(subscriber, 4))]
        assert got == [("a", 4), ("b", 4), ("c", 4), ("last", 0)]
        assert subscriber.receive(0) is None
        assert subscriber.superseded == 12
        assert not subscriber.gaps  # passed over is not lost


def wait_until_read(subscriber: Subscriber, count: int) -> None:
    """Wait until *count* messages are on this side of the wire, and none was taken out yet."""
    held = subscriber._newest
    deadline = time.monotonic() + SOON
    connection = subscriber._connection
    while len(held) + subscriber.superseded < count:
        assert time.monotonic() < deadline
        connection.wait(0.1)
        with connection.use():
            while (received := connection.read()) is not None:
                delivery = subscriber._filter.decode(*received)
                assert delivery is not None
                subscriber._newest.put(delivery)


def test_newest_only_starves_no_topic(publisher: Publisher) -> None:
    with Subscriber(publisher.address, newest_only=True) as subscriber:
        publisher.wait_for_subscription()
        seen = []
        publisher.send(vec(0, region="quiet"))
        for seq in range(20):
            publisher.send(vec(seq, region="busy"))
            seen.append(vectors(receive(subscriber, 1))[0].region)
        assert "quiet" in seen[:2]


def test_newest_only_holds_a_bounded_number_of_messages(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.client.newest.MAX_SUBJECTS", 4)
    with Subscriber(publisher.address, newest_only=True) as subscriber:
        publisher.wait_for_subscription()
        publisher.send(*(vec(0, region=f"r{number}") for number in range(12)))
        regions = []
        for _ in range(12):
            regions.append(vectors(receive(subscriber, 1))[0].region)
            assert len(subscriber._newest) < 4
        assert regions == [f"r{number}" for number in range(12)]


def test_newest_only_holds_a_bounded_number_of_bytes(publisher: Publisher, monkeypatch: pytest.MonkeyPatch) -> None:
    messages = [vec(number, region=f"r{number % 10}") for number in range(20)]
    size = max(sum(map(len, encode(message))) for message in messages)
    monkeypatch.setattr("edged.client.newest.MAX_BYTES", 3 * size)
    with Subscriber(publisher.address, newest_only=True) as subscriber:
        publisher.wait_for_subscription()
        publisher.send(*messages)
        regions, most = set(), 0
        while (message := subscriber.receive(1.0)) is not None:
            regions.add(vectors([message])[0].region)
            most = max(most, len(subscriber._newest))
        assert regions == {f"r{number}" for number in range(10)}
        assert most <= 3


# -- what is counted --------------------------------------------------------------------------------------------------


def test_losses_are_counted_by_topic(publisher: Publisher) -> None:
    with Subscriber(publisher.address) as subscriber:
        publisher.wait_for_subscription()
        publisher.send(vec(5), vec(6, region="door"), vec(8), vec(7, region="door"))
        first, *_ = receive(subscriber, 4)
        assert subscriber.gaps == {first.topic: 2}
        assert subscriber.restarts.total() == 0


def test_a_daemon_that_is_started_again_is_a_restart_and_the_stream_goes_on(publish: Publish, tmp_path: Path) -> None:
    first = publish()
    with Subscriber(first.address) as subscriber:
        first.wait_for_subscription()
        first.send(vec(0, run="aa"), vec(1, run="aa"))
        (message, _) = receive(subscriber, 2)
        first.close()
        second = publish()
        pump(subscriber, second)
        second.send(vec(0, run="bb"), vec(1, run="bb"))
        assert [message.run for message in receive(subscriber, 2)] == ["bb", "bb"]
        assert subscriber.restarts == {message.topic: 1}
        assert not subscriber.gaps


def test_malformed_messages_are_counted_and_skipped(publisher: Publisher) -> None:
    good = [bytes(frame) for frame in encode(vec(1))]
    with Subscriber(publisher.address) as subscriber:
        publisher.wait_for_subscription()
        for bad in (
            [b"edged/1/vec/"],
            [b"edged/1/vec/porch/street/path/", b"{}", b""],
            [good[0], good[1], good[2][:-1]],
            [*good, b"more"],
            [good[0], good[1].replace(b'"v":1', b'"v":2'), good[2]],
        ):
            publisher.socket.send_multipart(bad)
        publisher.send(vec(2))
        assert receive(subscriber, 1)[0].seq == 2
        assert subscriber.malformed == 5
        assert isinstance(subscriber.last_malformed, WireError)
        assert "version 1" in str(subscriber.last_malformed)


def test_on_one_host_the_age_is_by_the_monotonic_clock(publisher: Publisher) -> None:
    now = time.monotonic_ns() // 1000
    with Subscriber(publisher.address, max_age_seconds=5) as subscriber:
        publisher.wait_for_subscription()
        publisher.send(vec(0, t_cap_us=now - 6_000_000), vec(1, t_cap_us=now, t_wall_us=0))
        (message,) = receive(subscriber, 1)
        assert message.seq == 1
        assert 0 <= subscriber.age_seconds(message) < 5
        assert subscriber.stale == 1
        assert not subscriber.gaps  # it came, and was not wanted


def test_between_hosts_the_age_is_by_the_wall_clocks(publisher: Publisher) -> None:
    wall = time.time_ns() // 1000
    with Subscriber(publisher.address, max_age_seconds=5, same_host=False) as subscriber:
        publisher.wait_for_subscription()
        publisher.send(vec(0, t_wall_us=wall - 6_000_000), vec(1, t_wall_us=wall, t_cap_us=0))
        (message,) = receive(subscriber, 1)
        assert message.seq == 1
        assert 0 <= subscriber.age_seconds(message) < 5
        assert subscriber.stale == 1


def test_addresses_decide_whether_clocks_are_shared() -> None:
    message = vec(t_cap_us=0, t_wall_us=time.time_ns() // 1000)
    with Subscriber("tcp://127.0.0.1:1", "ipc:///nowhere") as near, Subscriber("tcp://192.0.2.1:1") as far:
        assert near.age_seconds(message) == pytest.approx(time.monotonic(), abs=SOON)
        assert far.age_seconds(message) == pytest.approx(0, abs=SOON)


# -- falling behind ---------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("transport", ["ipc", "tcp"])
def test_a_program_that_was_busy_reads_few_old_messages(publish: Publish, transport: str) -> None:
    publisher = publish() if transport == "ipc" else publish("tcp://127.0.0.1:*")
    with Subscriber(publisher.address) as subscriber:
        publisher.wait_for_subscription()
        for seq in range(3000):  # nobody reads
            publisher.send(vec(seq))
        old = 0
        while subscriber.receive(0.3) is not None:
            old += 1
        assert 20 <= old < 200
        publisher.send(vec(3000))
        (message,) = receive(subscriber, 1)
        assert subscriber.gaps[message.topic] == 3000 - old


def test_messages_from_before_a_daemon_disconnected_still_come(publish: Publish) -> None:
    publisher = publish()
    with Subscriber(publisher.address, kinds=("vec", "status")) as subscriber:
        publisher.wait_for_subscription(2)
        publisher.send(*(vec(seq) for seq in range(10)), status(state="stopped", bye=True))
        publisher.close()
        last = receive(subscriber, 11)[-1]
        assert isinstance(last, Status)
        assert last.bye


def test_a_full_queue_survives_the_restart_of_the_daemon(publish: Publish) -> None:
    publisher = publish("tcp://127.0.0.1:*")
    with Subscriber(publisher.address) as subscriber:
        publisher.wait_for_subscription()
        for seq in range(500):
            publisher.send(vec(seq, run="aa"))
        publisher.socket.close(linger=0)
        again = publish(publisher.address)
        pump(subscriber, again)
        again.send(vec(0, run="bb"))
        waiting = 500  # at most, of the run before
        while receive(subscriber, 1)[0].run != "bb":
            waiting -= 1
            assert waiting > 0


def test_options_that_lose_frames_or_abort_the_program_are_off(publisher: Publisher) -> None:
    with Subscriber(publisher.address) as subscriber:
        options = subscriber._connection._socket
        for option in (zmq.CONFLATE, zmq.IMMEDIATE, zmq.HEARTBEAT_IVL, zmq.HEARTBEAT_TTL):
            assert options.get(option) == 0


# -- endings ----------------------------------------------------------------------------------------------------------


def test_closing_from_another_thread_ends_an_iteration_that_waits(publisher: Publisher) -> None:
    subscriber = Subscriber(publisher.address)
    with after(0.2, subscriber.close):
        assert list(subscriber) == []
    assert subscriber.closed


def test_closing_from_another_thread_ends_a_receive_that_waits(publisher: Publisher) -> None:
    subscriber = Subscriber(publisher.address)
    with after(0.2, subscriber.close):
        start = time.monotonic()
        assert subscriber.receive(60) is None
        assert time.monotonic() - start < SOON


def test_closing_inside_the_loop_ends_it(publisher: Publisher) -> None:
    with Subscriber(publisher.address) as subscriber:
        publisher.wait_for_subscription()
        publisher.send(vec(0), vec(1))
        seen = []
        for message in subscriber:
            seen.append(message.seq)
            subscriber.close()
        assert seen == [0]


def test_closing_in_a_signal_handler_ends_the_loop(publisher: Publisher) -> None:
    subscriber = Subscriber(publisher.address)
    before = signal.signal(signal.SIGUSR1, lambda *_: subscriber.close())
    try:
        with after(0.2, lambda: os.kill(os.getpid(), signal.SIGUSR1)):
            assert list(subscriber) == []
    finally:
        signal.signal(signal.SIGUSR1, before)


def test_ctrl_c_works_while_waiting(publisher: Publisher) -> None:
    with Subscriber(publisher.address) as subscriber:
        with after(0.2, lambda: os.kill(os.getpid(), signal.SIGINT)), pytest.raises(KeyboardInterrupt):
            subscriber.receive()
        assert subscriber.receive(0) is None  # and it is as good as before


def test_closing_twice_is_harmless(publisher: Publisher) -> None:
    subscriber = Subscriber(publisher.address)
    subscriber.close()
    subscriber.close()


def test_use_after_close_is_an_error(publisher: Publisher) -> None:
    subscriber = Subscriber(publisher.address)
    subscriber.close()
    with pytest.raises(ValueError, match="the subscriber is closed"):
        subscriber.receive(0)
    with pytest.raises(ValueError, match="the subscriber is closed"):
        next(iter(subscriber))


def test_a_second_thread_that_receives_is_refused(publisher: Publisher) -> None:
    subscriber = Subscriber(publisher.address)
    thread = threading.Thread(target=list, args=(subscriber,))
    thread.start()
    try:
        with pytest.raises(RuntimeError, match="one thread receives"):
            receive_until_refused(subscriber)
    finally:
        subscriber.close()
        thread.join()


def receive_until_refused(subscriber: Subscriber) -> None:
    """The other thread may need a moment to begin."""
    deadline = time.monotonic() + SOON
    while time.monotonic() < deadline:
        subscriber.receive(0)


def test_many_threads_may_close_it_at_once(publisher: Publisher) -> None:
    for _ in range(20):
        subscriber = Subscriber(publisher.address)
        threads = [threading.Thread(target=subscriber.close) for _ in range(4)]
        receiver = threading.Thread(target=list, args=(subscriber,))
        for thread in (receiver, *threads):
            thread.start()
        for thread in (receiver, *threads):
            thread.join(SOON)
            assert not thread.is_alive()


def test_a_closed_subscriber_leaves_no_thread_and_no_descriptor(publisher: Publisher) -> None:
    before = held()
    for _ in range(10):
        with Subscriber(publisher.address) as subscriber:
            publisher.wait_for_subscription()
            publisher.send(vec(0))
            receive(subscriber, 1)
            assert held() > before
    deadline = time.monotonic() + SOON
    while held() != before and time.monotonic() < deadline:
        publisher.socket.poll(50)  # the publisher's own end of the connections closes a moment later
    assert held() == before


def test_a_subscriber_that_could_not_be_made_leaves_nothing() -> None:
    before = held()
    with pytest.raises(PublishError, match="cannot subscribe at ipc://"):
        Subscriber("ipc://" + "x" * 200)  # longer than a path of a socket can be
    assert held() == before


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        ({"kinds": "frame"}, "kinds must be one or more of vec, event, state, status"),
        ({"node": "Porch"}, "node: must start with a letter"),
        ({"max_age_seconds": 0}, "max_age_seconds must be greater than 0"),
        ({"queue": 0}, "queue must be greater than 0"),
        ({"queue_bytes": -1}, "queue_bytes must be greater than 0"),
    ],
)
def test_wrong_arguments_are_refused(arguments: dict[str, Any], why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Subscriber("tcp://127.0.0.1:1", **arguments)


def test_an_endpoint_in_the_form_of_the_configuration_is_refused_with_the_right_form() -> None:
    with pytest.raises(ValueError, match=r"must be tcp://HOST:PORT or ipc://PATH"):
        Subscriber("pub+bind:tcp://127.0.0.1:5556")


def test_a_program_that_subscribes_loads_no_heavy_library() -> None:
    unwanted = {"cv2", "ai_edge_litert", "tflite_runtime", "pydantic", "rich", "yaml", "edged.vision", "edged.config"}
    code = f"import sys, edged.client; print(*sorted(set(sys.modules) & {unwanted!r}))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert loaded.stdout.strip() == ""
