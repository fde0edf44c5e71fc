"""Recordings: the messages of a daemon in a file, byte for byte, with the time between them.

`Recorder` writes one, ``read_recording`` reads one, ``player`` publishes one. The format is in
``docs/recording.md``.
"""

from __future__ import annotations

from edged.recording.reader import Recorded, Recording, decode_recorded, read_recording
from edged.recording.writer import Recorder

__all__ = ["Recorded", "Recorder", "Recording", "decode_recorded", "read_recording"]
