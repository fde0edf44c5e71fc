"""Check that pip can install edged on 64-bit ARM boards without compiling. Asks the package index, installs nothing.

pip evaluates markers for the machine it runs on, so they are evaluated here for the board first.
"""

from __future__ import annotations

import subprocess
import sys
import tomllib
from pathlib import Path

from packaging.requirements import Requirement

BOARDS = {"3.11": "Raspberry Pi OS bookworm", "3.13": "Raspberry Pi OS trixie"}
# glibc 2.36 (bookworm) and older: what pip on such a board accepts.
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in range(36, 16, -1)] + ["manylinux2014_aarch64"]


def requirements(python: str) -> list[str]:
    """Dependencies of edged on an aarch64 board with this Python, without markers."""
    project = tomllib.loads((Path(__file__).parent.parent / "pyproject.toml").read_text())["project"]
    board = {
        "python_version": python,
        "python_full_version": f"{python}.0",
        "platform_machine": "aarch64",
        "sys_platform": "linux",
    }
    wanted = [Requirement(text) for text in project["dependencies"]]
    return [f"{r.name}{r.specifier}" for r in wanted if r.marker is None or r.marker.evaluate(board)]


def resolves(python: str) -> bool:
    """Whether pip finds a wheel for everything."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed"]
    command += ["--target", "unused", "--only-binary=:all:", "--python-version", python, "--implementation", "cp"]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    return subprocess.run(command + requirements(python), check=False, timeout=300).returncode == 0


def main() -> int:
    """Check every board, and print which fail."""
    failed = 0
    for python, board in BOARDS.items():
        found = resolves(python)
        print(f"aarch64, Python {python} ({board}): {'every wheel exists' if found else 'WHEELS ARE MISSING'}")
        failed += not found
    return 1 if failed else 0


if __name__ == "__main__":
    sys.exit(main())
