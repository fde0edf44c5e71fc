"""Viewers: one picture in flight, the newest wins, and nothing is asked for in vain."""

from __future__ import annotations

import pytest

from edged.page.arrivals import Arrivals
from edged.page.outbox import MOST_WAITING, TextQueue
from edged.page.protocol import MOST_CAMERAS, CameraView, LookRequest, WatchedRegion
from edged.page.viewers import ACK_SECONDS, Picture, PictureStream, Viewer, fastest

STREET, YARD = PictureStream("street", None, 640), PictureStream("yard", None, 640)


def viewer(*views: CameraView) -> Viewer:
    made = Viewer()
    made.look(LookRequest(cameras=views or (CameraView(camera="street"), CameraView(camera="yard"))))
    return made


def picture(number: int) -> Picture:
    return Picture({"frame_seq": number}, 0, b"")


def taken(looking: Viewer, now: float = 0.0) -> int | None:
    got = looking.take(now)
    return None if got is None else int(got[1].facts["frame_seq"])


def test_the_next_picture_waits_until_the_last_is_acknowledged() -> None:
    looking = viewer()
    looking.offer(STREET, picture(1))
    got = looking.take(0.0)
    assert got is not None
    looking.offer(STREET, picture(2))
    assert looking.take(0.0) is None
    looking.acknowledge(got[0] + 1)
    assert looking.take(0.0) is None, "the number of another picture acknowledges nothing"
    looking.acknowledge(got[0])
    assert taken(looking) == 2


def test_of_a_slow_viewer_only_the_newest_picture_waits() -> None:
    looking = viewer()
    looking.offer(STREET, picture(1))
    looking.take(0.0)
    for number in (2, 3, 4):
        looking.offer(STREET, picture(number))
    looking.acknowledge(1)
    assert taken(looking) == 4
    looking.acknowledge(2)
    assert taken(looking) is None


def test_streams_take_turns() -> None:
    looking = viewer()
    for number in (1, 2, 3):
        looking.offer(STREET, picture(number))
        looking.offer(YARD, picture(10 * number))
    assert taken(looking) == 3
    looking.offer(STREET, picture(4))
    looking.acknowledge(1)
    assert taken(looking) == 30
    looking.acknowledge(2)
    assert taken(looking) == 4


def test_what_is_not_looked_at_any_more_is_not_sent() -> None:
    looking = viewer()
    looking.offer(STREET, picture(1))
    looking.look(LookRequest(cameras=(CameraView(camera="yard"),)))
    looking.offer(STREET, picture(2))
    assert taken(looking) is None


def test_a_viewer_that_does_not_acknowledge_is_late_after_ten_seconds() -> None:
    looking = viewer()
    looking.offer(STREET, picture(1))
    assert not looking.is_late(100.0)
    looking.take(100.0)
    assert not looking.is_late(100.0 + ACK_SECONDS)
    assert looking.is_late(100.1 + ACK_SECONDS)
    looking.acknowledge(1)
    assert not looking.is_late(200.0)


def test_a_camera_is_asked_for_at_the_fastest_rate_and_once_for_a_width() -> None:
    viewers = [
        viewer(CameraView(camera="street", fps=5.0), CameraView(camera="yard", fps=0.5)),
        viewer(CameraView(camera="street", fps=10.0)),
        viewer(CameraView(camera="street", fps=1.0, width=320)),
    ]
    assert fastest(viewers, 0.0) == {STREET: 0.1, YARD: 2.0, PictureStream("street", None, 320): 1.0}


def test_a_viewer_that_wants_everything_leaves_the_others_their_first_pictures() -> None:
    greedy = viewer(*(CameraView(camera="street", width=64 + number) for number in range(MOST_CAMERAS)))
    modest = viewer(CameraView(camera="yard"))
    assert YARD in list(fastest([greedy, modest], 0.0))[:2]


def test_nothing_is_asked_for_viewers_that_take_nothing() -> None:
    stuck = viewer(CameraView(camera="street"))
    stuck.offer(STREET, picture(1))
    stuck.take(0.0)
    assert fastest([stuck], 1.0)
    assert not fastest([stuck], 5.0)
    assert fastest([stuck, viewer(CameraView(camera="yard"))], 5.0) == {YARD: 0.2}


def test_a_model_input_is_a_stream_of_its_own() -> None:
    looking = Viewer()
    looking.look(
        LookRequest(
            inputs=(WatchedRegion(camera="street", region="path"),),
            scores=(WatchedRegion(camera="street", region="path"),),
        )
    )
    assert list(looking.streams) == [PictureStream("street", "path", 640)]
    assert looking.scores == {("street", "path")}


def test_all_texts_are_sent_in_order_but_of_some_only_the_newest() -> None:
    outbox = TextQueue()
    outbox.put("status 1", "status")
    outbox.put("reply 1")
    outbox.put("status 2", "status")
    outbox.put("reply 2")
    assert [outbox.take() for _ in range(3)] == ["reply 1", "reply 2", None]
    assert [outbox.take_newest() for _ in range(2)] == ["status 2", None]
    assert not outbox.is_full


def test_texts_are_under_way_until_a_pong_proves_that_they_have_arrived() -> None:
    arrivals = Arrivals()
    arrivals.note_sent("12345")
    first = arrivals.mark()
    arrivals.note_sent("678")
    second = arrivals.mark()
    assert arrivals.under_way == 8
    arrivals.take_pong(first)
    assert arrivals.under_way == 3
    arrivals.take_pong(second)
    arrivals.take_pong(first)
    assert arrivals.under_way == 0


@pytest.mark.parametrize("content", [b"", b"edged", b"-1", b"9", b"9" * 125, "²".encode()])
def test_a_pong_that_answers_no_mark_changes_nothing(content: bytes) -> None:
    arrivals = Arrivals()
    arrivals.note_sent("12345")
    arrivals.take_pong(content)
    assert arrivals.under_way == 5


def test_an_outbox_that_nobody_empties_is_full_and_stays_small() -> None:
    outbox = TextQueue()
    for number in range(100_000):
        outbox.put(f"status {number}", "status")
    assert not outbox.is_full
    for number in range(MOST_WAITING + 1):
        outbox.put(f"event {number}")
    assert outbox.is_full


def test_a_single_long_reply_is_not_too_much() -> None:
    outbox = TextQueue()
    outbox.put("x" * (20 << 20))
    assert not outbox.is_full
    outbox.put("x")
    assert outbox.is_full
