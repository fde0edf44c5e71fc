"""What is kept becomes changes of the configuration: all that differs, and nothing else."""

from __future__ import annotations

from typing import Any

import pytest

from edged.errors import ControlError
from edged.page.keep import changes_of, read_keep

PATH = {"left": 0.05, "top": 0.32, "right": 0.42, "bottom": 0.56}
DOOR = {"left": 0.5, "top": 0.25, "right": 0.75, "bottom": 0.5}
MASK = [[[0.1, 0.1], [0.2, 0.1], [0.2, 0.2]]]
PRESENT = {
    "name": "street",
    "regions": ["path", "door"],
    "regions_at": {"path": [0.05, 0.32, 0.42, 0.56], "door": [0.5, 0.25, 0.75, 0.5]},
    "mask": MASK,
    "rotation": 0,
}


def changes(**drawn: Any) -> dict[str, Any]:
    return changes_of(read_keep({"camera": "street", **drawn}), PRESENT)


def test_what_is_as_it_was_is_not_changed() -> None:
    nothing: dict[str, Any] = {"set": {}, "unset": []}
    assert changes(regions={"path": PATH, "door": DOOR}, mask=MASK, rotation=0) == nothing


def test_a_region_that_moved_is_set_and_one_that_is_gone_removed() -> None:
    moved = PATH | {"right": 0.5}
    assert changes(regions={"path": moved}) == {
        "set": {"cameras.street.regions.path": moved},
        "unset": ["cameras.street.regions.door"],
    }


def test_a_region_in_pixels_whose_place_is_not_known_yet_is_set_if_it_is_drawn() -> None:
    keep = read_keep({"camera": "street", "regions": {"path": PATH}})
    assert changes_of(keep, {"regions": ["path"], "regions_at": {}})["set"] == {"cameras.street.regions.path": PATH}


def test_a_mask_and_a_rotation_are_set_and_the_last_mask_removed() -> None:
    mask = [*MASK, [[0.5, 0.5], [0.6, 0.5], [0.6, 0.6]]]
    assert changes(mask=mask, rotation=90)["set"] == {"cameras.street.mask": mask, "cameras.street.rotation": 90}
    assert changes(mask=[]) == {"set": {}, "unset": ["cameras.street.mask"]}


@pytest.mark.parametrize("drawn", [{}, {"regions": {}}, {"rotation": 45}, {"regions": {"path": {"left": 0}}}])
def test_what_is_nothing_to_keep_is_refused(drawn: dict[str, Any]) -> None:
    with pytest.raises(ControlError) as refused:
        changes(**drawn)
    assert refused.value.code == "invalid"
