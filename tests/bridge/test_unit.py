"""The bridge's unit for systemd: free of mistakes, well confined, and in agreement with the code."""

from __future__ import annotations

import re
import shutil
from pathlib import Path

from edged.bridge.bridge import END_SECONDS
from edged.cli.console import EXIT_CONFIG, EXIT_USAGE
from tests.service.test_unit import FOLDER, MOST_EXPOSURE, analyze, needs_systemd_analyze, settings

UNIT = FOLDER / "edged-bridge.service"


@needs_systemd_analyze
def test_systemd_finds_no_mistake_in_the_unit(tmp_path: Path) -> None:
    for folder in (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system")):
        if folder.is_dir():
            shutil.copytree(folder, tmp_path / "usr/lib/systemd/system", symlinks=True)
            break
    (tmp_path / "opt/edged/bin").mkdir(parents=True)
    (tmp_path / "opt/edged/bin/edged").touch(mode=0o755)
    (tmp_path / "etc/systemd/system").mkdir(parents=True)
    shutil.copy(UNIT, tmp_path / "etc/systemd/system")
    assert analyze(f"--root={tmp_path}", "--man=no", "verify", "edged-bridge.service") == (0, "")


@needs_systemd_analyze
def test_the_unit_is_well_confined() -> None:
    status, text = analyze("security", "--offline=true", f"--threshold={round(MOST_EXPOSURE * 10)}", str(UNIT))
    assert status == 0, text


def test_the_unit_agrees_with_the_code() -> None:
    unit = settings(UNIT)
    assert unit["RestartPreventExitStatus"] == [f"{EXIT_USAGE} {EXIT_CONFIG}"]
    assert float(unit["TimeoutStopSec"][0]) > END_SECONDS


def test_memory_and_descriptors_are_limited() -> None:
    """It was measured at 60 MB and 20 descriptors."""
    unit = settings(UNIT)
    assert 2 * 60 < int(unit["MemoryMax"][0].removesuffix("M")) < 256
    assert 100 < int(unit["LimitNOFILE"][0]) <= 1024


def test_the_manual_has_every_topic_and_every_argument() -> None:
    manual = (FOLDER.parent / "docs/mqtt.md").read_text()
    code = (FOLDER.parent / "edged/cli/bridge.py").read_text()
    arguments = set(re.findall(r'"(--[a-z-]+)"', code))
    assert {"--name", "--topic", "--queue"} <= arguments
    assert [argument for argument in arguments if argument not in manual] == []
    bridge = "".join(path.read_text() for path in (FOLDER.parent / "edged/bridge").rglob("*.py"))
    leaves = set(re.findall(r'(?:bridge|camera|reference)\((?:\w+, )?"(\w+)"\)', bridge))
    assert {"known", "availability", "state", "active", "score"} <= leaves
    assert [leaf for leaf in leaves if f"/{leaf}`" not in manual] == []
