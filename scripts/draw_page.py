"""Draw the pictures of the page: in Chromium, on the demo and two more cameras. scripts/draw-page starts this."""

from __future__ import annotations

import sys
import tempfile
import threading
import time
from pathlib import Path

import cv2
import numpy as np

from edged.enrolled import ReviewPicture, ReviewStore
from edged.vision.pictures.png import to_png
from tests.fakes import eventually
from tests.page import browsed
from tests.page.browsed import DEMO, Served

ROOT = Path(__file__).parent.parent
PICTURES = ("cameras", "camera", "top", "teach", "phone")
QUALITY = 82  # of a WebP: text is sharp, and a picture takes less than 200 kB

MORE_CAMERAS = """
  belt:
    source: "pattern:640x480"
    fps: 5
    regions:
      whole: {left: 0.1, top: 0.1, right: 0.9, bottom: 0.9}
  gate:
    source: "http://127.0.0.1:9/stream.mjpg" # nobody listens there
    regions:
      whole: {left: 0.1, top: 0.1, right: 0.9, bottom: 0.9}

states:
  path:
    review: true"""

ANSWERED = {"empty/1.jpg": "empty", "people/1.jpg": "people", "empty/3.jpg": "empty", "people/3.jpg": "people",
            "empty/4.jpg": "people", "people/5.jpg": "people", "empty/5.jpg": "empty"}  # fmt: skip
"""Pictures of the demo as if they had been asked for, and their answers: one of them is wrong."""
OPEN = ("people/4.jpg", "empty/2.jpg", "people/2.jpg")


def main() -> int:
    """Draw them."""
    minutes = float(sys.argv[1]) if len(sys.argv) > 1 else 15.0
    demo = (DEMO / "edged.yaml").read_text()
    with browsed.served(demo.replace("\nstates:\n  path:", MORE_CAMERAS)) as both:
        wanted = _ask(both)
        both.start_daemon("street", "belt")
        _answer(both, wanted)
        both.start_page()
        threading.Event().wait(60 * minutes)  # scores come in
        with tempfile.TemporaryDirectory() as folder:
            browsed.drive(str(ROOT / "scripts" / "draw_page.mjs"), "chromium", both, folder)
            for name in PICTURES:
                picture = cv2.imread(f"{folder}/{name}.png")
                cv2.imwrite(str(ROOT / "docs" / f"page-{name}.webp"), picture, [cv2.IMWRITE_WEBP_QUALITY, QUALITY])
    return 0


def _ask(both: Served) -> dict[str, str]:
    """Put the pictures into the review queue; return the answers by the ids of the pictures."""
    store = ReviewStore(both.state / "review")
    answers = {}
    began = time.time_ns() // 1000 - 7_200_000_000
    for number, name in enumerate([*ANSWERED, *OPEN]):
        picture = np.asarray(cv2.imread(str(DEMO / name)), np.uint8)
        kept = store.add(
            ReviewPicture(
                id="", set="path", guess=name.partition("/")[0], p=0.5 + number / 50, camera="street", region="path",
                rotation=0, decode="full", t_wall_us=began + number * 427_000_000, width=picture.shape[1],
                height=picture.shape[0],
            ),
            to_png(np.ascontiguousarray(picture[:, :, ::-1])),
        )  # fmt: skip
        if name in ANSWERED:
            answers[kept.id] = ANSWERED[name]
    store.close()
    return answers


def _answer(both: Served, answers: dict[str, str]) -> None:
    with both.client() as daemon:
        for picture, state in answers.items():
            daemon.answer(picture, state)
        eventually(lambda: any(each.examples for each in daemon.states()), "they are examples", 60)


if __name__ == "__main__":
    sys.exit(main())
