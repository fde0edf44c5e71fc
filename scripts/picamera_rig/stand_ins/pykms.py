"""Stands in for python3-kms++, which only Raspberry Pi OS has: picamera2 imports it for a preview that nobody opens."""

from __future__ import annotations


class _Names(type):
    def __getattr__(cls, name: str) -> str:
        return name


class PixelFormat(metaclass=_Names):
    """Has every format that it is asked for."""
