"""YAML and what passes for it."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from itertools import pairwise

import pytest

from edged.config.problems import ConfigFileError
from edged.config.reader import compose as composing
from edged.config.reader.compose import LARGEST, compose

Told = Callable[[str], list[str]]

pytestmark = pytest.mark.usefixtures("parser")


def value(text: str) -> object:
    plain = compose(f"key: {text}\n", "edged.yaml").root.plain
    assert isinstance(plain, dict)
    return plain["key"]


@pytest.mark.parametrize(
    "text", ["yes", "no", "on", "off", "y", "0o17", "0x1f", "1_000", "12:30", "2026-01-01", "1e", "+", ".", "--1", "<<"]
)
def test_what_older_yaml_takes_for_something_else_is_text(text: str) -> None:
    assert value(text) == text


@pytest.mark.parametrize(
    ("text", "meant"),
    [
        ("", None),
        ("~", None),
        ("null", None),
        ("true", True),
        ("False", False),
        ("10", 10),
        ("-3", -3),
        ("010", 10),
        ("0.5", 0.5),
        (".5", 0.5),
        ("1.", 1.0),
        ("1e3", 1000.0),
        ("-.inf", -math.inf),
        ("'10'", "10"),
        ('"true"', "true"),
        ("[1, a]", [1, "a"]),
    ],
)
def test_words_mean_the_same_as_in_the_core_schema(text: str, meant: object) -> None:
    found = value(text)
    assert found == meant
    assert type(found) is type(meant)


def test_not_a_number_is_read_as_such() -> None:
    found = value(".nan")
    assert isinstance(found, float)
    assert math.isnan(found)


def test_a_key_is_always_text() -> None:
    root = compose("on: 1\n1: 2\nnull: 3\ntrue: 4\n1.5: 5\n", "edged.yaml").root
    assert root.plain == {"on": 1, "1": 2, "null": 3, "true": 4, "1.5": 5}


def test_a_byte_order_mark_and_dos_line_ends_change_nothing() -> None:
    document = compose("\ufeffa: 1\r\nb:\r\n  - x\r\n", "edged.yaml")
    assert document.root.plain == {"a": 1, "b": ["x"]}
    assert document.value_at(("b", 0)) == (3, 5)


def test_an_alias_repeats_a_value_and_stands_where_that_stands() -> None:
    document = compose("a: &one {x: 1}\nb: *one\n", "edged.yaml")
    assert document.root.plain == {"a": {"x": 1}, "b": {"x": 1}}
    assert document.value_at(("b", "x")) == document.value_at(("a", "x")) == (1, 13)


def test_places_are_those_of_values_and_keys() -> None:
    document = compose("a:\n  b: [x, {c: d}]\n", "edged.yaml")
    assert document.value_at(("a", "b", 1, "c")) == (2, 14)
    assert document.key_at(("a", "b", 1, "c")) == (2, 11)
    assert document.key_at(("a", "b")) == (2, 3)
    assert document.value_at(("a", "gone", "deeper")) == (1, 1), "the key of the section that lacks it"
    assert document.value_at(("a", "b", 0, "gone")) == (2, 7), "an item of a list has no key"
    assert document.value_at(("gone",)) == document.value_at(()) == (1, 1)


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("", "1:1: is empty; it needs at least 'cameras:' with one camera"),
        ("# nothing\n---\n", "1:1: is empty; it needs at least 'cameras:' with one camera"),
        ("~", "1:1: is empty; it needs at least 'cameras:' with one camera"),
        ("just text", "1:1: must be a mapping of settings such as 'cameras:' (got 'just text')"),
        ("- a\n- b\n", "1:1: must be a mapping of settings such as 'cameras:' (got a list)"),
        ("node: a\n\tlog: {}\n", "2:1: a tab indents this line, and YAML takes only spaces"),
        ("log:\n  \tlevel: info\n", "2:3: a tab indents this line, and YAML takes only spaces"),
        ("node: a\n---\nnode: b\n", "2:1: a second document begins here, and a configuration is only one"),
        ("? [a, b]\n: 1\n", "1:3: a key must be text, not a list or a mapping"),
        ("{a: 1}: 1\n", "1:1: a key must be text, not a list or a mapping"),
        ("a: &x y\n*x : 1\n", "2:1: a key must be text, not an alias"),
        ("a: *x\n", "1:4: a: there is no anchor '&x' before this alias"),
        ("a: &x [1, *x]\n", "1:11: a[1]: there is no anchor '&x' before this alias"),
        ("a: '\x07'\n", "1:5: must not hold control characters or invisible ones (got U+0007)"),
        ("a: b\u2028c\n", "1:5: must not hold control characters or invisible ones (got U+2028)"),
        ("a: b\n\ufeff", "2:1: must not hold control characters or invisible ones (got U+FEFF)"),
    ],
)
def test_a_file_that_cannot_be_read_is_reported_in_one_line(told: Told, text: str, line: str) -> None:
    assert told(text) == [line]


@pytest.mark.parametrize(
    "text", ["a: [1, 2", "a: 'b", "a: b: c", "@a: 1", "a: {b: 1", "%YAML 3.0\n---\na: 1", "a: 1\n b\nc"]
)
def test_text_that_is_not_yaml_is_reported_with_its_place(told: Told, text: str) -> None:
    (line,) = told(text)
    number, column, rest = line.split(":", 2)
    assert 1 <= int(number) <= text.count("\n") + 1
    assert int(column) >= 1
    assert rest.startswith(" is not YAML: ")


@pytest.mark.parametrize(
    ("text", "line"),
    [
        ("log: {}\nlog: {}\n", "2:1: log: is given twice; the first is in line 1"),
        ("cameras: {a: {fps: 1, fps: 2}}", "1:23: cameras.a.fps: is given twice; the first is in line 1"),
        ("node: !!python/name:os.system [ls]", "1:7: node: must not have a tag; remove !!python/name:os.system"),
        ("node: !!str 12", "1:7: node: must not have a tag; remove !!str"),
        ("node: ! a", "1:7: node: must not have a tag; remove !"),
        ("a: &a {x: 1}\nlog:\n  <<: *a\n", "3:3: log.<<: merge keys are not supported; write the settings out"),
        ("node: 1234567890123456789", "1:7: node: is too large a number (got 1234567890123456789)"),
        ('node: "a\\0b"', "1:7: node: must not hold control characters (got U+0000)"),
        ('log: {"\\0word": 1}', "1:7: log.?word: must not hold control characters (got U+0000)"),
    ],
)
def test_an_unknown_key_is_reported_beside_every_other_problem(told: Told, text: str, line: str) -> None:
    assert line in told(text)


def test_an_escape_cannot_make_half_a_character(told: Told) -> None:
    lines = told('cameras: "\\ud800"')
    assert any("(got U+D800)" in line or "is not YAML: " in line for line in lines), "each parser has its own word"


BOMBS = {
    "aliases": "a: &a [x, x, x]\n" + "".join(f"{b}: &{b} [*{a}, *{a}, *{a}]\n" for a, b in pairwise("abcdefghijklm")),
    "chain": "a0: &a0 [x]\n" + "".join(f"a{n}: &a{n} [*a{n - 1}]\n" for n in range(1, 5000)),
    "lists": "a: " + "[" * 100_000,
    "mappings": "a: " + "{a: " * 100_000,
    "dashes": "- " * 100_000,
    "questions": "? " * 100_000,
    "values": "a: [" + "x," * 60_000 + "]",
    "keys": "".join(f"k{n}: 1\n" for n in range(60_000)),
}


@pytest.mark.parametrize("bomb", BOMBS.values(), ids=BOMBS)
def test_a_bomb_is_refused_before_it_bursts(bomb: str) -> None:
    begin = time.process_time()
    with pytest.raises(ConfigFileError):
        compose(bomb, "edged.yaml")
    assert time.process_time() - begin < 60, "seconds, where one is usual; without limits it is for ever"


def nested(values: int) -> str:
    """So many values at four levels, the lists and the mapping around them included."""
    lists, rest = divmod(values - 2, 100)
    return "a: [" + ("[[" + "x," * 98 + "]],") * lists + "x," * rest + "]"


def test_a_nested_value_counts_once(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(composing, "MOST_VALUES", 4200)
    assert compose(nested(4200), "edged.yaml").root.size == 4200
    with pytest.raises(ConfigFileError, match="holds more than 4200 values"):
        compose(nested(4201), "edged.yaml")


def test_a_text_of_more_than_a_mebibyte_is_refused(told: Told) -> None:
    assert told("#" * (LARGEST + 1)) == ["is too large for a configuration: more than 1 MiB"]


def test_deep_but_sensible_nesting_is_read() -> None:
    text = "a: " + "[" * 31 + "]" * 31
    assert compose(text, "edged.yaml").root.height == 32
