"""Control messages: requests and replies that are read, and those that are refused with a code."""

from __future__ import annotations

import json
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.errors import ControlError, WireError
from edged.wire import control as wire
from edged.wire import control_requests as requests
from edged.wire import control_results as results
from edged.wire.control_schema import RESULTS, control_schema
from tests.cli.test_schema import faults

DOCS = Path(__file__).parent.parent.parent / "docs"
VECTORS: dict[str, list[dict[str, Any]]] = json.loads((DOCS / "control.vectors.json").read_text())
SCHEMA = control_schema()

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=8,
)
any_request = st.fixed_dictionaries(
    {"v": st.just(1) | json_values, "id": st.text(max_size=70), "op": st.sampled_from([*requests.REQUESTS, "stop"])},
    optional={
        key: json_values | st.sampled_from(["street", "path"])
        for key in (
            "name",
            "camera",
            "region",
            "frames",
            "replace",
            "enter",
            "leave",
            "min_seconds",
            "state",
            "picture",
            "discard",
            "last",
            "width",
            "regions",
            "mask",
            "rotation",
            "seconds",
            "quality",
            "other",
        )
    },
)


def asked(body: bytes) -> requests.Request:
    return wire.read_envelope(body).request()


def outcome(body: bytes) -> tuple[str | None, requests.Request | ControlError]:
    """Return the id, if it can be read, and the request or the error that refuses it."""
    request_id = None
    try:
        envelope = wire.read_envelope(body)
        request_id = envelope.id
        return request_id, envelope.request()
    except ControlError as refusal:
        return request_id, refusal


def fits(message: str, name: str) -> bool:
    """Return whether *message* is valid by the schema called *name*."""
    return not list(faults(json.loads(message), SCHEMA["$defs"][name], SCHEMA))


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda vector: str(vector["request"])[:60])
def test_the_requests_of_the_vectors_are_read(vector: dict[str, Any]) -> None:
    request = asked(vector["request"].encode())
    assert request.op == vector["op"]
    assert json.loads(json.dumps(asdict(request))) == vector["values"]
    assert fits(vector["request"], vector["op"])
    body = wire.write_request(request, "some id")
    assert asked(body) == request
    assert wire.read_envelope(body).id == "some id"


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: str(vector["what"]))
def test_the_wrong_requests_of_the_vectors_are_refused_with_their_code(vector: dict[str, Any]) -> None:
    request_id, refusal = outcome(vector["request"].encode())
    assert isinstance(refusal, ControlError)
    assert refusal.code == vector["code"]
    assert vector["code"] in wire.CODES
    assert request_id == vector["id"]
    assert len(str(refusal)) < 300


@pytest.mark.parametrize("vector", VECTORS["replies"], ids=lambda vector: str(vector["reply"])[:60])
def test_the_replies_of_the_vectors_are_read(vector: dict[str, Any]) -> None:
    frames = [vector["reply"].encode(), *[b"PNG"] * vector.get("pictures", 0)]
    cls: type[Any] = RESULTS[vector["op"]][-1 if vector.get("of") == "a set" else 0]
    if "code" in vector:
        with pytest.raises(ControlError) as refused:
            wire.read_reply(frames, cls, "a")
        assert (refused.value.code, str(refused.value)) == (vector["code"], vector["text"])
        assert fits(vector["reply"], "refusal")
        return
    result = wire.read_reply(frames, cls, "a")
    assert result is not None
    assert json.loads(json.dumps(asdict(result))) == vector["values"]
    assert fits(vector["reply"], f"{vector['op']}-reply")
    assert wire.read_reply([wire.write_reply(result, "a"), *frames[1:]], cls, "a") == result


def test_a_reply_to_another_request_is_ignored() -> None:
    body = wire.write_reply(results.ForgetResult(name="gate"), "first")
    assert wire.read_reply([body], results.ForgetResult, "second") is None


@pytest.mark.parametrize(
    "frames",
    [
        [],
        [b"\xff"],
        [b"{}"],
        [b'{"v":1,"id":"a","ok":true}'],
        [b'{"v":1,"id":"a","ok":true,"result":{"name":1}}'],
        [b'{"v":1,"id":"a","ok":1,"result":{"name":"n"}}'],
        [b'{"v":2,"id":"a","ok":true,"result":{"name":"n"}}'],
        [b'{"v":1,"id":"a","ok":false,"error":"no"}'],
        [b" " * (wire.MAX_REPLY_BYTES + 1)],
    ],
)
def test_frames_that_are_not_a_reply_are_refused(frames: list[bytes]) -> None:
    with pytest.raises(WireError):
        wire.read_reply(frames, results.ForgetResult, "a")


def test_a_reply_with_missing_pictures_is_refused() -> None:
    result = results.SnapshotResult(
        camera="street", frame_seq=1, t_wall_us=2, pictures=(results.PictureInfo(name="street", width=1, height=1),)
    )
    with pytest.raises(WireError, match="as many as frames"):
        wire.read_reply([wire.write_reply(result, "a")], results.SnapshotResult, "a")


@given(st.binary(max_size=200))
def test_random_bytes_are_refused(body: bytes) -> None:
    with pytest.raises(ControlError):
        asked(body)


@given(any_request)
def test_requests_are_read_or_refused_as_by_the_schema(content: dict[str, Any]) -> None:
    body = json.dumps(content)
    request_id, request = outcome(body.encode())
    if isinstance(request, ControlError):
        assert request.code in wire.CODES
        assert fits(wire.write_refusal(request, request_id).decode(), "refusal")
    else:
        assert fits(body, content["op"])
        assert asked(wire.write_request(request, "a")) == request


@given(st.data())
def test_a_request_that_was_altered_is_read_or_refused(data: st.DataObject) -> None:
    vector = data.draw(st.sampled_from(VECTORS["accepted"]))
    body = bytearray(vector["request"].encode())
    for _ in range(data.draw(st.integers(1, 3))):
        place = data.draw(st.integers(0, len(body) - 1))
        body[place : place + data.draw(st.integers(0, 4))] = data.draw(st.binary(max_size=4))
        if not body:
            break
    _, request = outcome(bytes(body))
    assert not isinstance(request, ControlError) or request.code in wire.CODES


def test_the_schema_in_the_manual_is_that_of_the_code() -> None:
    written = json.loads((DOCS / "control.schema.json").read_text())
    assert written == json.loads(json.dumps(SCHEMA)), "run: edged schema control > docs/control.schema.json"


def test_the_text_of_a_refusal_is_printable_and_its_lines_are_kept() -> None:
    content = {"code": "failed", "text": "\x1b[2Jfirst\nsecond" + "x" * 5000 + "\n" * 1000}
    body = json.dumps({"v": 1, "id": "a", "ok": False, "error": content}).encode()
    with pytest.raises(ControlError) as refused:
        wire.read_reply([body], results.ForgetResult, "a")
    first, second, *rest = str(refused.value).split("\n")
    assert first == "?[2Jfirst"
    assert len(second) == 1000
    assert len(rest) == 48
