"""A whole daemon and ``edged review``: what it was least sure of is answered, learned, and known after a kill."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from edged.cli import main
from edged.client.control import ControlClient
from tests.service.control.reviewed_dock import ReviewedDock, daemon_process, waiting

pytestmark = pytest.mark.once


def test_the_command_answers_what_the_daemon_was_least_sure_of(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    dock = ReviewedDock(tmp_path)

    def edged(*arguments: str, status: int = 0) -> str:
        assert main([*arguments, "-c", str(dock.config)]) == status
        told = capsys.readouterr()
        return told.err if status else told.out

    with daemon_process(dock) as process:
        with ControlClient(dock.address) as daemon:
            waiting(daemon, 4)
        title, *rows = edged("review", "bay").splitlines()
        assert title.split()[:2] == ["Picture", "Guess"]
        files = [Path(row.split()[-1]) for row in rows]
        assert all(file.read_bytes().startswith(b"\x89PNG") for file in files)
        first, second, third, *_ = (row.split()[0] for row in rows)
        assert edged("review", "bay", "--answer", f"{first}=truck", "--discard", second).splitlines() == [
            f"{first} is kept as truck: 1 answer of truck so far",
            "learned with the next one of empty: answers of one state alone make a set worse",
            f"{second} is discarded",
        ]
        process.kill()
        process.wait()

    with daemon_process(dock):
        entries = {each["id"]: each for each in json.loads(edged("review", "bay", "--json"))["entries"]}
        assert entries[first]["answer"] == "truck"
        assert second not in entries
        assert entries[third]["answer"] is None
        lines = edged("review", "bay", "--answer", f"{third}=empty").splitlines()
        assert sorted(lines[0].partition(" of bay ")[0].split(" and ")) == ["1 example of empty", "1 example of truck"]
        assert lines[1].startswith("bay: 2 empty, 2 truck; ")
        bay, _ = json.loads(edged("states", "--json"))
        assert {each["id"]: each["state"] for each in bay["examples"]} == {first: "truck", third: "empty"}
        assert edged("relabel", first, "empty").startswith(f"{first} is an example of empty now\n")
        assert f"there is no picture {third} to review" in edged(
            "review", "bay", "--answer", f"{third}=truck", status=1
        )
        cure = edged("review", "door", status=1)
        assert cure.startswith("edged: door is not reviewed: write 'review: true' there (")
