"""The places where a reference applies: ``street`` is a camera with all its regions, ``street/path`` is one region."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Iterator, Mapping

from edged.config.problems import KeyPath, brief, shown, suggestion

__all__ = ["misplaced", "places_in"]


def places_in(values: object) -> tuple[dict[str, Collection[str] | None], dict[str, list[object]]]:
    """Return the regions of each camera and the places of each reference in what a file holds, right or wrong.

    Regions that cannot be made out are None.
    """
    cameras = {
        name: _regions(camera) if isinstance(camera, dict) else None
        for name, camera in _mapping(values, "cameras").items()
    }
    references = {
        name: reference["for"]
        for name, reference in _mapping(values, "references").items()
        if isinstance(reference, dict) and isinstance(reference.get("for"), list)
    }
    return cameras, references


def misplaced(
    cameras: Mapping[str, Collection[str] | None], references: Mapping[str, Iterable[object]]
) -> Iterator[tuple[KeyPath, str]]:
    """Each place of *references* that is not in *cameras*: its path in the file, and what is wrong with it."""
    for name, places in references.items():
        for index, place in enumerate(places):
            rule = _misplaced(place, cameras) if isinstance(place, str) else None
            if rule is not None:
                yield ("references", name, "for", index), rule


def _misplaced(place: str, cameras: Mapping[str, Collection[str] | None]) -> str | None:
    camera, slash, region = place.partition("/")
    if camera not in cameras:
        return f"names no camera (got {shown(place)}); {suggestion(camera, cameras)}"
    regions = cameras[camera]
    if slash and regions is not None and region not in regions:
        return f"names no region of camera {brief(camera)} (got {shown(place)}); {suggestion(region, regions)}"
    return None


def _mapping(values: object, key: str) -> dict[str, object]:
    found = values.get(key) if isinstance(values, dict) else None
    return found if isinstance(found, dict) else {}


def _regions(camera: dict[str, object]) -> Collection[str] | None:
    regions = camera.get("regions") or {"full": None}
    return regions if isinstance(regions, dict) else None
