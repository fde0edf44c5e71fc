"""The format between a browser and the page: its schema, and the reader that is as strict."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.cli.schema import add_parser
from edged.errors import WireError
from edged.page.protocol import browser_schema, read_message
from tests.cli.test_schema import faults

DOCS = Path(__file__).parents[2] / "docs"

ACCEPTED: list[dict[str, Any]] = [
    {"type": "look"},
    {"type": "look", "cameras": [{"camera": "street", "width": 640, "fps": 5}]},
    {"type": "look", "inputs": [{"camera": "street", "region": "path"}], "scores": []},
    {"type": "ack", "number": 7},
    {"type": "request", "id": "r1", "op": "status"},
    {"type": "request", "id": "r1", "op": "keep", "camera": "street", "rotation": 90},
]
REFUSED: list[dict[str, Any]] = [
    {},
    {"type": "shout"},
    {"type": "look", "cameras": [{"width": 640}]},
    {"type": "look", "cameras": [{"camera": 1}]},
    {"type": "look", "inputs": [{"camera": "street"}]},
    {"type": "ack"},
    {"type": "ack", "number": "7"},
    {"type": "request", "id": "r1"},
    {"type": "request", "id": 1, "op": "status"},
]


def test_the_schema_in_the_manual_is_that_of_the_code() -> None:
    written = json.loads((DOCS / "page.schema.json").read_text())
    assert written == json.loads(json.dumps(browser_schema())), "run: edged schema page > docs/page.schema.json"


def test_it_is_printed(capsys: pytest.CaptureFixture[str]) -> None:
    parser = argparse.ArgumentParser(prog="edged")
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["schema", "page"])
    assert args.main(args) == 0
    assert json.loads(capsys.readouterr().out) == json.loads(json.dumps(browser_schema()))


@pytest.mark.parametrize("message", ACCEPTED, ids=json.dumps)
def test_what_the_schema_accepts_is_read(message: dict[str, Any]) -> None:
    assert not list(faults(message, browser_schema(), browser_schema()))
    assert read_message(json.dumps(message)).type == message["type"]


@pytest.mark.parametrize("message", REFUSED, ids=json.dumps)
def test_what_the_schema_refuses_is_not(message: dict[str, Any]) -> None:
    assert list(faults(message, browser_schema(), browser_schema()))
    with pytest.raises(WireError):
        read_message(json.dumps(message))


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3),
    max_leaves=8,
)


@given(
    st.fixed_dictionaries(
        {"type": st.sampled_from(["look", "ack", "request"]) | VALUES},
        optional=dict.fromkeys(("cameras", "inputs", "scores", "number", "id", "op", "self"), VALUES),
    )
)
def test_any_json_is_a_message_or_refused(message: dict[str, Any]) -> None:
    try:
        read = read_message(json.dumps(message))
    except WireError:
        return
    assert read.type == message["type"]
