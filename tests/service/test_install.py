"""scripts/install and scripts/uninstall: everything in its place, again and again, and gone."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest
from packaging.requirements import Requirement

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent.parent
LISTS = sorted((ROOT / "requirements").glob("*.txt"))

PYTHONS = ("3.11", "3.12", "3.13")

NO_LIST = """\
#!/bin/sh
case "$*" in
*platform.machine*) echo 3.99-other ;;
*) exec {} "$@" ;;
esac
"""

SYSTEMCTL = """\
#!/bin/sh
if [ "$1" = --version ]; then
    echo "systemd $SYSTEMD_VERSION ($SYSTEMD_VERSION.1-1~deb)"
else
    echo "$@" >>"$DESTDIR/called"
fi
"""


def listed(file: Path) -> dict[str, list[str]]:
    """The packages of a list, such as ``numpy==1.26.4``, each with its hashes."""
    packages: dict[str, list[str]] = {}
    for line in file.read_text().splitlines():
        word = line.removesuffix(" \\").strip()
        if line.startswith(" "):
            packages[next(reversed(packages))].append(word)
        else:
            packages[word] = []
    return packages


def only_setuptools(folder: Path) -> Path:
    """A list with what builds edged, and nothing of what edged needs to run."""
    (setuptools,) = (item for item in listed(LISTS[0]).items() if item[0].startswith("setuptools=="))
    file = folder / "requirements.txt"
    file.write_text(" \\\n    ".join([setuptools[0], *setuptools[1]]) + "\n")
    return file


class Target:
    """A folder to install into, with a stand-in for systemctl that only takes notes."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder / "root"
        self.units = self.folder / "etc/systemd/system"
        self.config = self.folder / "etc/edged/edged.yaml"
        self.command = self.folder / "usr/local/bin/edged"
        self.pauses = self.units / "edged.service.d/growing-pauses.conf"
        self.small = self.units / "edged.service.d/small-board.conf"
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
            "REQUIREMENTS": str(only_setuptools(folder)),  # edged itself is enough here
            "SMALL_BOARD": "no",
        }

    def run(self, script: str, *arguments: str, systemd: int = 252, **changed: str) -> str:
        """What the script says; it must succeed."""
        done = self._run(script, *arguments, SYSTEMD_VERSION=str(systemd), **changed)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def refusal(self, script: str = "install", **changed: str) -> str:
        """What the script complains about, in a changed environment; it must fail."""
        done = self._run(script, **changed)
        assert done.returncode == 1, done.stdout
        return done.stderr

    def installed(self) -> list[str]:
        """The packages of the virtual environment, such as ``numpy==1.26.4``."""
        pip = self.folder / "opt/edged/bin/pip"
        done = subprocess.run([pip, "list", "--format=freeze"], check=True, capture_output=True, text=True)
        return done.stdout.splitlines()

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


@pytest.mark.timeout(300)
def test_with_page_the_configuration_is_writable_for_the_page_until_edged_is_removed(target: Target) -> None:
    target.run("install", "--with", "page")
    drop_ins = {"edged-page.service.d/page-keeps.conf", "edged.service.d/page-reads.conf"}
    for _ in range(2):
        assert target.config.stat().st_mode & 0o777 == 0o660
        assert target.config.parent.stat().st_mode & 0o7777 == 0o1770
        assert {str(path.relative_to(target.units)) for path in target.units.rglob("*.conf")} == drop_ins
        target.run("install")  # an update takes nothing back
    target.run("uninstall")
    assert target.systemctl_calls()
    assert list(target.files()) == ["etc/edged/edged.yaml"]
    assert target.config.stat().st_mode & 0o777 == 0o640
    assert target.config.parent.stat().st_mode & 0o7777 == 0o750


def test_another_extra_than_the_page_is_refused(target: Target) -> None:
    done = target._run("install", "--with", "cake")
    assert done.returncode == 2
    assert done.stderr.startswith("scripts/install: sets edged up")
    assert done.stderr.rstrip().endswith("starts nothing")
    assert target.files() == {}


@pytest.mark.timeout(300)  # pip makes a wheel each time, which takes some 10 s
def test_everything_is_put_in_its_place_once_and_again_and_taken_away(target: Target) -> None:
    assert "edged check" in target.run("install", systemd=252, SMALL_BOARD="yes")
    assert target.systemctl_calls() == [f"--root={target.folder} enable edged.service"]
    installed = target.files()
    small = installed.pop(str(target.small.relative_to(target.folder)))
    assert small == (ROOT / "systemd/small-board.conf").read_text()
    assert sorted(installed) == [
        "etc/edged/edged.yaml",
        "etc/systemd/system/edged-page.service",
        "etc/systemd/system/edged-page.socket",
        "etc/systemd/system/edged.service",
        "usr/local/bin/edged",
    ]
    assert installed["usr/local/bin/edged"] == "/opt/edged/bin/edged"
    assert (target.folder / "opt/edged/share/edged/edged.yaml").read_text() == (ROOT / "config/edged.yaml").read_text()
    version = subprocess.run([target.folder / "opt/edged/bin/edged", "--version"], check=True, capture_output=True)
    assert version.stdout.startswith(b"edged ")
    assert not (ROOT / "build").exists(), "pip leaves nothing in the checkout"
    assert target.config.stat().st_mode & 0o777 == 0o640
    assert target.config.parent.stat().st_mode & 0o777 == 0o750

    # Again, on a newer systemd and with more memory: what is the user's own stays, and the rest is made anew.
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


@pytest.mark.timeout(300)
def test_a_package_with_another_hash_than_the_list_has_is_not_installed(target: Target, tmp_path: Path) -> None:
    """As where an index serves another file under the same name."""
    package, hashes = next(iter(listed(only_setuptools(tmp_path)).items()))
    other = tmp_path / "other.txt"
    other.write_text(f"{package} --hash=sha256:{64 * '0'}\n")
    assert package.partition("==")[2] in target.refusal(REQUIREMENTS=str(other))
    assert package not in target.installed()
    assert not target.command.is_symlink()
    assert all(len(digest.removeprefix("--hash=sha256:")) == 64 for digest in hashes)


@pytest.mark.timeout(300)
def test_a_platform_without_a_list_is_reported(target: Target) -> None:
    """It gets what pip takes; a 32-bit board has apt's packages."""
    (target.tools / "python").write_text(NO_LIST.format(sys.executable))
    (target.tools / "python").chmod(0o755)
    done = target._run("install", PYTHON=str(target.tools / "python"), REQUIREMENTS="", PIP_NO_DEPS="1")
    assert done.returncode == 0, done.stderr
    assert "there is no list of packages with hashes for Python 3.99-other" in done.stderr


def test_an_unknown_size_of_the_board_is_refused(target: Target) -> None:
    assert "SMALL_BOARD is 'tiny'.\nSet it to yes or no" in target.refusal(SMALL_BOARD="tiny")
    assert target.files() == {}


def test_there_is_a_list_for_each_64_bit_platform() -> None:
    platforms = {f"{python}-{machine}" for python in PYTHONS for machine in ("x86_64", "aarch64")}
    assert {file.stem for file in LISTS} == platforms


@pytest.mark.parametrize("file", LISTS, ids=lambda file: file.stem)
def test_a_list_has_every_package_that_edged_needs_and_names_no_registry(file: Path) -> None:
    python, _, machine = file.stem.partition("-")
    platform = {"python_version": python, "python_full_version": f"{python}.0", "platform_machine": machine}
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())
    packages = [*project["project"]["dependencies"], *project["project"]["optional-dependencies"]["page"]]
    wanted = map(Requirement, [*project["build-system"]["requires"], *packages])
    versions = dict(package.split("==") for package in listed(file))
    for requirement in wanted:
        if requirement.marker is None or requirement.marker.evaluate(platform):
            assert versions[requirement.name] in requirement.specifier, requirement
    for package, hashes in listed(file).items():
        assert hashes, package
        assert all(re.fullmatch(r"--hash=sha256:[0-9a-f]{64}", digest) for digest in hashes), package
    assert "://" not in file.read_text()


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
