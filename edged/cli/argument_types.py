"""Argument types for ``type=`` of argparse: numbers and names, each with an error that states the rule."""

from __future__ import annotations

import argparse
from collections.abc import Callable
from math import inf, isfinite, nan
from typing import TypeVar

from edged.errors import map_exceptions
from edged.values import check_name

__all__ = ["checked", "duration", "name", "number", "positive", "whole"]

T = TypeVar("T")

MOST_DURATION = 86_400.0
DURATION_UNITS = {"min": 60, "m": 60, "h": 3600, "s": 1, "": 1}  # in seconds; the first that fits is the unit


def checked(check: Callable[[str], T], text: str) -> T:
    """Return the value that *check* makes of *text*; its ``ValueError`` becomes an error of the argument."""
    with map_exceptions({ValueError: argparse.ArgumentTypeError}):
        return check(text)


def name(text: str) -> str:
    """Parse the name of a node, camera, region or reference."""
    return checked(check_name, text)


def whole(text: str, most: float = inf) -> int:
    """Parse a whole number in 1…*most*."""
    if not text.isdecimal() or not 1 <= int(text) <= most:
        range_ = "from 1 on" if most == inf else f"in 1…{most:.0f}"
        raise argparse.ArgumentTypeError(f"must be a whole number {range_} (got {text!r})")
    return int(text)


def positive(text: str, most: float = inf) -> float:
    """Parse a number above 0, such as seconds."""
    value = _value(text)
    if not (0 < value <= most and value < inf):
        limit = "" if most == inf else f", and at most {most:.0f}"
        raise argparse.ArgumentTypeError(f"must be a number greater than 0{limit} (got {text!r})")
    return value


def duration(text: str) -> float:
    """Parse a duration such as ``20s``, ``1.5m``, ``5min`` or ``2h``; returns seconds, at most those of a day."""
    unit = next(unit for unit in DURATION_UNITS if text.endswith(unit))
    value = _value(text.removesuffix(unit)) * DURATION_UNITS[unit]
    if not 0 < value <= MOST_DURATION:
        rule = "must be a duration greater than 0, and at most 24h, such as 20s, 2m or 1h"
        raise argparse.ArgumentTypeError(f"{rule} (got {text!r})")
    return value


def number(text: str, least: float, most: float = inf) -> float:
    """Parse a number in *least*…*most*."""
    value = _value(text)
    if not (least <= value <= most and isfinite(value)):
        range_ = f"from {least:g} on" if most == inf else f"from {least:g} to {most:g}"
        raise argparse.ArgumentTypeError(f"must be a number {range_} (got {text!r})")
    return value


def _value(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return nan
