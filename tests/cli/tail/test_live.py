"""The live view is a function, and its test needs no terminal."""

from __future__ import annotations

import dataclasses
import io

import pytest
from rich.console import Console

from edged.cli.tail.live import View, render
from edged.cli.tail.plain import plain
from edged.cli.tail.state import Line, TailState
from edged.cli.text import lasted, some
from tests.publishing import status, vec

LINE = Line(
    node="porch",
    camera="street",
    region="path",
    state="running",
    reason="",
    scores=(("path-empty", 0.9123), ("path-busy", 0.25)),
    rate=10.04,
    latency_ms=14.23,
    age_ms=15.91,
    drops=(("capture", 0), ("ring", 0), ("publish", 0)),
    gaps=0,
)


def view(*lines: Line, **other: object) -> View:
    state = TailState()
    state.add_message(vec(), 0.01, now=0.0)
    state.add_message(status(temp_c=51.2), 0.0, now=0.0)
    usual = View(
        address="ipc:///run/pub.sock",
        nodes=tuple(state.nodes()),
        lines=lines,
        messages=1234,
        waited=60.0,
        malformed=0,
        problem="",
        restarts=0,
        hint="is a daemon running?",
    )
    return dataclasses.replace(usual, **other)  # type: ignore[arg-type]  # tests give the right ones


def seen(shown: View, width: int, *, ascii_only: bool = False) -> list[str]:
    """The rows of *shown* on a terminal of *width* columns, without colours."""
    console = Console(file=io.StringIO(), width=width, force_terminal=True, color_system=None, highlight=False)
    with console.capture() as capture:
        console.print(render(shown, width, ascii_only=ascii_only))
    return [row.rstrip() for row in capture.get().splitlines()]


def test_a_region_is_shown_with_all_its_figures() -> None:
    heading, columns, first, second, footer = seen(view(LINE), 100)
    assert heading == "porch  efficientnet-lite0 · ai-edge-litert 2.3.0 xnnpack · up 5 s · 143 MiB · 51 °C"
    assert columns.split() == ["camera/region", "state", "scores", "msg/s", "latency", "age", "drops", "gaps"]
    assert first.split()[:3] == ["street/path", "running", "path-busy"]
    assert first.split()[4:] == ["0.250", "10.0", "14.2", "ms", "15.9", "ms", "0", "0"]
    assert second.split()[0] == "path-empty"
    assert second.split()[2] == "0.912"
    assert footer == "1234 messages from ipc:///run/pub.sock · Ctrl-C ends"


@pytest.mark.parametrize("width", [60, 72, 80, 100, 120, 200])
def test_it_fits_the_terminal(width: int) -> None:
    long = dataclasses.replace(
        LINE,
        camera="loading-bay-on-the-north-side",
        region="left-half",
        scores=(("a-reference-with-a-long-name-that-goes-on", 0.5), ("b", -0.123)),
        drops=(("capture", 0), ("ring", 123_456), ("publish", 7)),
        gaps=1234,
    )
    rows = seen(view(LINE, long), width)
    assert all(len(row) <= width for row in rows)
    assert any("0.912" in row for row in rows)
    assert any("-0.123" in row for row in rows)
    assert any("ring 123456" in row for row in rows)
    assert any("publish 7" in row for row in rows)


def test_at_eighty_columns_there_are_bars() -> None:
    assert any("█" in row for row in seen(view(LINE), 80))


def test_a_bar_is_as_long_as_the_score_is_high() -> None:
    scores = (("a", 1.2), ("b", 1.0), ("c", 0.5), ("d", 0.0), ("e", -0.5))
    rows = seen(view(dataclasses.replace(LINE, scores=scores)), 120)
    lengths = [row.count("█") for row in rows if "0." in row or "1." in row]
    assert lengths[:5] == [30, 30, 15, 0, 0]


def test_a_terminal_without_utf_8_gets_bars_of_ascii() -> None:
    rows = seen(view(LINE), 100, ascii_only=True)
    assert any("#####" in row for row in rows)
    assert not any("█" in row for row in rows)


def test_scores_stay_in_their_places_when_another_becomes_the_best() -> None:
    calm = dataclasses.replace(LINE, scores=(("path-empty", 0.9), ("path-busy", 0.2)))
    busy = dataclasses.replace(LINE, scores=(("path-busy", 0.8), ("path-empty", 0.3)))

    def order(line: Line) -> list[bool]:
        return ["path-empty" in row for row in seen(view(line), 80)]

    assert order(calm) == order(busy)


def test_the_best_few_of_many_references_are_shown_and_the_rest_counted() -> None:
    many = tuple((f"r{number:03}", 1 - number / 1000) for number in range(300))
    rows = seen(view(dataclasses.replace(LINE, scores=many)), 80)
    assert sum("r00" in row for row in rows) == 6
    assert any("and 294 more" in row for row in rows)


@pytest.mark.parametrize("state", ["lost", "frozen", "silent", "stopped", "bye"])
def test_a_camera_that_does_not_run_shows_why_and_no_old_scores(state: str) -> None:
    rows = seen(view(dataclasses.replace(LINE, state=state, reason="because")), 80)
    assert any(state in row and "because" in row for row in rows)
    assert not any("path-empty" in row for row in rows)


def test_a_camera_without_a_region_yet_has_its_name_alone() -> None:
    starting = Line("porch", "yard", "", "starting", "", (), 0.0, None, None, (), 0)
    row = next(row for row in seen(view(starting), 80) if "yard" in row)
    assert row.split() == ["yard", "starting", "0.0", "-", "-", "0", "0"]


def test_two_nodes_have_a_heading_each() -> None:
    state = TailState()
    for node in ("porch", "garage"):
        state.add_message(vec(node=node), 0.01, now=0.0)
    rows = seen(view(nodes=tuple(state.nodes()), lines=tuple(state.lines(0.0, {}))), 80)
    starts = [row.split()[0] for row in rows]
    assert starts.index("garage") < starts.index("porch")
    assert sum("street/path" in row for row in rows) == 2


def test_an_insecure_daemon_is_marked() -> None:
    state = TailState()
    state.add_message(status(insecure=True), 0.0, now=0.0)
    assert "porch INSECURE" in seen(view(nodes=tuple(state.nodes()), lines=tuple(state.lines(0.0, {}))), 80)[0]


def test_without_messages_it_shows_the_endpoint_and_then_a_hint() -> None:
    nothing = view(nodes=(), messages=0)
    assert seen(dataclasses.replace(nothing, waited=1.0), 80) == ["waiting for ipc:///run/pub.sock … · Ctrl-C ends"]
    assert seen(dataclasses.replace(nothing, waited=4.0), 80)[1:] == ["No message yet: is a daemon running?"]


def test_restarts_and_messages_not_understood_are_shown() -> None:
    footer = " ".join(seen(view(LINE, restarts=2, malformed=3, problem="v: is missing"), 120)[-1:])
    assert "2 restarts" in footer
    assert "3 not understood (v: is missing)" in footer


def test_a_plain_line_has_all_figures_with_their_names() -> None:
    assert plain(LINE) == (
        "porch/street/path  running  path-busy 0.250  path-empty 0.912  10.0 msg/s  latency 14.2 ms  age 15.9 ms"
        "  drops 0  gaps 0"
    )


@pytest.mark.parametrize("scores", [LINE.scores, ()])
def test_the_answers_of_sets_stand_behind_the_scores(scores: tuple[tuple[str, float], ...]) -> None:
    line = dataclasses.replace(LINE, scores=scores, states=(("truck", 0.971),))
    *_, last, _ = seen(view(line), 80)
    assert last.split()[last.split().index("truck") + 2] == "0.97"
    assert "█" in last
    words = plain(line).split("  ")
    assert words[2 + len(scores)] == "truck 0.97"
    gone = dataclasses.replace(line, state="lost", reason="unplugged")
    assert "truck" not in plain(gone) + "".join(seen(view(gone), 80))


def test_a_plain_line_of_a_lost_camera_has_the_reason() -> None:
    lost = dataclasses.replace(LINE, state="lost", reason="unplugged", drops=(("ring", 3), ("publish", 1)), gaps=2)
    assert plain(lost) == (
        "porch/street/path  lost  (unplugged)  10.0 msg/s  latency 14.2 ms  age 15.9 ms"
        "  drops ring 3, publish 1  gaps 2"
    )


def test_an_open_event_is_marked_with_its_duration() -> None:
    line = dataclasses.replace(LINE, events=(("path-empty", 754.0),))
    for width in (60, 80, 120):
        rows = seen(view(line), width)
        assert all(len(row) <= width for row in rows)
        assert [row for row in rows if "●" in row] == [row for row in rows if "0.912" in row]
    assert any("0.912 ● 13 min" in row for row in seen(view(line), 90))
    assert any("0.912 * 13 min" in row for row in seen(view(line), 90, ascii_only=True))
    assert "path-busy 0.250  path-empty 0.912 (event, 12 min 34 s)  10.0 msg/s" in plain(line)


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0.04, "0.0 s"), (59.94, "59.9 s"), (59.96, "1 min 0 s"), (3599.4, "59 min 59 s"), (3600, "1 h 0 min")],
)
def test_durations_are_written_for_people(seconds: float, text: str) -> None:
    assert lasted(seconds) == text
    assert lasted(200_000) == "2 d 7 h"


@pytest.mark.parametrize(
    ("age_ms", "text"),
    [(0.04, "0.0 ms"), (99.94, "99.9 ms"), (99.96, "100 ms"), (-3.0, "-3.0 ms"), (12_345.0, "12 s"), (7.2e9, "83 d")],
)
def test_ages_have_the_unit_that_fits(age_ms: float, text: str) -> None:
    assert any(text in row for row in seen(view(dataclasses.replace(LINE, age_ms=age_ms)), 120))


def test_one_message_is_singular() -> None:
    assert [some(count, "message") for count in (0, 1, 2)] == ["0 messages", "1 message", "2 messages"]
