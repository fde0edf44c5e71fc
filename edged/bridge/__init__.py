"""Bridge from a daemon to an MQTT broker, and so to Home Assistant: a subscriber that publishes what it receives.

``docs/mqtt.md`` is the manual of the topics. It needs paho-mqtt (``pip install 'edged[mqtt]'``).
"""

from __future__ import annotations

from edged.bridge.broker import Broker
from edged.bridge.translator import Settings

__all__ = ["Broker", "Settings"]
