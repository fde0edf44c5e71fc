"""MediaPipe samples pictures half a pixel further on; docs/parity.md says how far that leads."""

from __future__ import annotations

import numpy as np
import pytest

from edged.vision.runtime.engine import installed_engines
from tests.peers.drawing import Picture
from tests.peers.peer import Peer
from tests.peers.table import MODELS, SIDE, asked, cosines, edged, shrinking

pytestmark = [
    pytest.mark.peer,
    pytest.mark.skipif("ai-edge-litert" not in installed_engines(), reason="its kernels are tflite-support's"),
]


@pytest.mark.parametrize("name", [name for name in MODELS if "96" in name])
def test_edged_is_nearer_to_tflite_support_than_mediapipe_is(
    tflite_support: Peer, mediapipe: Peer, photographs: list[Picture], name: str
) -> None:
    path, cases = MODELS[name], shrinking(photographs, SIDE[name.startswith("efficientnet")], 15)
    embeds = [asked(tflite_support, path), edged(path), asked(mediapipe, path)]
    task_library, ours, theirs = [[embed(case) for case in cases] for embed in embeds]
    assert min(cosines(ours, task_library)) > 0.999999
    assert 0.8 < np.median(cosines(theirs, task_library)) < 0.9999
