"""Ways to damage a model file, for ``scripts/fuzz-models``."""

from __future__ import annotations

import random
import struct
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt

from edged.vision.tflite.flatbuffer import Record, read_flatbuffer
from edged.vision.tflite.schema import IDENTIFIER, MODEL
from scripts.flatbuffer_writer import write_flatbuffer

__all__ = ["Original", "damaged"]

BIG = 64
"""Least bytes of a vector that counts as weights or scales: a wrong one usually gives only a wrong answer."""

NUMBERS = (0, 1, 2, 3, 4, 5, 7, 8, 16, 32, 127, 128, 255, 256, 1000, 0x7FFF, 0xFFFF, 1 << 24, 0x7FFFFFFF)
FLOATS = (0.0, -1.0, 1e-45, 1e-38, 1e-12, 1e-3, 1.0, 1e3, 1e12, 1e38, float("inf"), float("nan"))


@dataclass(frozen=True)
class Original:
    """A whole model: its bytes, the ranges of them that are not weights, and its record."""

    name: str
    content: bytes
    structure: list[range] = field(repr=False)
    record: Record = field(repr=False)

    @classmethod
    def read(cls, path: Path) -> Original:
        """Read the model at *path*, which must be valid."""
        content = path.read_bytes()
        record = read_flatbuffer(content, MODEL)
        begin = _address(np.frombuffer(content, np.uint8))
        weights = sorted((_address(vector) - begin, vector.nbytes) for vector in _vectors(record))
        structure, at = [], 0
        for start, size in [*weights, (len(content), 0)]:
            if start > at:
                structure.append(range(at, start))
            at = max(at, start + size)
        return cls(path.name, content, structure, record)

    def random_position(self, chance: random.Random) -> int:
        """A random position in the file, in 19 of 20 cases in its structure."""
        if chance.random() < 0.05:
            return chance.randrange(len(self.content))
        return chance.choice(chance.choices(self.structure, [len(piece) for piece in self.structure])[0])


def _vectors(value: Any) -> Iterator[npt.NDArray[Any]]:
    """The long vectors in a tree of records."""
    if isinstance(value, np.ndarray):
        if value.nbytes >= BIG:
            yield value
    elif isinstance(value, dict):
        yield from (vector for part in value.values() for vector in _vectors(part))
    elif isinstance(value, list | tuple):
        yield from (vector for part in value for vector in _vectors(part))


def _address(vector: npt.NDArray[Any]) -> int:
    address: int = vector.__array_interface__["data"][0]
    return address


def damaged(original: Original, chance: random.Random) -> tuple[str, bytes]:
    """The name of a random way of damage, and *original* damaged in that way."""
    way: Callable[[Original, random.Random], bytes] = chance.choices(list(WAYS), list(WAYS.values()))[0]
    return way.__name__.strip("_"), way(original, chance)


def _bits(original: Original, chance: random.Random) -> bytes:
    content = bytearray(original.content)
    for _ in range(_times(chance)):
        content[original.random_position(chance)] ^= 1 << chance.randrange(8)
    return bytes(content)


def _bytes(original: Original, chance: random.Random) -> bytes:
    content = bytearray(original.content)
    for _ in range(_times(chance)):
        content[original.random_position(chance)] = chance.randrange(256)
    return bytes(content)


def _number(original: Original, chance: random.Random) -> bytes:
    content = bytearray(original.content)
    for _ in range(_times(chance)):
        width = chance.choice((1, 2, 2, 4, 4, 4, 8))
        at = original.random_position(chance) // width * width
        value = _other_number(int.from_bytes(content[at : at + width], "little"), chance)
        content[at : at + width] = (value % (1 << 8 * width)).to_bytes(width, "little")
    return bytes(content)


def _splice(original: Original, chance: random.Random) -> bytes:
    """Copy a piece over another: offsets and vtables of one table in the place of those of another."""
    content = bytearray(original.content)
    for _ in range(_times(chance)):
        size = chance.choice((2, 4, 8, 16, 32, 64))
        source, target = original.random_position(chance) // 4 * 4, original.random_position(chance) // size * size
        content[target : target + size] = content[source : source + size]
    return bytes(content)


def _truncation(original: Original, chance: random.Random) -> bytes:
    return original.content[: chance.randrange(len(original.content))]


def _meaning(original: Original, chance: random.Random) -> bytes:
    """A whole FlatBuffer whose values are wrong."""
    while True:
        record = _copy(original.record)
        for _ in range(_times(chance)):
            _change(record, chance)
        try:
            return write_flatbuffer(record, MODEL, IDENTIFIER)
        except (struct.error, OverflowError):
            continue  # the number does not fit into its field


WAYS: dict[Callable[[Original, random.Random], bytes], int] = {
    _bits: 6,
    _bytes: 3,
    _number: 6,
    _splice: 3,
    _truncation: 1,
    _meaning: 20,
}


def _times(chance: random.Random) -> int:
    return chance.choice((1, 1, 1, 1, 1, 2, 2, 3))


def _other_number(value: int, chance: random.Random) -> int:
    return (
        chance.choice((*NUMBERS, -1, -2, -value, ~value, 2 * value, value // 2))
        if chance.random() < 0.7
        else (value + chance.choice((-16, -8, -4, -2, -1, 1, 2, 4, 8, 16)))
    )


def _copy(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _copy(part) for key, part in value.items()}
    if isinstance(value, list):
        return [_copy(part) for part in value]
    return (value[0], _copy(value[1])) if isinstance(value, tuple) else value


def _change(record: Record, chance: random.Random) -> None:
    """Change one value in a tree of records, chosen by a random walk down the tree."""
    while True:
        keys = [key for key, value in record.items() if value is not None]
        key = "subgraphs" if "subgraphs" in keys and chance.random() < 0.9 else chance.choice(keys)
        value = record[key]
        if chance.random() < 0.05:
            record[key] = None
            return
        if isinstance(value, list) and value:
            if chance.random() < 0.1:
                _rearrange(value, chance)
                return
            value = chance.choice(value)
        if isinstance(value, tuple):
            value = value[1]
        if not isinstance(value, dict):
            record[key] = _other_value(record[key], chance)
            return
        if not any(part is not None for part in value.values()):
            return
        record = value


def _rearrange(items: list[Any], chance: random.Random) -> None:
    one, other = chance.randrange(len(items)), chance.randrange(len(items))
    match chance.randrange(4):
        case 0:
            del items[one]
        case 1:
            items.insert(one, items[other])
        case 2:
            items[one], items[other] = items[other], items[one]
        case _:
            items[one] = items[other]


def _other_value(value: Any, chance: random.Random) -> Any:
    if isinstance(value, np.ndarray):
        return _other_vector(value, chance)
    if isinstance(value, float):
        return chance.choice(FLOATS)
    return _other_number(value, chance) if isinstance(value, int) else value


def _other_vector(vector: npt.NDArray[Any], chance: random.Random) -> npt.NDArray[Any]:
    if not vector.size or chance.random() < 0.2:
        return chance.choice((vector[:-1], vector[1:], vector[:0], np.append(vector, vector[:1]), np.repeat(vector, 2)))
    vector = vector.copy()
    at = chance.randrange(vector.size)
    if vector.dtype.kind == "f":
        vector[at] = chance.choice((*FLOATS, 2 * float(vector[at])))
    else:
        limits = np.iinfo(vector.dtype)
        vector[at] = min(max(_other_number(int(vector[at]), chance), limits.min), limits.max)
    return vector
