"""Subscriber to the messages of a daemon: ``from edged.client import Subscriber``.

It needs ZeroMQ and numpy. It loads numpy only where it subscribes to vectors, and neither OpenCV nor a TFLite runtime.
The messages it yields are those of ``edged.wire``.
"""

from __future__ import annotations

from edged.client.delivery import Delivery
from edged.client.subscriber import Subscriber

__all__ = ["Delivery", "Subscriber"]
