"""The places of references and sets: ``street`` is a camera with all its regions, ``street/path`` is one region."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from edged.config.problems import KeyPath, brief, shown, suggestion

__all__ = ["mapping_in", "misplaced", "places_in"]


def places_in(values: object) -> tuple[dict[str, Collection[str] | None], dict[KeyPath, list[object]]]:
    """Return the regions of each camera, and the places of each reference and set, in what a file holds, right or not.

    Regions that cannot be made out are None.
    """
    cameras = {
        name: _regions(camera) if isinstance(camera, dict) else None
        for name, camera in mapping_in(values, "cameras").items()
    }
    places: dict[KeyPath, list[object]] = {
        (part, name): section["for"]
        for part in ("references", "states")
        for name, section in mapping_in(values, part).items()
        if isinstance(section, dict) and isinstance(section.get("for"), list)
    }
    return cameras, places


def misplaced(
    cameras: Mapping[str, Collection[str] | None], places: Mapping[KeyPath, Iterable[object]]
) -> Iterator[tuple[KeyPath, str]]:
    """Each of the *places* of some sections that is not in *cameras*: its path in the file, and what is wrong."""
    for section, named in places.items():
        for index, place in enumerate(named):
            rule = _misplaced(place, cameras) if isinstance(place, str) else None
            if rule is not None:
                yield (*section, "for", index), rule


def _misplaced(place: str, cameras: Mapping[str, Collection[str] | None]) -> str | None:
    camera, slash, region = place.partition("/")
    if camera not in cameras:
        return f"names no camera (got {shown(place)}); {suggestion(camera, cameras)}"
    regions = cameras[camera]
    if slash and regions is not None and region not in regions:
        return f"names no region of camera {brief(camera)} (got {shown(place)}); {suggestion(region, regions)}"
    return None


def mapping_in(values: object, key: str) -> dict[str, object]:
    """Return the mapping at *key* of what a file holds; an empty one if there is none."""
    found = values.get(key) if isinstance(values, dict) else None
    return found if isinstance(found, dict) else {}


def _regions(camera: dict[str, object]) -> Collection[str] | None:
    regions = camera.get("regions") or {"full": None}
    return regions if isinstance(regions, dict) else None
