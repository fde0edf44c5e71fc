"""The thread that makes pictures for callers of the control socket: the control stage does not wait for them."""

from __future__ import annotations

from edged.service.control.call_worker import CallWorker

__all__ = ["PictureEncoder"]

REST = 5  # times as long as a call took the processor the stage pauses: no flood gets more of it than a sixth


class PictureEncoder(CallWorker):
    """Runs calls that make pictures, one after the other."""

    rest = REST
    step_seconds = 60.0  # a large picture on a small board

    def __init__(self) -> None:
        super().__init__("control-pictures")
