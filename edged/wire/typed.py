"""Readers that turn JSON values into the types of annotations, or refuse them.

The annotations of the messages are the only description of a header; this module reads them. It supports what headers
need: ``int``, ``float``, ``str``, ``bool``, ``Literal``, ``X | None``, tuples, mappings of names
and nested dataclasses.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import MISSING, Field, fields, is_dataclass
from math import isfinite
from reprlib import repr as short
from types import NoneType, UnionType
from typing import TYPE_CHECKING, Any, Literal, Union, get_args, get_origin, get_type_hints

from edged.errors import WireError

if TYPE_CHECKING:
    from collections.abc import Collection

__all__ = ["Reader", "object_reader", "reader"]

Reader = Callable[[Any], Any]
"""Takes a JSON value and returns the typed one. Raises WireError."""

INT64 = 1 << 63
SURROGATE = re.compile("[\ud800-\udfff]")


def reader(annotation: Any, where: str) -> Reader:
    """Return the function that turns a JSON value into a value of *annotation*; its errors begin with *where*.

    Raises:
        TypeError: JSON has no type for this annotation.
    """
    origin, arguments = get_origin(annotation), get_args(annotation)
    if annotation in _SCALARS:
        return _SCALARS[annotation](where)
    if origin is Literal:
        return _literal(arguments, where)
    if origin in (Union, UnionType):
        (inner,) = (argument for argument in arguments if argument is not NoneType)
        return _nullable(reader(inner, where))
    if origin is tuple:
        count = None if arguments[-1] is Ellipsis else len(arguments)
        return _array(reader(arguments[0], f"{where}[]"), count, where)
    if origin is Mapping:
        return _mapping(reader(arguments[1], f"{where}.*"), where)
    if is_dataclass(annotation):
        return _object(annotation, where)
    raise TypeError(f"{where}: JSON has no type for {annotation}")


def object_reader(cls: type, where: str, without: Collection[str] = ()) -> Callable[[Any], dict[str, Any]]:
    """Return the function that turns a JSON object into the values of the fields of the dataclass *cls*, by name.

    Keys that *cls* does not know are ignored; those of fields with a default may be absent. The fields in *without* are
    not read.
    """
    hints = get_type_hints(cls)
    prefix = where and f"{where}."
    parts = [
        (member.name, reader(hints[member.name], prefix + member.name), _is_required(member))
        for member in fields(cls)
        if member.name not in without
    ]

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise WireError(f"{where or 'header'}: must be a JSON object (got {short(value)})")
        values = {}
        for name, read_part, required in parts:
            if name in value:
                values[name] = read_part(value[name])
            elif required:
                raise WireError(f"{prefix}{name}: is missing")
        return values

    return read


def _is_required(member: Field[Any]) -> bool:
    return member.default is MISSING and member.default_factory is MISSING


def _object(cls: Any, where: str) -> Reader:
    read = object_reader(cls, where)
    return lambda value: cls(**read(value))


def _boolean(where: str) -> Reader:
    def read(value: Any) -> bool:
        if value is True or value is False:
            return value
        raise WireError(f"{where}: must be true or false (got {short(value)})")

    return read


def _integer(where: str) -> Reader:
    def read(value: Any) -> int:
        # The exact type, because True is an int in Python, but not a number in JSON.
        if type(value) is int and -INT64 <= value < INT64:
            return value
        raise WireError(f"{where}: must be a whole number of 64 bits (got {short(value)})")

    return read


def _number(where: str) -> Reader:
    def read(value: Any) -> float:
        if type(value) is float and isfinite(value):  # "1e999" is JSON, and infinite
            return value
        if type(value) is int and -INT64 <= value < INT64:
            return float(value)
        raise WireError(f"{where}: must be a number (got {short(value)})")

    return read


def _string(where: str) -> Reader:
    def read(value: Any) -> str:
        # "\ud800" is JSON, but half a character: it can be neither printed nor sent on.
        if type(value) is str and (value.isascii() or not SURROGATE.search(value)):
            return value
        raise WireError(f"{where}: must be a string (got {short(value)})")

    return read


_SCALARS: dict[Any, Callable[[str], Reader]] = {bool: _boolean, int: _integer, float: _number, str: _string}


def _literal(options: tuple[Any, ...], where: str) -> Reader:
    def read(value: Any) -> Any:
        if type(value) is type(options[0]) and value in options:
            return value
        raise WireError(f"{where}: must be one of {', '.join(map(repr, options))} (got {short(value)})")

    return read


def _nullable(read: Reader) -> Reader:
    return lambda value: None if value is None else read(value)


def _array(read_item: Reader, count: int | None, where: str) -> Reader:
    def read(value: Any) -> tuple[Any, ...]:
        if type(value) is not list or (count is not None and len(value) != count):
            size = "" if count is None else f" of {count}"
            raise WireError(f"{where}: must be an array{size} (got {short(value)})")
        return tuple(map(read_item, value))

    return read


def _mapping(read_item: Reader, where: str) -> Reader:
    read_key = _string(where)

    def read(value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise WireError(f"{where}: must be a JSON object (got {short(value)})")
        return {read_key(key): read_item(item) for key, item in value.items()}

    return read
