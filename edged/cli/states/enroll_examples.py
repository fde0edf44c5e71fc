"""Enrollment of several examples of a state, one after the other, with time in between for the view to change."""

from __future__ import annotations

import sys
import threading
import time
from typing import TYPE_CHECKING

from edged.cli.console import EXIT_INTERRUPTED, emit
from edged.cli.states.set_text import set_lines
from edged.cli.text import lasted, some, time_of_day
from edged.errors import ControlError, EdgedError

if TYPE_CHECKING:
    from edged.client.control import ControlClient
    from edged.wire.control_requests import Enroll
    from edged.wire.control_results import SetResult

__all__ = ["enroll_examples"]


def enroll_examples(daemon: ControlClient, request: Enroll, count: int, every: float) -> int:
    """Enroll *count* examples as *request* says, one each *every* seconds, print each, and return the exit status.

    Ctrl-C and a refusal end it: what is enrolled stays, and is reported. How many these are is printed on stderr.

    Raises:
        EdgedError: the daemon refuses one.
    """
    assert request.state is not None, "it is a request for an example"
    result, done, begin = None, 0, time.monotonic()
    try:
        for number in range(count):
            _wait_until(begin + number * every)
            result = daemon.enroll_state(
                request.name, request.state, request.camera, request.region, frames=request.frames
            )
            done += 1
            left = begin + done * every - time.monotonic()
            _print_one(result, done, count, left if done < count else 0.0)
    except KeyboardInterrupt:
        _print_early_end(done, count, "; one that was being taken may be kept as well")
        _print_set(result)
        return EXIT_INTERRUPTED
    except EdgedError as exc:
        is_kept = isinstance(exc, ControlError) and exc.code == "not-learned"
        _print_early_end(done + is_kept, count)
        _print_set(result)
        raise
    _print_set(result)
    return 0


def _wait_until(deadline: float) -> None:
    threading.Event().wait(max(0.0, deadline - time.monotonic()))  # Ctrl-C ends it


def _print_one(result: SetResult, done: int, count: int, left: float) -> None:
    (example,) = result.changed
    where = f"{example.camera}/{example.region} at {time_of_day(example.t_wall_us)}"
    ignored = f", {some(len(result.outliers), 'frame')} showed something else" if result.outliers else ""
    following = f"; the next one in {lasted(left)}" if left > 0 else ""
    emit(f"{done} of {count}: {example.state}, {where}{ignored}{following}\n")


def _print_early_end(done: int, count: int, more: str = "") -> None:
    print(f"edged enroll: {done} of {count} are enrolled{more}", file=sys.stderr)


def _print_set(result: SetResult | None) -> None:
    if result is not None and result.set is not None:
        emit("".join(f"{line}\n" for line in set_lines(result.set)))
