"""Options of a subscriber, and the texts that refuse wrong ones."""

from __future__ import annotations

import re
from inspect import signature
from typing import Any, get_type_hints

import pytest

from edged.client import Subscriber
from edged.client.options import SubscriberOptions, check_positive, checked_kinds


def test_one_kind_is_written_with_or_without_a_tuple() -> None:
    assert checked_kinds("event") == checked_kinds(("event",)) == ("event",)
    assert checked_kinds(("status", "vec")) == ("status", "vec")


@pytest.mark.parametrize("kinds", [(), "frame", ("vec", "frame"), ""])
def test_other_kinds_are_refused(kinds: Any) -> None:
    with pytest.raises(
        ValueError, match=re.escape(f"kinds must be one or more of vec, event, state, status (got {kinds!r})")
    ):
        checked_kinds(kinds)


@pytest.mark.parametrize("number", [0, -1, 0.0, float("nan")])
def test_a_number_that_is_not_positive_is_refused_by_its_name(number: float) -> None:
    with pytest.raises(ValueError, match=re.escape(f"queue must be greater than 0 (got {number})")):
        check_positive(queue_bytes=1, max_age_seconds=None, queue=number)


def test_numbers_that_are_positive_or_left_out_are_taken() -> None:
    check_positive(queue=1, max_age_seconds=None, queue_bytes=0.5)


def test_the_types_of_the_options_are_those_of_the_subscriber() -> None:
    hints = get_type_hints(Subscriber.__init__)
    options = [name for name in signature(Subscriber).parameters if name not in ("endpoints", "kinds")]
    assert {name: hints[name] for name in options} == get_type_hints(SubscriberOptions)
