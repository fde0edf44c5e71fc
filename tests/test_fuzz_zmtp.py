"""The program that attacks a publish port, and the cases that it has found to be withstood since."""

from __future__ import annotations

import random
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edged.errors import PeerError
from edged.transport.pub.peer import Message, Peer
from edged.transport.pub.peers import Peers
from edged.transport.zmtp.pub_end import PubEnd
from scripts.fuzz_zmtp import Case, PublishPort, Talk, from_bytes
from scripts.fuzzing.campaign import Finding
from scripts.fuzzing.conversations import good_conversations
from scripts.fuzzing.splices import Splice

CASES = sorted((Path(__file__).parent / "cases" / "zmtp").glob("*.json"))
HARMLESS = Splice(0, 0, b"")


@pytest.fixture
def port() -> Iterator[PublishPort]:
    port = PublishPort()
    yield port
    port.close()


def undamaged(pieces: list[bytes], ending: str = "close", *, secured: bool = False) -> Case:
    return Case([Talk(secured, pieces, 0, HARMLESS, -1, ending)], 1)


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.stem)
def test_a_case_that_was_a_finding_is_withstood(case: Path, port: PublishPort) -> None:
    port.run(from_bytes(case.read_bytes()))
    port.settle()


@pytest.mark.parametrize("secured", [False, True], ids=["in clear", "with keys"])
def test_every_good_conversation_brings_a_message(
    secured: bool, port: PublishPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The program gives up soon, because what damaged conversations wait for mostly never comes; these may wait.
    monkeypatch.setattr("scripts.fuzz_zmtp.ANSWER_SECONDS", 20.0)
    monkeypatch.setattr("scripts.fuzz_zmtp.HEAR_SECONDS", 20.0)
    conversations = port._good[secured]
    outcomes = [port.run(undamaged(pieces, secured=secured)) for pieces in conversations]
    assert outcomes == ["keys" if secured else "clear"] * len(conversations)
    port.settle()


def test_there_are_cases() -> None:
    assert CASES


def test_a_case_is_the_same_whenever_it_is_asked_for(port: PublishPort) -> None:
    first, again = (port.make(random.Random("1/7")) for _ in range(2))
    assert first == again
    assert from_bytes(port.to_bytes(first)) == first


def test_a_conversation_is_the_same_whenever_it_is_recorded(port: PublishPort) -> None:
    keys = port._publisher.client, port._publisher.server
    for secured in (False, True):
        assert good_conversations(*keys, secured=secured) == port._good[secured]


def raising(exc: Exception) -> Callable[..., None]:
    def fail(*_: object) -> None:
        raise exc

    return fail


def test_an_exception_in_the_publisher_is_a_finding_and_the_next_case_has_another_publisher(
    port: PublishPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    good = port._good[False][0]
    with monkeypatch.context() as patch:
        patch.setattr(PubEnd, "feed", raising(TypeError("oops")))
        with pytest.raises(Finding, match="TypeError: oops"):
            port.run(undamaged(good))
    assert port.run(undamaged(good)) == "clear"


def test_a_text_with_bytes_of_a_peer_is_a_finding(port: PublishPort, monkeypatch: pytest.MonkeyPatch) -> None:
    good = port._good[False][0]
    monkeypatch.setattr(PubEnd, "feed", raising(PeerError("protocol", "a\x1bb")))
    with pytest.raises(Finding, match="a text of"):
        port.run(undamaged(good))


def test_a_message_that_a_good_subscriber_does_not_get_is_a_finding(
    port: PublishPort, monkeypatch: pytest.MonkeyPatch
) -> None:
    put, forgotten = Peer.put, port._publisher._sent + 5

    def forget_one(peer: Peer, message: Message) -> None:
        if int(bytes(message.frames[1]).split()[0]) != forgotten:
            put(peer, message)

    def run_until_it_is_over() -> None:
        while port._publisher._sent < forgotten + 5:
            port.run(undamaged(port._good[False][0]))

    monkeypatch.setattr(Peer, "put", forget_one)
    with pytest.raises(Finding, match=f"gets message {forgotten + 1} after {forgotten - 1}"):
        run_until_it_is_over()


def test_a_turn_that_takes_the_processor_is_a_finding(port: PublishPort, monkeypatch: pytest.MonkeyPatch) -> None:
    longest, sweep = 0.02, Peers.sweep

    def work(peers: Peers) -> None:
        sweep(peers)
        end = time.thread_time() + 2 * longest
        while time.thread_time() < end:
            pass

    monkeypatch.setattr("scripts.fuzzing.publisher.LONGEST_TURN", longest)
    monkeypatch.setattr(Peers, "sweep", work)
    with pytest.raises(Finding, match="a turn takes"):
        port.run(undamaged(port._good[False][0]))


def test_a_peer_that_is_left_is_a_finding(port: PublishPort, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("scripts.fuzzing.publisher.SLACK", 0.5)
    port.run(undamaged(port._good[False][0], "stay"))
    with pytest.raises(Finding, match="3 peers"):
        port._publisher.check_left()
