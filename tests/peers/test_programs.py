"""Programs that were written for the Task Library: what answers there answers here, and what fails fails alike."""

from __future__ import annotations

import pytest

from edged.task import core, processor, vision
from tests.peers.peer import Peer
from tests.peers.programs import PROGRAMS, run

pytestmark = pytest.mark.peer


@pytest.mark.parametrize("name", PROGRAMS)
def test_a_program_for_the_task_library_gets_the_same_answer_or_the_same_exception(
    tflite_support: Peer, name: str
) -> None:
    theirs, _ = tflite_support.ask("program", name=name)
    ours = run(name, core, processor, vision)
    if "answer" in theirs:
        assert ours == theirs
    else:
        assert "raised" in ours, theirs
        assert theirs["raised"][0] in ours["raised"], (theirs, ours)
        assert len(ours["said"]) >= 20
