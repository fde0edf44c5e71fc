"""scripts/install and scripts/uninstall: everything in its place, again and again, and gone."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent.parent

SYSTEMCTL = """\
#!/bin/sh
if [ "$1" = --version ]; then
    echo "systemd $SYSTEMD_VERSION ($SYSTEMD_VERSION.1-1~deb)"
else
    echo "$@" >>"$DESTDIR/called"
fi
"""


class Target:
    """A folder to install into, with a stand-in for systemctl that only takes notes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "root"
        self.units = self.folder / "etc/systemd/system"
        self.config = self.folder / "etc/edged/edged.yaml"
        self.command = self.folder / "usr/local/bin/edged"
        self.pauses = self.units / "edged.service.d/growing-pauses.conf"
        self.tools = folder / "tools"
        self.tools.mkdir()
        (self.tools / "systemctl").write_text(SYSTEMCTL)
        (self.tools / "systemctl").chmod(0o755)
        self.folder.mkdir()
        self._environment = {
            **os.environ,
            "PATH": f"{self.tools}:{os.environ['PATH']}",
            "DESTDIR": str(self.folder),
            "PYTHON": sys.executable,
            "PIP_NO_DEPS": "1",  # edged itself is enough here
        }

    def run(self, script: str, *arguments: str, systemd: int = 252) -> str:
        """What the script says; it must succeed."""
        done = self._run(script, *arguments, SYSTEMD_VERSION=str(systemd))
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refusal(self, script: str = "install", **changed: str) -> str:
        """What the script complains about, in a changed environment; it must fail."""
        done = self._run(script, **changed)
        assert done.returncode == 1, done.stdout
        return done.stderr

    def _run(self, script: str, *arguments: str, **changed: str) -> subprocess.CompletedProcess[str]:
        command = [str(ROOT / "scripts" / script), *arguments]
        environment = {**self._environment, **changed}
        return subprocess.run(command, env=environment, check=False, capture_output=True, text=True)

    def files(self) -> dict[str, str]:
        """Everything outside the virtual environment: what is in it, or where it leads."""
        return {
            str(path.relative_to(self.folder)): str(path.readlink()) if path.is_symlink() else path.read_text()
            for path in sorted(self.folder.rglob("*"))
            if (path.is_symlink() or path.is_file()) and not path.is_relative_to(self.folder / "opt")
        }

    def systemctl_calls(self) -> list[str]:
        """What systemctl was asked for since the last time."""
        called = self.folder / "called"
        calls = called.read_text().splitlines() if called.exists() else []
        called.unlink(missing_ok=True)
        return calls


@pytest.fixture
def target(tmp_path: Path) -> Target:
    return Target(tmp_path)


@pytest.mark.timeout(300)  # pip makes a wheel each time, which takes some 10 s
def test_everything_is_put_in_its_place_once_and_again_and_taken_away(target: Target) -> None:
    assert "edged check" in target.run("install", systemd=252)
    assert target.systemctl_calls() == [f"--root={target.folder} enable edged.service"]
    installed = target.files()
    assert sorted(installed) == ["etc/edged/edged.yaml", "etc/systemd/system/edged.service", "usr/local/bin/edged"]
    assert installed["usr/local/bin/edged"] == "/opt/edged/bin/edged"
    assert (target.folder / "opt/edged/share/edged/edged.yaml").read_text() == (ROOT / "config/edged.yaml").read_text()
    version = subprocess.run([target.folder / "opt/edged/bin/edged", "--version"], check=True, capture_output=True)
    assert version.stdout.startswith(b"edged ")
    assert not (ROOT / "build").exists(), "pip leaves nothing in the checkout"
    assert target.config.stat().st_mode & 0o777 == 0o640
    assert target.config.parent.stat().st_mode & 0o777 == 0o750

    # Again, on a newer systemd: what is the user's own stays, and the rest is made anew.
    target.config.write_text("cameras: {mine: {source: 'usb:/dev/video0'}}\n")
    (target.units / "edged.service").write_text("[Unit]\nDescription=an older one\n")
    target.run("install", systemd=257)
    assert target.systemctl_calls() == [f"--root={target.folder} enable edged.service"]
    mine = {"etc/edged/edged.yaml": target.config.read_text()}
    pauses = {str(target.pauses.relative_to(target.folder)): (ROOT / "systemd/growing-pauses.conf").read_text()}
    assert target.files() == {**installed, **mine, **pauses}

    own = target.pauses.with_name("override.conf")
    own.write_text("[Service]\nNice=5\n")
    target.run("uninstall")
    assert target.systemctl_calls() == [f"--root={target.folder} disable edged.service"]
    assert target.files() == {**mine, str(own.relative_to(target.folder)): own.read_text()}
    assert not (target.folder / "opt/edged").exists()

    target.run("uninstall", "--purge")
    assert target.files() == {}


def test_removing_a_missing_installation_is_harmless(target: Target) -> None:
    target.run("uninstall")
    target.run("uninstall", "--purge")
    assert target.files() == {}


def test_a_command_of_another_program_is_left_alone(target: Target) -> None:
    target.command.parent.mkdir(parents=True)
    target.command.symlink_to("/home/me/.venv/bin/edged")
    target.run("uninstall", "--purge")
    assert target.command.is_symlink()


def test_the_installer_reports_a_python_that_is_too_old_with_the_cure(target: Target) -> None:
    said = target.refusal(PYTHON="/bin/false")
    assert "edged needs Python 3.11 or newer; /bin/false is not.\nName another one: PYTHON=" in said
    assert target.files() == {}


def test_the_installer_reports_a_machine_without_systemd(target: Target) -> None:
    (target.tools / "systemctl").unlink()
    for tool in ("dirname", "id"):
        (target.tools / tool).symlink_to(str(shutil.which(tool)))
    assert "there is no systemd on this machine" in target.refusal(PATH=str(target.tools))
    assert target.files() == {}


@pytest.mark.skipif(os.geteuid() == 0, reason="this user is root")
@pytest.mark.parametrize("script", ["install", "uninstall"])
def test_on_the_board_itself_they_are_for_root_only(target: Target, script: str) -> None:
    assert "must be run as root" in target.refusal(script, DESTDIR="")


def test_an_unknown_option_is_explained() -> None:
    command = [str(ROOT / "scripts/uninstall"), "--all"]
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    assert done.returncode == 2
    assert done.stderr.startswith("scripts/uninstall [--purge]: stops the service edged")
