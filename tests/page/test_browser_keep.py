"""Regions that are kept on the page, in Chromium, and the configuration file afterwards."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from typing import Any

import pytest

from edged.config import load
from tests.page import browsed
from tests.page.browsed import CONFIGURED, DEMO, RIG, Served, drive

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not RIG, reason="only by hand, with scripts/browser-rig"),
]

LINE = "path: {left: 0.05, top: 0.32, right: 0.42, bottom: 0.56}"
DOOR = "door: {left: 20px, top: 30px, right: 200px, bottom: 300px}"


@pytest.fixture
def served() -> Iterator[Served]:
    """The demo with comments and another region, in pixels, which nobody touches."""
    demo = (DEMO / "edged.yaml").read_text()
    assert LINE in demo
    with browsed.served(demo.replace(LINE, f"{LINE} # aimed in May\n      {DOOR}")) as both:
        both.start_daemon()
        yield both


def keep(served: Served) -> dict[str, Any]:
    """Drag and keep; return what the page showed then."""
    printed = drive("keep.mjs", "chromium", served)
    (line,) = [line for line in printed.splitlines() if line.startswith("saw ")]
    seen: dict[str, Any] = json.loads(line.removeprefix("saw "))
    return seen


def test_a_kept_region_is_in_the_file_and_everything_else_as_before(served: Served) -> None:
    before = served.config.read_text()
    served.start_page()
    seen = keep(served)
    after = served.config.read_text()
    left, top, right, bottom = (seen["edges"][edge] for edge in ("left", "top", "right", "bottom"))
    assert (left, top) == CONFIGURED["path"][:2]
    assert right > CONFIGURED["path"][2]
    assert after == before.replace("right: 0.42, bottom: 0.56}", f"right: {right}, bottom: {bottom}}}")
    assert served.config.with_suffix(".yaml.bak").read_text() == before
    assert seen["trial"] == "none"

    running = served.camera()
    assert (running.trial_s, running.regions_at["path"]) == (None, (left, top, right, bottom))
    served.stop_daemon()
    served.start_daemon()
    assert served.camera().regions_at == running.regions_at
    assert load(served.config).config.cameras["street"].regions["door"].is_in_pixels


def test_where_the_file_cannot_be_written_the_lines_to_paste_are_shown(served: Served) -> None:
    before = served.config.read_text()
    served.config.chmod(0o444)
    served.folder.chmod(0o555)
    root = os.geteuid() == 0  # root may write everything unless that right is taken away
    served.start_page(*(["setpriv", "--bounding-set", "-dac_override"] if root else []))
    seen = keep(served)
    assert served.config.read_text() == before
    right, bottom = seen["edges"]["right"], seen["edges"]["bottom"]
    assert f"right: {right}" in seen["yaml"]
    assert f"bottom: {bottom}" in seen["yaml"]
    assert "door" not in seen["yaml"], "what was not drawn is nothing to paste"
