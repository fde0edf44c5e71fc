"""The daemon: starts the stages from the last to the first, waits, and stops them from the first to the last."""

from __future__ import annotations

import logging
import math
import select
import signal
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from types import FrameType

from edged.bell import Bell
from edged.errors import SourceError
from edged.pipeline.camera_stats import CameraStats
from edged.pipeline.stage import Stage
from edged.service.descriptors import DescriptorReserve
from edged.service.reload.stage import Reloader
from edged.service.running_stages import RunningStages
from edged.service.status_line import StatusLine
from edged.service.systemd_notify import Notifier
from edged.service.terminal import Terminal
from edged.service.watchdog import Watchdog

__all__ = ["Daemon"]

log = logging.getLogger(__name__)

STOP_SIGNALS = (signal.SIGTERM, signal.SIGINT)
STOP_SECONDS = 1.8  # for the whole pipeline; a service manager expects an end within 2 s
FIGURES_SECONDS = 60.0


class Daemon:
    """Runs a pipeline until a stop is asked for, every camera has come to its end, or a stage fails.

    The calling thread works on nothing: it waits, checks that the others make progress, and stops them.

    Args:
        running: the stages to run; a reload replaces some of them.
        notifier: notifies the service manager, if there is one.
        watchdog_seconds: the longest time that the service manager waits for a sign of life, if it does.
        reloader: reloads the configuration at SIGHUP.
        terminal: that it was started from; when it is closed, the daemon ends.
        descriptors: the reserve for the time when all others are taken.
        beside: stages with no part in the way of a frame, such as the metrics server. They are started first and
            stopped last, and do not keep the daemon from ending.
    """

    def __init__(
        self,
        running: RunningStages,
        notifier: Notifier | None = None,
        watchdog_seconds: float | None = None,
        beside: Sequence[Stage] = (),
        reloader: Reloader | None = None,
        terminal: Terminal | None = None,
        descriptors: DescriptorReserve | None = None,
    ) -> None:
        self._running = running
        self._beside = beside
        self._reloader = reloader
        self._reload_asked = False
        self._reloading = False
        self._terminal = terminal or Terminal()
        self._descriptors = descriptors
        self._notifier = notifier or Notifier(None)
        self._watchdog = Watchdog(self._notifier, watchdog_seconds)
        self._status_line = StatusLine(lambda: running.pipeline.all_stats, self._notifier)
        self._bell = Bell()
        self._stop_reason: str | None = None
        self.late: list[str] = []
        """The stages, and the cameras with a thread that hangs, that had not ended when the time was up."""

    def run(self) -> None:
        """Start, wait and stop. Returns after a requested stop and after the end of every camera.

        Raises:
            Exception: what ended the first stage that failed.
        """
        try:
            if self._start():
                self._notifier.ready()
                log.info("ready")
                self._wait()
        finally:
            if self._descriptors is not None:
                self._descriptors.close()
            self._stop()
            self._bell.close()
        for stage in self._stages:
            if stage.error is not None:
                self._notifier.status(f"{stage.name} failed: {stage.error}")
                raise stage.error

    def stop(self, reason: str) -> None:
        """Request the end; returns at once. May be called from any thread and from a signal handler."""
        self._stop_reason = self._stop_reason or reason
        self._bell.ring()

    def reload(self) -> None:
        """Request a reload, once everything is open; returns at once. For any thread and signal handlers."""
        self._reload_asked = True
        self._bell.ring()

    @contextmanager
    def signals(self) -> Iterator[None]:
        """Inside, SIGTERM and SIGINT stop the daemon, and SIGHUP reloads; afterwards they are ignored.

        The process is about to end then, and a second Ctrl-C would only make its end untidy. The main thread only.
        """

        def on_signal(number: int, _: FrameType | None) -> None:
            self.stop(signal.Signals(number).name)

        for number in STOP_SIGNALS:
            signal.signal(number, on_signal)
        signal.signal(signal.SIGHUP, lambda *_: self.reload())
        try:
            yield
        finally:
            for number in (*STOP_SIGNALS, signal.SIGHUP):
                signal.signal(number, signal.SIG_IGN)

    @property
    def _stages(self) -> Sequence[Stage]:
        """All stages, from the one that is started last."""
        reloading = [] if self._reloader is None else [self._reloader]
        return [*reloading, *self._running.pipeline.stages, *self._beside]

    def _start(self) -> bool:
        """Whether every stage is open; False when one failed or a stop came first."""
        for stage in reversed(self._stages):
            if self._is_to_stop() or not self._open(stage):
                return False
        return not self._is_to_stop()

    def _is_to_stop(self) -> bool:
        """Whether a stop was requested; a call, because a signal handler may ask between any two lines."""
        return self._stop_reason is not None

    def _open(self, stage: Stage) -> bool:
        """Start *stage*. Returns whether it is open; False when it failed or a stop came first."""
        self._running.start(stage, self._bell.ring)
        while not stage.wait_open(0.1):
            self._status_line.report(f"starting: opening {stage.name}")
            if time.monotonic() < stage.due < math.inf:  # it does one thing after the other, such as many pictures
                self._notifier.still_starting(stage.step_seconds)
            if self._is_to_stop():
                return False
        return stage.error is None

    def _wait(self) -> None:
        figures = Figures()
        while self._stop_reason is None:
            if any(stage.error is not None for stage in self._stages):
                return
            if not any(stage.running for stage in self._running.pipeline.stages):
                self._stop_reason = "every camera has stopped"
                return
            self._check_cameras()
            self._follow_reload()
            if self._descriptors is not None:
                self._descriptors.check()
            self._watchdog.check(self._running.watched)
            self._status_line.report_state()
            figures.log_in_time(self._running.pipeline.all_stats)
            select.select([self._bell], [], [], self._watchdog.check_seconds)
            self._bell.silence()

    def _check_cameras(self) -> None:
        """End the daemon when no camera is left that can be opened: a restart frees the threads that hang.

        Raises:
            SourceError: every camera is stuck.
        """
        captures = [capture for capture in self._running.pipeline.captures if capture.running]
        if captures and all(capture.is_stuck for capture in captures):
            names = ", ".join(capture.camera for capture in captures)
            raise SourceError(f"every camera hangs in its driver: {names}")

    def _follow_reload(self) -> None:
        if self._reload_asked:
            self._reload_asked = False
            if self._terminal.is_gone:
                self.stop("the terminal is gone")
            elif self._reloader is not None:
                self._reloader.request_reload()
        if self._reloader is not None:
            if self._reloader.busy != self._reloading:
                self._reloading = not self._reloading
                (self._notifier.reloading if self._reloading else self._notifier.ready)()
            self._status_line.is_outdated = self._reloader.has_failed

    def _stop(self) -> None:
        """Stop the captures; the other stages then end by themselves with everything sent. Stop those that do not."""
        self._notifier.stopping()
        if self._stop_reason:
            self._notifier.status(f"stopping: {self._stop_reason}")
            log.info("stopping: %s", self._stop_reason)
        self._running.pipeline.publisher.hurry()
        begin = time.monotonic()
        if self._reloader is not None:
            _end([self._reloader], grace=0.0, until=begin + STOP_SECONDS / 6)
        stages = self._stages
        others = [stage for stage in self._running.stages if stage not in stages]  # of a reload that broke off
        _end([*self._running.pipeline.captures, *others], grace=0.0, until=begin + STOP_SECONDS / 3)
        _end([self._running.pipeline.inference], grace=0.6, until=begin + STOP_SECONDS * 2 / 3)
        _end([self._running.pipeline.publisher], grace=0.4, until=begin + STOP_SECONDS)
        _end(self._beside, grace=0.0, until=begin + STOP_SECONDS)
        _end([*stages, *others], grace=0.0, until=begin + STOP_SECONDS)
        late = [stage.name for stage in (*stages, *others) if stage.running]
        for name in late:
            log.warning("%s did not stop within %.1f s and is left behind", name, STOP_SECONDS)
        self.late = [*late, *self._running.pipeline.wiring.left_behind.cameras()]


def _end(stages: Sequence[Stage], *, grace: float, until: float) -> None:
    """Give *stages* *grace* seconds to end by themselves, then stop them and wait until the clock shows *until*."""
    for stage in stages:
        stage.join(grace)
        stage.stop()
    for stage in stages:
        stage.join(until - time.monotonic())


class Figures:
    """One debug line for each camera a minute: a journal on a memory card is to get none by default."""

    def __init__(self) -> None:
        self._since = time.monotonic()
        self._before: dict[CameraStats, tuple[int, int]] = {}

    def log_in_time(self, all_stats: Sequence[CameraStats]) -> None:
        """Log the rates since the last lines, if that was a minute ago. A new camera waits for the next minute."""
        seconds = time.monotonic() - self._since
        if self._before and seconds < FIGURES_SECONDS:
            return
        for stats in all_stats:
            if stats in self._before:
                self._log(stats, seconds)
        self._since = time.monotonic()
        self._before = {stats: (stats.captured, stats.published) for stats in all_stats}

    def _log(self, stats: CameraStats, seconds: float) -> None:
        captured, published = self._before[stats]
        log.debug(
            "camera %s: %s, %.1f frames/s captured, %.1f messages/s published, dropped: capture %d, ring %d, "
            "publish %d",
            stats.camera,
            stats.condition.state,
            (stats.captured - captured) / seconds,
            (stats.published - published) / seconds,
            *stats.dropped().values(),
        )
