"""References that frames are compared with. Pictures are embedded once, or read as vectors from a catalogue."""

from __future__ import annotations

from edged.references.collection import References
from edged.references.labels import labels_of, once_each
from edged.references.pictures import embed_picture, embed_upright, picture_files, read_reference
from edged.references.reference import Reference, ReferenceGroup
from edged.references.scorer import Scorer

__all__ = [
    "Reference",
    "ReferenceGroup",
    "References",
    "Scorer",
    "embed_picture",
    "embed_upright",
    "labels_of",
    "once_each",
    "picture_files",
    "read_reference",
]
