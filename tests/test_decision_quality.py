"""The benchmark of decisions counts right: accuracy, calibration, events, and changes that are always the same."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import numpy.typing as npt
import pytest

from edged.regions import Box, Region
from scripts.decision_quality.changes import CHANGES, GROUPS, TAMPERING, Scene
from scripts.decision_quality.clips import STREET, LabelledRegion, read_labels
from scripts.decision_quality.embeddings import RegionVectors
from scripts.decision_quality.experiment import CLEAN, Events, Outcome, decide, draw, judge_events, novelties
from scripts.decision_quality.figures import accuracy, calibration_error, wrong_when_sure
from scripts.decision_quality.report import of_accuracy, of_calibration, of_changes, of_events, of_novelty
from scripts.decision_quality.short import short_regions

BOX = Box(40, 20, 90, 60)


def scene(position: float = 0.5) -> Scene:
    frame = np.random.default_rng(3).integers(0, 255, (120, 200, 3), np.uint8)
    return Scene(frame, BOX, position, np.random.default_rng(4))


def outcome(p: list[float], labels: list[int], region: str = "a", draw: int = 0, change: str = CLEAN) -> Outcome:
    return Outcome(region, draw, "head", 5, change, np.array(p), np.array(labels))


@pytest.mark.parametrize("name", [*CHANGES, *TAMPERING])
def test_a_change_is_a_picture_of_the_region_and_always_the_same(name: str) -> None:
    change = {**CHANGES, **TAMPERING}[name]
    before = scene()
    made = change(before)
    assert made.shape == (BOX.height, BOX.width, 3)
    assert made.dtype == np.uint8
    np.testing.assert_array_equal(made, change(scene()))
    assert not np.array_equal(made, scene().crop)
    np.testing.assert_array_equal(before.frame, scene().frame)


def test_there_are_seventeen_changes_each_in_one_group() -> None:
    assert len(CHANGES) == 17
    assert sorted(name for group in GROUPS.values() for name in group) == sorted(CHANGES)


def test_evening_falls_while_the_test_goes_on() -> None:
    levels = [CHANGES["evening"](scene(position)).mean() for position in (0.0, 0.5, 1.0)]
    assert levels == sorted(levels, reverse=True)
    assert levels[2] < 0.6 * levels[0]


def test_states_weigh_the_same_in_the_accuracy() -> None:
    assert outcome([0.1, 0.2, 0.3, 0.4], [0, 0, 0, 1]).balanced_accuracy == 0.5
    assert outcome([0.1, 0.2, 0.3, 0.6], [0, 0, 0, 1]).balanced_accuracy == 1.0


def test_regions_weigh_the_same_in_the_mean_and_spread_the_interval() -> None:
    good, bad = [outcome([0.1, 0.9], [0, 1], "a", seed) for seed in range(9)], [outcome([0.9, 0.9], [0, 1], "b")]
    found = accuracy([*good, *bad], (CLEAN,))
    assert found.mean == 0.75
    assert (found.low, found.high) == (0.5, 1.0)


def test_calibration_is_the_distance_from_being_as_right_as_sure() -> None:
    p, labels = [0.9] * 10 + [0.6] * 10, [1] * 9 + [0] + [1] * 4 + [0] * 6
    assert calibration_error([outcome(p, labels)]) == pytest.approx((0 + 0.2) / 2)
    wrong, sure = wrong_when_sure([outcome(p, labels)])
    assert wrong == pytest.approx(0.1)
    assert sure == 0.5


@pytest.fixture
def vectors() -> RegionVectors:
    """A region whose states are told apart by one number, but for the last four frames of the first state."""
    labels = "0011??1100" + "0" * 6 + "1111" + "0000" + "1?1" + "0" * 8
    truth = np.array([1 if mark == "?" else int(mark) for mark in labels])
    clean = np.full((len(labels), 3), 0.5, np.float32)
    clean[:, 0], clean[:, 1] = truth, 1 - truth
    clean[-4:, :2] = (1, 0)
    pool, test = (0, 2, 3, 6, 8), tuple(number for number in range(10, len(labels)) if labels[number] != "?")
    rows: npt.NDArray[np.float32] = np.repeat(clean[list(pool)][:, np.newaxis], 3, axis=1)
    region = LabelledRegion("here", Path("none"), Region(), ("off", "on"), 1, labels, pool, test)
    changed = {change: clean[list(test)] for change in CHANGES}
    return RegionVectors(region, rows, clean, changed)


def test_examples_are_drawn_from_the_pool_and_differ_by_draw(vectors: RegionVectors) -> None:
    chosen = draw(vectors, 1, 0)
    assert sorted(chosen.labels) == [0, 1]
    assert {tuple(draw(vectors, 1, seed).numbers) for seed in range(20)} == {
        (off, on) for off in (0, 4) for on in (1, 2, 3)
    }
    assert len(draw(vectors, 10, 0).numbers) == 5


def test_events_are_counted_as_a_person_would(vectors: RegionVectors) -> None:
    """The last event is none, and the one between, with an unclear frame in it, is one."""
    assert judge_events(vectors, rate=10, each=2, seed=0) == Events(decided=0, right=0, there=0, found=0)
    assert judge_events(vectors, rate=2, each=2, seed=0) == Events(decided=3, right=2, there=2, found=2)


def test_every_rule_decides_about_every_change_and_is_reported(vectors: RegionVectors) -> None:
    outcomes = list(decide(vectors, draws=2, examples=(1, 5)))
    assert {each.rule for each in outcomes} == {"head", "score >= 0.9", "difference", "group"}
    assert len(outcomes) == 2 * (1 + 4) * 18
    head = [each for each in outcomes if (each.rule, each.change) == ("head", CLEAN)]
    assert all(each.balanced_accuracy == pytest.approx((14 / 18 + 1) / 2) for each in head)
    text = "\n".join([*of_accuracy(outcomes), *of_changes(outcomes), *of_calibration(outcomes)])
    for words in ("head, 1 ", "head, 5 ", "score >= 0.9, 5 ", "infrared", "here, changed"):
        assert words in text
    assert "precision 0.667 (2 of 3), recall 1.000 (2 of 2)" in "\n".join(of_events(5, [Events(3, 2, 2, 2)]))
    assert f"{CLEAN:22}" in "\n".join(of_novelty(2, [novelties(vectors, 2, 1)]))


def test_the_labels_of_the_street_fit_its_clip() -> None:
    regions = read_labels(STREET, Path("none"))
    assert [region.name for region in regions] == ["street/path", "street/plaza", "street/road", "street/crossing"]
    for region in regions:
        assert region.frames[-1] < 795
        for frames in (region.pool, region.test):
            assert {region.label(frame) for frame in frames} == {0, 1}
        assert max(region.pool) < min(region.test)


def test_the_short_form_tests_frames_that_are_no_examples(demo: Path) -> None:
    (region,) = short_regions(demo)
    assert not set(region.pool) & set(region.test)
    assert max(region.test) < 240
    assert {region.label(frame) for frame in (*region.pool, *region.test)} == {0, 1}
