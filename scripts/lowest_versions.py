"""Prints the lowest versions that pyproject.toml allows for this Python, as a file of constraints for pip."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

from packaging.requirements import Requirement
from packaging.version import Version

PROJECT = Path(__file__).parents[1] / "pyproject.toml"


def lowest_versions() -> Iterator[str]:
    """Yield a constraint for each package that this Python needs and that has a lowest version."""
    for line in tomllib.loads(PROJECT.read_text("utf-8"))["project"]["dependencies"]:
        requirement = Requirement(line)
        if requirement.marker is None or requirement.marker.evaluate():
            for each in requirement.specifier:
                if each.operator in (">=", "=="):
                    numbers = (*Version(each.version).release, 0, 0)[:3]
                    yield f"{requirement.name}=={'.'.join(map(str, numbers))}.*"  # OpenCV's have a fourth number


if __name__ == "__main__":
    print(*lowest_versions(), sep="\n")
