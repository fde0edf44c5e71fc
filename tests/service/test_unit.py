"""The unit for systemd: without mistakes, well fenced, and true to the code."""

from __future__ import annotations

import re
import shutil
import subprocess
from pathlib import Path

import pytest

from edged.cli.console import EXIT_CONFIG
from edged.config import load
from edged.pipeline.capture.stage import Capture
from edged.pipeline.inference.stage import Inference
from edged.pipeline.publisher.stage import Publisher
from edged.pipeline.stage import Stage
from edged.service.control.server import Control
from edged.service.daemon import STOP_SECONDS

FOLDER = Path(__file__).parent.parent.parent / "systemd"
UNIT = FOLDER / "edged.service"
PAUSES = FOLDER / "growing-pauses.conf"
SMALL = FOLDER / "small-board.conf"
EDGED_MEGABYTES = 150  # measured, with one camera and a bundled model
SMALL_MEGABYTES = 430  # what Linux has of 512
MOST_EXPOSURE = 2.0  # of 10, as systemd-analyze rates it

needs_systemd_analyze = pytest.mark.skipif(
    shutil.which("systemd-analyze") is None, reason="systemd-analyze is not on this machine (apt install systemd)"
)


def analyze(*arguments: str) -> tuple[int, str]:
    """The exit status of systemd-analyze and all that it says."""
    command = ["systemd-analyze", "--no-pager", *arguments]
    done = subprocess.run(command, check=False, capture_output=True, text=True, timeout=60)
    return done.returncode, done.stdout + done.stderr


def version() -> int:
    """Of the systemd on this machine."""
    found = re.match(r"systemd (\d+)", analyze("--version")[1])
    assert found is not None
    return int(found[1])


@pytest.fixture
def root(tmp_path: Path) -> Path:
    """A system in a folder, with this machine's own units, edged's, and what that starts."""
    for folder in (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system")):
        if folder.is_dir():
            shutil.copytree(folder, tmp_path / "usr/lib/systemd/system", symlinks=True)
            break
    for program in ("opt/edged/bin/edged", "bin/sh"):
        (tmp_path / program).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / program).touch(mode=0o755)
    units = tmp_path / "etc/systemd/system"
    units.mkdir(parents=True)
    shutil.copy(UNIT, units)
    return tmp_path


def settings(path: Path) -> dict[str, list[str]]:
    """What a unit file sets, in its own order."""
    found: dict[str, list[str]] = {}
    for name, value in re.findall(r"^(\w+)=(.*)$", path.read_text(), re.MULTILINE):
        found.setdefault(name, []).append(value)
    return found


@needs_systemd_analyze
def test_systemd_finds_no_mistake_in_the_unit(root: Path) -> None:
    (root / "etc/systemd/system/edged.service.d").mkdir()
    shutil.copy(SMALL, root / "etc/systemd/system/edged.service.d")
    if version() >= 254:
        shutil.copy(PAUSES, root / "etc/systemd/system/edged.service.d")
    assert analyze(f"--root={root}", "--man=no", "verify", "edged.service") == (0, "")


@needs_systemd_analyze
def test_a_mistake_in_the_unit_is_found(root: Path) -> None:
    unit = root / "etc/systemd/system/edged.service"
    unit.write_text(unit.read_text().replace("ProtectHome=", "ProtectHouse="))
    assert "ProtectHouse" in analyze(f"--root={root}", "--man=no", "verify", "edged.service")[1]


@needs_systemd_analyze
def test_the_fence_is_high_enough() -> None:
    status, text = analyze("security", "--offline=true", f"--threshold={round(MOST_EXPOSURE * 10)}", str(UNIT))
    assert status == 0, text
    exposure = re.search(r"exposure level for edged.service: ([\d.]+)", text)
    assert exposure is not None, text
    assert float(exposure[1]) <= MOST_EXPOSURE


def test_the_unit_is_true_to_the_code() -> None:
    unit = settings(UNIT)
    assert unit["RestartPreventExitStatus"] == [str(EXIT_CONFIG)]
    assert float(unit["TimeoutStopSec"][0]) > STOP_SECONDS
    hangs = [f"the model's after {Inference.step_seconds:g} s", f"the publisher's after {Publisher.step_seconds:g} s"]
    assert f"{hangs[0]}, {hangs[1]}." in UNIT.read_text()


def megabytes(limit: str) -> int:
    assert limit.endswith("M"), limit
    return int(limit.removesuffix("M"))


def test_a_board_outlives_an_edged_that_grows() -> None:
    """Each limit leaves room for the rest of the system, and for twice what edged takes with one camera."""
    unit, small = settings(UNIT), settings(SMALL)
    assert 50 <= int(unit["MemoryMax"][0].removesuffix("%")) <= 80
    assert 2 * EDGED_MEGABYTES <= megabytes(small["MemoryMax"][0]) <= SMALL_MEGABYTES - 100
    assert small["MemorySwapMax"] == ["0"]
    assert unit["OOMPolicy"] == ["continue"], "the death of a trial is not the end of edged"


def test_descriptors_suffice_for_the_connections_and_are_limited() -> None:
    """1,050 silent connections used up the 1,024 that a process has by default; 256 are permitted by default now."""
    unit, small = (int(settings(file)["LimitNOFILE"][0]) for file in (UNIT, SMALL))
    assert 2 * 256 + 10 * 20 < small < unit < 1 << 16


@pytest.mark.parametrize("name", ["MemoryMax", "MemorySwapMax", "LimitNOFILE"])
def test_the_manual_has_the_limits_of_the_unit(name: str) -> None:
    manual = (FOLDER.parent / "docs/service.md").read_text()
    (row,) = (line for line in manual.splitlines() if line.startswith(f"| `{name}`"))
    for file in (UNIT, FOLDER / "edged-bridge.service", FOLDER / "edged-page.service", SMALL):
        for value in settings(file).get(name, []):
            assert f" {value} " in row, (file.name, value)


STAGES = {"capture": Capture, "inference": Inference, "publisher": Publisher, "control": Control}


@pytest.mark.parametrize(("name", "stage"), STAGES.items())
def test_the_manual_has_the_seconds_after_which_a_stage_hangs(name: str, stage: type[Stage]) -> None:
    assert f"\n| {name} | {stage.step_seconds:g} s" in (FOLDER.parent / "docs/service.md").read_text()


def test_the_growing_pauses_are_those_in_its_comment() -> None:
    drop_in = {name: float(values[0]) for name, values in settings(PAUSES).items()}
    first, steps, longest = drop_in["RestartSec"], int(drop_in["RestartSteps"]), drop_in["RestartMaxDelaySec"]
    pauses = [round(first * (longest / first) ** (step / steps)) for step in range(steps + 1)]
    assert f"{', '.join(map(str, pauses[:-1]))} and then {pauses[-1]} s" in PAUSES.read_text()


def test_the_configuration_to_begin_with_is_right_and_harmless() -> None:
    config = load(FOLDER / "edged.yaml").config
    assert [str(camera.source) for camera in config.cameras.values()] == ["pattern:"]
    assert all("127.0.0.1" in str(endpoint) or "ipc:" in str(endpoint) for endpoint in config.publish.endpoints)
