"""What people do on the page, in Chromium and Firefox: teach, answer, and see a daemon that was away."""

from __future__ import annotations

import time
from collections.abc import Iterator

import cv2
import numpy as np
import pytest

from edged.enrolled import ReviewPicture, ReviewStore
from edged.vision.pictures.png import to_png
from tests.page import browsed
from tests.page.browsed import DEMO, RIG, Served, drive

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not RIG, reason="only by hand, with scripts/browser-rig"),
]

QUESTIONS = ("empty/1.jpg", "people/1.jpg", "empty/2.jpg")
TWELVE = """
version: 2
node: twelve
model: {name: efficientnet-lite0-int8}
cameras:
"""
CAMERA = """
  camera-{number}:
    source: "pattern:320x240"
    fps: 1
    regions:
      whole: {{left: 0.25, top: 0.25, right: 0.75, bottom: 0.75}}
"""
PUBLISH = """
publish:
  endpoints: ["pub+bind:tcp://127.0.0.1:5556"]
"""


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """The demo with three pictures that its set was not sure of."""
    demo = (DEMO / "edged.yaml").read_text()
    of = "    of: [empty, people]\n"
    assert of in demo
    with browsed.served(demo.replace(of, f"{of}    review: true\n")) as both:
        store = ReviewStore(both.state / "review")
        for number, name in enumerate(QUESTIONS):
            picture = cv2.imread(str(DEMO / name))
            assert picture is not None
            store.add(_unsure(picture.shape, number), to_png(np.asarray(picture[:, :, ::-1], np.uint8)))
        store.close()
        both.start()
        yield both


def _unsure(shape: tuple[int, ...], number: int) -> ReviewPicture:
    """A picture that the set of the demo was not sure of, an hour and *number* minutes ago."""
    return ReviewPicture(
        id="", set="path", guess="empty", p=0.51 + number / 100, camera="street", region="path", rotation=0,
        decode="full", t_wall_us=time.time_ns() // 1000 - 3_600_000_000 + number * 61_000_000, width=shape[1],
        height=shape[0],
    )  # fmt: skip


def test_three_questions_are_answered_by_keys(served: Served) -> None:
    drive("review.mjs", "firefox", served)
    with served.client() as daemon:
        (path,) = [each for each in daemon.states() if each.name == "path"]
        answers = [entry.answer for entry in daemon.review("path").entries if entry.answer is not None]
    assert sorted(example.state for example in path.examples) == ["empty", "people"]
    assert answers == ["empty"], "it waits for an answer of people"


def test_two_states_are_taught_and_decided(served: Served) -> None:
    drive("teach.mjs", "chromium", served)


@pytest.mark.parametrize("browser", ["chromium", "firefox"])
def test_a_daemon_that_was_away_is_found_again(browser: str, served: Served) -> None:
    drive("lost.mjs", browser, served)


def test_twelve_cameras_show_their_pictures_in_one_tab() -> None:
    cameras = "".join(CAMERA.format(number=number) for number in range(1, 13))
    with browsed.served(TWELVE + cameras + PUBLISH) as many:
        many.start()
        drive("many.mjs", "chromium", many)
