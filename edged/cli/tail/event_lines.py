"""Events as sentences for people."""

from __future__ import annotations

from edged.cli.text import lasted, time_of_day
from edged.peer_text import peer_text
from edged.wire import Event

__all__ = ["sentence"]


def sentence(event: Event, *, with_node: bool = False) -> str:
    """Return *event* as a sentence with the local time of its begin, update or end.

    ::

        14:03:07  street/path: path-empty began (0.93)
        14:03:17  street/path: path-empty goes on after 10.0 s (0.95, peak 0.97)
        14:03:20  street/path: path-empty ended after 12.4 s, peak 0.97: left
        14:05:00  dock/bay: load truck began (0.98)

    The last one is an event of a state of a set.
    """
    place = "/".join([event.node] * with_node + [event.camera, event.region])
    seconds = (event.t_wall_us - event.t_begin_us) / 1e6
    if event.phase == "begin":
        when, what = event.t_begin_us, f"began ({event.s:.2f})"
    elif event.phase == "update":
        when, what = event.t_wall_us, f"goes on after {lasted(seconds)} ({event.s:.2f}, peak {event.peak:.2f})"
    else:
        reason = peer_text(event.reason or "no reason given").replace("-", " ")
        when, what = event.t_wall_us, f"ended after {lasted(seconds)}, peak {event.peak:.2f}: {reason}"
    subject = " ".join(map(peer_text, filter(None, (event.ref, event.state))))
    return f"{time_of_day(when)}  {place}: {subject} {what}"
