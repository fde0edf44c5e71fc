"""From a configuration to stages that are wired to each other and not started yet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

from edged.bell import Bell
from edged.camera import open_source
from edged.config import CameraConfig, ConfigFileError, Loaded, config_hash
from edged.pipeline.capture import Capture, CaptureSettings
from edged.pipeline.handover import Handover
from edged.pipeline.inference import Feed, Inference
from edged.pipeline.keyring import read_keyring
from edged.pipeline.latencies import Latencies
from edged.pipeline.model import open_model, open_references, read_fallback_file, read_model_file
from edged.pipeline.publisher import Publisher, PublisherSettings
from edged.pipeline.ring import FrameRing
from edged.pipeline.rules import event_rules
from edged.pipeline.stage import Stage
from edged.pipeline.tally import Tally
from edged.references import References
from edged.vision.embedder import Embedder
from edged.vision.specs import ModelFile

__all__ = ["Pipeline", "build"]

RESULTS_IN_HAND = 32  # between the worker and the publisher: a second's worth at the usual rates
LIVE_FPS = 30.0  # what a camera is expected to deliver at most, where nothing says or caps it


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """The stages of a daemon, from the cameras to the sockets."""

    captures: Sequence[Capture]
    inference: Inference
    publisher: Publisher
    tallies: Sequence[Tally]

    @property
    def stages(self) -> Sequence[Stage]:
        """All stages, in the way of a frame."""
        return [*self.captures, self.inference, self.publisher]


def build(loaded: Loaded) -> Pipeline:
    """Wire the stages that *loaded* asks for. Nothing is opened yet; that is for the stages' own threads.

    Raises:
        ConfigFileError: the model is no file that could ever be used.
    """
    config = loaded.config
    model, fallback = read_model_file(loaded), read_fallback_file(loaded)
    input_size = model.input.width, model.input.height
    to_publish = Bell()
    frames_came = threading.Condition()
    handover = Handover(RESULTS_IN_HAND, to_publish)
    captures, feeds, tallies = [], [], []
    for name, camera in config.cameras.items():
        ring = FrameRing(frames_came)
        tally = Tally(name, to_publish.ring)
        tally.latencies = Latencies() if config.metrics.listen is not None else None
        source = open_source(camera, decode=config.model.decode, input_size=input_size)
        captures.append(Capture(source, ring, tally, _capture_settings(loaded, name, camera)))
        feeds.append(_feed(name, camera, ring, tally))
        tallies.append(tally)
    return Pipeline(
        captures=captures,
        inference=Inference(feeds, frames_came, lambda go_on: _open(loaded, model, fallback, go_on), handover),
        publisher=Publisher(_publisher_settings(loaded), handover, to_publish, tallies),
        tallies=tallies,
    )


def _open(
    loaded: Loaded, model: ModelFile, fallback: ModelFile | None, go_on: Callable[[], None]
) -> tuple[Embedder, References]:
    with ExitStack() as on_error:
        embedder = on_error.enter_context(open_model(loaded, model, fallback))
        references = open_references(loaded, embedder, go_on)
        on_error.pop_all()
    return embedder, references


def _capture_settings(loaded: Loaded, name: str, camera: CameraConfig) -> CaptureSettings:
    def refuse(reason: str) -> ConfigFileError:
        return ConfigFileError([loaded.problem(("cameras", name, "source"), reason)])

    max_fps = camera.fps if camera.is_live else None
    return CaptureSettings(
        wait_for_reader=camera.policy == "block",
        max_fps=max_fps,
        settle_frames=camera.settle_frames,
        stall_seconds=_stall_seconds(camera.stall_seconds, max_fps),
        frozen_seconds=camera.frozen_seconds,
        retry_seconds=camera.retry_seconds,
        retry_max_seconds=camera.retry_max_seconds,
        max_reopens=camera.max_reopens,
        refuse=None if camera.is_live else refuse,
    )


def _stall_seconds(seconds: float, max_fps: float | None) -> float:
    """After how long without a frame that passes the cap a camera is lost: between two such frames it is not silent."""
    return seconds + 1.0 / max_fps if seconds and max_fps else seconds


def _feed(name: str, camera: CameraConfig, ring: FrameRing, tally: Tally) -> Feed:
    regions = tuple((region, config.region) for region, config in camera.regions.items())
    return Feed(
        name,
        ring,
        tally,
        regions,
        camera.rotation,
        wait_for_publisher=camera.policy == "block",
        is_cropped=camera.scaler_crop,
    )


def _publisher_settings(loaded: Loaded) -> PublisherSettings:
    config = loaded.config
    return PublisherSettings(
        node=config.node,
        endpoints=config.publish.endpoints,
        messages_per_second=sum((camera.fps or LIVE_FPS) * len(camera.regions) for camera in config.cameras.values()),
        config_hash=config_hash(config),
        read_keys=lambda: read_keyring(loaded),
        rules=event_rules(config),
    )
