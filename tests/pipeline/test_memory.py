"""The way of a frame makes no array: all stages, real, driven step by step in one thread, while Python counts.

NumPy tells tracemalloc of every array, OpenCV's included. What ZeroMQ copies to send it, it does in memory of its own.
"""

from __future__ import annotations

import gc
import time
import tracemalloc
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import cv2
import pytest
import zmq

from edged.bell import Bell
from edged.config import Endpoint, load_text
from edged.pipeline.build import Pipeline, build
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.publisher.settings import PublisherSettings
from edged.pipeline.publisher.stage import Publisher
from edged.pipeline.result import ModelFacts, Result
from edged.regions import FULL
from edged.values import Format, Stamp
from tests.allocated import allocated

ARRAY = 4096
LARGE = 20_000  # numbers of a vector, four bytes each: the kernel takes it at once, and what it leaves has to be copied
FRAME = Format(768, 576)


@contextmanager
def opened(folder: Path, demo: Path, model: str, camera: str) -> Iterator[Pipeline]:
    """All stages of a daemon, open, and none of them in a thread."""
    pipeline = build(
        load_text(
            f"model: {{name: {model}}}\n"
            f"cameras: {{street: {{source: '{camera}', loop: true, fps: 1000, regions: "
            "{path: {left: 0.05, top: 0.32, right: 0.42, bottom: 0.56}}}}\n"
            f"references: {{empty: {{images: ['{demo}/path-empty.jpg'], enter: 0.9}}, "
            f"busy: {{images: ['{demo}/path-busy.jpg']}}}}\n"
            f"publish: {{endpoints: ['pub+bind:ipc://{folder}/pub.sock']}}\n",
            folder / "edged.yaml",
        )
    )
    reader = pipeline.captures[0].reader
    assert reader is not None
    stages = [reader, pipeline.inference, pipeline.publisher]
    try:
        for stage in reversed(stages):
            stage.open()
        yield pipeline
    finally:
        for stage in stages:
            stage.close()


@pytest.fixture
def subscriber(tmp_path: Path) -> Iterator[zmq.Socket[bytes]]:
    with zmq.Context() as context, context.socket(zmq.SUB) as socket:
        socket.set(zmq.LINGER, 0)
        socket.subscribe(b"")
        socket.connect(f"ipc://{tmp_path}/pub.sock")
        yield socket


def one_frame(pipeline: Pipeline, peaks: dict[str, list[int]]) -> None:
    """Run one frame from the camera to the socket; *peaks* get the most bytes that each stage took."""
    capture = pipeline.captures[0].reader
    assert capture is not None
    number, published = capture.next_seq, pipeline.all_stats[0].published
    while pipeline.all_stats[0].published == published:
        # A frame that is not due yet, or a bell that has not rung, is nothing: the step is done again.
        for stage in (pipeline.inference, pipeline.publisher) if capture.next_seq > number else (capture,):
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            stage.step()
            peaks.setdefault(stage.name.partition(" ")[0], []).append(tracemalloc.get_traced_memory()[1] - before)


def most(peaks: list[int]) -> int:
    """The limit of all steps but one: Python counts for all threads, and one of pytest-xdist may get a message."""
    return sorted(peaks)[-2]


@pytest.mark.parametrize("model", ["efficientnet-lite0", "efficientnet-lite0-int8"])
@pytest.mark.parametrize("kind", ["file", "dir"])
def test_no_stage_makes_an_array_for_a_frame(
    tmp_path: Path,
    demo: Path,
    subscriber: zmq.Socket[bytes],
    kind: str,
    model: str,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # A status is made every two seconds, not for a frame; it reads files of the kernel, through buffers.
    monkeypatch.setattr("edged.pipeline.publisher.status_messages.STATUS_SECONDS", 3600.0)
    source = f"file:{demo}/street.mp4" if kind == "file" else f"dir:{pictures(tmp_path, demo)}"
    with opened(tmp_path, demo, model, source) as pipeline:
        peaks: dict[str, list[int]] = {}
        while not pipeline.publisher.subscriptions:
            one_frame(pipeline, {})

        def frames(peaks: dict[str, list[int]]) -> None:
            for _ in range(20):
                one_frame(pipeline, peaks)

        def frames_alone() -> None:
            frames({})  # noted figures would stay, too
            gc.collect()

        frames_alone()
        growth = allocated(frames_alone).kept
        frames({})  # collecting empties the free lists of Python, and the next frame fills them again
        allocated(lambda: frames(peaks))
        assert subscriber.poll(10_000), "somebody was there to send it to"
    # A picture that OpenCV decodes is an array of its own, for its Python functions cannot do it into another.
    decoded = FRAME.height * FRAME.width * 3 if kind == "dir" else 0
    assert most(peaks["capture"]) < decoded + ARRAY
    assert most(peaks["inference"]) < ARRAY
    # A message is text, of which Python 3.11 makes each word by itself; that no vector is copied is seen below.
    assert most(peaks["publisher"]) < 5 * ARRAY
    assert growth < ARRAY


def test_no_vector_is_copied_to_be_sent(tmp_path: Path, subscriber: zmq.Socket[bytes]) -> None:
    bell = Bell()
    handover = Handover(1, bell)
    endpoint = Endpoint.parse(f"pub+bind:ipc://{tmp_path}/pub.sock", tmp_path)
    publisher = Publisher(
        PublisherSettings("node", [endpoint], 10.0, "cafe", 256), handover, bell, [CameraStats("cam")], Demand()
    )
    facts = ModelFacts("large", "0123456789abcdef", "engine 1", "none", 0, None, "<f4", LARGE, "none", None)
    handover.open(facts)
    publisher.open()
    while not publisher.subscriptions:
        publisher.step()
    peaks = []
    tracemalloc.start()
    try:
        for number in range(10):
            vector = handover.borrow(0.0)
            assert vector is not None
            stamp = Stamp(time.monotonic_ns(), "arrival")
            handover.put(Result("cam", "full", FULL, 0, number, stamp, 0, 0, 0, 0, 0, (), 0, vector, facts))
            before = tracemalloc.get_traced_memory()[0]
            tracemalloc.reset_peak()
            publisher.step()
            peaks.append(tracemalloc.get_traced_memory()[1] - before)
            # What the kernel has no room for has to wait as a copy, so each is fetched before the next is sent.
            assert subscriber.poll(10_000), "somebody was there to send it to"
            subscriber.recv_multipart()
    finally:
        tracemalloc.stop()
        handover.close()
        publisher.close()
    assert max(peaks) < LARGE


def pictures(folder: Path, demo: Path) -> Path:
    """A folder with a few frames of the clip as JPEGs."""
    (place := folder / "pictures").mkdir()
    capture = cv2.VideoCapture(str(demo / "street.mp4"))
    for number in range(3):
        assert cv2.imwrite(str(place / f"{number}.jpg"), capture.read()[1])
    capture.release()
    return place
