"""The one way to translate foreign errors."""

from __future__ import annotations

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


def test_an_error_that_is_not_named_passes() -> None:
    with pytest.raises(KeyError), map_exceptions({OSError: SourceError}, "camera front"):
        raise KeyError("front")


def test_without_an_error_nothing_happens() -> None:
    with map_exceptions({OSError: SourceError}):
        pass
