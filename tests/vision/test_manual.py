"""The manual of the library works as it is written."""

from __future__ import annotations

import os
import re
import subprocess
import sys
from dataclasses import fields
from pathlib import Path

from edged import vision

ROOT = Path(__file__).parent.parent.parent
MANUAL = (ROOT / "docs" / "library.md").read_text()


def test_its_programs_run() -> None:
    program = "\n".join(re.findall(r"```python\n(.*?)```", MANUAL, re.DOTALL))
    done = subprocess.run(
        [sys.executable, "-c", program],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
        env={**os.environ, "PYTHONPATH": str(ROOT)},
    )
    first, second, third = done.stdout.splitlines()
    assert first.startswith("1280 feature ")
    assert 0.3 < float(second) < 1
    assert third.startswith("model README.md: The model is not a valid Flatbuffer buffer: it is a text file")


def test_it_names_everything_that_is_public_or_an_option() -> None:
    options = [field.name for each in (vision.BaseOptions, vision.ImageEmbedderOptions) for field in fields(each)]
    known_from_the_task_library = {"base_options", "embedding_options", "file_content", "num_threads", "use_coral"}
    known_from_the_task_library |= {"ColorSpaceType", "Embedding", "EmbeddingResult", "FeatureVector", "PixelFormat"}
    missing = [name for name in [*vision.__all__, *options] if name not in MANUAL]
    assert set(missing) <= known_from_the_task_library
    assert all(layout in MANUAL for layout in set(vision.PixelFormat) - {"rgb", "rgba"})
