"""Everything that was enrolled in a running daemon, kept through restarts: references, and examples of states.

A reference is two files in one folder: a picture with a name of its own, such as ``door-shut.5f0c….png``, and
``door-shut.json``, which names that picture and holds the vector. The picture is written and synced first; renaming
the second file into its place is the one moment at which a reference begins to be, is replaced, or (by its removal)
ends. So, at whichever moment a process is killed, the folder holds what was promised before that moment or after it,
and never half of one.

An example is three files in another folder: ``bay.5f0c….json``, which names its set and state, its picture, and its
vectors, which are only there to save time. Its name never changes and is never used again, so that the same holds: the
first file makes the example, changes its state, and ends it. The head that a set has learned lies beside them.

A picture to review is two files in a third folder, in the same way. Its example has the id that it had, so that a
picture of which there is an example already is one that was answered.
"""

from __future__ import annotations

from edged.enrolled.example_record import EnrolledExample
from edged.enrolled.example_store import MOST_OF_A_SET, MOST_OF_ALL, MOST_STATES, ExampleStore, ReadOnlyExamples
from edged.enrolled.example_vectors import compact
from edged.enrolled.record import Enrolled
from edged.enrolled.record_folder import MOST_NAMED
from edged.enrolled.review_record import ReviewPicture
from edged.enrolled.review_store import ReviewStore
from edged.enrolled.store import MOST, EnrolledStore

__all__ = [
    "MOST",
    "MOST_NAMED",
    "MOST_OF_ALL",
    "MOST_OF_A_SET",
    "MOST_STATES",
    "Enrolled",
    "EnrolledExample",
    "EnrolledStore",
    "ExampleStore",
    "ReadOnlyExamples",
    "ReviewPicture",
    "ReviewStore",
    "compact",
]
