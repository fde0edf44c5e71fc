"""Types of arguments: durations."""

from __future__ import annotations

import argparse

import pytest

from edged.cli.argument_types import duration


@pytest.mark.parametrize(
    ("text", "seconds"), [("20s", 20), ("20", 20), ("2m", 120), ("1.5min", 90), ("2h", 7200), ("24h", 86_400)]
)
def test_a_duration_is_a_number_with_a_unit(text: str, seconds: float) -> None:
    assert duration(text) == seconds


@pytest.mark.parametrize("text", ["", "s", "m", "-1s", "0s", "0", "25h", "nan", "inf", "20 days", "1e9"])
def test_other_text_is_not_a_duration(text: str) -> None:
    with pytest.raises(argparse.ArgumentTypeError, match="greater than 0, and at most 24h, such as 20s, 2m or 1h"):
        duration(text)
