"""States: what a place looks like, decided by a head that learned it from a few examples of each state.

The way of an example: `variants` of its picture are embedded with it, and all vectors make an `Example`. `train` makes
a `StateHead` of the examples of a `StateSet`; `objection` returns why it should not take over from an older one;
`dump` and `load` keep it. `leave_one_out` judges each example by the others, and `summary` and `advice` are what a
person may be told about that.

The way of a frame: a `Classifier` of one place makes an answer of each vector (`edged.values.StateAnswer`), a
`Decision` makes a decided state of the answers, and a `Review` keeps the frames to ask a person about. `PictureHealth`
compares the pictures themselves with the enrolled ones (`EnrolledLooks`).

Everything here is numpy; nothing reads a file, a socket or a clock.
"""

from __future__ import annotations

from edged.states.acceptance import errors, objection
from edged.states.classifier import Classifier, StateSet
from edged.states.decision import Decision, StateChange, StateReason
from edged.states.example import Example
from edged.states.head import MOST_EXAMPLES, MOST_STATES, StateHead, TrainingSet, train
from edged.states.head_file import dump, load
from edged.states.leave_one_out import LeftOut, leave_one_out
from edged.states.picture_health import PICTURE_STATES, EnrolledLooks, PictureHealth, PictureState
from edged.states.report import advice, summary
from edged.states.review import APART_SECONDS, Review, ReviewEntry, guess_of
from edged.states.variants import RECIPE, VARIANTS, variants

__all__ = [
    "APART_SECONDS",
    "MOST_EXAMPLES",
    "MOST_STATES",
    "PICTURE_STATES",
    "RECIPE",
    "VARIANTS",
    "Classifier",
    "Decision",
    "EnrolledLooks",
    "Example",
    "LeftOut",
    "PictureHealth",
    "PictureState",
    "Review",
    "ReviewEntry",
    "StateChange",
    "StateHead",
    "StateReason",
    "StateSet",
    "TrainingSet",
    "advice",
    "dump",
    "errors",
    "guess_of",
    "leave_one_out",
    "load",
    "objection",
    "summary",
    "train",
    "variants",
]
