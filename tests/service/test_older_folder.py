"""A folder of an older edged under this one: its model, catalogue and enrolled reference count as they did.

``older/a23e895`` was made by that version: the catalogue by ``edged embed``, the reference by ``edged enroll``, and the
scores below are those that its daemon published. Its configuration names no model.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from edged.client import Subscriber
from edged.wire import Vec

pytestmark = pytest.mark.once

OLDER = Path(__file__).parent / "older" / "a23e895"
PATIENT = 100.0
SPACE = "4e0fbb7aa5f8ce79"
SCORES = {
    ("path-now", None): 1.0,
    ("parts", "grass"): 0.90765,
    ("parts", "people"): 0.664834,
    ("people", None): 0.664834,
}


def files(folder: Path) -> dict[Path, bytes]:
    return {path.relative_to(folder): path.read_bytes() for path in sorted(folder.rglob("*.*")) if path.is_file()}


def test_it_has_the_same_space_and_scores_and_loses_nothing(tmp_path: Path) -> None:
    shutil.copytree(OLDER, tmp_path, dirs_exist_ok=True)
    before = files(tmp_path / "state")
    command = [sys.executable, "-m", "edged", "run", "-c", str(tmp_path / "edged.yaml")]
    environment = {**os.environ, "STATE_DIRECTORY": str(tmp_path / "state")}
    with (
        Subscriber(f"ipc://{tmp_path}/pub.sock") as subscriber,
        subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=environment) as daemon,
    ):
        try:
            message = subscriber.receive(PATIENT)
        finally:
            daemon.terminate()
        _, log = daemon.communicate(timeout=PATIENT)
    assert daemon.returncode == 0, log

    assert isinstance(message, Vec)
    assert (message.model, message.space_id, message.region) == ("efficientnet-lite0", SPACE, "path")
    with np.load(OLDER / "parts.npz") as catalogue:
        assert str(catalogue["space_id"]) == SPACE
    assert json.loads((OLDER / "state/references/path-now.json").read_text())["space_id"] == SPACE
    assert {(match.ref, match.label): match.s for match in message.sims} == pytest.approx(SCORES, abs=1e-3)
    assert message.refs == len(SCORES)

    after = files(tmp_path / "state")
    assert {path: after.get(path) for path in before} == before
    [line] = [line for line in log.splitlines() if "version: 2" in line]
    assert "model: efficientnet-lite0, because none is named" in line
