"""The log, for people and for the journal."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from edged.config.environment import journal_stream
from edged.pipeline.camera_stats import CameraStats
from edged.service.daemon import Figures
from edged.service.logs import JournalFormatter

LOG = """
import logging, sys
from edged.config.environment import journal_stream
from edged.service.logs import log_to
log_to(sys.stderr, "info", journal_stream())
logging.debug("not this")
logging.info("one")
logging.warning("two\\nlines")
"""


def logged(stderr: Path, journal: str | None) -> list[str]:
    """The lines that a process with this stderr and ``$JOURNAL_STREAM`` logs."""
    environment = {name: value for name, value in os.environ.items() if name != "JOURNAL_STREAM"}
    with stderr.open("w") as file:
        found = os.fstat(file.fileno())
        if journal is not None:
            environment["JOURNAL_STREAM"] = journal.format(device=found.st_dev, inode=found.st_ino)
        subprocess.run([sys.executable, "-c", LOG], check=True, stderr=file, env=environment, timeout=30)
    return stderr.read_text().splitlines()


def test_the_journal_gets_priorities_and_no_second_time_stamp(tmp_path: Path) -> None:
    lines = logged(tmp_path / "journal", "{device}:{inode}")
    assert lines == ["<6>INFO    one", "<4>WARNING two", "<4>lines"]


@pytest.mark.parametrize("journal", [None, "{device}:1", "1:{inode}"])
def test_other_streams_get_time_stamps(tmp_path: Path, journal: str | None) -> None:
    lines = logged(tmp_path / "stderr", journal)
    assert re.fullmatch(r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d,\d{3} INFO    one", lines[0])
    assert len(lines) == 3


@pytest.mark.parametrize(("level", "priority"), [(10, 7), (20, 6), (25, 6), (30, 4), (40, 3), (50, 2), (5, 7)])
def test_each_level_has_its_priority(level: int, priority: int) -> None:
    record = logging.LogRecord("edged", level, "", 0, "", (), None)
    assert JournalFormatter().format(record) == f"<{priority}>"


def test_every_line_of_a_traceback_has_a_priority() -> None:
    def fail() -> None:
        raise ValueError("two\nlines")

    try:
        fail()
    except ValueError:
        record = logging.LogRecord("edged", logging.ERROR, "", 0, "it %s", ("broke",), sys.exc_info())
    lines = JournalFormatter().format(record).splitlines()
    assert lines[0] == "<3>it broke"
    assert all(line.startswith("<3>") for line in lines)
    assert lines[-2:] == ["<3>ValueError: two", "<3>lines"]


def test_an_invalid_journal_stream_is_ignored(monkeypatch: pytest.MonkeyPatch) -> None:
    for text in ("1", ":", "1:2:3", "x:1", "-1:2", "1:" + "9" * 30):
        monkeypatch.setenv("JOURNAL_STREAM", text)
        assert journal_stream() is None
    monkeypatch.setenv("JOURNAL_STREAM", "9:1234")
    assert journal_stream() == (9, 1234)


def test_the_last_words_of_a_command_are_an_error_in_the_journal(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "edged", "run", "-c", str(tmp_path / "none.yaml")]
    told = f"{tmp_path}/none.yaml: there is no such file\n"
    with (tmp_path / "journal").open("w") as file:
        found = os.fstat(file.fileno())
        environment = os.environ | {"JOURNAL_STREAM": f"{found.st_dev}:{found.st_ino}"}
        ended = subprocess.run(command, check=False, stderr=file, env=environment, timeout=30)
    assert (ended.returncode, (tmp_path / "journal").read_text()) == (78, f"<3>{told}")
    ended_elsewhere = subprocess.run(
        command, check=False, stderr=subprocess.PIPE, text=True, env=environment, timeout=30
    )
    assert ended_elsewhere.stderr == told


def test_figures_are_logged_each_minute_at_level_debug_only(
    caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.service.daemon.FIGURES_SECONDS", 0.0)
    figures, stats = Figures(), CameraStats("front")
    for level in (logging.DEBUG, logging.INFO):
        caplog.clear()
        caplog.set_level(level)
        figures.log_in_time([stats])
        figures.log_in_time([stats])
        assert ("camera front: starting, 0.0 frames/s captured" in caplog.text) is (level == logging.DEBUG)
