"""Status of a daemon for callers of the control socket."""

from __future__ import annotations

import os
import time
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING

from edged import __version__
from edged.regions import Region
from edged.service.control.jobs import Job, model_facts
from edged.wire import control_results as results

if TYPE_CHECKING:
    from edged.config import CameraConfig
    from edged.pipeline.camera_stats import CameraStats
    from edged.service.running_stages import RunningStages
    from edged.values import Format

__all__ = ["StatusReport"]


class StatusReport:
    """Reports the state of the *running* stages.

    *trial_ends* returns when the trial of each camera that has one ends, in seconds on the monotonic clock.
    """

    def __init__(self, running: RunningStages, trial_ends: Callable[[], Mapping[str, float]]) -> None:
        self._running = running
        self._trial_ends = trial_ends
        self._started = time.monotonic()

    def report(self) -> Job:
        """Report it at once."""
        yield from ()
        pipeline = self._running.pipeline
        config, facts = pipeline.loaded.config, model_facts(pipeline)
        ends, now = self._trial_ends(), time.monotonic()
        enrolled = [entry.name for entry in pipeline.wiring.enrolled.entries if entry.name not in config.references]
        result = results.StatusResult(
            node=config.node,
            version=__version__,
            pid=os.getpid(),
            uptime_s=round(now - self._started, 3),
            config=pipeline.loaded.document.file,
            model=facts.model,
            space_id=facts.space_id,
            engine=facts.engine,
            delegate=facts.delegate,
            cameras=tuple(
                _camera(stats, config.cameras[stats.camera], max(0.0, end - now) if end is not None else None)
                for stats in pipeline.all_stats
                if stats.camera in config.cameras
                for end in [ends.get(stats.camera)]
            ),
            references=len(config.references) + len(enrolled),
            enrolled=len(enrolled),
            sets=tuple(each.name for each in pipeline.inference.sets),
            subscribers=pipeline.publisher.connections,
            t_wall_us=time.time_ns() // 1000,
        )
        return result, ()


def _camera(stats: CameraStats, config: CameraConfig, trial_s: float | None) -> results.CameraReport:
    return results.CameraReport(
        name=stats.camera,
        regions=tuple(config.regions),
        state=stats.condition.state.value,
        reason=stats.condition.reason,
        picture=stats.picture,
        rotation=config.rotation,
        mirror=config.mirror,
        regions_at=dict(_edges(config, stats.format)),
        mask=config.mask,
        trial_s=None if trial_s is None else round(trial_s, 3),
    )


def _edges(config: CameraConfig, frames: Format | None) -> Iterator[tuple[str, tuple[float, float, float, float]]]:
    """Each region in 0…1 of the frame; one in pixels only while the size of the *frames* is known."""
    for name, each in config.regions.items():
        region = each.region if frames is None else frames.region(each.region)
        if isinstance(region, Region):
            yield name, (region.left, region.top, region.right, region.bottom)
