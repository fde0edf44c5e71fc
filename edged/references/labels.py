"""Labels of pictures: the names of their files, each different and none altered."""

from __future__ import annotations

import os
from collections.abc import Sequence
from pathlib import Path

from edged.errors import ReferenceImageError
from edged.label_text import escaped

__all__ = ["LONGEST_LABEL", "labels_of", "once_each"]

LONGEST_LABEL = 200
"""Characters; a thousand of the longest fit into a message."""


def once_each(paths: Sequence[Path]) -> list[Path]:
    """Return *paths* without those that name a file again."""
    return list({path.absolute(): path for path in reversed(paths)}.values())[::-1]


def labels_of(paths: Sequence[Path]) -> list[str]:
    """Return a label for each of *paths*, all of different files: the shortest kind of name that tells them apart.

    That is the file name without suffix, else with it, else with its folders; as `escaped` writes it.

    Raises:
        ReferenceImageError: a name is too long for a label.
    """
    common = os.path.commonpath([path.absolute().parent for path in paths]) if paths else ""
    for named in (
        [path.stem for path in paths],
        [path.name for path in paths],
        [os.path.relpath(path.absolute(), common) for path in paths],
    ):
        labels = [escaped(name) for name in named]
        if len(set(labels)) == len(labels):
            break
    for path, label in zip(paths, labels, strict=True):
        if len(label) > LONGEST_LABEL:
            raise ReferenceImageError(
                f"{escaped(str(path))}: its label would have {len(label)} characters, and {LONGEST_LABEL} are "
                "permitted; give the file a shorter name"
            )
    return labels
