"""What the publisher writes: results and conditions as messages, numbered and dated."""

from __future__ import annotations

import secrets
import time
from collections import Counter
from collections.abc import Sequence
from typing import TYPE_CHECKING

from edged import wire
from edged.pipeline.publisher.camera_status import CameraStatus, resident_bytes
from edged.pipeline.wall_clock import WallClock

if TYPE_CHECKING:
    from edged.board import Health
    from edged.pipeline.camera_stats import Condition
    from edged.pipeline.result import ModelFacts, Result

__all__ = ["MessageBuilder"]


class MessageBuilder:
    """Makes the messages of one run of the daemon; the publisher's thread uses it.

    Attributes:
        run: what tells this run from others.
        node: the board's name in messages; it may change, and the numbers of its topics then begin anew.
        config_hash, config_problem: of the configuration that counts, and of one that could not be followed.
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

    def vec(self, result: Result, scores: Sequence[wire.Match], drops: wire.Drops) -> wire.Vec:
        """*result* as a message that is sent at once; *scores* are those of all its references, best first."""
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
            clock_synced=self._clock.synced,
            lat_us=_latency(result),
            dropped=drops,
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
            vector=result.vector,
        )

    def status(
        self,
        reporter: CameraStatus,
        condition: Condition,
        *,
        facts: ModelFacts | None,
        health: Health,
        insecure: bool,
        bye: bool,
    ) -> wire.Status:
        """How a camera is, and the daemon with it. *facts* are those of the model, once it is loaded."""
        tally = reporter.tally
        captured, published = reporter.rates()
        return wire.Status(
            run=self.run,
            seq=self.next_seq("status", tally.camera, None),
            node=self.node,
            camera=tally.camera,
            state=condition.state.value,
            reason=condition.reason,
            since_us=self._clock.wall_us(condition.since_ns),
            t_wall_us=self._clock.wall_us(time.monotonic_ns()),
            fps_captured=captured,
            fps_published=published,
            dropped=reporter.drops(),
            reopens=tally.reopens,
            engine=facts.engine if facts else None,
            delegate=facts.delegate if facts else None,
            model=facts.model if facts else None,
            space_id=facts.space_id if facts else None,
            config_hash=self.config_hash,
            config_problem=self.config_problem,
            uptime_s=round(time.monotonic() - self._started, 3),
            rss_bytes=resident_bytes(),
            temp_c=health.temp_c,
            throttled=health.throttled,
            cma_free_bytes=health.cma_free_bytes,
            insecure=insecure,
            bye=bye,
        )


def _latency(result: Result) -> wire.Latency:
    return wire.Latency(
        wait=result.wait_ns // 1000,
        pre=result.preprocess_ns // 1000,
        infer=result.infer_ns // 1000,
        sim=result.compare_ns // 1000,
        total=(time.monotonic_ns() - result.stamp.t_cap_ns) // 1000,
        decode=result.decode_ns // 1000,
    )
