"""Programs of users pass strict checks of types: those of the README, and what they call."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent

PROGRAM = """
from typing import Any, assert_type

import numpy as np
import numpy.typing as npt

from edged.client import Subscriber
from edged.vision import Delegate, ImageEmbedder, TensorImage
from edged.wire import Event, Message, State, Status, Vec

assert_type(Subscriber(), Subscriber[Vec])
for vec in Subscriber("tcp://127.0.0.1:5556", kinds=("vec",), newest_only=True):
    assert_type(vec, Vec)
assert_type(Subscriber(kinds="event").receive(1.0), Event | None)
assert_type(Subscriber(kinds="state").receive(), State | None)
assert_type(Subscriber(kinds=("status",)).receive(), Status | None)
assert_type(Subscriber(kinds=("vec", "event")).receive(), Message | None)


def any_of_them(subscriber: Subscriber) -> Message | None:
    return subscriber.receive()


any_of_them(Subscriber())


def embed(embedder: ImageEmbedder, picture: npt.NDArray[Any], bytes_: npt.NDArray[np.uint8]) -> float:
    one, other = (embedder.embed(each, rotation=-90).embeddings[0] for each in (picture, bytes_))
    TensorImage.create_from_array(picture, "yv21")
    return embedder.cosine_similarity(one, other.feature_vector)


Delegate("external", library="libmy.so", options={"device": "1"})
"""


def subscriber_of_the_readme() -> str:
    blocks = re.findall(r"```python\n(.*?)```", (ROOT / "README.md").read_text(), re.DOTALL)
    [program] = [str(block) for block in blocks if "Subscriber" in block]
    return program


CHECKERS = {
    "mypy": [sys.executable, "-m", "mypy", "--strict", "--cache-dir", ".cache"],
    "pyright": ["pyright", "--pythonpath", sys.executable],
}


@pytest.mark.once
@pytest.mark.timeout(600)
@pytest.mark.parametrize("checker", CHECKERS)
def test_programs_of_users_pass_strict_checks(checker: str, tmp_path: Path) -> None:
    if checker == "pyright" and shutil.which("pyright") is None:
        pytest.skip("pyright is not installed; it is no package of Python")
    (tmp_path / "readme.py").write_text(subscriber_of_the_readme())
    (tmp_path / "program.py").write_text(PROGRAM)
    (tmp_path / "pyrightconfig.json").write_text(f'{{"typeCheckingMode": "strict", "extraPaths": ["{ROOT}"]}}')
    check = subprocess.run(
        [*CHECKERS[checker], "readme.py", "program.py"],
        cwd=tmp_path,
        env={**os.environ, "MYPYPATH": str(ROOT), "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=500,
        check=False,
    )
    assert check.returncode == 0, check.stdout + check.stderr
