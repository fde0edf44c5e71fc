"""Uncompressed frames where the bus carries them, JPEGs where they save it."""

from __future__ import annotations

from typing import get_args

import pytest

from edged.camera.v4l2 import choice
from edged.camera.v4l2.choice import PIXEL_NAMES, FormatRequest
from edged.camera.v4l2.device import Mode
from edged.config.sections.camera import PixelFormatName
from edged.errors import SourceError

USB_1, USB_2, USB_3 = 12.0, 480.0, 5000.0

VGA, HD = (640, 480), (1280, 720)


Offer = tuple[str, tuple[Mode, ...]]


def offer(name: str, *modes: tuple[tuple[int, int], float]) -> Offer:
    return name, tuple(Mode(*size, (rate,)) for size, rate in modes)


def choose(offers: list[Offer], wish: FormatRequest, link_speed: float | None) -> str:
    """What is chosen from *offers*."""
    return choice.choose([name for name, _ in offers], lambda name: dict(offers)[name], wish, link_speed)


MJPG = offer("MJPG", (VGA, 30.0), (HD, 30.0))
YUYV = offer("YUYV", (VGA, 30.0), (HD, 10.0))


@pytest.mark.parametrize(
    ("wish", "link", "chosen"),
    [
        pytest.param(FormatRequest(), USB_2, "MJPG", id="18 MB/s are more than a fifth of USB 2"),
        pytest.param(FormatRequest(fps=10.0), USB_2, "YUYV", id="6 MB/s are less"),
        pytest.param(FormatRequest(fps=10.0), USB_1, "MJPG", id="but not of USB 1"),
        pytest.param(FormatRequest(), USB_3, "YUYV", id="USB 3 carries it"),
        pytest.param(FormatRequest(), None, "YUYV", id="there is no bus to save"),
        pytest.param(FormatRequest(1280, 720, 30.0), None, "MJPG", id="uncompressed it is slower"),
        pytest.param(FormatRequest(1280, 720), USB_3, "MJPG", id="uncompressed it is slower than usual"),
        pytest.param(FormatRequest(1280, 720, 5.0), USB_2, "YUYV", id="slow is enough"),
        pytest.param(FormatRequest(pixels="yuyv"), USB_1, "YUYV", id="a wish is a wish"),
        pytest.param(FormatRequest(1280, 720, 5.0, "mjpg"), None, "MJPG", id="also the other way round"),
    ],
)
@pytest.mark.parametrize("turned", [False, True])
def test_the_bus_decides_unless_the_configuration_does(
    wish: FormatRequest, link: float | None, chosen: str, turned: bool
) -> None:
    offers = [YUYV, MJPG] if turned else [MJPG, YUYV]
    assert choose(offers, wish, link) == chosen


def test_a_size_that_is_there_as_jpeg_only_is_taken_as_jpeg() -> None:
    assert choose([offer("YUYV", (VGA, 5.0)), MJPG], FormatRequest(1280, 720, 5.0), None) == "MJPG"


def test_a_size_that_nobody_has_is_judged_by_the_nearest_one() -> None:
    assert (
        choose([offer("MJPG", (HD, 30.0)), offer("YUYV", (HD, 10.0))], FormatRequest(1024, 768, 30.0), None) == "MJPG"
    )


def test_a_range_of_sizes_covers_what_is_in_it() -> None:
    scaling: Offer = ("YUYV", (Mode(1920, 1080, (30.0, 1.0), any_rate=True, smallest=(32, 32)),))
    assert choose([MJPG, scaling], FormatRequest(800, 600), None) == "YUYV"
    assert choose([offer("MJPG", ((3840, 2160), 30.0)), scaling], FormatRequest(3840, 2160), None) == "MJPG"


def test_colours_are_not_given_up() -> None:
    gray = offer("GREY", (VGA, 30.0))
    assert choose([gray, MJPG], FormatRequest(), None) == "MJPG"
    assert choose([gray, YUYV], FormatRequest(), None) == "YUYV"
    assert choose([gray], FormatRequest(), None) == "GREY"


def test_the_format_that_is_cheapest_to_carry_comes_first() -> None:
    assert choose([YUYV, offer("BGR3", (VGA, 30.0)), offer("NV12", (VGA, 30.0))], FormatRequest(), None) == "NV12"


def test_formats_without_sizes_are_taken_too() -> None:
    assert choose([("YUYV", ())], FormatRequest(1280, 720), USB_2) == "YUYV"
    assert choose([("YUYV", ()), ("JPEG", ())], FormatRequest(1280, 720), USB_2) == "JPEG"


@pytest.mark.parametrize(
    ("offers", "wish", "sentence"),
    [
        ([], FormatRequest(), "it offers nothing, none of which works here; these do: MJPG, JPEG, NV12, "),
        ([offer("pBAA", (VGA, 30.0))], FormatRequest(), "it offers pBAA, none of which works here"),
        ([MJPG, YUYV], FormatRequest(pixels="gray"), "it does not offer gray; it offers MJPG, YUYV"),
    ],
)
def test_what_cannot_be_had_is_refused_with_what_can(offers: list[Offer], wish: FormatRequest, sentence: str) -> None:
    with pytest.raises(SourceError, match=sentence):
        choose(offers, wish, USB_2)


def test_the_formats_of_the_configuration_are_those_that_can_be_chosen() -> None:
    assert set(get_args(PixelFormatName)) == set(PIXEL_NAMES)
