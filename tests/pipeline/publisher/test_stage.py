"""The publisher, over real sockets: its messages and subscribers, and that none of them holds it up."""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import closing, contextmanager
from dataclasses import replace
from pathlib import Path
from socket import AF_UNIX
from socket import socket as stream_socket

import pytest
import zmq

from edged import wire
from edged.bell import Bell
from edged.config import Endpoint
from edged.errors import PublishError
from edged.pipeline.camera_stats import CameraState, CameraStats
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.loading.keyring import Keyring
from edged.pipeline.publisher.pub_socket import PubSocket
from edged.pipeline.publisher.settings import PublisherSettings
from edged.pipeline.publisher.stage import Publisher
from edged.pipeline.result import ModelFacts, Result
from edged.regions import FULL
from edged.values import Format, PixelFormat, ReferenceScore, Stamp
from tests.fakes import eventually, running
from tests.keyed import free_port
from tests.stopwatch import stopwatch

FACTS = ModelFacts("tiny", "0123456789abcdef", "engine 1", "none", 0, "feature", "<f4", 4, "none", None)
VEC = b"edged/1/vec/"
STATUS = b"edged/1/status/"


class Rig:
    """A publisher of two cameras and the worker's end of its hand-over."""

    def __init__(self, *endpoints: str, rate: float = 10.0, dimension: int = 4) -> None:
        self.bell = Bell()
        self.handover = Handover(8, self.bell)
        self.all_stats = {name: CameraStats(name, self.bell.ring) for name in ("cam1", "cam10")}
        parsed = [Endpoint.parse(text, Path("/")) for text in endpoints]
        settings = PublisherSettings("node", parsed, rate, "cafe", 256)
        self.stage = Publisher(settings, self.handover, self.bell, list(self.all_stats.values()), Demand())
        self.handover.open(replace(FACTS, dimension=dimension))

    def put(self, frame_seq: int, camera: str = "cam1", seconds: float = 10.0) -> None:
        """Do what the worker does for one frame."""
        vector = self.handover.borrow(seconds)
        assert vector is not None, "the publisher did not give a vector back"
        vector[:] = frame_seq
        stamp, facts = Stamp(time.monotonic_ns(), "arrival"), self.handover.facts
        assert facts is not None
        matches = (ReferenceScore("near", 0.5), ReferenceScore("far", -1 / 3))
        self.handover.put(
            Result(
                camera, "full", FULL, 90, frame_seq, stamp, 500_000, 1000, 2000, 3000, 4000, matches, 2, vector, facts
            )
        )


@contextmanager
def publishing(*endpoints: str, rate: float = 10.0, dimension: int = 4) -> Iterator[Rig]:
    rig = Rig(*endpoints, rate=rate, dimension=dimension)
    with closing(rig.bell), running(rig.stage):
        yield rig


@contextmanager
def subscribed(rig: Rig, address: str, *topics: bytes) -> Iterator[zmq.Socket[bytes]]:
    """A subscriber whose subscription the publisher has seen."""
    context = zmq.Context()
    socket = context.socket(zmq.SUB)
    socket.setsockopt(zmq.RCVTIMEO, 10_000)
    for topic in (*topics, STATUS):
        socket.subscribe(topic)
    socket.connect(address)
    try:
        # The status that greets it says that the subscription has arrived.
        while not socket.recv_multipart()[0].startswith(STATUS):
            pass
        yield socket
    finally:
        socket.close(0)
        context.term()


def vecs(socket: zmq.Socket[bytes], count: int) -> list[wire.Vec]:
    messages: list[wire.Vec] = []
    while len(messages) < count:
        message = wire.decode(socket.recv_multipart())
        if isinstance(message, wire.Vec):
            messages.append(message)
    return messages


@pytest.fixture
def ipc(tmp_path: Path) -> str:
    return f"ipc://{tmp_path}/pub.sock"


def test_a_result_arrives_as_it_was_handed_over(ipc: str) -> None:
    with publishing(f"pub+bind:{ipc}") as rig, subscribed(rig, ipc, VEC) as socket:
        rig.put(7)
        [message] = vecs(socket, 1)
    assert (message.node, message.camera, message.region, message.frame_seq) == ("node", "cam1", "full", 7)
    assert message.vector.tolist() == [7.0] * 4
    assert (message.model, message.space_id, message.head_name) == ("tiny", "0123456789abcdef", "feature")
    assert message.sims == (wire.Match("near", 0.5), wire.Match("far", -0.333333))
    assert (message.refs, message.rotation, message.roi) == (2, 90, (0.0, 0.0, 1.0, 1.0))
    assert (message.lat_us.wait, message.lat_us.pre, message.lat_us.infer, message.lat_us.sim) == (1, 2, 3, 4)
    assert message.lat_us.decode == 500
    assert abs(message.t_wall_us / 1e6 - time.time()) < 60


def test_messages_are_numbered_by_topic_without_a_gap(ipc: str) -> None:
    with publishing(f"pub+bind:{ipc}") as rig, subscribed(rig, ipc, VEC) as socket:
        for frame in range(6):
            rig.put(frame, camera="cam1" if frame % 3 else "cam10")
        messages = vecs(socket, 6)
    numbers = {camera: [m.seq for m in messages if m.camera == camera] for camera in ("cam1", "cam10")}
    assert numbers == {"cam1": [0, 1, 2, 3], "cam10": [0, 1]}
    assert len({message.run for message in messages}) == 1


def test_a_subscriber_of_cam1_does_not_get_cam10(ipc: str) -> None:
    with publishing(f"pub+bind:{ipc}") as rig, subscribed(rig, ipc, b"edged/1/vec/node/cam1/") as socket:
        rig.put(1, camera="cam10")
        rig.put(2, camera="cam1")
        assert vecs(socket, 1)[0].camera == "cam1"


def test_every_endpoint_gets_the_same_messages(ipc: str, tmp_path: Path) -> None:
    other = f"ipc://{tmp_path}/other.sock"
    with (
        publishing(f"pub+bind:{ipc}", f"pub+bind:{other}") as rig,
        subscribed(rig, ipc, VEC) as one,
        subscribed(rig, other, VEC) as two,
    ):
        rig.put(1)
        assert vecs(one, 1)[0].seq == vecs(two, 1)[0].seq == 0


def test_a_newcomer_gets_a_fresh_status_of_each_camera_at_once(ipc: str) -> None:
    with publishing(f"pub+bind:{ipc}") as rig:
        with stopwatch() as watch, subscribed(rig, ipc) as socket:
            seen = {"cam1"}
            while len(seen) < 2:
                message = wire.decode(socket.recv_multipart())
                assert isinstance(message, wire.Status)
                seen.add(message.camera)
        assert watch.seconds < 1.5  # the regular one would come after two seconds


def test_a_crowd_of_newcomers_makes_at_most_five_statuses_a_second(ipc: str) -> None:
    with publishing(f"pub+bind:{ipc}") as rig, subscribed(rig, ipc) as socket:
        begin = time.monotonic()
        for _ in range(10):
            with subscribed(rig, ipc):
                pass
        seconds = time.monotonic() - begin
        count = 0
        socket.setsockopt(zmq.RCVTIMEO, 300)
        try:
            while True:
                count += socket.recv_multipart()[0] == b"edged/1/status/node/cam1/"
        except zmq.Again:
            pass
        assert count <= seconds * 5 + 3


def test_every_change_of_state_is_published_at_once(ipc: str) -> None:
    with publishing(f"pub+bind:{ipc}") as rig, subscribed(rig, ipc) as socket:
        rig.all_stats["cam1"].turn(CameraState.RUNNING)
        rig.all_stats["cam1"].turn(CameraState.LOST, "the cable was pulled")
        rig.all_stats["cam1"].turn(CameraState.RUNNING)
        states: list[tuple[str, str | None]] = []
        while len(states) < 3:
            message = wire.decode(socket.recv_multipart())
            assert isinstance(message, wire.Status)
            if message.camera == "cam1" and message.state != "starting":
                states.append((message.state, message.reason))
    assert states == [("running", None), ("lost", "the cable was pulled"), ("running", None)]


def test_a_status_has_the_format_of_a_camera_that_is_open(ipc: str) -> None:
    with publishing(f"pub+bind:{ipc}") as rig, subscribed(rig, ipc) as socket:
        stats = rig.all_stats["cam1"]
        stats.format = Format(640, 480, PixelFormat.BGR, 29.97003, codec="h264", decoder="h264_v4l2m2m")
        stats.turn(CameraState.RUNNING)
        running = first_status(socket, lambda status: status.camera == "cam1" and status.state == "running")
        stats.format = None
        stats.turn(CameraState.LOST, "the cable was pulled")
        lost = first_status(socket, lambda status: status.state == "lost")
    assert running.format == wire.FrameFormat(640, 480, 29.97, "bgr", "h264", "h264_v4l2m2m")
    assert lost.format is None


def test_the_last_message_of_a_clean_stop_is_bye(ipc: str) -> None:
    with publishing(f"pub+bind:{ipc}") as rig, subscribed(rig, ipc) as socket:
        rig.stage.stop()
        byes: set[str] = set()
        while len(byes) < 2:
            message = wire.decode(socket.recv_multipart())
            assert isinstance(message, wire.Status)
            if message.bye:
                byes.add(message.camera)
    assert byes == {"cam1", "cam10"}


def test_what_was_handed_over_before_the_end_is_still_sent(ipc: str) -> None:
    with publishing(f"pub+bind:{ipc}", rate=100) as rig, subscribed(rig, ipc, VEC) as socket:
        for frame in range(100):
            rig.put(frame)
        rig.handover.close()
        assert [message.seq for message in vecs(socket, 100)] == list(range(100))
        assert rig.stage.join(10)


def test_a_subscriber_that_does_not_read_slows_no_other(ipc: str) -> None:
    with (
        publishing(f"pub+bind:{ipc}", rate=50) as rig,
        subscribed(rig, ipc, VEC),
        subscribed(rig, ipc, VEC) as reader,
    ):
        with stopwatch() as watch:
            for frame in range(3000):
                rig.put(frame)
                assert vecs(reader, 1)[0].frame_seq == frame
        assert watch.seconds < 60


def test_what_waits_for_a_subscriber_that_stalls_is_bounded_and_the_newest_is_not_far(tmp_path: Path) -> None:
    """Ten a second are expected, so some twenty may wait, and what the kernel and the other end hold."""
    address = f"ipc://{tmp_path}/pub.sock"
    with (
        publishing(f"pub+bind:{address}", rate=10, dimension=1280) as rig,
        zmq.Context() as context,
        context.socket(zmq.SUB) as stalled,
    ):
        stalled.setsockopt(zmq.RCVHWM, 10)
        stalled.setsockopt(zmq.RCVBUF, 16_384)
        stalled.setsockopt(zmq.RCVTIMEO, 1000)
        stalled.subscribe(VEC)
        stalled.subscribe(STATUS)
        stalled.connect(address)
        while not stalled.recv_multipart()[0].startswith(STATUS):
            pass
        for frame in range(3000):
            rig.put(frame)
        eventually(lambda: rig.all_stats["cam1"].published == 3000, "all of them sent")
        seen = []
        with contextlib.suppress(zmq.Again):
            while True:
                message = wire.decode(stalled.recv_multipart())
                if isinstance(message, wire.Vec):
                    seen.append(message.seq)
        assert seen[0] == 0
        assert len(seen) < 200
        rig.put(3000)
        assert vecs(stalled, 1)[0].seq == 3000


def test_the_kernel_probes_a_subscriber_to_which_nothing_is_sent() -> None:
    port = free_port()

    def is_looked_after() -> bool:
        with Path("/proc/net/tcp").open() as table:  # see proc(5): addresses, state (01: established), queues, timer
            rows = [line.split() for line in table]
        ours = [row for row in rows if row[1].endswith(f":{port:04X}") and row[3] == "01"]
        return bool(ours) and all(row[5].startswith("02:") for row in ours)  # 02: keep-alive

    with (
        publishing(f"pub+bind:tcp://127.0.0.1:{port}"),
        zmq.Context() as context,
        context.socket(zmq.SUB) as silent,
    ):
        silent.subscribe(b"edged/1/event/")
        silent.connect(f"tcp://127.0.0.1:{port}")
        eventually(is_looked_after, "a connection with a keep-alive timer")


def test_garbage_from_a_subscriber_is_ignored(ipc: str) -> None:
    with (
        publishing(f"pub+bind:{ipc}") as rig,
        subscribed(rig, ipc, VEC) as socket,
        zmq.Context() as context,
        context.socket(zmq.XSUB) as rude,
    ):
        rude.connect(ipc)
        for message in (b"", b"\x01", b"\x01\xff\xfe" * 100, b"\x02" + b"x" * 5000, b"\x00never"):
            rude.send(message)
        rude.send_multipart([b"\x01", b"two", b"frames"])
        rig.put(1)
        assert vecs(socket, 1)[0].seq == 0


@pytest.mark.parametrize("transport", ["tcp", "ipc"])
def test_an_endpoint_in_use_is_an_error_of_the_start(transport: str, tmp_path: Path) -> None:
    with zmq.Context() as context, context.socket(zmq.REP) as other:
        if transport == "tcp":
            endpoint = f"tcp://127.0.0.1:{other.bind_to_random_port('tcp://127.0.0.1')}"
            holder = None
        else:
            endpoint = f"ipc://{tmp_path}/pub.sock"
            holder = Rig(f"pub+bind:{endpoint}")
            holder.stage.start(lambda: None)
            assert holder.stage.wait_open(10)
        rig = Rig(f"pub+bind:{endpoint}")
        rig.stage.start(lambda: None)
        assert rig.stage.join(10)
        assert isinstance(rig.stage.error, PublishError)
        assert endpoint in str(rig.stage.error)
        if holder:
            holder.stage.stop()
            assert holder.stage.join(10)


def test_a_socket_file_left_behind_by_a_killed_daemon_does_not_keep_the_next_one_out(ipc: str, tmp_path: Path) -> None:
    for _ in range(2):
        with publishing(f"pub+bind:{ipc}") as rig, subscribed(rig, ipc, VEC) as socket:
            rig.put(1)
            assert vecs(socket, 1)
        with stream_socket(AF_UNIX) as left_behind:
            left_behind.bind(str(tmp_path / "pub.sock"))


def test_a_file_that_is_no_socket_is_not_replaced(ipc: str, tmp_path: Path) -> None:
    (tmp_path / "pub.sock").write_text("precious")
    rig = Rig(f"pub+bind:{ipc}")
    rig.stage.start(lambda: None)
    assert rig.stage.join(10)
    assert str(rig.stage.error) == f"publish.endpoints: cannot bind {ipc}: there is something else of that name"
    assert (tmp_path / "pub.sock").read_text() == "precious"


def test_a_publisher_can_dial_out_to_a_hub(ipc: str) -> None:
    with zmq.Context() as context, context.socket(zmq.SUB) as hub:
        hub.subscribe(VEC)
        hub.bind(ipc)
        with publishing(f"pub+connect:{ipc}", rate=100) as rig:
            frame = iter(range(10_000))

            def arrived() -> bool:
                rig.put(next(frame))
                return hub.poll(20) > 0

            eventually(arrived, "a message at the hub")


# -- changes while it runs --------------------------------------------------------------------------------------------


def use(rig: Rig, *endpoints: str, node: str = "node") -> Future[None]:
    """Have the publisher go by other settings."""
    parsed = [Endpoint.parse(text, Path("/")) for text in endpoints]
    return rig.stage.use(PublisherSettings(node, parsed, 10.0, "beef", 256), Keyring())


def first_status(socket: zmq.Socket[bytes], wanted: Callable[[wire.Status], bool]) -> wire.Status:
    """The next status that is *wanted*."""
    while True:
        message = wire.decode(socket.recv_multipart())
        if isinstance(message, wire.Status) and wanted(message):
            return message


def test_endpoints_come_and_go_while_those_that_stay_lose_nothing(tmp_path: Path) -> None:
    stays, goes, comes = (f"ipc://{tmp_path}/{name}.sock" for name in ("stays", "goes", "comes"))
    with publishing(f"pub+bind:{stays}", f"pub+bind:{goes}") as rig, subscribed(rig, stays, VEC) as socket:
        rig.put(0)
        use(rig, f"pub+bind:{comes}", f"pub+bind:{stays}").result(10)
        rig.put(1)
        seen = [message.seq for message in vecs(socket, 2)]
        with subscribed(rig, comes, VEC) as newcomer:
            rig.put(2)
            assert [message.seq for message in vecs(newcomer, 1)] == [2]
        use(rig, f"pub+bind:{stays}").result(10)
        rig.put(3)
        assert [*seen, *(message.seq for message in vecs(socket, 2))] == [0, 1, 2, 3]
        with publishing(f"pub+bind:{goes}", f"pub+bind:{comes}"):
            pass  # they are free again


def test_a_newcomer_at_a_new_endpoint_is_counted_and_greeted_though_nothing_else_happens(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    stays, comes = (f"ipc://{tmp_path}/{name}.sock" for name in ("stays", "comes"))
    monkeypatch.setattr(
        "edged.pipeline.publisher.status_messages.STATUS_SECONDS", 3600.0
    )  # no status, but for a newcomer
    with publishing(f"pub+bind:{stays}") as rig:
        use(rig, f"pub+bind:{stays}", f"pub+bind:{comes}").result(10)
        with subscribed(rig, comes, VEC):
            eventually(lambda: rig.stage.subscriptions == 2, "both topics counted")


@pytest.mark.parametrize("in_the_way", [False, True])
def test_an_endpoint_that_is_taken_leaves_everything_as_it_was(in_the_way: bool, tmp_path: Path) -> None:
    stays, goes = f"ipc://{tmp_path}/stays.sock", f"tcp://127.0.0.1:{free_port()}"
    with (
        zmq.Context() as context,
        context.socket(zmq.REP) as other,
        publishing(f"pub+bind:{stays}", f"pub+bind:{goes}") as rig,
        subscribed(rig, stays, VEC, STATUS) as socket,
        subscribed(rig, goes, VEC) as second,
    ):
        taken = f"tcp://127.0.0.1:{other.bind_to_random_port('tcp://127.0.0.1')}"
        wanted = [f"pub+bind:{taken}", f"pub+bind:{stays}"] + ([] if in_the_way else [f"pub+bind:{goes}"])
        with pytest.raises(PublishError, match=taken):
            use(rig, *wanted).result(10)
        assert rig.stage.error is None
        second.setsockopt(zmq.RCVTIMEO, 50)
        frame = iter(range(1000))

        def comes_back() -> bool:
            rig.put(next(frame))
            return second.poll(50) > 0

        eventually(comes_back, "a message at the old endpoint")
        rig.stage.report_problem("taken").result(10)
        assert first_status(socket, lambda status: status.config_problem == "taken").config_hash == "cafe"


def test_an_endpoint_that_is_lost_for_good_ends_the_publisher(monkeypatch: pytest.MonkeyPatch) -> None:
    """It is free while the new one is bound, and in that moment somebody else takes it."""
    port = free_port()
    with zmq.Context() as context, context.socket(zmq.REP) as thief:
        close = PubSocket.close

        def close_for_the_thief(pub_socket: PubSocket) -> None:
            close(pub_socket)
            monkeypatch.undo()
            thief.bind(f"tcp://127.0.0.1:{port}")

        monkeypatch.setattr(PubSocket, "close", close_for_the_thief)
        rig = Rig(f"pub+bind:tcp://127.0.0.1:{port}")
        rig.stage.start(lambda: None)
        assert rig.stage.wait_open(10)
        changed = use(rig, f"pub+bind:tcp://0.0.0.0:{port}")
        with pytest.raises(PublishError, match=f"cannot bind tcp://127.0.0.1:{port}"):
            changed.result(10)
        assert rig.stage.join(10)
        assert rig.stage.error is changed.exception()


def test_a_port_is_bound_more_widely_though_the_old_one_is_in_the_way() -> None:
    port = free_port()
    with publishing(f"pub+bind:tcp://127.0.0.1:{port}") as rig:
        for host in ("0.0.0.0", "127.0.0.1"):
            use(rig, f"pub+bind:tcp://{host}:{port}").result(10)
            with subscribed(rig, f"tcp://127.0.0.1:{port}", VEC) as socket:
                rig.put(1)
                assert vecs(socket, 1)


def test_another_name_of_the_node_begins_other_topics_and_ends_the_old_ones(ipc: str) -> None:
    with publishing(f"pub+bind:{ipc}") as rig, subscribed(rig, ipc, STATUS) as socket:
        use(rig, f"pub+bind:{ipc}", node="porch").result(10)
        parted = {first_status(socket, lambda status: status.bye).topic for _ in range(2)}
        assert parted == {b"edged/1/status/node/cam1/", b"edged/1/status/node/cam10/"}
        first = first_status(socket, lambda status: status.node == "porch")
        assert (first.seq, first.config_hash, first.bye) == (0, "beef", False)


def test_the_numbers_of_a_camera_continue_when_it_is_captured_anew_or_comes_back(ipc: str) -> None:
    with publishing(f"pub+bind:{ipc}") as rig, subscribed(rig, ipc, STATUS, VEC) as socket:
        rig.put(0)
        rig.put(0, "cam10")
        assert vecs(socket, 2)
        anew = CameraStats("cam1", rig.bell.ring)
        rig.stage.use_cameras([anew]).result(10)
        rig.put(1, "cam10")  # its last one, on the way when it went
        rig.put(1)
        [after] = vecs(socket, 1)
        assert (after.camera, after.seq) == ("cam1", 1)
        eventually(lambda: anew.published == 2, "both counted")
        back = CameraStats("cam10", rig.bell.ring)
        rig.stage.use_cameras([anew, back]).result(10)
        rig.put(2, "cam10")
        [again] = vecs(socket, 1)
        assert (again.camera, again.seq) == ("cam10", 1)


def test_the_last_status_of_a_camera_that_goes_is_bye(ipc: str) -> None:
    with publishing(f"pub+bind:{ipc}") as rig, subscribed(rig, ipc) as socket:
        rig.stage.use_cameras([rig.all_stats["cam1"]]).result(10)
        last = first_status(socket, lambda status: status.bye)
        assert (last.camera, last.state, last.reason) == ("cam10", "stopped", "no longer in the configuration")


def test_a_problem_with_the_configuration_is_published_at_once_and_until_it_is_over(ipc: str) -> None:
    with publishing(f"pub+bind:{ipc}") as rig, subscribed(rig, ipc) as socket:
        with stopwatch() as watch:
            rig.stage.report_problem("edged.yaml:3:1: nodes: is no key").result(10)
            message = first_status(socket, lambda status: status.config_problem is not None)
            assert (message.config_problem, message.config_hash) == ("edged.yaml:3:1: nodes: is no key", "cafe")
        assert watch.seconds < 1.5
        rig.stage.report_problem(None).result(10)
        first_status(socket, lambda status: status.config_problem is None)
