"""Translation of foreign errors."""

from __future__ import annotations

import errno
from pathlib import Path

import pytest

from edged.errors import ModelError, SourceError, map_exceptions


def test_a_foreign_error_becomes_one_of_edged_with_its_place_and_its_cause() -> None:
    foreign = OSError("no such device")
    with (
        pytest.raises(SourceError, match=r"^camera front: no such device$") as raised,
        map_exceptions({OSError: SourceError}, "camera front"),
    ):
        raise foreign
    assert raised.value.__cause__ is foreign


def test_the_first_class_that_fits_counts() -> None:
    with (
        pytest.raises(ModelError, match=r"^gone$"),
        map_exceptions({FileNotFoundError: ModelError, OSError: SourceError}),
    ):
        raise FileNotFoundError("gone")


def test_an_error_of_the_system_gives_its_message_alone(tmp_path: Path) -> None:
    with (
        pytest.raises(SourceError, match=r"^the folder cannot be read: No such file or directory$"),
        map_exceptions({OSError: SourceError}, "the folder cannot be read"),
    ):
        list((tmp_path / "gone").iterdir())


def test_the_text_of_an_error_can_be_made_from_what_it_holds() -> None:
    with (
        pytest.raises(SourceError, match=r"^camera front: errno 16$"),
        map_exceptions({OSError: SourceError}, "camera front", text=lambda exc: f"errno {exc.args[0]}"),
    ):
        raise OSError(errno.EBUSY, "busy")


def test_an_error_that_is_not_named_passes() -> None:
    with pytest.raises(KeyError), map_exceptions({OSError: SourceError}, "camera front"):
        raise KeyError("front")


def test_without_an_error_nothing_happens() -> None:
    with map_exceptions({OSError: SourceError}):
        pass
