"""Recordings: what a daemon published, kept in a file byte for byte, with the time between the messages.

``read_recording`` reads one, `Recorder` writes one. ``docs/recording.md`` is the manual of the format.
"""

from __future__ import annotations

from edged.recording.reader import Recorded, Recording, decode_recorded, read_recording
from edged.recording.writer import Recorder

__all__ = ["Recorded", "Recorder", "Recording", "decode_recorded", "read_recording"]
