"""Check that pip can install the lists of ``requirements/`` on 64-bit ARM boards. Installs nothing."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

LISTS = Path(__file__).parent.parent / "requirements"
BOARDS = {"3.11": "Raspberry Pi OS bookworm", "3.13": "Raspberry Pi OS trixie"}
# glibc 2.36 (bookworm) and older: what pip on such a board accepts.
PLATFORMS = [f"manylinux_2_{minor}_aarch64" for minor in range(36, 16, -1)] + ["manylinux2014_aarch64"]


def resolves(python: str) -> bool:
    """Whether pip finds a wheel for everything in the board's list, with one of the listed hashes."""
    command = [sys.executable, "-m", "pip", "install", "--quiet", "--dry-run", "--ignore-installed", "--no-deps"]
    command += ["--target", "unused", "--only-binary=:all:", "--python-version", python, "--implementation", "cp"]
    command += ["--require-hashes", "-r", str(LISTS / f"{python}-aarch64.txt")]
    for platform in PLATFORMS:
        command += ["--platform", platform]
    return subprocess.run(command, check=False, timeout=300).returncode == 0


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
