"""Test vectors of messages, and the JSON Schema of their headers: both agree with the code."""

from __future__ import annotations

import json
import re
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from edged.errors import WireError
from edged.wire import KINDS, Event, Frames, Message, State, Status, Vec, decode, encode
from edged.wire.header_schema import header_schema
from tests.cli.test_schema import faults
from tests.wire.test_codec import ALL, messages

DOCS = Path(__file__).parent.parent.parent / "docs"
VECTORS: dict[str, list[dict[str, Any]]] = json.loads((DOCS / "wire.vectors.json").read_text())
SCHEMA = header_schema()
EARLIER = json.loads((Path(__file__).parent.parent / "cases/wire/a23e895.schema.json").read_text())
"""The schema of commit a23e895: what its subscribers accept, which are in use."""

OTHERS: tuple[Any, ...] = (None, True, 0, 0.5, "other", [], ["other"], {})
"""Values of each JSON type; most of them are wrong in most places."""

ALSO_ELSEWHERE = {"v", "kind", "node", "camera", "region", "dtype", "shape"}
"""Keys that a subscriber compares with the topic or the payload too, which a schema of the header cannot do."""


def frames_of(vector: dict[str, Any]) -> Frames:
    return vector["topic"].encode(), vector["header"].encode(), bytes.fromhex(vector["payload"])


def fits(header: Any, kind: str) -> bool:
    return not list(faults(header, SCHEMA["$defs"][kind], SCHEMA))


def is_read(frames: Frames) -> bool:
    try:
        decode(frames)
    except WireError:
        return False
    return True


@pytest.mark.parametrize("vector", VECTORS["accepted"], ids=lambda vector: str(vector["what"])[:60])
def test_the_messages_of_the_vectors_are_read(vector: dict[str, Any]) -> None:
    message, header = decode(frames_of(vector)), json.loads(vector["header"])
    assert fits(header, message.kind)
    topic, again, payload = encode(message)
    written = json.loads(again)
    assert topic.decode() == vector["topic"]
    assert bytes(payload).hex() == vector["payload"]
    assert {key: written[key] for key in header if key in written} == {
        key: value for key, value in header.items() if key != "later"
    }
    if isinstance(message, Vec):
        assert (message.vector * (message.scale or 1.0)).tolist() == vector["vector"]


@pytest.mark.parametrize("vector", VECTORS["refused"], ids=lambda vector: str(vector["what"]))
def test_the_wrong_messages_of_the_vectors_are_refused_for_their_reason(vector: dict[str, Any]) -> None:
    with pytest.raises(WireError, match=f"^{re.escape(vector['rule'])}: "):
        decode(frames_of(vector))


def test_the_vectors_have_every_kind_and_phase() -> None:
    accepted = [decode(frames_of(vector)) for vector in VECTORS["accepted"]]
    assert {message.kind for message in accepted} == set(KINDS)
    assert {message.phase for message in accepted if isinstance(message, Event)} == {"begin", "update", "end"}
    assert {message.dtype for message in accepted if isinstance(message, Vec)} == {"<f4", "|i1"}


@pytest.mark.parametrize("cls", [Vec, Event, State, Status])
@settings(max_examples=50)
@given(choices=st.data())
def test_the_header_of_every_message_fits_its_schema_and_no_other(cls: type, choices: st.DataObject) -> None:
    message: Message = choices.draw(messages(cls))
    header = json.loads(encode(message)[1])
    assert [kind for kind in KINDS if fits(header, kind)] == [message.kind]
    assert list(faults(header, SCHEMA, SCHEMA)) == []


@pytest.mark.parametrize("message", ALL, ids=lambda message: message.kind)
def test_the_schema_accepts_what_a_subscriber_accepts(message: Message) -> None:
    topic, plain, payload = encode(message)
    header = json.loads(plain)
    for key in header:
        less = {name: value for name, value in header.items() if name != key}
        for changed in (less, *({**header, key: other} for other in OTHERS)):
            taken = is_read((topic, json.dumps(changed).encode(), payload))
            assert fits(changed, message.kind) >= taken, (key, changed.get(key))
            if key not in ALSO_ELSEWHERE:
                assert fits(changed, message.kind) == taken, (key, changed.get(key))


@pytest.mark.parametrize("cls", [Vec, Event, Status])
@settings(max_examples=50)
@given(choices=st.data())
def test_an_earlier_subscriber_reads_every_message_of_the_kinds_that_it_knows(
    cls: type, choices: st.DataObject
) -> None:
    message: Message = choices.draw(messages(cls))
    header = json.loads(encode(message)[1])
    assert list(faults(header, EARLIER["$defs"][message.kind], EARLIER)) == []


def test_the_schema_in_the_manual_is_that_of_the_code() -> None:
    written = json.loads((DOCS / "wire.schema.json").read_text())
    assert written == json.loads(json.dumps(SCHEMA)), "run: edged schema wire > docs/wire.schema.json"


def test_a_vector_of_the_manual_is_exact_in_float32() -> None:
    vectors = [vector["vector"] for vector in VECTORS["accepted"] if vector.get("vector")]
    assert len(vectors) >= 2  # one of each dtype
    for numbers in vectors:
        assert np.array(numbers, np.float32).tolist() == numbers
