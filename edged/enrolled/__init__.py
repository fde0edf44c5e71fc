"""References that were enrolled in a running daemon: picture, vector and metadata, kept through restarts.

A reference is two files in one folder: a picture with a name of its own, such as ``door-shut.5f0c….png``, and
``door-shut.json``, which names that picture and holds the vector. The picture is written and synced first; renaming
the second file into its place is the one moment at which a reference begins to be, is replaced, or (by its removal)
ends. So, at whichever moment a process is killed, the folder holds what was promised before that moment or after it,
and never half of one.
"""

from __future__ import annotations

from edged.enrolled.record import Enrolled
from edged.enrolled.store import MOST, MOST_NAMED, EnrolledStore

__all__ = ["MOST", "MOST_NAMED", "Enrolled", "EnrolledStore"]
