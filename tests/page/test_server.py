"""The page between real sockets: a browser sees what the daemon has, and nothing else reaches the daemon."""

from __future__ import annotations

import asyncio
import json
import time
from pathlib import Path

import pytest
from websockets.exceptions import InvalidStatus

from edged.client import Subscriber
from edged.errors import ControlError
from edged.page import operations
from edged.page.gate import AccessGate
from edged.page.operations import MOST_KEEPING
from edged.page.passwords import hash_password, read_passwords
from edged.page.previews import MOST_UNDER_WAY
from edged.page.protocol import MOST_CAMERAS
from edged.page.server import MOST_VIEWERS
from edged.service.control.server import MOST_PREVIEWS
from edged.wire import KINDS, Match
from edged.wire import control_requests as requests
from edged.wire import control_results as results
from tests.fakes import eventually
from tests.page.serving import TOKENS, Browser, answers, page, status_result
from tests.publishing import Publisher, event, state, status, vec
from tests.scripted_daemon import Reply, ScriptedDaemon

STREET = {"camera": "street", "width": 640, "fps": 10}
PATH = {"camera": "street", "region": "path"}


def test_what_is_known_comes_again_after_each_hello(tmp_path: Path) -> None:
    with page(tmp_path) as served:
        served.publisher.send(state())
        eventually(lambda: bool(served.server._live._known), "the state is known")
        with served.browser() as browser:
            browser.wait_for(lambda message: message.get("type") == "hello" and message["node"] == "porch")
            assert browser.message("state")["state"]["state"] == state().state


def test_a_tab_is_greeted_and_gets_what_is_known(tmp_path: Path) -> None:
    with page(tmp_path) as served:
        served.publisher.send(status(), state(), event("begin"))
        with served.browser("look") as first:
            first.message("state")
        with served.browser("look") as browser:
            hello = browser.message("hello")
            assert (hello["role"], hello["daemon"], hello["writable"]) == ("look", True, False)
            assert browser.message("camera")["status"]["state"] == "running"
            assert browser.message("state")["state"]["state"] == "truck"
            assert browser.message("event")["event"]["phase"] == "begin"
            (changes,) = [message for message in browser.messages if message["type"] == "changes"]
            assert [line["text"] for line in changes["lines"]] == ["street/path: bay is truck, was empty"]
            assert browser.message("status")["status"]["node"] == "porch"


def test_pictures_come_as_fast_as_asked_for_and_one_at_a_time(tmp_path: Path) -> None:
    with page(tmp_path) as served, served.browser("look") as browser:
        browser.send("look", cameras=[STREET], inputs=[PATH])
        begin = time.monotonic()
        while len(browser.pictures) < 10:
            browser.receive()
        assert time.monotonic() - begin > 0.5
        assert [picture["number"] for picture in browser.pictures] == list(range(1, 11))
        assert {(picture["region"], picture["media_type"]) for picture in browser.pictures} == {
            (None, "image/jpeg"), ("path", "image/png"),
        }  # fmt: skip
        assert all(0 <= picture["age_ms"] < 5000 for picture in browser.pictures)
        assert browser.pictures[0]["body"].startswith(b"\xff\xd8\xff")


def test_two_tabs_that_look_at_one_camera_cost_the_daemon_as_much_as_one(tmp_path: Path) -> None:
    with page(tmp_path) as served, served.browser() as one, served.browser() as other:
        for browser in (one, other):
            browser.send("look", cameras=[{"camera": "street", "width": 640, "fps": 2}])
        while len(other.pictures) < 4:
            one.receive()
            other.receive()
        asked = [request for request in served.daemon.requests if isinstance(request, requests.Preview)]
        shared = {p["frame_seq"] for p in one.pictures} & {p["frame_seq"] for p in other.pictures}
        assert len(shared) >= 2
        assert len(asked) <= len(other.pictures) + 2


def test_nothing_is_asked_for_when_nobody_looks(tmp_path: Path) -> None:
    with page(tmp_path) as served:
        with served.browser() as browser:
            browser.send("look", cameras=[STREET])
            browser.wait_for(lambda message: "body" in message)
        eventually(lambda: served.viewers() == 0, "nobody looks")
        time.sleep(0.3)  # for the request under way
        before = len(served.daemon.requests)
        time.sleep(2.5)  # longer than the time between two polls
        assert len(served.daemon.requests) == before


def test_a_camera_without_frames_is_reported_to_those_who_look(tmp_path: Path) -> None:
    def lost(request: requests.Request) -> Reply:
        return ControlError("no-frames", "street is lost: no frame") if request.op == "preview" else answers(request)

    with page(tmp_path, lost) as served, served.browser() as browser:
        browser.send("look", cameras=[STREET])
        missing = browser.message("no-picture")
        assert (missing["camera"], missing["code"], missing["text"]) == (
            "street",
            "no-frames",
            "street is lost: no frame",
        )


def test_scores_come_for_the_regions_that_a_tab_wants(tmp_path: Path) -> None:
    with page(tmp_path) as served, served.browser("look") as browser:
        browser.send("look", scores=[PATH])
        browser.ask("history", **PATH)
        served.publisher.send(vec(region="door"), vec(seq=7, sims=(Match("path-empty", 0.75),)))
        scores = browser.message("scores")
        assert (scores["region"], scores["frame_seq"]) == ("path", 7)
        assert scores["sims"] == [{"ref": "path-empty", "s": 0.75, "label": None}]
        series = browser.ask("history", **PATH)["result"]["series"]
        assert [(each["name"], each["values"][-1]) for each in series] == [("path-empty", 0.75)]


def test_the_history_of_a_region_has_the_thresholds_of_its_events(tmp_path: Path) -> None:
    def reference(name: str, place: str, enter: float | None) -> results.ReferenceInfo:
        leave = None if enter is None else enter - 0.125
        return results.ReferenceInfo(
            name=name, origin="config", places=(place,), space_id=None, thumbnail=None, enter=enter, leave=leave
        )

    def listed(request: requests.Request) -> Reply:
        known = (
            reference("gate", "street/path", 0.75),
            reference("fog", "street", None),
            reference("snow", "yard", 0.5),
        )
        return results.ReferencesResult(references=known) if request.op == "references" else answers(request)

    with page(tmp_path, listed) as served, served.browser("look") as browser:
        history = browser.ask("history", **PATH)["result"]
        assert history["thresholds"] == [{"ref": "gate", "enter": 0.75, "leave": 0.625}]


def test_requests_are_passed_on_with_their_results(tmp_path: Path) -> None:
    with page(tmp_path) as served, served.browser() as browser:
        assert browser.ask("reload")["result"] == {"changes": ["street: regions"]}
        assert browser.ask("forget", name="nothing")["error"]["code"] == "not-found"
        assert browser.ask("enroll", name="Bad", camera="street")["error"]["code"] == "invalid"
        assert browser.ask("shutdown")["error"]["code"] == "unknown-op"
        assert browser.ask("preview", camera="street")["error"]["code"] == "unknown-op"
        for key in ("self", "kind", "role"):
            assert browser.ask("status", **{key: 1})["error"]["code"] == "invalid", key
        assert browser.ask("forget", name="a" * 5000)["error"]["code"] == "invalid"


@pytest.mark.parametrize("op", ["enroll", "forget", "relabel", "answer", "try", "reload", "keep"])
def test_a_tab_that_may_only_look_changes_nothing(tmp_path: Path, op: str) -> None:
    with page(tmp_path) as served, served.browser("look") as browser:
        assert browser.ask(op, name="x", camera="street")["error"]["code"] == "not-allowed"
        assert browser.ask("states")["ok"]
        assert {request.op for request in served.daemon.requests} <= {"status", "states"}


def test_a_thumbnail_is_a_file_that_the_daemon_has_named(tmp_path: Path) -> None:
    secret = tmp_path / "secret.png"
    secret.write_bytes(b"\x89PNG secret")
    known = tmp_path / "known.png"
    known.write_bytes(b"\x89PNG known")
    info = results.ReferenceInfo(name="gate", origin="enrolled", places=(), space_id=None, thumbnail=str(known))
    odd = results.ReferenceInfo(name="odd", origin="config", places=(), space_id=None, thumbnail="/etc/passwd")

    def reply(request: requests.Request) -> Reply:
        references = results.ReferencesResult(references=(info, odd))
        return references if request.op == "references" else answers(request)

    with page(tmp_path, reply) as served, served.browser("look") as browser:
        got = browser.ask("thumbnail", example="gate")["result"]
        assert (got["media_type"], len(got["pictures"])) == ("image/png", 1)
        assert browser.ask("thumbnail", example=str(secret))["error"]["code"] == "not-found"
        assert browser.ask("thumbnail", example="odd")["error"]["code"] == "failed"


def test_a_daemon_that_goes_and_comes_back_is_reported(tmp_path: Path) -> None:
    with page(tmp_path, with_daemon=False) as served, served.browser() as browser:
        assert not browser.message("daemon")["up"]
        assert browser.ask("status")["error"]["code"] == "no-daemon"
        with served.daemon.running():
            assert browser.wait_for(lambda message: message.get("up") is True)
            browser.message("status")
        gone = browser.wait_for(lambda message: message.get("up") is False)
        assert "daemon" in gone["text"]
        lines = [line["text"] for message in browser.messages for line in message.get("lines", ())]
        assert [line for line in lines if line.startswith("daemon: ")]
        served.daemon._ended.clear()
        with served.daemon.running():
            assert browser.wait_for(lambda message: message.get("up") is True)


def test_no_more_previews_are_under_way_than_the_daemon_takes(tmp_path: Path) -> None:
    """A daemon refuses more with `busy`, and the page would show that in place of pictures."""

    def reply(request: requests.Request) -> Reply:
        return None if request.op == "preview" else answers(request)

    with page(tmp_path, reply) as served, served.browser("look") as browser:
        browser.send("look", cameras=[{**STREET, "width": 100 + number} for number in range(MOST_CAMERAS)])
        eventually(lambda: len(served.server._previews._tasks) == MOST_CAMERAS, "all are looked at")
        browser.ask("states")

        def under_way() -> int:
            return [request.op for request in served.daemon.requests].count("preview")

        eventually(lambda: under_way() == MOST_UNDER_WAY, "it asks for as many as it may")
        for _ in range(3):
            browser.message("status")
        assert under_way() == MOST_UNDER_WAY < MOST_PREVIEWS


def test_a_request_under_way_is_refused_when_the_daemon_ends(tmp_path: Path) -> None:
    def reply(request: requests.Request) -> Reply:
        return None if request.op == "states" else answers(request)

    with page(tmp_path, reply, with_daemon=False) as served, served.browser() as browser:
        with served.daemon.running():
            browser.wait_for(lambda message: message.get("up") is True)
            browser.send("request", id="s", op="states")
            eventually(lambda: "states" in {each.op for each in served.daemon.requests}, "it has come")
        assert browser.message("reply")["error"]["code"] == "no-daemon"


def test_a_home_assistant_gets_a_picture_with_the_token(tmp_path: Path) -> None:
    with page(tmp_path) as served:
        eventually(lambda: served.server._daemon.trouble is None, "the daemon is found")
        code, fields, body = served.get("/cameras/street.jpg?width=320", Authorization=f"Bearer {TOKENS['look']}")
        assert (code, fields["content-type"], body[:3]) == (200, "image/jpeg", b"\xff\xd8\xff")
        assert fields["cache-control"] == "no-store"
        assert served.get("/cameras/yard.jpg", Authorization=f"Bearer {TOKENS['look']}")[0] == 404
        assert served.get("/cameras/street.jpg")[0] == 401


def test_every_response_has_the_fields_of_a_guarded_page(tmp_path: Path) -> None:
    with page(tmp_path, frame_ancestors="https://ha.local:8123") as served:
        for path in ("/", "/session", "/nothing", "/cameras/street.jpg"):
            _, fields, _ = served.get(path)
            policy = "default-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors https://ha.local:8123"
            assert fields["content-security-policy"] == policy
            assert (fields["x-content-type-options"], fields["referrer-policy"]) == ("nosniff", "no-referrer")
            assert fields["cache-control"] == ("no-cache" if path == "/" else "no-store")
            assert "server" not in fields
    with page(tmp_path) as served:
        assert "frame-ancestors 'none'" in served.get("/")[1]["content-security-policy"]


def test_no_secret_and_no_picture_is_in_the_log(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    caplog.set_level("DEBUG")
    with page(tmp_path) as served:
        cookie = served.cookie()
        with Browser(served, cookie) as browser:
            browser.send("look", cameras=[STREET])
            browser.wait_for(lambda message: "body" in message)
        served.get("/session", Authorization="Bearer wrong-secret")
        served.get("/session?token=in-the-url")
        eventually(lambda: served.viewers() == 0, "nobody looks")
    assert "a viewer from 127.0.0.1 (change)" in caplog.text
    text = "".join(record.getMessage() for record in caplog.records if record.name != "websockets.client")
    for secret in (*TOKENS.values(), cookie.partition("=")[2], "wrong-secret", "in-the-url", "\\xff\\xd8"):
        assert secret not in text


def test_a_password_does_what_a_token_does(tmp_path: Path) -> None:
    file = tmp_path / "passwords"
    file.write_text(hash_password("look", "correct horse") + "\n")
    with page(tmp_path, passwords=read_passwords(file)) as served:
        code, fields, body = served.get("/session", Authorization="Bearer correct horse")
        assert (code, body) == (200, b'{"role": "look"}')
        with Browser(served, fields["set-cookie"].partition(";")[0]) as browser:
            assert browser.message("hello")["role"] == "look"
        for _ in range(5):
            assert served.get("/session", Authorization="Bearer wrong horse")[0] == 401
        code, fields, _ = served.get("/session", Authorization="Bearer correct horse")
        assert (code, fields["retry-after"]) == (429, "30"), "even the right one, else it could be guessed on"
        assert served.get("/session", Authorization=f"Bearer {TOKENS['look']}")[0] == 200


KEPT = """\
cameras:
  street: {source: "pattern:640x480"} # the gate
publish: {endpoints: ["pub+bind:ipc://pub.sock"]}
"""


def test_what_a_tab_keeps_is_finished_when_the_tab_goes(tmp_path: Path) -> None:
    """Else the file could have changed, and the daemon not follow it."""
    file = tmp_path / "edged.yaml"
    file.write_text(KEPT)

    def reply(request: requests.Request) -> Reply:
        if isinstance(request, requests.GetStatus):
            return status_result(config=str(file))
        return answers(request)

    with page(tmp_path, reply) as served:
        with served.browser() as browser:
            browser.message("status")
            browser.send("request", id="k", op="keep", camera="street", rotation=90)
            eventually(lambda: bool(served.server._operations._keeping), "it has begun")
        eventually(lambda: served.viewers() == 0, "nobody looks")
        eventually(lambda: "reload" in {request.op for request in served.daemon.requests}, "the daemon follows", 90)
    assert file.read_text() == KEPT.replace('480"}', '480", rotation: 90}')
    assert sorted(each.name for each in tmp_path.iterdir() if "edged" in each.name) == ["edged.yaml", "edged.yaml.bak"]


def test_more_changes_of_the_file_than_can_be_made_are_refused(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    may_end = asyncio.Event()

    async def changed(*_: object) -> dict[str, object]:
        await may_end.wait()
        return {"ok": True}

    monkeypatch.setattr(operations, "change_file", changed)
    with page(tmp_path) as served:
        for number in range(MOST_KEEPING):
            with served.browser() as browser:
                browser.send("request", id="k", op="keep", camera="street", rotation=90)
                eventually(
                    lambda number=number: len(served.server._operations._keeping) == number + 1,  # type: ignore[misc]  # mypy has no type for a default
                    "it has begun",
                )
        with served.browser() as browser:
            assert browser.ask("keep", camera="street", rotation=90)["error"]["code"] == "busy"
            served.loop.call_soon_threadsafe(may_end.set)
            eventually(lambda: not served.server._operations._keeping, "all are made")
            assert browser.ask("keep", camera="street", rotation=90)["ok"]


def test_a_process_that_cannot_be_started_is_the_reason_that_nothing_is_kept(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def full(*_: object, **__: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr(asyncio, "create_subprocess_exec", full)
    with page(tmp_path) as served, served.browser() as browser:
        error = browser.ask("keep", camera="street", rotation=90)["error"]
    assert (error["code"], "Cannot allocate memory" in error["text"]) == ("failed", True)


def test_a_daemon_at_another_address_is_followed_with_its_messages(tmp_path: Path) -> None:
    fed: list[str] = []

    with page(tmp_path, with_daemon=False) as served, Publisher(f"ipc://{tmp_path}/other.sock") as other:
        subscribe = served.server._settings.subscribe

        def note(address: str) -> Subscriber:
            fed.append(address)
            return Subscriber(other.address, kinds=KINDS, vectors=False) if len(fed) > 1 else subscribe(address)

        object.__setattr__(served.server._settings, "subscribe", note)
        with served.daemon.running():
            eventually(lambda: len(fed) == 1, "it takes the messages")
        other_daemon = ScriptedDaemon(tmp_path / "other-control.sock", answers)
        served.server._daemon._addresses = [f"ipc://{other_daemon.path}"]
        with other_daemon.running(), served.browser() as browser:
            eventually(lambda: len(fed) == 2, "it takes those of the other one")
            other.wait_for_subscription(4)
            other.send(state())
            assert browser.message("state")["state"]["state"] == state().state
    assert fed[1] == f"ipc://{other_daemon.path}"


def test_a_page_that_nobody_looks_at_ends_when_it_was_started_on_demand(tmp_path: Path) -> None:
    with page(tmp_path, idle_seconds=2.0) as served:
        with served.browser():
            assert not served.has_ended.wait(4)
        begin = time.monotonic()
        assert served.has_ended.wait(20)
        assert time.monotonic() - begin > 1.5


def test_an_ending_page_closes_its_tabs(tmp_path: Path) -> None:
    with page(tmp_path) as served:
        browser = served.browser()
    browser.wait_for_the_end()


def test_more_tabs_than_sixteen_are_told_so(tmp_path: Path) -> None:
    with page(tmp_path) as served:
        cookie = served.cookie("look")
        browsers = [Browser(served, cookie) for _ in range(MOST_VIEWERS)]
        with Browser(served, cookie) as one_more:
            closed = one_more.wait_for_the_end()
        assert closed.rcvd is not None
        assert (closed.rcvd.code, closed.rcvd.reason) == (1013, "16 tabs look at this page already")
        for browser in browsers:
            with browser:
                assert browser.message("hello")
        eventually(lambda: served.viewers() == 0, "nobody looks")
        with Browser(served, cookie) as again:
            assert again.message("hello")


def test_a_websocket_of_another_site_is_refused(tmp_path: Path) -> None:
    with page(tmp_path) as served:
        cookie = served.cookie()
        for shown, origin in ((cookie, "http://evil.example"), ("a=b", "")):
            with pytest.raises(InvalidStatus):
                Browser(served, shown, origin=origin)
        assert served.viewers() == 0


def test_the_messages_of_a_page_are_json_and_its_gate_is_its_own(tmp_path: Path) -> None:
    gate = AccessGate({"look": "x" * 43}, {"127.0.0.1"})
    with page(tmp_path, gate=gate) as served:
        assert served.get("/session", Authorization=f"Bearer {TOKENS['look']}")[0] == 401
        assert json.loads(served.get("/session", Authorization=f"Bearer {'x' * 43}")[2]) == {"role": "look"}
        assert served.get("/", Host="evil.example")[0] == 421


def test_the_status_comes_again_at_once_after_a_change(tmp_path: Path) -> None:
    count = 0

    def reply(request: requests.Request) -> Reply:
        nonlocal count
        if isinstance(request, requests.GetStatus):
            count += 1
            return status_result(references=count)
        return answers(request)

    with page(tmp_path, reply) as served, served.browser() as browser:
        browser.message("status")
        browser.ask("reload")
        begin = time.monotonic()
        browser.message("status")
        assert time.monotonic() - begin < 1.5
