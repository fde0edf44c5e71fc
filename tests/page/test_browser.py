"""The page in Chromium and Firefox, against a real daemon on the demo's clip; `scripts/browser-rig` installs them."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.fakes import eventually
from tests.page import browsed
from tests.page.browsed import RIG, Served, drive

pytestmark = [
    pytest.mark.browser,
    pytest.mark.timeout(300),
    pytest.mark.skipif(not RIG, reason="only by hand, with scripts/browser-rig"),
]


@pytest.fixture(scope="module")
def served() -> Iterator[Served]:
    """The demo and its page, which the tests share: each leaves it as it was."""
    with browsed.served() as both:
        both.start()
        yield both


@pytest.fixture(params=["chromium", "firefox"])
def browser(request: pytest.FixtureRequest, served: Served) -> Iterator[str]:
    """The name of a browser, which finds the camera as it is configured."""
    assert served.runs_as_configured()
    yield str(request.param)
    served.end_trial()


def test_the_token_opens_the_page_and_pictures_move(browser: str, served: Served) -> None:
    drive("moving.mjs", browser, served)


def test_a_browser_without_a_link_is_asked_for_a_password(browser: str, served: Served) -> None:
    drive("password.mjs", browser, served)


def test_pictures_go_on_in_a_browser_that_reports_late_what_is_on_the_screen(browser: str, served: Served) -> None:
    drive("busy.mjs", browser, served)


def test_a_wrong_configuration_is_shown_in_the_first_view_until_it_is_mended(browser: str, served: Served) -> None:
    drive("wrong.mjs", browser, served)


def test_a_dragged_region_is_seen_within_a_second_and_taken_back_by_itself(browser: str, served: Served) -> None:
    drive("region.mjs", browser, served)
    eventually(served.runs_as_configured, "the trial has ended")


def test_everything_can_be_done_by_keys_alone(browser: str, served: Served) -> None:
    drive("keyboard.mjs", browser, served)
    eventually(served.runs_as_configured, "the trial was taken back")


def test_axe_finds_nothing_and_nothing_is_cut_in_any_view(browser: str, served: Served) -> None:
    drive("accessible.mjs", browser, served)
