"""The page's units for systemd: free of mistakes, well confined, and in agreement with the code."""

from __future__ import annotations

import shutil
from pathlib import Path

from edged.cli.page.arguments import IDLE_SECONDS
from edged.page.connections import MOST_CONNECTIONS
from tests.service.test_unit import FOLDER, MOST_EXPOSURE, analyze, needs_systemd_analyze, settings

SOCKET, UNIT = FOLDER / "edged-page.socket", FOLDER / "edged-page.service"


@needs_systemd_analyze
def test_systemd_finds_no_mistake_in_the_units(tmp_path: Path) -> None:
    for folder in (Path("/usr/lib/systemd/system"), Path("/lib/systemd/system")):
        if folder.is_dir():
            shutil.copytree(folder, tmp_path / "usr/lib/systemd/system", symlinks=True)
            break
    (tmp_path / "opt/edged/bin").mkdir(parents=True)
    (tmp_path / "opt/edged/bin/edged").touch(mode=0o755)
    drop_ins = tmp_path / "etc/systemd/system/edged-page.service.d"
    drop_ins.mkdir(parents=True)
    for file in (SOCKET, UNIT):
        shutil.copy(file, drop_ins.parent)
    shutil.copy(FOLDER / "page-keeps.conf", drop_ins)
    assert analyze(f"--root={tmp_path}", "--man=no", "verify", "edged-page.socket", "edged-page.service") == (0, "")


@needs_systemd_analyze
def test_the_unit_is_well_confined() -> None:
    status, text = analyze("security", "--offline=true", f"--threshold={round(MOST_EXPOSURE * 10)}", str(UNIT))
    assert status == 0, text


def test_the_units_agree_with_the_code_and_the_command() -> None:
    unit, socket = settings(UNIT), settings(SOCKET)
    assert socket["ListenStream"] == ["127.0.0.1:8080"], "the default of --listen, which --show-url prints"
    assert unit["ExecStart"][0].startswith("/opt/edged/bin/edged page --token-file ${STATE_DIRECTORY}/tokens")
    assert int(unit["LimitNOFILE"][0]) > 2 * MOST_CONNECTIONS
    assert "It ends one minute after the\n# last one" in UNIT.read_text()
    assert IDLE_SECONDS == 60


def test_only_the_page_may_write_the_configuration() -> None:
    assert settings(FOLDER / "page-keeps.conf")["ReadWritePaths"] == ["/etc/edged"]
    assert settings(FOLDER / "page-reads.conf")["ReadOnlyPaths"] == ["/etc/edged"]
    assert settings(FOLDER / "page-reads.conf")["ConfigurationDirectoryMode"] == ["1770"], "as scripts/install has it"
    assert "ReadWritePaths" not in settings(UNIT)


def test_the_manual_has_every_argument() -> None:
    manual = (FOLDER.parent / "docs/page.md").read_text()
    for argument in ("--listen", "--cert", "--key", "--behind-proxy", "--host", "--frame-ancestors", "--look"):
        assert argument in manual
    for argument in ("--token-file", "--show-url", "--password-file", "--set-password"):
        assert argument in manual
