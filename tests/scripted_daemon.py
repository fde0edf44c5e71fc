"""A control socket that answers as a test says: the rim of the commands, so that an answer can come when it should."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import zmq

from edged.errors import ControlError
from edged.wire import control as wire
from edged.wire import control_requests as requests
from edged.wire import control_results as results

__all__ = ["ScriptedDaemon", "example", "set_report", "set_result"]

Reply = results.Result | ControlError | tuple[results.Result, list[bytes]] | None
"""A result, or a refusal, or a result with the pictures that follow it; None: no answer."""


class ScriptedDaemon:
    """Answers each request at *path* with what *reply* makes of it; ``requests`` are those that came."""

    def __init__(self, path: Path, reply: Callable[[requests.Request], Reply]) -> None:
        self.path = path
        self.requests: list[requests.Request] = []
        self._reply = reply
        self._ended = threading.Event()

    @contextmanager
    def running(self) -> Iterator[ScriptedDaemon]:
        with zmq.Context() as context, context.socket(zmq.ROUTER) as router:
            router.set(zmq.LINGER, 0)
            router.bind(f"ipc://{self.path}")
            thread = threading.Thread(target=self._answer, args=(router,))
            thread.start()
            try:
                yield self
            finally:
                self._ended.set()
                thread.join(10)
                assert not thread.is_alive()

    def _answer(self, router: zmq.Socket[bytes]) -> None:
        while not self._ended.is_set():
            if router.poll(50):
                peer, empty, body = router.recv_multipart()
                envelope = wire.read_envelope(body)
                self.requests.append(request := envelope.request())
                reply, pictures = self._reply(request), list[bytes]()
                if isinstance(reply, tuple):
                    reply, pictures = reply
                if reply is None:
                    continue
                frame = (
                    wire.write_refusal(reply, envelope.id)
                    if isinstance(reply, ControlError)
                    else wire.write_reply(reply, envelope.id)
                )
                router.send_multipart([peer, empty, frame, *pictures])


def example(number: int, state: str = "empty") -> results.ExampleInfo:
    """The example of that number, seen by dock/bay."""
    return results.ExampleInfo(
        id=f"{number:016x}",
        state=state,
        camera="dock",
        region="bay",
        t_wall_us=1_795_325_797_000_000 + number,
        thumbnail=f"/var/lib/edged/examples/bay.{number:016x}.png",
    )


def set_report(
    name: str = "bay",
    *examples: results.ExampleInfo,
    learned: bool = True,
    objection: str | None = None,
    advice: str | None = None,
) -> results.SetReport:
    """The set *name* of the states empty and truck with these *examples*."""
    counts = {state: sum(each.state == state for each in examples) for state in ("empty", "truck")}
    return results.SetReport(
        name=name,
        origin="enrolled",
        places=("dock/bay",),
        states=("empty", "truck"),
        counts=counts,
        learned=learned,
        objection=objection,
        summary=f"{counts['empty']} empty, {counts['truck']} truck; and what this proves",
        advice=advice,
        examples=examples,
    )


def set_result(
    info: results.SetReport | None, *changed: results.ExampleInfo, outliers: tuple[int, ...] = ()
) -> results.SetResult:
    """The answer to a change of *changed* that left the set *info*."""
    similarities = (1.0,) * 5
    return results.SetResult(name="bay", changed=changed, set=info, similarities=similarities, outliers=outliers)
