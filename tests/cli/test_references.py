"""The table of `edged references`."""

from __future__ import annotations

import argparse
from types import TracebackType
from typing import Self

import pytest

from edged.cli import references
from edged.wire.control_results import ReferenceInfo, StatusResult

INFO = ReferenceInfo(
    name="r",
    origin="config",
    places=(),
    space_id="c554eebedf752896",
    thumbnail="/p/A\x1b[31m\nb\u202e at 9\u202fAM.png",
)

STATUS = StatusResult(
    node="porch",
    version="1",
    pid=7,
    uptime_s=1.0,
    config="edged.yaml",
    model="m",
    space_id="c554eebedf752896",
    engine="e",
    delegate="none",
    cameras=(),
    references=1,
    enrolled=0,
    sets=("bay", "door"),
)


class Daemon:
    """A daemon with one reference, whose picture was named by a stranger."""

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, exc: BaseException | None, trace: TracebackType | None
    ) -> None:
        """Nothing is open."""

    def references(self) -> tuple[ReferenceInfo, ...]:
        return (INFO,)

    def status(self) -> StatusResult:
        return STATUS


def test_the_name_of_a_picture_moves_no_cursor_and_can_be_turned_back(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(references, "connect_daemon", lambda _: Daemon())
    assert references.references(argparse.Namespace(json=False)) == 0
    printed = capsys.readouterr().out
    assert r"/p/A\x1b[31m\x0ab\u202e at 9" "\u202f" "AM.png" in printed
    assert "\x1b[31m" not in printed
    assert printed.endswith("Sets of states: bay, door; 'edged states' lists them.\n")
