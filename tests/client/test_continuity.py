"""Losses and restarts, counted from seq and run."""

from __future__ import annotations

from edged.client.continuity import MAX_TOPICS, Continuity

A, B = b"edged/1/vec/porch/street/a/", b"edged/1/vec/porch/street/b/"


def test_consecutive_messages_leave_no_gap() -> None:
    continuity = Continuity()
    for seq in range(5):
        continuity.count_message(A, "run1", seq)
    assert not continuity.gaps
    assert not continuity.restarts


def test_messages_before_the_first_are_not_counted_as_lost() -> None:
    continuity = Continuity()
    continuity.count_message(A, "run1", 1000)
    continuity.count_message(A, "run1", 1001)
    assert not continuity.gaps


def test_a_gap_counts_the_messages_that_are_missing_in_it() -> None:
    continuity = Continuity()
    for seq in (0, 1, 5, 6, 8):
        continuity.count_message(A, "run1", seq)
    assert continuity.gaps == {A: 4}
    assert not continuity.restarts


def test_every_topic_is_counted_by_itself() -> None:
    continuity = Continuity()
    for topic, seq in ((A, 0), (B, 7), (A, 2), (B, 8)):
        continuity.count_message(topic, "run1", seq)
    assert continuity.gaps == {A: 1}


def test_a_new_run_is_a_restart_and_not_a_loss() -> None:
    continuity = Continuity()
    for run, seq in (("run1", 40), ("run1", 41), ("run2", 0), ("run2", 1)):
        continuity.count_message(A, run, seq)
    assert continuity.restarts == {A: 1}
    assert not continuity.gaps


def test_messages_of_a_new_run_before_the_first_that_came_are_lost() -> None:
    continuity = Continuity()
    for run, seq in (("run1", 41), ("run2", 3)):
        continuity.count_message(A, run, seq)
    assert continuity.gaps == {A: 3}


def test_a_recording_that_is_played_again_is_a_restart() -> None:
    continuity = Continuity()
    for seq in (5, 6, 7, 5, 6, 7):
        continuity.count_message(A, "run1", seq)
    assert continuity.restarts == {A: 1}
    assert not continuity.gaps


def test_a_negative_number_is_not_a_negative_loss() -> None:
    continuity = Continuity()
    for run, seq in (("run1", 0), ("run2", -5)):
        continuity.count_message(A, run, seq)
    assert not continuity.gaps


def test_topics_that_a_peer_makes_up_are_counted_up_to_a_bound() -> None:
    continuity = Continuity()
    for number in range(MAX_TOPICS + 100):
        for seq in (0, 2):
            continuity.count_message(b"%d" % number, "run", seq)
    assert len(continuity._last) == len(continuity.gaps) == MAX_TOPICS
    assert continuity.uncounted == 200
    continuity.count_message(b"0", "run", 4)
    assert continuity.gaps[b"0"] == 2, "the first ones are counted on"


def test_the_name_of_a_run_is_kept_short() -> None:
    continuity = Continuity()
    for seq in range(2):
        continuity.count_message(b"t", "r" * 1_000_000, seq)
    assert len(continuity._last[b"t"][0]) <= 64
    assert not continuity.restarts
