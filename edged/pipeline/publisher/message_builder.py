"""Builds vec and status messages, with their numbers and times."""

from __future__ import annotations

import os
import secrets
import time
from collections import Counter
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from edged import wire
from edged.pipeline.wall_clock import WallClock

if TYPE_CHECKING:
    from edged.board import Health
    from edged.pipeline.camera_stats import CameraStats, Condition
    from edged.pipeline.placed_set import PlacedSet
    from edged.pipeline.result import ModelFacts, Result
    from edged.values import Format, StateAnswer

__all__ = ["MessageBuilder"]


class MessageBuilder:
    """Builds the messages of one run of the daemon; only the publisher's thread uses it.

    Attributes:
        run: a random name of this run.
        node: the board's name in messages; when it changes, the numbers of its topics begin anew.
        config_hash: of the configuration in effect.
        config_problem: why another configuration could not be followed; None without a problem.
    """

    def __init__(self, node: str, config_hash: str) -> None:
        self.run = secrets.token_hex(8)
        self.node = node
        self.config_hash = config_hash
        self.config_problem: str | None = None
        self._started = time.monotonic()
        self._clock = WallClock()
        self._seq: Counter[tuple[str, str, str, str | None]] = Counter()

    def next_seq(self, kind: wire.Kind, camera: str, region: str | None) -> int:
        """The number of the next message of that topic, from 0."""
        topic = kind, self.node, camera, region
        seq = self._seq[topic]
        self._seq[topic] = seq + 1
        return seq

    def vec(self, result: Result, scores: Sequence[wire.Match], stats: CameraStats) -> wire.Vec:
        """Return *result* as a message that is sent at once; *scores* are those of all its references, best first."""
        facts, roi = result.facts, result.roi
        return wire.Vec(
            run=self.run,
            seq=self.next_seq("vec", result.camera, result.region),
            node=self.node,
            camera=result.camera,
            region=result.region,
            frame_seq=result.frame_seq,
            t_cap_us=result.stamp.t_cap_ns // 1000,
            t_wall_us=self._clock.wall_us(result.stamp.t_cap_ns),
            ts_source=result.stamp.source,
            ts_from=result.stamp.ts_from,
            clock_synced=self._clock.synced,
            lat_us=_latency(result),
            dropped=wire.Drops(**stats.dropped()),
            rotation=result.rotation,
            roi=(roi.left, roi.top, roi.right, roi.bottom),
            model=facts.model,
            space_id=facts.space_id,
            delegate=facts.delegate,
            unchanged=result.unchanged,
            engine=facts.engine,
            head=facts.head,
            head_name=facts.head_name,
            dtype=facts.dtype,
            shape=(facts.dimension,),
            norm=facts.norm,
            scale=facts.scale,
            sims=tuple(scores[: result.top_k]),
            refs=result.compared,
            states=tuple(_set_state(answer) for answer in result.states),
            payload=result.vector.view("u1").data,
        )

    def status(
        self,
        stats: CameraStats,
        condition: Condition,
        *,
        rates: tuple[float | None, float | None],
        facts: ModelFacts | None,
        health: Health,
        insecure: bool,
        bye: bool,
        sets: Iterable[PlacedSet] = (),
    ) -> wire.Status:
        """Return the status of a camera, and with it of the daemon.

        *rates* are frames captured and messages published a second; *facts* are None until the model is loaded.
        *sets* are those that decide somewhere on the camera.
        """
        captured, published = rates
        return wire.Status(
            run=self.run,
            seq=self.next_seq("status", stats.camera, None),
            node=self.node,
            camera=stats.camera,
            state=condition.state.value,
            reason=condition.reason,
            since_us=self._clock.wall_us(condition.since_ns),
            t_wall_us=self._clock.wall_us(time.monotonic_ns()),
            fps_captured=captured,
            fps_published=published,
            dropped=wire.Drops(**stats.dropped()),
            reopens=stats.reopens,
            format=None if (frames := stats.format) is None else _format(frames),
            picture=stats.picture,
            slowed_to=stats.slowed_to,
            sets=tuple(_set_info(each) for each in sets),
            engine=facts.engine if facts else None,
            delegate=facts.delegate if facts else None,
            model=facts.model if facts else None,
            space_id=facts.space_id if facts else None,
            config_hash=self.config_hash,
            config_problem=self.config_problem,
            uptime_s=round(time.monotonic() - self._started, 3),
            rss_bytes=_resident_bytes(),
            temp_c=health.temp_c,
            throttled=health.throttled,
            cma_free_bytes=health.cma_free_bytes,
            insecure=insecure,
            bye=bye,
        )


def _format(frames: Format) -> wire.FrameFormat:
    return wire.FrameFormat(
        frames.width,
        frames.height,
        None if frames.fps is None else round(frames.fps, 3),
        frames.pixels.value,
        frames.codec,
        frames.decoder,
    )


def _set_state(answer: StateAnswer) -> wire.SetState:
    p = {state: round(share, 6) for state, share in answer.p}
    return wire.SetState(answer.set, answer.state, p, None if answer.novelty is None else round(answer.novelty, 6))


def _set_info(placed: PlacedSet) -> wire.SetInfo:
    examples = {state: placed.examples.get(state, 0) for state in placed.states}
    return wire.SetInfo(placed.name, placed.states, examples, placed.is_learned)


def _latency(result: Result) -> wire.Latency:
    return wire.Latency(
        wait=result.wait_ns // 1000,
        pre=result.preprocess_ns // 1000,
        infer=result.infer_ns // 1000,
        sim=result.compare_ns // 1000,
        total=(time.monotonic_ns() - result.stamp.t_cap_ns) // 1000,
        decode=result.decode_ns // 1000,
    )


def _resident_bytes() -> int | None:
    """The memory that this process holds (RSS); None where /proc is hidden."""
    try:
        pages = int(Path("/proc/self/statm").read_text().split()[1])
    except (OSError, IndexError, ValueError):
        return None
    return pages * os.sysconf("SC_PAGE_SIZE")
