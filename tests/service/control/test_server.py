"""The control stage, over its real socket while a real pipeline runs."""

from __future__ import annotations

import json
import os
import socket
import stat
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
import zmq
from numpy.typing import NDArray

from edged.client import Subscriber
from edged.client.control import ControlClient
from edged.config import Loaded, ReferenceConfig, load_text
from edged.enrolled import EnrolledStore
from edged.errors import ControlError, PublishError
from edged.pipeline.build import build
from edged.pipeline.ring import Lease
from edged.regions import FULL, Region
from edged.service.control.server import MOST_JOBS, Control
from edged.service.daemon import Daemon
from edged.service.running_stages import RunningStages
from edged.values import PixelFormat
from edged.vision.pictures.png import to_png
from edged.vision.pixels.view import ModelView, RgbView
from edged.vision.tflite.model_file import read_model
from edged.wire import Event, Vec
from edged.wire.control_requests import REQUESTS
from tests.fakes import eventually
from tests.stopwatch import stopwatch

CASES = Path(__file__).parents[2] / "cases"
MODEL = CASES / "small96_uint8_meta.tflite"
CONFIG = """\
node: porch
model: {{path: {model}}}
cameras:
  still:
    source: "dir:{folder}/pictures"
    loop: true
    fps: 20
    rotation: 90
    regions: {{left: {{right: 0.5}}, all: {{}}}}
  alone:
    source: "dir:{folder}/pictures"
    loop: true
    fps: 20
  slow:
    source: "dir:{folder}/pictures"
    loop: true
    fps: 1
  absent:
    source: "usb:/dev/video99"
references:
  given: {{images: ["{folder}/pictures/one.png"], for: [alone]}}
publish: {{endpoints: ["pub+bind:ipc://pub.sock"]}}
control: {{endpoint: "ipc://control.sock"}}
"""


class House:
    """A daemon in threads of this process, on a scene at rest."""

    def __init__(self, folder: Path) -> None:
        (folder / "pictures").mkdir()
        self.folder = folder
        self.picture: NDArray[np.uint8] = np.random.default_rng(3).integers(0, 256, (80, 120, 3), np.uint8)
        cv2.imwrite(str(folder / "pictures" / "one.png"), self.picture)
        self.reloads: list[Future[Sequence[str]]] = []
        self.address = f"ipc://{folder}/control.sock"
        self.events = f"ipc://{folder}/pub.sock"

    def loaded(self) -> Loaded:
        return load_text(CONFIG.format(model=MODEL, folder=self.folder), self.folder / "edged.yaml")

    @contextmanager
    def running(self) -> Iterator[None]:
        loaded = self.loaded()
        pipeline = build(loaded)
        running = RunningStages(pipeline)
        control = Control(loaded.config.control, running, self._reload)
        daemon = Daemon(running, beside=[control])
        thread = threading.Thread(target=daemon.run)
        thread.start()
        try:
            eventually(lambda: all(stage.running for stage in pipeline.stages), "every stage runs")
            eventually(
                lambda: all(capture.reader is not None and capture.reader.running for capture in pipeline.captures),
                "every camera is read",
            )
            eventually(lambda: pipeline.inference.facts is not None, "the model is open")
            yield
        finally:
            daemon.stop("the test is over")
            thread.join(20)
            assert not thread.is_alive()

    def _reload(self) -> Future[Sequence[str]]:
        self.reloads.append(Future())
        return self.reloads[-1]

    def scores(self, camera: str, region: str, until: Callable[[dict[str, float]], bool]) -> dict[str, float]:
        """The scores of the first message of that region in which *until* holds; the first that comes is fresh."""
        with Subscriber(self.events, camera=camera, region=region) as subscriber:
            deadline = time.monotonic() + 10
            while time.monotonic() < deadline:
                message = subscriber.receive(5)
                assert isinstance(message, Vec)
                scores = {match.ref: match.s for match in message.sims}
                if until(scores):
                    return scores
        raise AssertionError(f"not within 10 s; the last were {scores}")


@pytest.fixture(scope="module")
def house(tmp_path_factory: pytest.TempPathFactory) -> Iterator[House]:
    house = House(tmp_path_factory.mktemp("house"))
    with pytest.MonkeyPatch.context() as patch:
        patch.setenv("STATE_DIRECTORY", str(house.folder / "state"))
        with house.running():
            yield house


@pytest.fixture
def daemon(house: House) -> Iterator[ControlClient]:
    with ControlClient(house.address) as client:
        yield client
        for info in client.references():
            if info.origin == "enrolled":
                client.forget(info.name)


def refusal(work: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ControlError) as refused:
        work()
    return refused.value.code, str(refused.value)


def test_status_describes_the_running_daemon(daemon: ControlClient, house: House) -> None:
    status = daemon.status()
    assert (status.node, status.pid, status.references, status.enrolled) == ("porch", os.getpid(), 1, 0)
    assert {camera.name: camera.regions for camera in status.cameras} == {
        "still": ("left", "all"),
        "alone": ("full",),
        "slow": ("full",),
        "absent": ("full",),
    }
    still = status.cameras[0]
    assert (still.rotation, still.mirror, still.mask, still.trial_s) == (90, "none", (), None)
    assert still.regions_at == {"left": (0.0, 0.0, 0.5, 1.0), "all": (0.0, 0.0, 1.0, 1.0)}
    assert abs(status.t_wall_us / 1e6 - time.time()) < 60
    eventually(lambda: {c.name: c.state for c in daemon.status().cameras}["absent"] == "lost", "absent is lost")


def test_status_counts_the_subscribers(daemon: ControlClient, house: House) -> None:
    assert daemon.status().subscribers == 0
    with Subscriber(house.events) as subscriber:
        assert subscriber.receive(10) is not None
        assert daemon.status().subscribers == 1
    eventually(lambda: daemon.status().subscribers == 0, "it is gone")


def test_an_enrolled_reference_is_compared_from_the_next_frame_on_in_its_region(
    daemon: ControlClient, house: House
) -> None:
    result = daemon.enroll("now", "still", "left", frames=2)
    assert result.similarities == (1.0, 1.0)
    assert result.outliers == ()
    assert not result.replaced
    scores = house.scores("still", "left", until=lambda scores: True)
    assert scores["now"] == pytest.approx(1.0, abs=1e-6)
    assert "now" not in house.scores("still", "all", until=lambda scores: True)
    assert "now" not in house.scores("alone", "full", until=lambda scores: True)
    daemon.forget("now")
    assert house.scores("still", "left", until=lambda scores: True) == {}


def test_its_picture_is_the_region_as_captured_without_loss(daemon: ControlClient, house: House) -> None:
    info = daemon.enroll("now", "still", "left", frames=1).reference
    assert info.thumbnail is not None
    kept = cv2.imread(info.thumbnail)
    assert np.array_equal(kept, house.picture[:, :60])


def test_an_enrolled_reference_leaves_where_one_of_the_configuration_does(daemon: ControlClient, house: House) -> None:
    daemon.enroll("now", "alone", frames=1, enter=0.9)
    (kept,) = EnrolledStore(house.folder / "state" / "references").load()
    assert (kept.enter, kept.leave) == (
        0.9,
        ReferenceConfig.model_validate({"images": ["a.jpg"], "enter": 0.9}).leaves_below,
    )


def test_all_references_are_listed_with_where_they_come_from(daemon: ControlClient, house: House) -> None:
    space = daemon.status().space_id
    daemon.enroll("now", "alone", frames=1, enter=0.9)
    given, now = daemon.references()
    assert (given.name, given.origin, given.places, given.space_id) == ("given", "config", ("alone",), space)
    assert (given.enter, given.leave, now.enter, now.leave) == (None, None, 0.9, 0.87)
    assert given.thumbnail == str(house.folder / "pictures" / "one.png")
    assert (now.name, now.origin, now.places, now.space_id) == ("now", "enrolled", ("alone/full",), space)
    assert (now.camera, now.region, now.frames, now.similarity, now.problem) == ("alone", "full", 1, 1.0, None)
    assert now.t_wall_us is not None
    assert abs(now.t_wall_us / 1e6 - time.time()) < 60
    assert daemon.status().enrolled == 1


def test_names_that_are_taken_are_refused_and_replaced_only_on_request(daemon: ControlClient) -> None:
    code, text = refusal(lambda: daemon.enroll("given", "alone", replace=True))
    assert (code, "is a reference of the configuration" in text) == ("taken", True)
    assert "edged.yaml:21:" in text
    first = daemon.enroll("now", "alone", frames=1).reference
    code, text = refusal(lambda: daemon.enroll("now", "alone", frames=1))
    assert (code, "is enrolled already" in text) == ("taken", True)
    second = daemon.enroll("now", "still", "all", frames=1, replace=True)
    assert second.replaced
    (listed,) = [info for info in daemon.references() if info.origin == "enrolled"]
    assert listed == second.reference
    assert first.thumbnail is not None
    assert not Path(first.thumbnail).exists()


def test_an_unknown_name_is_refused_with_the_known_ones(daemon: ControlClient) -> None:
    assert refusal(lambda: daemon.enroll("now", "stil")) == (
        "not-found",
        "there is no camera stil; there are still, alone, slow, absent",
    )
    assert refusal(lambda: daemon.enroll("now", "still", "right")) == (
        "not-found",
        "camera still has no region right; it has left, all",
    )
    assert refusal(lambda: daemon.enroll("now", "still")) == (
        "invalid",
        "region: must be given, as camera still has left, all",
    )
    assert refusal(lambda: daemon.forget("now"))[0] == "not-found"
    code, text = refusal(lambda: daemon.forget("given"))
    assert (code, "take it out there" in text) == ("not-found", True)
    assert refusal(lambda: daemon.snapshot("stil"))[0] == "not-found"


def test_a_lost_camera_ends_the_request_at_once(daemon: ControlClient) -> None:
    eventually(lambda: {c.name: c.state for c in daemon.status().cameras}["absent"] == "lost", "absent is lost")
    with stopwatch() as watch:
        code, text = refusal(lambda: daemon.enroll("now", "absent"))
        assert (code, text.startswith("camera absent is lost: ")) == ("no-frames", True)
        assert refusal(lambda: daemon.snapshot("absent"))[0] == "no-frames"
    assert watch.seconds < 5


def test_a_snapshot_is_the_frame_with_its_regions_and_what_the_model_is_given(
    daemon: ControlClient, house: House
) -> None:
    result, pictures = daemon.snapshot("still")
    assert list(pictures) == ["still", "still.left", "still.all"]
    assert [(info.width, info.height) for info in result.pictures] == [(120, 80), (96, 96), (96, 96)]
    view = ModelView(read_model(MODEL).input)
    for name, region in (("still.left", Region(right=0.5)), ("still.all", FULL)):
        seen = cv2.imdecode(np.frombuffer(pictures[name], np.uint8), cv2.IMREAD_COLOR)
        assert seen is not None
        expected = view.of(house.picture, PixelFormat.BGR, region.to_box(120, 80), 90)
        assert np.array_equal(seen[..., ::-1], expected)


class NoCopy(np.ndarray[tuple[int, ...], np.dtype[np.uint8]]):
    """A frame that the machine has no memory to copy."""

    def copy(self, *args: object, **kwargs: object) -> NDArray[np.uint8]:  # type: ignore[override] # whatever is asked
        raise MemoryError


def test_a_frame_that_cannot_be_copied_is_refused_and_the_stream_goes_on(
    daemon: ControlClient, house: House, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = vars(Lease)["pixels"].fget
    with monkeypatch.context() as patched:
        patched.setattr(Lease, "pixels", property(lambda lease: whole(lease).view(NoCopy)))
        patched.setattr(RgbView, "of", lambda view, *_: NoCopy((1, 1, 3), np.uint8).copy())
        assert refusal(lambda: daemon.snapshot("still")) == (
            "failed",
            "camera still: there is not enough memory for a copy of its frame",
        )
        assert refusal(lambda: daemon.enroll("now", "still", "left")) == (
            "failed",
            "still/left: there is not enough memory for a copy of its frame",
        )
    assert house.scores("still", "left", lambda _: True) == {}
    daemon.snapshot("still")


def test_events_of_a_reference_end_when_it_is_forgotten_or_becomes_another(daemon: ControlClient, house: House) -> None:
    with Subscriber(house.events, kinds=("event", "status")) as subscriber:
        assert subscriber.receive(10) is not None  # it is connected

        def next_event() -> Event:
            while True:
                message = subscriber.receive(10)
                assert message is not None
                if isinstance(message, Event):
                    return message

        daemon.enroll("now", "alone", frames=1, enter=0.9)
        first = next_event()
        assert (first.phase, first.ref, first.camera, first.region) == ("begin", "now", "alone", "full")
        daemon.enroll("now", "alone", frames=1, enter=0.8, leave=0.7, replace=True)
        ended, second = next_event(), next_event()
        assert (ended.event_id, ended.phase, ended.reason) == (first.event_id, "end", "reference-removed")
        assert (second.phase, second.ref) == ("begin", "now")
        daemon.forget("now")
        ended = next_event()
        assert (ended.event_id, ended.phase, ended.reason) == (second.event_id, "end", "reference-removed")


def test_a_reload_request_is_passed_on_and_its_outcome_answered(daemon: ControlClient, house: House) -> None:
    house.reloads.clear()
    with ThreadPoolExecutor(1) as pool, ControlClient(house.address) as other:
        for outcome in (["camera alone: fps"], ControlError("failed", "the model cannot be read")):
            asked = pool.submit(daemon.reload)
            eventually(lambda: bool(house.reloads), "the reload has begun")
            assert other.status().node == "porch"  # others are served meanwhile
            if isinstance(outcome, list):
                house.reloads.pop().set_result(outcome)
                assert asked.result(10) == ("camera alone: fps",)
            else:
                house.reloads.pop().set_exception(outcome)
                assert refusal(lambda asked=asked: asked.result(10)) == ("failed", "the model cannot be read")  # type: ignore[misc]  # mypy has no type for a default


class Raw:
    """A client that says what it likes."""

    def __init__(self, house: House, kind: int = zmq.REQ) -> None:
        self.context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self.socket = self.context.socket(kind)
        self.socket.set(zmq.LINGER, 0)
        self.socket.connect(house.address)

    def __enter__(self) -> zmq.Socket[bytes]:
        return self.socket

    def __exit__(self, *_: object) -> None:
        self.socket.close()
        self.context.term()


def reply_to(client: zmq.Socket[bytes]) -> dict[str, object]:
    assert client.poll(10_000), "no answer"
    answer: dict[str, object] = json.loads(client.recv_multipart()[-1])
    return answer


def test_the_second_of_two_requests_for_one_name_is_refused(daemon: ControlClient, house: House) -> None:
    with Raw(house, zmq.DEALER) as client:
        for request_id in ("first", "second"):
            request = {"v": 1, "id": request_id, "op": "enroll", "name": "now", "camera": "alone", "frames": 3}
            client.send(json.dumps(request).encode())
        second, first = reply_to(client), reply_to(client)
    assert (second["id"], second["ok"], first["id"], first["ok"]) == ("second", False, "first", True)
    assert "now is being enrolled or forgotten at this moment" in str(second["error"])


def test_plain_programs_ask_with_req_and_with_dealer_sockets(house: House) -> None:
    for kind in (zmq.REQ, zmq.DEALER):
        with Raw(house, kind) as client:
            client.send(b'{"v":1,"id":"7","op":"references"}')
            answer = reply_to(client)
            assert (answer["ok"], answer["id"]) == (True, "7")


def test_a_client_that_sends_heartbeats_stays_connected(house: House) -> None:
    with Raw(house, zmq.DEALER) as client:
        client.disconnect(house.address)
        client.set(zmq.HEARTBEAT_IVL, 50)
        client.set(zmq.HEARTBEAT_TIMEOUT, 400)
        monitor = client.get_monitor_socket(zmq.EVENT_DISCONNECTED)
        client.connect(house.address)
        client.send(b'{"v":1,"id":"7","op":"references"}')
        assert reply_to(client)["ok"] is True
        assert not monitor.poll(1200), "it was cut off"
        client.disable_monitor()
        monitor.close(linger=0)


@pytest.mark.parametrize(
    ("frames", "code"),
    [
        ([b"\xff\xfe"], "malformed"),
        ([b"{}", b"{}"], "malformed"),
        ([b"", b"", b'{"v":1,"id":"7","op":"status"}'], "malformed"),
        ([b'{"v":1,"id":"7","op":"stop"}'], "unknown-op"),
        ([b'{"v":9,"id":"7","op":"stop"}'], "version"),
        ([b" " * 4097], "malformed"),
    ],
)
def test_an_invalid_request_is_refused_and_the_connection_stays(house: House, frames: list[bytes], code: str) -> None:
    with Raw(house) as client:
        for _ in range(2):
            client.send_multipart(frames)
            answer = reply_to(client)
            assert answer["ok"] is False
            error = answer["error"]
            assert isinstance(error, dict)
            assert error["code"] == code


def test_the_number_of_jobs_is_limited_and_quick_requests_are_served_all_the_same(
    daemon: ControlClient, house: House
) -> None:
    with Raw(house, zmq.DEALER) as client:
        for number in range(MOST_JOBS + 4):
            request = {"v": 1, "id": str(number), "op": "enroll", "name": f"n{number}", "camera": "slow", "frames": 3}
            client.send(json.dumps(request).encode())
        busy = [reply_to(client) for _ in range(4)]
        assert {str(answer["id"]) for answer in busy} == {str(MOST_JOBS + number) for number in range(4)}
        assert all("'busy'" in str(answer["error"]) for answer in busy)
        with stopwatch() as watch:
            assert daemon.status().node == "porch"
        assert watch.seconds < 1.5
        answers = [reply_to(client) for _ in range(MOST_JOBS)]
        assert all(answer["ok"] for answer in answers)
    assert daemon.status().enrolled == MOST_JOBS


def test_only_the_same_user_and_group_may_open_the_socket(house: House) -> None:
    mode = (house.folder / "control.sock").stat().st_mode
    assert stat.S_ISSOCK(mode)
    assert stat.S_IMODE(mode) & 0o007 == 0
    assert stat.S_IMODE(mode) & 0o600 == 0o600


def test_every_op_is_tried_here() -> None:
    of_states, of_pictures = {"relabel", "states", "review", "answer"}, {"preview", "try", "recent"}
    assert set(REQUESTS) - of_states - of_pictures == {
        "status",
        "reload",
        "enroll",
        "forget",
        "references",
        "snapshot",
    }


# ------------------------------------------------------------------------------------------ by itself, without a daemon


@contextmanager
def opened(loaded: Loaded) -> Iterator[Control]:
    pipeline = build(loaded)
    control = Control(loaded.config.control, RunningStages(pipeline))
    control.start(lambda: None)
    try:
        assert control.wait_open(10)
        yield control
    finally:
        control.stop()
        assert control.join(10)


def small(folder: Path, control: str) -> Loaded:
    text = f"model: {{path: {MODEL}}}\ncameras: {{a: {{source: 'pattern:'}}}}\ncontrol: {control}\n"
    return load_text(text + "publish: {endpoints: ['pub+bind:ipc://pub.sock']}", folder / "edged.yaml")


def test_requests_are_refused_before_the_model_is_open_and_while_the_daemon_stops(tmp_path: Path) -> None:
    with (
        opened(small(tmp_path, "{endpoint: 'ipc://c.sock'}")) as control,
        ControlClient(f"ipc://{tmp_path}/c.sock") as c,
    ):
        assert refusal(c.status) == ("busy", "the daemon is starting: its model is not open yet")
        with ThreadPoolExecutor(1) as pool:
            asked = pool.submit(c.snapshot, "a")
            eventually(lambda: len(control._jobs) == 1, "it is under way")
            control.stop()
            assert refusal(lambda: asked.result(10))[0] == "stopping"
    assert not (tmp_path / "c.sock").exists()


def test_others_are_answered_while_a_picture_is_made(house: House, monkeypatch: pytest.MonkeyPatch) -> None:
    begun, enough = threading.Event(), threading.Event()

    def slow(picture: NDArray[np.uint8]) -> bytes:
        begun.set()
        assert enough.wait(20)
        return to_png(picture)

    monkeypatch.setattr("edged.service.control.preview.to_png", slow)
    with ControlClient(house.address) as one, ControlClient(house.address) as other, ThreadPoolExecutor(1) as pool:
        asked = pool.submit(one.snapshot, "still")
        try:
            assert begun.wait(20)
            assert other.status().node == "porch"
            assert not asked.done()
        finally:
            enough.set()
        assert len(asked.result(20)[1]) == 3


def test_a_bug_in_the_making_of_pictures_ends_the_stage(tmp_path: Path) -> None:
    with opened(small(tmp_path, "{endpoint: 'ipc://c.sock'}")) as control:
        control._encoder.submit(lambda: 1 // 0)
        assert control.join(10)
        assert isinstance(control.error, ZeroDivisionError)
        assert not control._encoder.running


def test_the_stage_ends_while_a_picture_is_made_and_after_a_limit_without_it(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.service.control.server.ENCODER_SECONDS", 0.1)
    begun, enough = threading.Event(), threading.Event()

    def wait() -> bool:
        begun.set()
        return enough.wait(20)

    with opened(small(tmp_path, "{endpoint: 'ipc://c.sock'}")) as control:
        made = control._encoder.submit(wait)
        waits = control._encoder.submit(lambda: None)
        assert begun.wait(10)
    assert "a picture is not made within 0.1 s" in caplog.text
    enough.set()
    assert made.result(10)
    assert control._encoder.join(10)
    assert waits.cancelled()


def test_a_control_socket_in_use_fails_the_start_if_the_file_names_it(tmp_path: Path) -> None:
    with (
        opened(small(tmp_path, "{endpoint: 'ipc://c.sock'}")),
        opened(small(tmp_path, "{endpoint: 'ipc://c.sock'}")) as second,
    ):
        assert isinstance(second.error, PublishError)
        assert "another process has it" in str(second.error)
        with ControlClient(f"ipc://{tmp_path}/c.sock") as client:  # and the first one is still there
            assert refusal(client.status)[0] == "busy"


def test_a_default_control_socket_in_use_is_skipped_with_a_warning(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setenv("RUNTIME_DIRECTORY", str(tmp_path))
    with opened(small(tmp_path, "")), opened(small(tmp_path, "")) as second:
        assert second.error is None
        assert second.running
    assert "this edged runs without a control socket" in caplog.text
    assert not (tmp_path / "control.sock").exists()


def test_a_socket_of_a_killed_daemon_is_replaced_and_another_file_is_not(tmp_path: Path) -> None:
    path = tmp_path / "c.sock"
    with socket.socket(socket.AF_UNIX) as left:
        left.bind(str(path))
    with opened(small(tmp_path, "{endpoint: 'ipc://c.sock'}")) as control:
        assert control.error is None
    path.write_text("a letter")
    with opened(small(tmp_path, "{endpoint: 'ipc://c.sock'}")) as control:
        assert isinstance(control.error, PublishError)
    assert path.read_text() == "a letter"


def test_without_an_endpoint_it_only_waits(tmp_path: Path) -> None:
    with opened(small(tmp_path, "{endpoint: null}")) as control:
        assert control.running
    assert control.error is None
