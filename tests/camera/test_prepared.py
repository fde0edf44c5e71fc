"""Prepared frames: nothing sees what is under a mask, and mirror comes before mask, regions and rotation."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import closing
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.camera import open_source
from edged.camera.prepared import PreparedSource
from edged.config import CameraConfig
from edged.errors import DamagedFrame, EndOfStream, SourceError
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.stage import Capture
from edged.pipeline.demand import Demand
from edged.pipeline.ring import FrameRing
from edged.regions import FULL, Polygon, Region
from edged.values import Format, Mirror, PixelFormat
from edged.vision.embedder import Embedder
from edged.vision.pixels.view import RgbView
from edged.vision.tflite.model_file import read_model
from tests.camera.frames import ChosenFrames, noise, rgb_of
from tests.fakes import FakeSource, running

MASK: tuple[Polygon, ...] = (((0.0, 0.0), (0.55, 0.1), (0.2, 0.8)), ((0.8, 0.8), (1.0, 0.8), (1.0, 1.0), (0.8, 1.0)))
REGION = Region(0.1, 0.1, 0.9, 0.9)


def random_under_the_mask(frame_format: Format, seed: int) -> NDArray[np.uint8]:
    """A frame with one picture outside of `MASK`, and another one for each *seed* under it."""
    frame, other = noise(frame_format, 0), noise(frame_format, seed)
    under = PreparedSource(ChosenFrames(frame_format, [np.zeros_like(frame)]), "none", MASK)
    under.open()
    under.grab(1.0)
    grey = np.zeros_like(frame)
    under.retrieve(grey)
    return np.where(grey > 0, other, frame).astype(np.uint8)


def prepared_frames(source: PreparedSource) -> Iterator[NDArray[np.uint8]]:
    with closing(source):
        slot = np.zeros(source.open().shape, np.uint8)
        while True:
            try:
                source.grab(1.0)
            except EndOfStream:
                return
            source.retrieve(slot)
            yield slot.copy()


@pytest.mark.parametrize("pixels", list(PixelFormat))
def test_a_frame_whose_masked_part_is_random_gives_the_same_vector_and_the_same_picture(
    pixels: PixelFormat, cases: Path
) -> None:
    frame_format = Format(320, 240, pixels)
    frames = [random_under_the_mask(frame_format, seed) for seed in (1, 2, 3)]
    box = REGION.to_box(320, 240)

    def seen(mask: tuple[Polygon, ...]) -> tuple[set[bytes], set[bytes]]:
        vectors, pictures = set(), set()
        for frame in prepared_frames(PreparedSource(ChosenFrames(frame_format, frames), "none", mask)):
            vector = np.zeros(embedder.dimension, np.float32)
            embedder.embed(frame, pixels, box, 90, vector)
            vectors.add(vector.tobytes())
            whole = RgbView(FULL.to_box(320, 240)).of(frame, pixels)
            pictures.add(cv2.imencode(".png", whole)[1].tobytes())
        return vectors, pictures

    with Embedder(read_model(cases / "small96_uint8_meta.tflite")) as embedder:
        assert [len(each) for each in seen(MASK)] == [1, 1]
        assert [len(each) for each in seen(())] == [3, 3], "what is under the mask makes a difference without it"


@pytest.mark.parametrize("mirror", get_args(Mirror)[1:])
@pytest.mark.parametrize("pixels", [PixelFormat.BGR, PixelFormat.GRAY, PixelFormat.YUYV, PixelFormat.NV12])
def test_the_mask_is_in_the_frame_as_it_is_mirrored(pixels: PixelFormat, mirror: Mirror) -> None:
    frame_format = Format(64, 48, pixels)
    left: Polygon = ((0.0, 0.0), (0.25, 0.0), (0.25, 1.0), (0.0, 1.0))
    (plain,) = prepared_frames(PreparedSource(ChosenFrames(frame_format, [noise(frame_format, 1)]), mirror, []))
    (masked,) = prepared_frames(PreparedSource(ChosenFrames(frame_format, [noise(frame_format, 1)]), mirror, [left]))
    assert np.array_equal(rgb_of(masked, pixels)[:, 16:], rgb_of(plain, pixels)[:, 16:])
    assert len(np.unique(rgb_of(masked, pixels)[:, :16].reshape(-1, 3), axis=0)) == 1


def test_what_the_camera_mirrors_itself_is_not_mirrored_again() -> None:
    frame_format = Format(64, 48, mirror="horizontal")
    frame = noise(frame_format, 1)
    source = PreparedSource(ChosenFrames(frame_format, [frame]), "both", [])
    (seen,) = prepared_frames(source)
    assert np.array_equal(seen, frame[::-1])
    assert source.open().mirror == "both"


def test_a_camera_that_comes_back_with_another_size_is_masked_in_that() -> None:
    camera = FakeSource([Format(64, 48), "frame", Format(32, 16, PixelFormat.GRAY), "frame"])
    source = PreparedSource(camera, "vertical", MASK)
    for _ in range(2):
        slot = np.zeros(source.open().shape, np.uint8)
        source.grab(1.0)
        source.retrieve(slot)
        assert slot.reshape(-1)[0] == 128
        source.close()


def test_errors_and_calls_pass_through() -> None:
    camera = FakeSource(["open", "damaged", "torn", "die"])
    source = PreparedSource(camera, "vertical", MASK)
    slot = np.zeros(source.open().shape, np.uint8)
    source.grab(1.0)
    with pytest.raises(DamagedFrame, match="the picture is damaged"):
        source.retrieve(slot)
    with pytest.raises(DamagedFrame, match="marks") as torn:
        source.grab(1.0)
    assert torn.value.count == 3
    with pytest.raises(SourceError, match="the cable was pulled"):
        source.grab(1.0)
    source.wake()
    source.close()
    assert camera.woken.is_set()
    assert camera.events == ["open", "close"]


def test_frames_in_the_ring_are_masked_already() -> None:
    frame_format = Format(64, 48)
    ring = FrameRing(threading.Condition())
    source = PreparedSource(ChosenFrames(frame_format, [noise(frame_format, 1)]), "none", MASK)
    settings = CaptureSettings(wait_for_reader=True)
    with running(Capture(source, ring, CameraStats("cam"), settings, Demand())):
        lease = None
        while lease is None:
            lease = ring.take_frame()
        with lease:
            assert lease.pixels[0, 0].tolist() == [128, 128, 128]


def test_every_kind_of_source_is_mirrored_and_masked(tmp_path: Path) -> None:
    picture = noise(Format(64, 48), 1)
    cv2.imwrite(str(tmp_path / "a.png"), picture)
    left = [[[0, 0], [0.5, 0], [0.5, 1], [0, 1]]]
    options = {"source": f"dir:{tmp_path}", "mirror": "horizontal", "mask": left}
    source = open_source(CameraConfig.model_validate(options))
    slot = np.zeros(source.open().shape, np.uint8)
    source.grab(1.0)
    source.retrieve(slot)
    source.close()
    assert (slot[:, :32] == 128).all()
    assert np.array_equal(slot[:, 32:], picture[:, ::-1][:, 32:])
