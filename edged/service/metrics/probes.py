"""Probes of liveness and readiness: the pages ``/healthz`` and ``/readyz``."""

from __future__ import annotations

from collections.abc import Iterable
from http import HTTPStatus
from typing import TYPE_CHECKING

from edged.pipeline.camera_stats import CameraState
from edged.pipeline.capture.stage import Capture
from edged.service.metrics.request import Page, json_page
from edged.service.watchdog import hanging

if TYPE_CHECKING:
    from edged.pipeline.build import Pipeline
    from edged.pipeline.stage import Stage

__all__ = ["healthz", "readyz"]


def healthz(stages: Iterable[Stage]) -> Page:
    """200 as long as every stage makes progress, as for the watchdog; else 503 and the stages that hang."""
    late = [stage.name for stage in hanging(stages)]
    return _verdict("healthy", not late, {"hanging": late})


def readyz(pipeline: Pipeline) -> Page:
    """200 when every stage is open and at least one camera is running; else 503. It names the others, and why."""
    stages = {stage.name: trouble for stage in pipeline.stages if (trouble := _trouble(stage))}
    conditions = {stats.camera: stats.condition for stats in pipeline.all_stats}
    cameras = {
        camera: f"{condition.state}: {condition.reason}" if condition.reason else str(condition.state)
        for camera, condition in conditions.items()
        if condition.state is not CameraState.RUNNING
    }
    is_ready = not stages and len(cameras) < len(conditions)
    return _verdict("ready", is_ready, {"not_open": stages, "not_running": cameras})


def _trouble(stage: Stage) -> str | None:
    if stage.error is not None:
        return "failed"
    if not stage.wait_open(0):
        return "not open yet"
    if not stage.running and not isinstance(stage, Capture):  # a camera that has come to its end is reported as such
        return "ended"
    return None


def _verdict(word: str, is_so: bool, facts: dict[str, object]) -> Page:
    return json_page({word: is_so, **facts}, HTTPStatus.OK if is_so else HTTPStatus.SERVICE_UNAVAILABLE)
