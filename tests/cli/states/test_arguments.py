"""Arguments of the commands about states that cannot be right."""

from __future__ import annotations

import pytest

from edged.cli import main


@pytest.mark.parametrize(
    ("arguments", "told"),
    [
        (["enroll", "bay", "--camera", "c", "--count", "2"], "--count, --every: do nothing without --state"),
        (["enroll", "bay", "--camera", "c", "--every", "2s"], "--count, --every: do nothing without --state"),
        (["enroll", "bay", "--camera", "c", "--state", "unknown"], "state: must not be unknown"),
        (["enroll", "bay", "--camera", "c", "--state", "a", "--replace"], "do nothing with state"),
        (["enroll", "bay", "--camera", "c", "--state", "a", "--count", "201"], "must be a whole number in 1…200"),
        (["forget", "bay", "--last", "--example", "0" * 16], "state, last: do nothing with example"),
        (["relabel", "7", "a"], "example: must be 16 digits from 0-9a-f"),
    ],
)
def test_wrong_arguments_are_refused_before_any_connection(
    arguments: list[str], told: str, capsys: pytest.CaptureFixture[str]
) -> None:
    try:
        status: object = main(arguments)
    except SystemExit as end:
        status = end.code
    assert status == 2
    assert told in capsys.readouterr().err
