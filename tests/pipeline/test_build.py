"""From a configuration to stages: every setting arrives where it is meant to."""

from __future__ import annotations

import threading
from pathlib import Path

import pytest

from edged.camera import Source
from edged.camera.picamera import PicameraSource
from edged.camera.prepared import PreparedSource
from edged.camera.usb import UsbCamera
from edged.config import ConfigFileError, Loaded, load_text
from edged.pipeline.build import build
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.supervisor import CaptureSupervisor
from edged.pipeline.loading.model import open_again
from edged.vision.embedder import Embedder
from edged.vision.tflite.model_file import read_model

MODEL = "model: {name: efficientnet-lite0-int8}\n"


def configured(camera: str, model: str = MODEL) -> Loaded:
    return load_text(f"{model}cameras: {{a: {{{camera}}}}}\npublish: {{endpoints: ['pub+bind:ipc:///x']}}\n", "e.yaml")


def settings(camera: str) -> CaptureSettings:
    (capture,) = build(configured(camera)).captures
    return capture._settings


def test_a_live_camera_is_watched_and_opened_again_as_configured() -> None:
    healing = "stall_seconds: 3, frozen_seconds: 60, retry_seconds: 1, retry_max_seconds: 9, max_reopens: 4"
    assert settings(f"source: 'usb:/dev/video0', settle_frames: 7, {healing}") == CaptureSettings(
        settle_frames=7,
        stall_seconds=3.0,
        frozen_seconds=60.0,
        retry_seconds=1.0,
        retry_max_seconds=9.0,
        max_reopens=4,
        mask=(),
    )


def test_a_camera_without_settings_has_the_defaults_of_the_configuration() -> None:
    usual = CaptureSettings(stall_seconds=5.0, frozen_seconds=30.0, retry_seconds=2.0, retry_max_seconds=30.0, mask=())
    assert settings("source: 'usb:/dev/video0'") == usual
    assert settings("source: 'picamera:0'").max_reopens == 6
    assert settings("source: 'pattern:'").frozen_seconds == 0.0


def test_between_two_frames_that_pass_the_cap_a_camera_is_not_silent() -> None:
    capped = settings("source: 'usb:/dev/video0', fps: 0.1")
    assert (capped.max_fps, capped.stall_seconds) == (0.1, 15.0)
    unwatched = settings("source: 'usb:/dev/video0', fps: 0.1, stall_seconds: 0")
    assert unwatched.stall_seconds == 0.0


@pytest.mark.parametrize("source", ["file:/gone.mp4", "dir:/gone"])
def test_a_file_or_folder_waits_and_must_be_there(source: str) -> None:
    of_file = settings(f"source: '{source}', fps: 5")
    assert (of_file.wait_for_reader, of_file.max_fps, of_file.stall_seconds) == (True, None, 0.0)
    assert of_file.refuse is not None
    assert str(of_file.refuse("it is gone")) == "e.yaml:2:23: cameras.a.source: it is gone"


def made(capture: CaptureSupervisor) -> Source:
    """The source of *capture*, below what masks its frames, which can change while it runs."""
    prepared = capture._make_source()
    assert isinstance(prepared, PreparedSource)
    return prepared._source


def test_what_the_model_takes_decides_how_many_pixels_a_camera_delivers() -> None:
    (capture,) = build(configured("source: 'picamera:0', regions: {left: {right: 0.5}}")).captures
    source = made(capture)
    assert isinstance(source, PicameraSource)
    assert source._wanted.size.at_least == (448, 224)
    reduced = "model: {name: efficientnet-lite0-int8, decode: reduced}\n"
    (capture,) = build(configured("source: 'usb:/dev/video0'", reduced)).captures
    usb = made(capture)
    assert isinstance(usb, UsbCamera)
    assert usb._reduce is not None
    assert usb._reduce(1920, 1080) == 4


def test_a_file_that_is_not_a_model_is_refused_before_anything_opens(tmp_path: Path) -> None:
    (tmp_path / "a.tflite").write_text("a letter to a model")
    before = threading.active_count()
    with pytest.raises(ConfigFileError, match=r"model\.path: .*text file"):
        build(configured("source: 'pattern:'", f"model: {{path: {tmp_path}/a.tflite}}\n"))
    with pytest.raises(ConfigFileError, match=r"model\.fallback\.path: "):
        build(configured("source: 'pattern:'", f"model: {{on_failure: fallback, fallback: {{path: {tmp_path}/a}}}}\n"))
    assert threading.active_count() == before


@pytest.mark.parametrize("crops", [False, True])
def test_a_camera_that_crops_is_not_cropped_again(crops: bool) -> None:
    text = f"source: 'picamera:0', scaler_crop: {str(crops).lower()}, regions: {{door: {{left: 0.5}}}}"
    (feed,) = build(configured(text)).inference._feeds
    assert feed.is_cropped is crops
    assert feed.regions[0][1].left == 0.5, "what is published counts in the whole frame"


def test_a_stop_ends_the_opening_of_workers_between_two_of_them(cases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    embedder, opened = Embedder(read_model(cases / "small96_uint8_meta.tflite")), list[Embedder]()

    def open_and_stop(before: Embedder) -> Embedder:
        opened.append(open_again(before))
        stage.stop()
        return opened[-1]

    monkeypatch.setattr("edged.pipeline.build.open_model", lambda *_: embedder)
    monkeypatch.setattr("edged.pipeline.build.open_again", open_and_stop)
    stage = build(configured("source: 'pattern:'", "model: {name: efficientnet-lite0-int8, workers: 4}\n")).inference
    stage.start(lambda: None)
    assert stage.join(20)
    assert len(opened) == 1
    assert stage.error is None
