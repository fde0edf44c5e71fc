"""Decided states as sentences for people."""

from __future__ import annotations

from edged.cli.text import lasted, time_of_day
from edged.peer_text import peer_text
from edged.values import UNKNOWN
from edged.wire import State

__all__ = ["sentence"]


def sentence(message: State, *, with_node: bool = False) -> str:
    """Return *message* as a sentence with the local time of the change, or of the repetition.

    ::

        14:03:07  dock/bay: load is truck (0.97), was empty
        14:03:37  dock/bay: load is still truck after 30.0 s (0.95)
        14:09:12  dock/bay: load is unknown, was truck: camera lost
    """
    place = "/".join([message.node] * with_node + [message.camera, message.region])
    state, score = peer_text(message.state), "" if message.state == UNKNOWN else f" ({message.p:.2f})"
    if message.reason == "repeat":
        seconds = (message.t_wall_us - message.t_since_us) / 1e6
        when, what = message.t_wall_us, f"is still {state} after {lasted(seconds)}{score}"
    else:
        why = "" if message.reason == "changed" else f": {message.reason.replace('-', ' ')}"
        when, what = message.t_since_us, f"is {state}{score}, was {peer_text(message.was)}{why}"
    return f"{time_of_day(when)}  {place}: {peer_text(message.set)} {what}"
