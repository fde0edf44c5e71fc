"""The reader of FlatBuffers, with every part of a file made wrong in turn."""

from __future__ import annotations

import struct
import time
from contextlib import suppress
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from edged.errors import ModelError
from edged.vision.tflite.flatbuffer import (
    Enum,
    FlatbufferError,
    Scalar,
    Table,
    Text,
    Union,
    Vector,
    VectorOf,
    read_flatbuffer,
)
from edged.vision.tflite.model_file import read_model
from edged.vision.tflite.schema import IDENTIFIER, MODEL
from scripts.flatbuffer_writer import write_flatbuffer

LEAF = Table("Leaf", size=Scalar("i", 7), colour=Enum("b", 3))
STEM = Table("Stem", height=Scalar("q"))
TREE = Table(
    "Tree",
    name=Text(),
    age=Scalar("H", 1),
    gone=None,
    part=Union(LEAF, STEM),
    leaves=VectorOf(LEAF),
    labels=VectorOf(Text()),
    rings=Vector("f4"),
    days=Vector("i8"),
    weight=Scalar("d"),
    older=Union(LEAF, more=True),
)

OAK: dict[str, Any] = {
    "name": "oak 🌳",
    "age": 300,
    "part": ("Stem", {"height": -5}),
    "leaves": [{"size": 1, "colour": 2}, {"size": 7, "colour": 0}],
    "labels": ["", "one"],
    "rings": np.array([0.5, 1.5], np.float32),
    "days": np.array([1, 2, 3], np.int64),
    "weight": 1e3,
    "older": None,
}


def oak() -> bytearray:
    return bytearray(write_flatbuffer(OAK, TREE))


def fault(content: bytes | bytearray, root: Table = TREE) -> str:
    with pytest.raises(FlatbufferError) as caught:
        read_flatbuffer(bytes(content), root)
    return str(caught.value)


def place_of(content: bytearray, field: str) -> int:
    """The byte at which *field* of the root lies."""
    root = struct.unpack_from("<I", content)[0]
    vtable = root - struct.unpack_from("<i", content, root)[0]
    slot = {label: slot for slot, label, _ in TREE.slots}[field]
    return int(root + struct.unpack_from("<H", content, vtable + 4 + 2 * slot)[0])


def target_of(content: bytearray, field: str) -> int:
    """The first byte of the target of *field* of the root."""
    at = place_of(content, field)
    return int(at + struct.unpack_from("<I", content, at)[0])


def test_a_flatbuffer_is_read_as_it_was_written() -> None:
    tree = read_flatbuffer(bytes(oak()), TREE)
    assert tree["name"] == "oak 🌳"
    assert tree["part"] == ("Stem", {"height": -5})
    assert tree["leaves"] == [{"size": 1, "colour": 2}, {"size": 7, "colour": 0}]
    assert tree["labels"] == ["", "one"]
    assert tree["rings"].tolist() == [0.5, 1.5]
    assert tree["days"].dtype == np.int64
    assert (tree["age"], tree["weight"]) == (300, 1e3)


def test_an_absent_field_has_its_default() -> None:
    tree = read_flatbuffer(write_flatbuffer({}, TREE), TREE)
    assert tree["age"] == 1
    assert [tree[field] for field in ("name", "part", "leaves", "rings", "older")] == [None] * 5


def test_fields_of_a_later_schema_are_not_read() -> None:
    grown = Table("Grown", size=Scalar("i", 7), colour=Enum("b", 3), later=Text(), last=Scalar("q"))
    content = write_flatbuffer({"size": 3, "later": "x", "last": 9}, grown)
    assert read_flatbuffer(content, LEAF) == {"size": 3, "colour": 0}


def test_vectors_are_not_copied_and_cannot_be_written() -> None:
    rings = read_flatbuffer(bytes(oak()), TREE)["rings"]
    with pytest.raises(ValueError, match="read-only"):
        rings[0] = 1.0


@pytest.mark.parametrize("content", [b"", b"\0", b"\4\0\0", b"\4\0\0\0", b"\0\0\0\0", b"\xff\xff\xff\xff" * 4])
def test_a_file_too_short_for_a_root_is_refused(content: bytes) -> None:
    assert fault(content).startswith("the root ")


def test_a_vtable_outside_the_file_is_refused() -> None:
    content = oak()
    root = struct.unpack_from("<I", content)[0]
    for distance in (1 << 30, -(1 << 30), root + 4):
        struct.pack_into("<i", content, root, distance)
        assert "the root reaches to byte" in fault(content)


@pytest.mark.parametrize(("at", "value"), [(0, 3), (0, 2), (0, 5), (2, 2), (0, 0xFFFF), (2, 0xFFFF)])
def test_a_vtable_with_impossible_sizes_is_refused(at: int, value: int) -> None:
    content = oak()
    root = struct.unpack_from("<I", content)[0]
    vtable = root - struct.unpack_from("<i", content, root)[0]
    struct.pack_into("<H", content, vtable + at, value)
    assert "the root" in fault(content)


def test_a_field_outside_its_table_is_refused() -> None:
    content = oak()
    root = struct.unpack_from("<I", content)[0]
    vtable = root - struct.unpack_from("<i", content, root)[0]
    size = struct.unpack_from("<H", content, vtable + 2)[0]
    for place in (1, 2, 3, size - 3, size, 0xFFFF):
        struct.pack_into("<H", content, vtable + 4, place)  # name, which needs 4 bytes
        assert fault(content) == f"the root has name at {place}, outside of its {size} bytes"


def test_an_offset_to_an_impossible_place_is_refused() -> None:
    content = oak()
    at = place_of(content, "name")
    struct.pack_into("<I", content, at, 0)
    assert fault(content) == f"name points to byte {at}, where nothing can begin"
    struct.pack_into("<I", content, at, 1 << 31)
    assert f"of a file of {len(content)} bytes" in fault(content)
    struct.pack_into("<I", content, at, 6)
    assert "where nothing can begin" in fault(content)


@pytest.mark.parametrize("field", ["name", "leaves", "labels", "rings", "days"])
@pytest.mark.parametrize("count", [0x10000, 0x7FFFFFFF, 0xFFFFFFFF])
def test_a_length_past_the_end_is_refused(field: str, count: int) -> None:
    content = oak()
    struct.pack_into("<I", content, target_of(content, field), count)
    assert fault(content).startswith(f"{field} reaches to byte ")


def test_a_string_without_its_end_is_refused() -> None:
    content = oak()
    start = target_of(content, "name")
    length = struct.unpack_from("<I", content, start)[0]
    content[start + 4 + length] = 1
    assert fault(content) == "name is a string without its end mark"


def test_a_string_at_the_very_end_of_the_file_needs_its_end_mark_too() -> None:
    content = write_flatbuffer({"name": "x"}, Table("T", name=Text()))
    assert fault(content[:-1], Table("T", name=Text())) == "name is a string without its end mark"


def test_a_string_that_is_not_utf8_is_refused() -> None:
    content = oak()
    content[target_of(content, "name") + 4] = 0xFF
    assert fault(content) == "name is a string, but not UTF-8"


def test_the_kind_of_a_union_must_be_known() -> None:
    content = oak()
    assert content[kind_of_part(content)] == 2
    content[kind_of_part(content)] = 3
    assert fault(content) == "part is of kind 3, and only 1 to 2 are known"


def kind_of_part(content: bytearray) -> int:
    """The byte at which the kind of ``part`` lies: in the slot before its own."""
    root = struct.unpack_from("<I", content)[0]
    vtable = root - struct.unpack_from("<i", content, root)[0]
    slot = {label: slot for slot, label, _ in TREE.slots}["part"] - 1
    return int(root + struct.unpack_from("<H", content, vtable + 4 + 2 * slot)[0])


def test_a_union_of_no_kind_is_none() -> None:
    content = oak()
    content[kind_of_part(content)] = 0
    assert read_flatbuffer(bytes(content), TREE)["part"] is None


def test_a_union_that_may_grow_does_not_read_unknown_members() -> None:
    wider = Table("Wider", name=Text(), older=Union(LEAF, STEM))
    narrow = Table("Narrow", name=Text(), older=Union(LEAF, more=True))
    content = write_flatbuffer({"older": ("Stem", {"height": 1})}, wider)
    assert read_flatbuffer(content, narrow)["older"] == ("kind 2", {})


def test_the_number_of_an_enum_must_be_known() -> None:
    content = write_flatbuffer({"leaves": [{}, {"size": 1, "colour": 3}]}, TREE)
    assert fault(content) == "leaves[1].colour is 3, and only 0 to 2 are known"


def test_numbers_that_are_not_aligned_are_refused() -> None:
    content = oak()
    at = place_of(content, "days")
    struct.pack_into("<I", content, at, target_of(content, "days") - 4 - at)
    assert "days" in fault(content)


def overlapping(twigs: int, leaves: int) -> bytes:
    """A file in which *twigs* times the same twig has *leaves* times the same leaf; all share one vtable."""
    twig = 24 + 4 * twigs
    leaf = twig + 12 + 4 * leaves
    return b"".join(
        [
            struct.pack("<I4HIII", 12, 6, 8, 4, 0, 8, 4, twigs),
            *(struct.pack("<I", twig - (24 + 4 * number)) for number in range(twigs)),
            struct.pack("<iII", twig - 4, 4, leaves),
            *(struct.pack("<I", leaf - (twig + 12 + 4 * number)) for number in range(leaves)),
            struct.pack("<ii", leaf - 4, 1),
        ]
    )


def test_a_file_whose_parts_overlap_many_times_is_refused() -> None:
    """It is small on disk, and takes endless work."""
    bush = Table("Bush", twigs=VectorOf(Table("Twig", leaves=VectorOf(LEAF))))
    assert read_flatbuffer(overlapping(2, 3), bush) == {"twigs": [{"leaves": [{"size": 1, "colour": 0}] * 3}] * 2}
    began = time.process_time()
    assert "belongs to parts that overlap too often" in fault(overlapping(10_000, 10_000), bush)
    assert time.process_time() - began < 2.0


def test_a_cut_at_any_byte_is_refused() -> None:
    content = write_flatbuffer(OAK, TREE)
    for length in range(len(content)):
        with pytest.raises(FlatbufferError):
            read_flatbuffer(content[:length], TREE)


@settings(max_examples=300)
@given(st.binary(max_size=400))
@example(b"\4\0\0\0" * 30)
def test_any_bytes_are_read_or_refused(content: bytes) -> None:
    with suppress(FlatbufferError):
        read_flatbuffer(content, TREE)


@settings(max_examples=300)
@given(st.lists(st.tuples(st.integers(0, 10**6), st.integers(0, 255)), min_size=1, max_size=8))
def test_any_damaged_flatbuffer_is_read_or_refused(damage: list[tuple[int, int]]) -> None:
    content = oak()
    for at, value in damage:
        content[at % len(content)] = value
    with suppress(FlatbufferError):
        read_flatbuffer(bytes(content), TREE)


SMALL = (Path(__file__).parents[2] / "cases" / "small96_float_meta.tflite").read_bytes()


@settings(max_examples=400)
@given(
    st.lists(
        st.tuples(st.integers(0, len(SMALL) - 4), st.one_of(st.integers(0, 300), st.integers(0, 2**32 - 1))),
        min_size=1,
        max_size=6,
    ),
    st.integers(0, len(SMALL)),
)
def test_a_damaged_model_raises_a_model_error_only(damage: list[tuple[int, int]], cut: int) -> None:
    content = bytearray(SMALL)
    for at, value in damage:
        struct.pack_into("<I", content, at // 4 * 4, value)
    with suppress(ModelError):
        read_model(bytes(content[:cut] if cut % 7 == 0 else content))


def test_a_model_is_the_same_after_it_was_written_again(cases: Path) -> None:
    path = cases / "two_heads_uint8_meta.tflite"
    again = write_flatbuffer(read_flatbuffer(path.read_bytes(), MODEL), MODEL, IDENTIFIER)
    assert read_model(again).heads == read_model(path).heads
