"""From a configuration to stages that are wired to each other and not started yet."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING

from edged.bell import Bell
from edged.camera import open_source
from edged.config import ConfigFileError, Loaded, config_hash
from edged.config.environment import state_folder
from edged.enrolled import EnrolledStore, ExampleStore, ReviewStore
from edged.events import EventRules
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.capture.left_behind import LeftBehind
from edged.pipeline.capture.settings import CaptureSettings
from edged.pipeline.capture.supervisor import CaptureSupervisor
from edged.pipeline.demand import Demand
from edged.pipeline.handover import Handover
from edged.pipeline.inference.feed import Feed
from edged.pipeline.inference.skip_unchanged import UnchangedSettings
from edged.pipeline.inference.stage import Inference, Opened
from edged.pipeline.latencies import Latencies
from edged.pipeline.loading.enrolled_references import EnrolledReferences
from edged.pipeline.loading.event_rules import event_rules
from edged.pipeline.loading.keyring import read_keyring
from edged.pipeline.loading.model import open_again, open_model, read_fallback_file, read_model_file
from edged.pipeline.loading.references import open_references
from edged.pipeline.loading.states import StateSets, placed_sets
from edged.pipeline.loading.workers import plan_workers
from edged.pipeline.publisher.settings import PublisherSettings
from edged.pipeline.publisher.stage import Publisher
from edged.pipeline.review_queues import ReviewQueues
from edged.pipeline.ring import FrameRing
from edged.pipeline.stage import Stage
from edged.references import References
from edged.vision.specs import ModelFile
from edged.vision.whole_picture import embed_whole

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from edged.pipeline.placed_set import PlacedSet
    from edged.values import Rotation
    from edged.vision.embedder import Embedder
    from edged.vision.pixels.reduction import Decode
    from edged.wire import Vector

__all__ = [
    "Camera",
    "Models",
    "Pipeline",
    "Wiring",
    "build",
    "capture_settings",
    "make_feed",
    "publisher_settings",
    "read_models",
]

RESULTS_IN_HAND = 32  # between the inference and the publisher: a second's worth at the usual rates
LIVE_FPS = 30.0  # the highest rate expected of a camera without a setting


@dataclass(frozen=True, slots=True, eq=False)
class Models:
    """The model's file as it was read, and that of its fallback."""

    first: ModelFile
    fallback: ModelFile | None

    @property
    def input_size(self) -> tuple[int, int]:
        """Width and height of the model's input."""
        return self.first.input.width, self.first.input.height

    @property
    def digests(self) -> tuple[str | None, ...]:
        """Digests of the files; one that changes means another model."""
        return self.first.digest, self.fallback.digest if self.fallback else None


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """The parts of one camera: its capture, its feed for the inference, and its stats."""

    capture: CaptureSupervisor
    feed: Feed
    stats: CameraStats


@dataclass(frozen=True, slots=True, eq=False)
class Pipeline:
    """The stages of a daemon, from the cameras to the sockets, and what they were made of.

    It is a value: a reload makes another one, mostly with some of the same stages.
    """

    loaded: Loaded
    models: Models
    wiring: Wiring
    cameras: Mapping[str, Camera]
    inference: Inference
    publisher: Publisher

    @property
    def captures(self) -> Sequence[CaptureSupervisor]:
        """The captures of all cameras."""
        return [camera.capture for camera in self.cameras.values()]

    @property
    def feeds(self) -> Sequence[Feed]:
        """The feeds of all cameras."""
        return [camera.feed for camera in self.cameras.values()]

    @property
    def all_stats(self) -> Sequence[CameraStats]:
        """The stats of all cameras."""
        return [camera.stats for camera in self.cameras.values()]

    @property
    def stages(self) -> Sequence[Stage]:
        """All stages, in the order that a frame passes them."""
        return [*self.captures, self.inference, self.publisher]


class Wiring:
    """The connections between the stages, for as long as the daemon runs; it makes the stages."""

    def __init__(self) -> None:
        self._to_publish = Bell()
        self._frames_came = threading.Condition()
        self._handover = Handover(RESULTS_IN_HAND, self._to_publish)
        self._demand = Demand()
        folder = state_folder()
        self.enrolled = EnrolledReferences(None if folder is None else EnrolledStore(folder / "references"))
        """The enrolled references."""
        self.states = StateSets(None if folder is None else ExampleStore(folder / "examples"))
        """The sets of states, with their enrolled examples."""
        self.review = ReviewQueues(None if folder is None else ReviewStore(folder / "review"))
        """The pictures that sets of states were least sure of."""
        self.left_behind = LeftBehind()
        """The threads of cameras that hang, also of cameras that are gone."""

    def rules(self, loaded: Loaded) -> EventRules:
        """Return the event rules of the references of *loaded* and of the enrolled ones."""
        config = loaded.config
        return event_rules(config, self.enrolled.rules(config.references))

    def camera(self, loaded: Loaded, models: Models, name: str, *, must_open: bool = True) -> Camera:
        """Make the camera *name* with its own ring and stats. For *must_open* see `capture_settings`."""
        config = loaded.config.cameras[name]
        ring = FrameRing(self._frames_came)
        stats = CameraStats(name, self._to_publish.ring)
        stats.latencies = Latencies() if loaded.config.metrics.listen is not None else None
        make_source = partial(
            open_source,
            config,
            decode=loaded.config.model.decode,
            input_size=models.input_size,
            max_pixels=loaded.config.max_pixels,
            background=loaded.config.background,
            can_change_mask=True,
        )
        settings = capture_settings(loaded, name, must_open=must_open)
        capture = CaptureSupervisor(make_source, ring, stats, settings, self._demand, self.left_behind)
        return Camera(capture, make_feed(loaded, name, ring, stats), stats)

    def inference(
        self, loaded: Loaded, models: Models, feeds: Sequence[Feed], before: Inference | None = None
    ) -> Inference:
        """Make an inference with the model of *loaded*, which it opens in its own thread.

        It then embeds all references and examples, unless it is to go on with those of the one *before*.
        """

        def open_all(go_on: Callable[[], None]) -> Opened:
            with ExitStack() as on_error:
                plan = plan_workers(loaded.config, models.first)
                embedder = on_error.enter_context(open_model(loaded, models.first, models.fallback, plan.threads))
                others: list[Embedder] = []
                for _ in range(plan.workers - 1):
                    go_on()
                    others.append(on_error.enter_context(open_again(embedder)))
                if before is not None and before.references is not None:
                    opened = Opened(embedder, before.references, before.sets, others)
                else:
                    references = self._references(loaded, embedder, go_on)
                    opened = Opened(embedder, references, self._sets(loaded, references, embedder, go_on), others)
                on_error.pop_all()
            return opened

        return Inference(feeds, self._frames_came, open_all, self._handover, self._demand, self.review)

    def _references(self, loaded: Loaded, embedder: Embedder, go_on: Callable[[], None]) -> References:
        configured = open_references(loaded, embedder, go_on).configured
        enrolled = self.enrolled.open(embedder, loaded.config.references, go_on)
        return References(configured, enrolled, loaded.config.publish.top_k)

    def _sets(
        self, loaded: Loaded, references: References, embedder: Embedder, go_on: Callable[[], None]
    ) -> tuple[PlacedSet, ...]:
        def embed(picture: NDArray[np.uint8], rotation: Rotation, decode: Decode) -> Vector:
            return embed_whole(picture, rotation, decode, embedder)

        return placed_sets(self.states.open(loaded, references.names, embedder, embed, go_on))

    def publisher(self, loaded: Loaded, all_stats: Sequence[CameraStats]) -> Publisher:
        """Make the publisher; a daemon has one."""
        return Publisher(
            publisher_settings(loaded), self._handover, self._to_publish, all_stats, self._demand, self.rules(loaded)
        )


def build(loaded: Loaded) -> Pipeline:
    """Make the stages of *loaded*, wired to each other. Each opens its resource later, in its own thread.

    Raises:
        ConfigFileError: the file of the model can never be used.
    """
    models, wiring = read_models(loaded), Wiring()
    cameras = {name: wiring.camera(loaded, models, name) for name in loaded.config.cameras}
    feeds = [camera.feed for camera in cameras.values()]
    all_stats = [camera.stats for camera in cameras.values()]
    inference = wiring.inference(loaded, models, feeds)
    return Pipeline(loaded, models, wiring, cameras, inference, wiring.publisher(loaded, all_stats))


def read_models(loaded: Loaded) -> Models:
    """Read and verify the files of the model and of its fallback.

    Raises:
        ConfigFileError: one can never be used.
    """
    return Models(read_model_file(loaded), read_fallback_file(loaded))


def capture_settings(loaded: Loaded, name: str, *, must_open: bool = True) -> CaptureSettings:
    """Return the settings of the capture of the camera *name*.

    With *must_open* a file or folder that cannot be opened is an error of the configuration; else it is tried again.
    """
    camera = loaded.config.cameras[name]

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
        regions=tuple((region, each.region) for region, each in camera.regions.items() if each.is_in_pixels),
        refuse=refuse if must_open and not camera.is_live else None,
        mask=camera.mask,
    )


def _stall_seconds(seconds: float, max_fps: float | None) -> float:
    """Return the seconds without a frame after which a camera is lost: never between two frames of the rate cap."""
    return seconds + 1.0 / max_fps if seconds and max_fps else seconds


def make_feed(loaded: Loaded, name: str, ring: FrameRing, stats: CameraStats) -> Feed:
    """Make the feed of the camera *name* for the inference."""
    camera = loaded.config.cameras[name]
    regions = tuple((region, config.region) for region, config in camera.regions.items())
    return Feed(
        name,
        ring,
        stats,
        regions,
        camera.rotation,
        wait_for_publisher=camera.policy == "block",
        is_cropped=camera.scaler_crop,
        skipping=UnchangedSettings(camera.changed_levels, camera.refresh_seconds) if camera.skip_unchanged else None,
        on_demand=camera.on_demand,
    )


def publisher_settings(loaded: Loaded) -> PublisherSettings:
    """Return the settings of the publisher."""
    config = loaded.config
    return PublisherSettings(
        node=config.node,
        endpoints=config.publish.endpoints,
        messages_per_second=sum((camera.fps or LIVE_FPS) * len(camera.regions) for camera in config.cameras.values()),
        config_hash=config_hash(config),
        max_connections=config.publish.max_connections,
        read_keys=lambda: read_keyring(loaded),
        slow_when_hot=config.slow_when_hot,
    )
