"""See the package."""

from __future__ import annotations


class Picamera2Camera:
    """Never used."""
