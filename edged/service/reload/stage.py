"""The reload stage: makes the running stages follow the configuration, after SIGHUP or ``edged reload``, and trials."""

from __future__ import annotations

import logging
import threading
import time
from collections import deque
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import Future, InvalidStateError
from contextlib import suppress
from pathlib import Path
from typing import TypeAlias

from edged.config import ConfigFileError, Loaded
from edged.errors import ConfigError, EdgedError, RingClosed
from edged.pipeline.stage import Stage
from edged.service.reload.change import Change, Known
from edged.service.reload.record_file import Outcome
from edged.service.reload.trials import Trial, Trials
from edged.service.reload.waiting import StageWaiter
from edged.service.running_stages import RunningStages

__all__ = ["Reloader"]

log = logging.getLogger(__name__)

WAIT_SECONDS = 10.0
AGAIN_SECONDS = 1.0  # after a trial could not be taken back, because a stage did not answer
FutureChanges: TypeAlias = "Future[Sequence[str]]"

MOST_REPORTED = 5  # problems in a status, which comes every two seconds; the log has all of them


class Reloader(Stage):
    """Makes the stages follow the configuration *file*: all of it, or nothing. Trials of settings come and go on top.

    It is a stage of its own, beside those of the pipeline, so that the daemon's main thread goes on watching them and
    sees a signal to stop: that ends a reload at any point.

    Args:
        file: the configuration.
        running: the stages, which are to be open when this one is started.
        report: called with the outcome of each reload.
    """

    step_seconds = 60.0  # between two checks whether it is to stop: to read files, mostly

    def __init__(self, file: Path, running: RunningStages, report: Callable[[Outcome], None] = lambda _: None) -> None:
        super().__init__("reload")
        self.has_failed = False
        """Whether the last reload failed, and so changed nothing."""
        self._file = file
        self._running = running
        self._report = report
        self._requested = threading.Event()
        self._answers: deque[FutureChanges] = deque()
        self._working = False
        self._known: Known = {}
        self._asked_trials: deque[tuple[Trial, FutureChanges]] = deque()
        self._trials = Trials()
        self._configured: Loaded | None = None  # the configuration without trials, while there are any

    @property
    def busy(self) -> bool:
        """Whether a reload is under way or requested."""
        return self._working or bool(self._answers)

    def trial_ends(self) -> Mapping[str, float]:
        """Return when the trial of each camera that has one ends, in seconds on the monotonic clock."""
        return self._trials.ends

    def request_reload(self) -> FutureChanges:
        """Request a reload that reads the file from now on; called from any thread, returns at once.

        Several requests before a reload begins are one reload. The future has the changes, a line for each part of the
        daemon, or the `EdgedError` that stopped it, so that nothing was changed; it is cancelled if the daemon stops.
        """
        answer: FutureChanges = Future()
        self._answers.append(answer)
        self._requested.set()
        if not self.running and self.stopping:
            self._cancel()
        return answer

    def request_trial(self, trial: Trial) -> FutureChanges:
        """Request *trial*; called from any thread, returns at once.

        It takes itself back after its seconds, and at a reload. The future is as in `request_reload`.
        """
        answer: FutureChanges = Future()
        self._asked_trials.append((trial, answer))
        self._requested.set()
        if not self.running and self.stopping:
            self._cancel()
        return answer

    def open(self) -> None:
        """Open nothing: a reload needs no resource of its own."""

    def step(self) -> None:
        self._requested.wait(min(WAIT_SECONDS, self._trials.seconds_left))
        if self.stopping:
            return
        self._requested.clear()
        if self._answers:
            self._answer_reloads()
        while self._asked_trials:
            self._answer_trial(*self._asked_trials.popleft())
        self._end_trials()

    def _answer_reloads(self) -> None:
        self._working = True
        answers = [self._answers.popleft() for _ in range(len(self._answers))]
        try:
            self._reload(answers)
        finally:
            self._working = False
            for answer in answers:
                answer.cancel()  # harmless where there is an answer
            self._on_end()

    def wake(self) -> None:
        self._requested.set()

    def close(self) -> None:
        self._cancel()

    def _cancel(self) -> None:
        while self._answers:
            self._answers.popleft().cancel()
        while self._asked_trials:
            self._asked_trials.popleft()[1].cancel()

    def _reload(self, answers: list[FutureChanges]) -> None:
        began_ns = time.monotonic_ns()
        log.info("reload: reading %s", self._file)
        change = self._make_change()
        try:
            change.prepare()
            self._commit(change)
        except RingClosed:
            raise  # the daemon stops
        except EdgedError as exc:
            self._report_failure(exc)
            self._report(Outcome(began_ns, problem=str(exc), is_config_problem=isinstance(exc, ConfigError)))
            _answer(answers, problem=exc)
        else:
            self._trials, self._configured = Trials(), None
            changes, later = change.plan.changes(), change.plan.later
            self._report_done(changes, later)
            self._report(Outcome(began_ns, (*changes, *(f"{name}: at the next start" for name in later))))
            _answer(answers, changes)

    def _answer_trial(self, trial: Trial, answer: FutureChanges) -> None:
        if answer.cancelled():
            return
        try:
            changes = self._try(self._trials.with_trial(trial))
        except RingClosed:
            raise  # the daemon stops
        except EdgedError as exc:
            _answer([answer], problem=exc)
        else:
            for line in changes:
                log.info("trial: %s%s", line, f", for {trial.seconds:g} s" if trial.seconds else "")
            _answer([answer], changes)
        finally:
            answer.cancel()  # harmless where there is an answer

    def _end_trials(self) -> None:
        left = self._trials.without_ended()
        if left.ends.keys() == self._trials.ends.keys():
            return
        try:
            for line in self._try(left):
                log.info("trial: %s: as configured again", line)
        except RingClosed:
            raise
        except EdgedError as exc:
            log.warning("trial: it could not be taken back yet: %s", exc)
            self.pause(AGAIN_SECONDS)

    def _try(self, trials: Trials) -> Sequence[str]:
        """Make the stages follow the configuration with the settings of *trials*, and no others; return the changes."""
        change, configured = self._make_change(), self._configured or self._running.pipeline.loaded
        change.prepare_trial(trials.apply(configured))
        self._commit(change)
        self._trials, self._configured = trials, configured if trials else None
        return change.plan.changes()

    def _make_change(self) -> Change:
        waiter, configured = StageWaiter(self._check_stop), self._configured or self._running.pipeline.loaded
        return Change(self._file, self._running, waiter, self._start, self._known, configured)

    def _commit(self, change: Change) -> None:
        try:
            change.commit()
        except RingClosed:
            raise
        except EdgedError as exc:
            raise RuntimeError(f"a reload could not be completed: {exc}") from exc

    def _check_stop(self) -> None:
        if self.stopping:
            raise RingClosed("stopped during a reload")
        self.progress()

    def _start(self, stage: Stage) -> None:
        self._check_stop()
        self._running.start(stage, self._on_end)

    def _report_done(self, changes: tuple[str, ...], later: tuple[str, ...]) -> None:
        self.has_failed = False
        for line in changes:
            log.info("reload: %s", line)
        for section in later:
            log.warning("reload: %s: takes effect at the next start", section)
        log.info("reload: done%s", "" if changes else ", nothing has changed")
        self._running.pipeline.publisher.report_problem(None)

    def _report_failure(self, exc: EdgedError) -> None:
        self.has_failed = True
        lines = str(exc).splitlines()
        for line in lines:
            log.error("reload: %s", line)
        log.error("reload: nothing was changed, and edged goes on as before")
        if isinstance(exc, ConfigFileError):
            lines = [str(problem) for problem in exc.problems]
        more = [f"and {len(lines) - MOST_REPORTED} more"] if len(lines) > MOST_REPORTED else []
        self._running.pipeline.publisher.report_problem("\n".join([*lines[:MOST_REPORTED], *more]))


def _answer(answers: list[FutureChanges], changes: Sequence[str] = (), problem: EdgedError | None = None) -> None:
    for answer in answers:
        with suppress(InvalidStateError):  # the requester has cancelled it
            if problem is None:
                answer.set_result(changes)
            else:
                answer.set_exception(problem)
