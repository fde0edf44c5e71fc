"""From a configuration to stages that are wired to each other and not started yet."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass

from edged.camera import open_source
from edged.config import CameraConfig, Config, ConfigProblems, KeyPath, Loaded, ModelConfig, config_hash
from edged.errors import ConfigError, ModelError, ReferenceImageError
from edged.pipeline.bell import Bell
from edged.pipeline.capture import Capture, CaptureSettings
from edged.pipeline.handover import Handover
from edged.pipeline.inference import Feed, Inference
from edged.pipeline.publisher import Publisher, PublisherSettings
from edged.pipeline.ring import FrameRing
from edged.pipeline.stage import Stage
from edged.pipeline.tally import Tally
from edged.references import Reference, References, embed_picture, picture_files
from edged.vision.embedder import Embedder, EmbedderOptions
from edged.vision.model_file import bundled_model, read_model

__all__ = ["Pipeline", "build", "open_model", "open_references", "open_references"]

RESULTS_IN_HAND = 32  # between the worker and the publisher: a second's worth at the usual rates
LIVE_FPS = 30.0  # what a live camera is expected to deliver at most, where nothing caps it


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
    """Wire the stages that *loaded* asks for. Nothing is opened yet."""
    config = loaded.config
    bell = Bell()  # wakes the publisher
    frames = threading.Condition()  # wakes the inference worker
    handover = Handover(RESULTS_IN_HAND, bell)
    tallies = {name: Tally(name, bell.ring) for name in config.cameras}
    rings = {name: FrameRing(frames) for name in config.cameras}
    captures = [
        Capture(open_source(camera), rings[name], tallies[name], _capture_settings(loaded, name, camera))
        for name, camera in config.cameras.items()
    ]
    feeds = [_feed(name, camera, rings[name], tallies[name]) for name, camera in config.cameras.items()]
    inference = Inference(feeds, frames, lambda: open_model_and_references(loaded), handover)
    publisher = Publisher(_publisher_settings(config), handover, bell, list(tallies.values()))
    return Pipeline(captures, inference, publisher, list(tallies.values()))


def open_model_and_references(loaded: Loaded) -> tuple[Embedder, References]:
    """Load and try the model, and embed every reference picture with it.

    Raises:
        ConfigError: one of them cannot be used; the text says where the file asks for it.
    """
    with blaming(loaded, "model"):
        embedder = open_embedder(loaded.config.model)
    ...
