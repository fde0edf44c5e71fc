"""Trials of settings, over the socket of a whole daemon: what begins at once, what is not lost, and the way back."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Self

import cv2
import numpy as np
import pytest
import zmq

from edged.client import Subscriber
from edged.client.control import ControlClient
from edged.config import load
from edged.errors import ControlError, ReloadError, WireError
from edged.pipeline.build import build
from edged.pipeline.publisher.stage import Publisher
from edged.service.control.server import Control
from edged.service.daemon import Daemon
from edged.service.reload import stage as reload_stage
from edged.service.reload.stage import Reloader
from edged.service.reload.trials import Trial
from edged.service.running_stages import RunningStages
from edged.wire import Event, Status, Vec
from edged.wire import control as wire
from edged.wire import control_requests as requests
from tests.fakes import eventually

MODEL = Path(__file__).parents[2] / "cases" / "small96_uint8_meta.tflite"
CONFIG = """\
model: {{path: {model}}}
cameras:
  front: {{source: "pattern:120x80", fps: {fps}, regions: {{path: {{right: 0.5}}, rest: {{left: 0.5}}}}}}
  back: {{source: "pattern:120x80", fps: 20}}
  bright: {{source: "dir:{folder}/pictures", loop: true, fps: 20}}
references: {{here: {{images: ["{demo}/path-empty.jpg"], for: [front/rest], enter: -0.9}}}}
publish: {{endpoints: ["pub+bind:ipc://pub.sock"]}}
control: {{endpoint: "ipc://control.sock"}}
"""
LEFT_HALF = [[(0.0, 0.0), (0.5, 0.0), (0.5, 1.0), (0.0, 1.0)]]
BAY = {"path": {"right": 0.5}, "rest": {"left": 0.5}, "bay": {"left": 0.2, "right": 0.6, "bottom": 0.5}}
SHORT = 5.0  # seconds, the shortest trial


class Yard:
    """A whole daemon in threads of this process."""

    def __init__(self, folder: Path, demo: Path) -> None:
        (folder / "pictures").mkdir()
        cv2.imwrite(str(folder / "pictures" / "one.png"), np.full((80, 120, 3), 255, np.uint8))
        self._folder, self._demo = folder, demo
        self.file = folder / "edged.yaml"
        self.address, self.events = f"ipc://{folder}/control.sock", f"ipc://{folder}/pub.sock"
        self.write()
        loaded = load(self.file)
        self.running_stages = RunningStages(build(loaded))
        self.reloader = Reloader(self.file, self.running_stages)
        reloads = self.reloader.request_reload, self.reloader.request_trial, self.reloader.trial_ends
        control = Control(loaded.config.control, self.running_stages, *reloads)
        self._daemon = Daemon(self.running_stages, beside=[control], reloader=self.reloader)

    def write(self, fps: int = 20) -> None:
        self.file.write_text(CONFIG.format(model=MODEL, folder=self._folder, demo=self._demo, fps=fps))

    @contextmanager
    def running(self) -> Iterator[None]:
        thread = threading.Thread(target=self._daemon.run)
        thread.start()
        try:
            eventually(lambda: self.reloader.running, "a daemon that is ready")
            yield
        finally:
            self._daemon.stop("the test is over")
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture
def yard(tmp_path: Path, demo: Path) -> Iterator[Yard]:
    yard = Yard(tmp_path, demo)
    with yard.running():
        yield yard


@pytest.fixture
def daemon(yard: Yard) -> Iterator[ControlClient]:
    with ControlClient(yard.address) as client:
        yield client


class Ear(threading.Thread):
    """Receives everything until the end of the block, in a thread of its own."""

    def __init__(self, address: str) -> None:
        super().__init__(name="ear")
        self.messages: list[tuple[float, Vec | Status | Event]] = []
        self.gaps = 0
        self._address = address
        self._ended = threading.Event()

    def __enter__(self) -> Self:
        self.start()
        eventually(lambda: bool(self.messages), "the first message")
        return self

    def __exit__(self, *_: object) -> None:
        self._ended.set()
        self.join(10)
        assert not self.is_alive()

    def run(self) -> None:
        with Subscriber(self._address, kinds=("vec", "status", "event")) as subscriber:
            while not self._ended.is_set():
                message = subscriber.receive(0.1)
                if isinstance(message, Vec | Status | Event):
                    self.messages.append((time.monotonic(), message))
                self.gaps = subscriber.gaps.total() + subscriber.restarts.total()

    def vecs(self, camera: str, region: str) -> list[tuple[float, Vec]]:
        return [
            (at, message)
            for at, message in tuple(self.messages)
            if isinstance(message, Vec) and (message.camera, message.region) == (camera, region)
        ]


def refusal(work: Callable[[], object]) -> tuple[str, str]:
    with pytest.raises(ControlError) as refused:
        work()
    return refused.value.code, str(refused.value)


def trial_s(daemon: ControlClient, camera: str = "front") -> float | None:
    return {each.name: each for each in daemon.status().cameras}[camera].trial_s


def seconds_to_first_vector(daemon: ControlClient, ear: Ear) -> float:
    """From the request to the first vector of a region that was drawn; the trial is over afterwards."""
    asked = time.monotonic()

    def arrivals() -> list[float]:
        return [at for at, vec in ear.vecs("front", "bay") if vec.t_cap_us >= asked * 1e6]

    daemon.try_settings("front", regions=BAY, seconds=600)
    eventually(lambda: bool(arrivals()), "the first vector of the drawn region")
    daemon.end_trial("front")
    return arrivals()[0] - asked


@pytest.mark.timed
def test_the_first_vector_of_a_drawn_region_comes_within_a_second(daemon: ControlClient, yard: Yard) -> None:
    with Ear(yard.events) as ear:
        eventually(lambda: bool(ear.vecs("front", "path")), "the camera runs")
        # The best of some: a host that takes the processor away for a moment says nothing about edged.
        assert min(seconds_to_first_vector(daemon, ear) for _ in range(3)) < 1.0


@pytest.mark.timed
def test_nothing_else_is_lost_by_a_trial_and_it_takes_itself_back(daemon: ControlClient, yard: Yard) -> None:
    before = yard.file.read_bytes()
    captures = {name: camera.capture for name, camera in yard.running_stages.pipeline.cameras.items()}
    with Ear(yard.events) as ear:
        eventually(lambda: bool(ear.vecs("front", "path")), "the camera runs")
        asked = time.monotonic()
        assert daemon.try_settings("front", regions=BAY, rotation=90, seconds=SHORT) == (
            "camera front: rotation, regions",
        )
        eventually(lambda: bool(ear.vecs("front", "bay")), "the first vector of the drawn region")
        _, first = ear.vecs("front", "bay")[0]
        assert (first.roi, first.rotation) == ((0.2, 0.0, 0.6, 0.5), 90)
        left = trial_s(daemon)
        assert left is not None
        assert 0 < left <= SHORT
        assert trial_s(daemon, "back") is None
        report = daemon.status().cameras[0]
        assert (report.rotation, report.regions_at["bay"]) == (90, (0.2, 0.0, 0.6, 0.5))
        eventually(lambda: trial_s(daemon) is None, "it has taken itself back", 20)
        taken_back = time.monotonic()
        assert SHORT <= taken_back - asked < SHORT + 2
        eventually(lambda: ear.vecs("front", "path")[-1][0] > taken_back + 0.2, "the stream goes on")
        assert ear.vecs("front", "bay")[-1][0] < taken_back + 0.2
        assert ear.vecs("front", "path")[-1][1].rotation == 0
    assert ear.gaps == 0
    assert {name: camera.capture for name, camera in yard.running_stages.pipeline.cameras.items()} == captures
    assert [
        message.state for _, message in ear.messages if isinstance(message, Status) if message.state == "lost"
    ] == []
    for camera, region in (("back", "full"), ("front", "path"), ("front", "rest")):
        seqs = [vec.seq for _, vec in ear.vecs(camera, region)]
        assert all(later == earlier + 1 for earlier, later in pairwise(seqs)), (camera, region)
        last = ear.vecs(camera, region)[-1][1]
        published = last.seq + 1  # since the start, when both counts were 0
        dropped = last.dropped.capture + last.dropped.ring + last.dropped.publish
        assert last.frame_seq + 1 - published <= dropped, "no frame is missing but those that are counted"
    assert yard.file.read_bytes() == before


def halves(daemon: ControlClient) -> tuple[int, int]:
    """How bright the left and the right half of the white picture are."""
    picture = cv2.imdecode(np.frombuffer(daemon.preview("bright")[1], np.uint8), cv2.IMREAD_GRAYSCALE)
    assert picture is not None
    return round(picture[:, :50].mean()), round(picture[:, 70:].mean())


def test_a_mask_is_tried_and_taken_back_while_the_camera_runs(daemon: ControlClient, yard: Yard) -> None:
    capture = yard.running_stages.pipeline.cameras["bright"].capture
    assert halves(daemon) == (255, 255)
    assert daemon.try_settings("bright", mask=LEFT_HALF, seconds=600) == ("camera bright: mask",)
    eventually(lambda: halves(daemon) == (128, 255), "the left half is grey")
    assert daemon.status().cameras[2].mask == tuple(map(tuple, LEFT_HALF))
    assert daemon.try_settings("bright", mask=[], seconds=600) == ("camera bright: mask",)
    eventually(lambda: halves(daemon) == (255, 255), "another trial replaces it")
    daemon.try_settings("bright", mask=LEFT_HALF, seconds=600)
    assert daemon.end_trial("bright") == ("camera bright: mask",)
    eventually(lambda: halves(daemon) == (255, 255), "the trial is over")
    assert trial_s(daemon, "bright") is None
    assert yard.running_stages.pipeline.cameras["bright"].capture is capture
    assert daemon.end_trial("bright") == (), "there is none to end"


def test_a_reload_ends_every_trial(daemon: ControlClient, yard: Yard) -> None:
    daemon.try_settings("front", regions=BAY, mask=LEFT_HALF, seconds=600)
    daemon.try_settings("back", rotation=180, seconds=600)
    daemon.try_settings("bright", mask=LEFT_HALF, seconds=600)
    eventually(lambda: halves(daemon) == (128, 255), "the left half is grey")
    assert daemon.reload() == (), "the file is as it was"
    eventually(lambda: halves(daemon) == (255, 255), "nothing is grey")
    assert [camera.trial_s for camera in daemon.status().cameras] == [None, None, None]
    assert [camera.mask for camera in daemon.status().cameras] == [(), (), ()]
    assert daemon.status().cameras[0].regions == ("path", "rest")
    daemon.try_settings("front", regions=BAY, seconds=600)
    yard.write(fps=10)
    assert daemon.reload() == ("camera front: fps",)
    assert daemon.status().cameras[0].regions == ("path", "rest")


def test_regions_in_pixels_are_reported_in_parts_of_the_frame(daemon: ControlClient, yard: Yard) -> None:
    eventually(lambda: daemon.status().cameras[0].state == "running", "frames, whose size is known")
    yard.file.write_text(yard.file.read_text().replace("{right: 0.5}", "{left: 30px, right: 60px}"))
    assert daemon.reload() == ("camera front: regions",)
    edges = {"path": (0.25, 0.0, 0.5, 1.0), "rest": (0.5, 0.0, 1.0, 1.0)}
    assert daemon.status().cameras[0].regions_at == edges
    daemon.try_settings("front", rotation=90, seconds=600)
    assert daemon.status().cameras[0].regions_at == edges


def test_a_reload_that_fails_leaves_a_trial_as_it_is(daemon: ControlClient, yard: Yard) -> None:
    daemon.try_settings("front", regions=BAY, seconds=600)
    right = yard.file.read_text()
    yard.file.write_text("cameras: {}")
    assert refusal(daemon.reload)[0] == "config"
    assert trial_s(daemon) is not None
    yard.file.write_text(right)
    assert daemon.end_trial("front") == ("camera front: regions",)


def test_wrong_settings_are_refused_in_the_words_of_the_configuration(daemon: ControlClient) -> None:
    for settings, text in (
        (
            {"regions": {**BAY, "bay": {"left": 0.5, "right": 0.5}}},
            "cameras.front.regions.bay.left: must be less than right (got 0.5 and 0.5)",
        ),
        (
            {"regions": {**BAY, "bay": {"lefft": 0.5}}},
            "cameras.front.regions.bay.lefft: unknown key; did you mean 'left'?",
        ),
        ({"regions": {**BAY, "bay": {"left": 1.5}}}, "cameras.front.regions.bay.left: 1.5 is not in 0…1"),
        ({"mask": [[(0.0, 0.0), (1.0, 1.0)]]}, "cameras.front.mask[0]: must have 3 to 256 points (got 2)"),
        (
            {"regions": {"path": {}}},
            "references.here.for[0]: names no region of camera front (got 'front/rest'); known are path",
        ),
    ):
        code, told = refusal(lambda settings=settings: daemon.try_settings("front", **settings))  # type: ignore[misc]  # mypy has no type for a default
        assert (code, told.splitlines()[0]) == ("config", text)
    assert trial_s(daemon) is None
    assert refusal(lambda: daemon.try_settings("frount"))[0] == "not-found"
    with pytest.raises(WireError, match="must be in 5…600"):
        daemon.try_settings("front", seconds=4)


def test_a_large_mask_fits_into_a_trial_and_into_no_other_request(yard: Yard) -> None:
    circle = [(0.5 + 0.4 * float(np.cos(a)), 0.5 + 0.4 * float(np.sin(a))) for a in np.linspace(0, 6, 250)]
    request = requests.Try(camera="front", mask=(tuple(circle),) * 5, seconds=600)
    body = wire.write_request(request, "a")
    assert wire.MAX_REQUEST_BYTES < len(body) < wire.MAX_TRIAL_BYTES
    with zmq.Context() as context, context.socket(zmq.REQ) as client:
        client.set(zmq.LINGER, 0)
        client.connect(yard.address)
        for sent, code in (
            (body, None),
            (body.replace(b'"try"', b'"snapshot"'), "malformed"),
            (body + b" " * wire.MAX_TRIAL_BYTES, None),
        ):
            if len(sent) > wire.MAX_TRIAL_BYTES:
                sent = sent[: wire.MAX_TRIAL_BYTES + 1]
                code = "malformed"
            client.send(sent)
            assert client.poll(20_000)
            answer = json.loads(client.recv())
            assert answer.get("error", {}).get("code") == code, answer


def test_an_event_goes_on_while_a_trial_moves_its_region(daemon: ControlClient, yard: Yard) -> None:
    with Ear(yard.events) as ear:
        eventually(lambda: any(isinstance(each, Event) for _, each in ear.messages), "the event has begun")
        daemon.try_settings("front", regions={"rest": {"left": 0.25}}, seconds=600)
        eventually(lambda: ear.vecs("front", "rest")[-1][1].roi == (0.25, 0.0, 1.0, 1.0), "it has moved")
        daemon.end_trial("front")
        eventually(lambda: ear.vecs("front", "rest")[-1][1].roi == (0.5, 0.0, 1.0, 1.0), "it is back")
    assert {each.phase for _, each in ear.messages if isinstance(each, Event)} <= {"begin", "update"}
    assert ear.gaps == 0


def test_a_trial_that_cannot_be_taken_back_yet_is_taken_back_soon(
    yard: Yard, daemon: ControlClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reload_stage, "AGAIN_SECONDS", 0.05)
    daemon.try_settings("front", rotation=90, seconds=SHORT)
    refused = threading.Event()
    use = Publisher.use

    def once(publisher: Publisher, *arguments: object) -> object:
        if not refused.is_set():
            refused.set()
            raise ReloadError("publisher does not answer")
        return use(publisher, *arguments)  # type: ignore[arg-type]  # those of `use`

    monkeypatch.setattr(Publisher, "use", once)
    eventually(lambda: trial_s(daemon) is None, "it has taken itself back", 30)
    assert refused.is_set()
    assert "trial: it could not be taken back yet: publisher does not answer" in caplog.text


def test_the_end_of_the_daemon_ends_a_trial_that_was_asked_for(yard: Yard) -> None:
    asked = requests.Try(camera="front", rotation=90)
    yard.reloader.stop()
    assert yard.reloader.join(10)
    assert yard.reloader.request_trial(Trial("front", asked.settings, 30)).cancelled()
