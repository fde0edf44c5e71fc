"""JPEGs that are decoded small: the bundled clip as a camera of many pixels would send it."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import get_args

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.camera import Source, open_source
from edged.config import Loaded, load_text
from edged.pipeline.loading.model import open_model, read_model_file
from edged.pipeline.loading.references import open_references
from edged.values import PixelFormat
from edged.vision.pixels.reduction import Decode
from tests.camera.servers import answering

Picture = NDArray[np.uint8]
Facts = tuple[str, tuple[int, ...]]
"""The ``space_id`` and the shape of a frame."""

LARGER = 4  # by how much the clip of 768 × 576 is enlarged, so that half of it is still more than the model takes

# The scenes in the region of the clip, by the numbers of its frames.
CALM, CROSSED, BUSY = (30, 50, 110, 140), (78, 81), (200, 215)

CONFIG = """\
model: {{name: efficientnet-lite0-int8, decode: {decode}}}
cameras:
  street:
    source: {url}
    regions:
      path: {{left: 0.05, top: 0.32, right: 0.42, bottom: 0.56}}
references:
  path-empty: {{images: [path-empty.png]}}
  path-busy: {{images: [path-busy.png]}}
"""


def larger(picture: cv2.typing.MatLike) -> Picture:
    enlarged = cv2.resize(picture, None, fx=LARGER, fy=LARGER, interpolation=cv2.INTER_CUBIC)
    return np.asarray(enlarged, np.uint8)


@pytest.fixture(scope="module")
def moments() -> dict[int, bytes]:
    """The frames that are compared, as JPEGs."""
    clip = cv2.VideoCapture(str(Path(__file__).parent.parent.parent / "config" / "demo" / "street.mp4"))
    found = {}
    for number in range(max(BUSY) + 1):
        assert clip.grab()
        if number in CALM + CROSSED + BUSY:
            found[number] = cv2.imencode(".jpg", larger(clip.retrieve()[1]), [cv2.IMWRITE_JPEG_QUALITY, 85])[1]
    clip.release()
    return {number: jpeg.tobytes() for number, jpeg in found.items()}


@contextmanager
def camera(jpeg: bytes) -> Iterator[str]:
    """The address of a camera that sees the same for ever."""
    part = b"--x\r\nContent-Type: image/jpeg\r\nContent-Length: %d\r\n\r\n%s\r\n" % (len(jpeg), jpeg)
    head = b"HTTP/1.1 200 OK\r\nContent-Type: multipart/x-mixed-replace; boundary=x\r\n\r\n"
    with answering(head + part * 2 + b"--x--\r\n") as url:
        yield url


def scores(folder: Path, decode: Decode, moments: dict[int, bytes]) -> tuple[dict[str, dict[int, float]], Facts]:
    """The score of each reference in each of *moments*, and how they came about."""

    def configured(url: str) -> Loaded:
        return load_text(CONFIG.format(decode=decode, url=url), folder / "edged.yaml")

    loaded = configured("http://127.0.0.1/")
    model = read_model_file(loaded)
    found: dict[str, dict[int, float]] = {"path-empty": {}, "path-busy": {}}
    with open_model(loaded, model) as embedder:
        scorer = open_references(loaded, embedder).scorer("street", "path")
        vector = np.zeros(embedder.dimension, np.float32)
        for number, jpeg in moments.items():
            with camera(jpeg) as url:
                config = configured(url).config.cameras["street"]
                frame = one_frame(
                    open_source(config, decode=decode, input_size=(model.input.width, model.input.height))
                )
            box = config.regions["path"].region.to_box(frame.shape[1], frame.shape[0])
            embedder.embed(frame, PixelFormat.BGR, box, 0, vector)
            for match in scorer.matches(vector):
                found[match.reference][number] = match.similarity
        return found, (embedder.space_id, frame.shape)


def one_frame(source: Source) -> Picture:
    try:
        frame = np.zeros(source.open().shape, np.uint8)
        assert source.grab(10.0) is not None
        source.retrieve(frame)
    finally:
        source.close()
    return frame


def test_the_scores_of_the_clip_keep_their_order(demo: Path, tmp_path: Path, moments: dict[int, bytes]) -> None:
    for name in ("path-empty", "path-busy"):
        picture = cv2.imread(str(demo / f"{name}.jpg"))
        assert picture is not None
        cv2.imwrite(str(tmp_path / f"{name}.png"), larger(picture))
    facts = {}
    for decode in get_args(Decode):
        found, facts[decode] = scores(tmp_path, decode, moments)
        empty, busy = found["path-empty"], found["path-busy"]
        assert max(empty[n] for n in CROSSED + BUSY) < min(empty[n] for n in CALM)
        assert min(busy[n] for n in BUSY) > max(busy[n] for n in CALM)
    (full_space, full_shape), (reduced_space, reduced_shape) = facts["full"], facts["reduced"]
    assert (full_shape, reduced_shape) == ((2304, 3072, 3), (1152, 1536, 3))
    assert full_space != reduced_space
