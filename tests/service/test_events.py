"""On the bundled clip, events and states are what a person sees: when people leave and enter the path."""

from __future__ import annotations

import json
import shutil
import subprocess
import sys
import time
from dataclasses import replace
from pathlib import Path

import pytest

from edged.cli import main
from edged.client import Subscriber
from edged.config import load
from edged.events import Events
from edged.pipeline.loading.event_rules import event_rules
from edged.recording import Recorder
from edged.states import Decision
from edged.values import StateAnswer
from edged.wire import Event, Status, Vec, encode
from scripts.decision_quality.clips import STREET, read_labels

pytestmark = pytest.mark.once

FPS = 10

# Looked up in the clip's frames: the seconds at which the region is empty, to a step of whoever leaves or enters it. At
# 1.0 the back of the first man is still at its right edge; at 6.7 another comes in there, and is gone at 9.6; at 16.5
# the arm of the woman in light blue is in, and from then on somebody is on the path to the end of the clip.
SEEN = ((1.1, 6.7), (9.6, 16.5))
TOLERANCE = 0.35


@pytest.fixture(scope="module")
def clip(tmp_path_factory: pytest.TempPathFactory) -> tuple[list[Vec], list[Event]]:
    """What the daemon publishes while it plays the demo's clip once, as fast as it can, without min_seconds."""
    demo = Path(__file__).parent.parent.parent / "config" / "demo"
    folder = tmp_path_factory.mktemp("clip")
    shutil.copytree(demo, folder, dirs_exist_ok=True)
    text = (demo / "edged.yaml").read_text()
    for before, after in (
        ("loop: true", "loop: false\n    fps: 200"),
        ("min_seconds: 0.5", "min_seconds: 0.0"),
        ("tcp://127.0.0.1:5556", f"ipc://{folder}/pub.sock"),
    ):
        assert text.count(before) == 1
        text = text.replace(before, after)
    (folder / "edged.yaml").write_text(text)
    vecs, events = [], []
    command = [sys.executable, "-m", "edged", "run", "-c", str(folder / "edged.yaml")]
    with (
        Subscriber(f"ipc://{folder}/pub.sock", kinds=("vec", "event", "status"), queue=1000) as subscriber,
        subprocess.Popen(command, stderr=subprocess.DEVNULL) as daemon,
    ):
        try:
            deadline = time.monotonic() + 100
            while not (isinstance(message := subscriber.receive(1), Status) and message.bye):
                assert time.monotonic() < deadline
                if isinstance(message, Vec):
                    vecs.append(message)
                elif isinstance(message, Event):
                    events.append(message)
        finally:
            daemon.kill()
    return vecs, events


def test_on_the_wire_events_begin_and_end_where_a_person_sees_it(clip: tuple[list[Vec], list[Event]]) -> None:
    vecs, events = clip
    assert len(vecs) == 240
    told = [(event.phase, event.reason, event.ref) for event in events if event.phase != "update"]
    assert told == [("begin", None, "path-empty"), ("end", "left", "path-empty")] * 2
    seconds = [event.frame_seq / FPS for event in events if event.phase != "update"]
    for (begin, end), seen in zip((seconds[:2], seconds[2:]), SEEN, strict=True):
        assert (begin, end) == pytest.approx(seen, abs=TOLERANCE)
    for event in events:
        (vec,) = [vec for vec in vecs if vec.frame_seq == event.frame_seq]
        assert (event.t_cap_us, event.t_wall_us, event.space_id) == (vec.t_cap_us, vec.t_wall_us, vec.space_id)
        assert event.s == next(match.s for match in vec.sims if match.ref == event.ref)


def test_the_settings_of_the_demo_find_the_events_at_the_speed_of_the_clip(
    clip: tuple[list[Vec], list[Event]], demo: Path
) -> None:
    rules = event_rules(load(demo / "edged.yaml").config)
    events = Events("demo", rules)
    told = []
    for number, vec in enumerate([*clip[0], *clip[0]]):  # it loops
        told += events.add_scores(vec.camera, vec.region, vec.frame_seq, round(number / FPS * 1e6), vec.sims)
    told = [change for change in told if change.phase != "update"]
    assert [change.phase for change in told] == ["begin", "end"] * 4
    seconds = [(told[at].t_begin_us / 1e6, told[at + 1].t_cap_us / 1e6) for at in range(0, 8, 2)]
    again = [(begin + 24.0, end + 24.0) for begin, end in SEEN]
    for found, seen in zip(seconds, [*SEEN, *again], strict=True):
        assert found == pytest.approx(seen, abs=TOLERANCE)
    assert all(begin.t_cap_us - begin.t_begin_us == 500_000 for begin in told[::2])


def test_the_thresholds_that_tune_proposes_for_the_clip_find_the_events_too(
    clip: tuple[list[Vec], list[Event]], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    recording = tmp_path / "clip.edged"
    with Recorder(recording) as recorder:
        for number, vec in enumerate(clip[0]):
            recorder.record(encode(replace(vec, t_cap_us=round(number / FPS * 1e6))), number)
    assert main(["tune", "path-empty", str(recording), "--json", "--no-png"]) == 0
    told = json.loads(capsys.readouterr().out)
    for event, seen in zip(told["events"], SEEN, strict=True):
        assert (event["begin"], event["end"]) == pytest.approx(seen, abs=TOLERANCE)


def test_the_answers_of_the_demo_are_what_a_person_sees(clip: tuple[list[Vec], list[Event]], demo: Path) -> None:
    (path,) = [region for region in read_labels(STREET, demo) if region.name == "street/path"]
    answers = {vec.frame_seq: vec.states[0].state for vec in clip[0] if path.label(vec.frame_seq) is not None}
    seen = {frame: path.states[label] for frame in answers if (label := path.label(frame)) is not None}
    unknown = {frame for frame, answer in answers.items() if answer == "unknown"}
    assert len(seen) > 200
    assert [frame for frame in seen if answers[frame] != seen[frame] and frame not in unknown] == []
    assert len(unknown) < 0.08 * len(seen)
    assert {answers[frame] for frame in range(9)} == {"people"}, "it is decided from the first frame on"


def test_the_decided_state_of_the_demo_follows_within_a_second(clip: tuple[list[Vec], list[Event]], demo: Path) -> None:
    config = load(demo / "edged.yaml").config.states["path"]
    decision = Decision(config.min_seconds, config.unknown_seconds)
    changes = []
    for number, vec in enumerate(clip[0]):
        (answer,) = vec.states
        change = decision.add(
            StateAnswer(answer.set, answer.state, tuple(answer.p.items()), answer.novelty),
            round(number / FPS * 1e6),
            number,
        )
        changes += [change] if change is not None else []
    assert [change.state for change in changes] == ["people", *["empty", "people"] * len(SEEN)]
    since = [change.t_since_us / 1e6 for change in changes[1:]]
    assert since == pytest.approx([moment for stretch in SEEN for moment in stretch], abs=TOLERANCE)
