"""Collector of the daemon's metrics for Prometheus: reads the counts of the stages at each scrape."""

from __future__ import annotations

import platform
from collections.abc import Iterable, Iterator, Sequence
from typing import TYPE_CHECKING

from prometheus_client import CollectorRegistry, ProcessCollector
from prometheus_client.core import (
    CounterMetricFamily,
    GaugeMetricFamily,
    HistogramMetricFamily,
    InfoMetricFamily,
    Metric,
)
from prometheus_client.registry import Collector

from edged import __version__
from edged.board import CONDITIONS, PAST
from edged.pipeline.camera_stats import CameraState
from edged.pipeline.latencies import PARTS
from edged.pipeline.wall_clock import clock_synced
from edged.states import PICTURE_STATES
from edged.values import UNKNOWN

if TYPE_CHECKING:
    from edged.pipeline.build import Pipeline
    from edged.pipeline.camera_stats import CameraStats
    from edged.service.running_stages import RunningStages

__all__ = ["PipelineCollector", "registry_of"]


def registry_of(running: RunningStages) -> CollectorRegistry:
    """A registry of the metrics of this process, and of the *running* stages as they are at each scrape."""
    registry = CollectorRegistry(auto_describe=False)
    registry.register(PipelineCollector(running))
    ProcessCollector(registry=registry)
    return registry


class PipelineCollector(Collector):
    """Reads the pipeline as it is now. Counts continue through a reload, except those of a camera that was removed."""

    def __init__(self, running: RunningStages) -> None:
        self._running = running

    def collect(self) -> Iterator[Metric]:
        """Yield every family of metrics."""
        pipeline = self._running.pipeline
        yield from _about(pipeline)
        yield from _cameras(pipeline)
        yield _left_behind(pipeline)
        yield _latencies(pipeline)
        yield from _publisher(pipeline)
        yield _states(pipeline)
        yield from _board(pipeline)


def _about(pipeline: Pipeline) -> Iterator[Metric]:
    yield InfoMetricFamily("edged_build", "What runs.", {"version": __version__, "python": platform.python_version()})
    publisher = pipeline.publisher
    if (facts := publisher.facts) is not None:
        model = {name: getattr(facts, name) for name in ("model", "engine", "delegate", "space_id")}
        yield InfoMetricFamily("edged_model", "The model, and what runs it.", model)


def _cameras(pipeline: Pipeline) -> Iterator[Metric]:
    all_stats = tuple(pipeline.all_stats)

    def counter(name: str, words: str, count: str) -> Metric:
        pairs = (((stats.camera,), getattr(stats, count)) for stats in all_stats)
        return _family(CounterMetricFamily(name, words, labels=["camera"]), pairs)

    yield counter("edged_frames_captured", "Frames that came from the camera.", "captured")
    yield counter("edged_messages_published", "Embeddings that were published.", "published")
    yield counter("edged_camera_reopens", "How often the camera was lost or frozen, and opened again.", "reopens")
    yield counter("edged_camera_errors", "Exceptions that no camera should cause; each is a loss of it.", "errors")
    yield counter("edged_camera_hangs", "Threads that hung in the camera's driver and were left behind.", "hangs")
    dropped = CounterMetricFamily("edged_dropped", "Frames and results that were dropped.", labels=["camera", "cause"])
    yield _family(dropped, (((t.camera, cause), count) for t in all_stats for cause, count in t.dropped().items()))
    yield _formats(all_stats)
    states = GaugeMetricFamily("edged_camera_state", "1 for the state that it is in.", labels=["camera", "state"])
    yield _family(states, (((t.camera, state), t.condition.state is state) for t in all_stats for state in CameraState))
    words = "1 for what its picture is beside those of its examples; none where nothing is enrolled."
    pictures = GaugeMetricFamily("edged_camera_picture", words, labels=["camera", "picture"])
    found = [(stats.camera, stats.picture) for stats in all_stats]
    yield _family(pictures, (((camera, each), each == now) for camera, now in found if now for each in PICTURE_STATES))


def _formats(all_stats: Sequence[CameraStats]) -> Metric:
    family = InfoMetricFamily("edged_camera_format", "Frames as negotiated with an open camera.", labels=["camera"])
    for stats in all_stats:
        if (frames := stats.format) is not None:
            facts = {name: getattr(frames, name) for name in ("width", "height", "pixels", "codec", "decoder")}
            facts["fps"] = None if frames.fps is None else f"{frames.fps:g}"
            family.add_metric([stats.camera], {name: "" if fact is None else str(fact) for name, fact in facts.items()})
    return family


def _latencies(pipeline: Pipeline) -> Metric:
    words = "Where the time of a published frame went: waiting, the parts of the inference, and all of it."
    family = HistogramMetricFamily("edged_latency_seconds", words, labels=["camera", "part"])
    for stats in tuple(pipeline.all_stats):
        if stats.latencies is None:
            continue
        for part, histogram in zip(PARTS, stats.latencies.histograms, strict=True):
            total_us = histogram.total_us
            buckets = [("+Inf" if us is None else f"{us / 1e6:g}", count) for us, count in histogram.cumulative()]
            family.add_metric([stats.camera, part], buckets, total_us / 1e6)
    return family


def _publisher(pipeline: Pipeline) -> Iterator[Metric]:
    publisher = pipeline.publisher
    yield GaugeMetricFamily("edged_queue_results", "Results that wait for the publisher.", publisher.waiting)
    waiting = GaugeMetricFamily("edged_queue_frames", "Frames that wait for the inference.", labels=["camera"])
    yield _family(waiting, (((capture.camera,), capture.waiting) for capture in tuple(pipeline.captures)))
    words = "Topic prefixes that are subscribed to, over all subscribers: a client has one or more."
    yield GaugeMetricFamily("edged_subscriptions", words, publisher.subscriptions)
    yield CounterMetricFamily("edged_refused_keys", "How often a client's key was refused.", publisher.refused_keys)
    yield GaugeMetricFamily(
        "edged_connections", "Peers that are connected to publish endpoints.", publisher.connections
    )
    words = "Peers of publish endpoints that were refused or cut off, by the reason; docs/security.md explains each."
    cut = CounterMetricFamily("edged_refused_connections", words, labels=["reason"])
    yield _family(cut, (((reason,), count) for reason, count in publisher.refusals.items()))


def _states(pipeline: Pipeline) -> Metric:
    words = "1 for the decided state of a set of states in a region."
    family = GaugeMetricFamily("edged_state", words, labels=["camera", "region", "set", "state"])
    return _family(
        family,
        (
            ((each.camera, each.region, each.set, state), each.state == state)
            for each in pipeline.publisher.decided_states
            for state in (*each.states, UNKNOWN)
        ),
    )


def _left_behind(pipeline: Pipeline) -> Metric:
    words = "Threads that hang in drivers and were left behind, also those of cameras that are gone."
    return GaugeMetricFamily("edged_threads_left_behind", words, pipeline.wiring.left_behind.count())


def _board(pipeline: Pipeline) -> Iterator[Metric]:
    health = pipeline.publisher.health
    if health.temp_c is not None:
        yield GaugeMetricFamily("edged_board_temperature_celsius", "The board's temperature.", health.temp_c)
    if health.throttled is not None:
        bits = health.throttled
        for name, words, shift in (
            ("edged_board_throttled", "1 for each condition that holds the board back now.", 0),
            ("edged_board_throttled_before", "1 for each condition that has held the board back.", PAST),
        ):
            family = GaugeMetricFamily(name, words, labels=["condition"])
            yield _family(family, (((c,), bits >> shift + bit & 1) for bit, c in enumerate(CONDITIONS)))
    if health.cma_free_bytes is not None:
        words = "Free memory of the area that cameras get their buffers from."
        yield GaugeMetricFamily("edged_board_cma_free_bytes", words, health.cma_free_bytes)
    if (synced := clock_synced()) is not None:
        yield GaugeMetricFamily("edged_clock_synchronised", "1 if the kernel says that the wall clock is.", synced)


def _family(
    family: CounterMetricFamily | GaugeMetricFamily, figures: Iterable[tuple[tuple[str, ...], float]]
) -> Metric:
    for labels, figure in figures:
        family.add_metric(labels, figure)
    return family
