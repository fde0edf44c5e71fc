"""Messages have their numbers, their times in microseconds, and the figures of their camera."""

from __future__ import annotations

import os
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from edged import wire
from edged.board import Health
from edged.pipeline.camera_stats import CameraState, CameraStats, Condition
from edged.pipeline.publisher import message_builder
from edged.pipeline.publisher.message_builder import MessageBuilder
from edged.pipeline.result import ModelFacts, Result
from edged.regions import Region
from edged.states import StateSet
from edged.values import Format, PixelFormat, Stamp, StateAnswer
from tests.fakes import Clock
from tests.pipeline.placing import placed

FACTS = ModelFacts("tiny", "0123456789abcdef", "engine 1", "none", 3, "feature", "<f4", 4, "l2", None)
MATCHES = tuple(wire.Match(name, 0.5) for name in ("cat", "dog", "cow"))


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(message_builder, "time", clock)
    return clock


def result(clock: Clock, top_k: int | None = 2) -> Result:
    """A result whose times all differ."""
    stamp = Stamp(clock.monotonic_ns(), "driver")
    times = 1_999, 20_000, 300_000, 4_000_000, 50_000_000
    roi = Region(0.1, 0.2, 0.3, 0.4)
    vector = np.zeros(4, np.float32)
    return Result("cam", "path", roi, 90, 17, stamp, *times, (), 5, vector, FACTS, unchanged=True, top_k=top_k)


def status(builder: MessageBuilder, stats: CameraStats, condition: Condition | None = None) -> wire.Status:
    return builder.status(
        stats,
        condition or stats.condition,
        rates=(29.97, 14.5),
        facts=FACTS,
        health=Health(71.5, 0x50005, 1 << 20, 1 << 26),
        insecure=True,
        bye=False,
    )


def test_each_duration_of_a_result_is_in_whole_microseconds_in_its_own_place(clock: Clock) -> None:
    builder, found = MessageBuilder("node", "cafe"), result(clock)
    clock.advance(0.6)
    message = builder.vec(found, MATCHES, CameraStats("cam"))
    assert message.lat_us == wire.Latency(wait=20, pre=300, infer=4_000, sim=50_000, total=600_000, decode=1)
    assert message.t_cap_us == found.stamp.t_cap_ns // 1000


def test_a_result_is_published_with_its_place_its_model_and_the_best_of_its_scores(clock: Clock) -> None:
    stats = CameraStats("cam")
    stats.dropped_capture, stats.dropped_ring, stats.dropped_publish = 1, 2, 3
    message = MessageBuilder("node", "cafe").vec(result(clock), MATCHES, stats)
    assert (message.node, message.camera, message.region, message.frame_seq) == ("node", "cam", "path", 17)
    assert (message.roi, message.rotation, message.unchanged) == ((0.1, 0.2, 0.3, 0.4), 90, True)
    assert message.dropped == wire.Drops(capture=1, ring=2, publish=3)
    assert ([match.ref for match in message.sims], message.refs) == (["cat", "dog"], 5)
    assert (message.model, message.space_id, message.engine) == (FACTS.model, FACTS.space_id, FACTS.engine)
    assert (message.head, message.head_name, message.shape, message.norm) == (3, "feature", (4,), "l2")


def test_a_result_has_the_answers_of_its_sets_of_states(clock: Clock) -> None:
    answers = (
        StateAnswer("bay", "truck", (("empty", 0.0312345678), ("truck", 0.9687654321)), 0.41234567),
        StateAnswer("door", "unknown", (("open", 0.5), ("shut", 0.5))),
    )
    message = MessageBuilder("node", "cafe").vec(replace(result(clock), states=answers), MATCHES, CameraStats("cam"))
    assert message.states == (
        wire.SetState("bay", "truck", {"empty": 0.031235, "truck": 0.968765}, 0.412346),
        wire.SetState("door", "unknown", {"open": 0.5, "shut": 0.5}, None),
    )
    decoded = wire.decode(wire.encode(message))
    assert isinstance(decoded, wire.Vec)
    assert decoded.states == message.states


def test_a_status_has_the_sets_of_its_camera_and_their_examples() -> None:
    door = StateSet(name="door", states=("open", "shut"), references={"open": "a", "shut": "b"})
    stats = CameraStats("cam")
    message = MessageBuilder("node", "cafe").status(
        stats,
        stats.condition,
        rates=(None, None),
        facts=None,
        health=Health(),
        insecure=False,
        bye=False,
        sets=[placed(door, ("cam",), examples={"open": 2})],
    )
    assert message.sets == (wire.SetInfo("door", ("open", "shut"), {"open": 2, "shut": 0}, learned=False),)


def test_without_a_limit_all_scores_are_published(clock: Clock) -> None:
    assert MessageBuilder("node", "cafe").vec(result(clock, None), MATCHES, CameraStats("cam")).sims == MATCHES


def test_every_topic_has_numbers_of_its_own_from_0_and_another_name_of_the_node_new_ones() -> None:
    builder = MessageBuilder("node", "cafe")
    topics: tuple[tuple[wire.Kind, str, str | None], ...] = (
        ("vec", "cam", "path"),
        ("vec", "cam", "door"),
        ("vec", "yard", "path"),
        ("status", "cam", None),
    )
    for number in range(3):
        assert [builder.next_seq(*topic) for topic in topics] == [number] * 4
    builder.node = "porch"
    assert builder.next_seq("vec", "cam", "path") == 0
    builder.node = "node"
    assert builder.next_seq("vec", "cam", "path") == 3


def test_two_runs_have_two_names() -> None:
    runs = {MessageBuilder("node", "cafe").run for _ in range(3)}
    assert len(runs) == 3
    assert {len(run) for run in runs} == {16}


def test_a_status_has_the_figures_of_its_camera_and_of_the_board(clock: Clock) -> None:
    builder, stats = MessageBuilder("node", "cafe"), CameraStats("cam")
    builder.config_problem = "edged.yaml: line 3"
    stats.reopens = 4
    stats.format = Format(width=640, height=480, fps=29.97003, codec="jpeg", decoder="turbo")
    clock.advance(1.23456)
    message = status(builder, stats, Condition(CameraState.LOST, "unplugged", clock.monotonic_ns()))
    assert (message.state, message.reason, message.reopens, message.uptime_s) == ("lost", "unplugged", 4, 1.235)
    assert (message.fps_captured, message.fps_published) == (29.97, 14.5)
    assert (message.temp_c, message.throttled, message.cma_free_bytes) == (71.5, 0x50005, 1 << 20)
    assert (message.config_hash, message.config_problem) == ("cafe", "edged.yaml: line 3")
    assert (message.insecure, message.bye) == (True, False)
    assert message.format == wire.FrameFormat(640, 480, 29.97, PixelFormat.BGR.value, "jpeg", "turbo")
    assert message.since_us == message.t_wall_us


def test_a_camera_whose_rate_is_unknown_or_that_is_closed_has_none_in_its_status(clock: Clock) -> None:
    builder, stats = MessageBuilder("node", "cafe"), CameraStats("cam")
    assert status(builder, stats).format is None
    stats.format = Format(width=640, height=480)
    message = status(builder, stats)
    assert message.format is not None
    assert message.format.fps is None


def test_the_memory_of_the_process_is_in_bytes_or_unknown(clock: Clock, monkeypatch: pytest.MonkeyPatch) -> None:
    builder, stats = MessageBuilder("node", "cafe"), CameraStats("cam")
    for content, pages in (("900 25 7 1 0 2 0\n", 25), ("", None), ("900 many", None)):
        monkeypatch.setattr(Path, "read_text", lambda _, content=content: content)
        expected = None if pages is None else pages * os.sysconf("SC_PAGE_SIZE")
        assert status(builder, stats).rss_bytes == expected
