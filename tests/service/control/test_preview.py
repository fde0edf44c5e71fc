"""Previews: the picture itself, what is shared, and what a preview does not do to the stream."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

import cv2
import numpy as np
import pytest
import zmq
from numpy.typing import NDArray

from edged.client import Subscriber
from edged.client.control import ControlClient
from edged.config import load_text
from edged.errors import ControlError
from edged.pipeline.build import build
from edged.regions import Region
from edged.service.control.server import MOST_PREVIEWS, Control
from edged.service.daemon import Daemon
from edged.service.running_stages import RunningStages
from edged.values import PixelFormat
from edged.vision.pictures.preview import EncodedPicture, to_preview
from edged.vision.pixels.view import ModelView
from edged.vision.tflite.model_file import read_model
from edged.wire import Vec
from tests.fakes import eventually
from tests.stopwatch import stopwatch

MODEL = Path(__file__).parents[2] / "cases" / "small96_uint8_meta.tflite"
CONFIG = """\
model: {{path: {model}}}
cameras:
  still:
    source: "dir:{folder}/pictures"
    loop: true
    fps: 20
    rotation: 90
    mask: [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]
    regions: {{right: {{left: 0.5}}, all: {{}}}}
    skip_unchanged: true
    refresh_seconds: 0
  asleep:
    source: "pattern:640x480"
    fps: 20
    on_demand: true
  slow:
    source: "dir:{folder}/pictures"
    loop: true
    fps: 1
  absent:
    source: "usb:/dev/video99"
publish: {{endpoints: ["pub+bind:ipc://pub.sock"]}}
control: {{endpoint: "ipc://control.sock"}}
"""
GREY = 128


class Gallery:
    """A daemon in threads of this process, with a picture that never changes."""

    def __init__(self, folder: Path) -> None:
        (folder / "pictures").mkdir()
        rough = np.random.default_rng(3).integers(0, 256, (4, 6, 3), np.uint8)
        self.picture: NDArray[np.uint8] = np.asarray(cv2.resize(rough, (120, 80)), np.uint8)
        cv2.imwrite(str(folder / "pictures" / "one.png"), self.picture)
        self.address, self.events = f"ipc://{folder}/control.sock", f"ipc://{folder}/pub.sock"
        loaded = load_text(CONFIG.format(model=MODEL, folder=folder), folder / "edged.yaml")
        self.running_stages = RunningStages(build(loaded))
        self.control = Control(loaded.config.control, self.running_stages)
        self._daemon = Daemon(self.running_stages, beside=[self.control])

    @contextmanager
    def running(self) -> Iterator[Gallery]:
        thread = threading.Thread(target=self._daemon.run)
        thread.start()
        try:
            eventually(lambda: self.running_stages.pipeline.inference.facts is not None, "the model is open")
            with ControlClient(self.address) as client:
                eventually(lambda: {c.name: c.state for c in client.status().cameras}["still"] == "running", "it runs")
                eventually(lambda: {c.name: c.state for c in client.status().cameras}["absent"] == "lost", "it is lost")
            yield self
        finally:
            self._daemon.stop("the test is over")
            thread.join(20)
            assert not thread.is_alive()


@pytest.fixture(scope="module")
def gallery(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Gallery]:
    with Gallery(tmp_path_factory.mktemp("gallery")).running() as gallery:
        yield gallery


@pytest.fixture
def daemon(gallery: Gallery) -> Iterator[ControlClient]:
    with ControlClient(gallery.address) as client:
        yield client


def decoded(content: bytes) -> NDArray[np.uint8]:
    picture = cv2.imdecode(np.frombuffer(content, np.uint8), cv2.IMREAD_COLOR)
    assert picture is not None
    return np.asarray(picture, np.uint8)


def test_a_preview_is_the_masked_frame_as_a_jpeg(daemon: ControlClient, gallery: Gallery) -> None:
    result, jpeg = daemon.preview("still", quality=95)
    assert jpeg.startswith(b"\xff\xd8")
    assert (result.width, result.height, result.frame_width, result.frame_height) == (120, 80, 120, 80)
    assert (result.camera, result.region, result.media_type) == ("still", None, "image/jpeg")
    assert 0 <= time.monotonic() - result.t_cap_us / 1e6 < 20
    assert abs(result.t_wall_us / 1e6 - time.time()) < 60
    seen = decoded(jpeg).astype(int)
    assert abs(seen[:, :56] - GREY).max() < 12
    assert abs(seen[:, 64:] - gallery.picture[:, 64:]).mean() < 6


def test_a_preview_is_made_smaller_and_never_larger(daemon: ControlClient) -> None:
    result, jpeg = daemon.preview("asleep", width=100)
    assert (result.width, result.height, result.frame_width, result.frame_height) == (100, 75, 640, 480)
    assert decoded(jpeg).shape == (75, 100, 3)
    assert daemon.preview("still", width=1920)[0].width == 120
    assert len(daemon.preview("still", quality=20)[1]) < len(daemon.preview("still", quality=95)[1])


def test_a_preview_of_a_region_is_what_the_model_gets_without_loss(daemon: ControlClient, gallery: Gallery) -> None:
    result, png = daemon.preview_region("still", "right")
    assert (result.region, result.media_type, result.width, result.height) == ("right", "image/png", 96, 96)
    view = ModelView(read_model(MODEL).input)
    masked = gallery.picture.copy()
    masked[:, :60] = GREY
    expected = view.of(masked, PixelFormat.BGR, Region(left=0.5).to_box(120, 80), 90)
    assert np.array_equal(decoded(png)[..., ::-1], expected)


def test_each_preview_is_a_new_frame(daemon: ControlClient) -> None:
    numbers = [daemon.preview("asleep")[0].frame_seq for _ in range(3)]
    assert numbers == sorted(set(numbers))


def test_what_does_not_exist_and_a_lost_camera_are_refused_at_once(daemon: ControlClient) -> None:
    with stopwatch() as watch:
        for camera, region, code, text in (
            ("stil", None, "not-found", "there is no camera stil; there are still, asleep, slow, absent"),
            ("still", "left", "not-found", "camera still has no region left; it has right, all"),
            ("absent", None, "no-frames", "camera absent is lost: "),
        ):
            with pytest.raises(ControlError) as refused:
                _ = daemon.preview(camera) if region is None else daemon.preview_region(camera, region)
            assert refused.value.code == code
            assert str(refused.value).startswith(text)
    assert watch.seconds < 5


def test_viewers_of_one_camera_share_one_copy_and_one_picture(
    gallery: Gallery, monkeypatch: pytest.MonkeyPatch
) -> None:
    made: list[int] = []

    def counted(frame: NDArray[np.uint8], pixels: PixelFormat, width: int, quality: int) -> EncodedPicture:
        made.append(width)
        return to_preview(frame, pixels, width, quality)

    monkeypatch.setattr("edged.service.control.preview.to_preview", counted)
    with zmq.Context() as context, context.socket(zmq.DEALER) as viewer:
        viewer.set(zmq.LINGER, 0)
        viewer.connect(gallery.address)
        for number in range(MOST_PREVIEWS + 2):
            width = 64 if number % 2 else 120
            request = {"v": 1, "id": str(number), "op": "preview", "camera": "slow", "width": width}
            viewer.send(json.dumps(request).encode())
        answers = [viewer.recv_multipart() for _ in range(MOST_PREVIEWS + 2) if viewer.poll(10_000)]
    replies = [(json.loads(first), pictures) for first, *pictures in answers]
    busy = [reply["error"]["code"] for reply, _ in replies if not reply["ok"]]
    assert busy == ["busy", "busy"]
    good = [(reply["result"], pictures) for reply, pictures in replies if reply["ok"]]
    assert len({result["frame_seq"] for result, _ in good}) == 1
    assert len({picture for _, (picture,) in good}) == 2
    assert sorted(made) == [64, 120]


def test_other_requests_are_served_beside_as_many_previews_as_there_may_be(gallery: Gallery) -> None:
    with ThreadPoolExecutor(MOST_PREVIEWS) as pool:
        clients = [ControlClient(gallery.address) for _ in range(MOST_PREVIEWS)]
        asked = [pool.submit(client.preview, "slow") for client in clients]
        eventually(lambda: sum(job.is_preview for job in gallery.control._jobs) == MOST_PREVIEWS, "they are under way")
        with ControlClient(gallery.address) as other:
            assert len(other.snapshot("still")[1]) == 3
            with pytest.raises(ControlError, match="16 previews are under way"):
                other.preview("still")
        for future, client in zip(asked, clients, strict=True):
            assert future.result(10)[0].camera == "slow"
            client.close()


def test_a_preview_makes_the_model_do_no_more(daemon: ControlClient, gallery: Gallery) -> None:
    with Subscriber(gallery.events, camera="still") as subscriber:
        first = subscriber.receive(10)
        while not (isinstance(first, Vec) and first.unchanged):
            first = subscriber.receive(10)
        for _ in range(3):
            daemon.preview("still")
            daemon.preview_region("still", "all")
        for _ in range(10):
            message = subscriber.receive(10)
            assert isinstance(message, Vec)
            assert message.unchanged


def test_a_camera_on_demand_is_decoded_only_while_somebody_looks_and_not_embedded_for_that(
    daemon: ControlClient, gallery: Gallery
) -> None:
    demand, stats = (
        gallery.running_stages.pipeline.wiring._demand,
        gallery.running_stages.pipeline.cameras["asleep"].stats,
    )
    eventually(lambda: not demand.is_watched("asleep"), "no subscriber is left")
    daemon.preview("asleep")
    published = stats.published
    for _ in range(3):
        daemon.preview("asleep")
    assert stats.published == published
    eventually(lambda: not demand.is_watched("asleep"), "nobody looks any more")
