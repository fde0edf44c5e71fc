"""The mask of a camera: polygons that are grey in every frame."""

from __future__ import annotations

from typing import Annotated

from pydantic import AfterValidator, BeforeValidator, Field

from edged.config.problems import shown
from edged.config.sections.fields import misfit, several
from edged.regions import Polygon

__all__ = ["MOST_POINTS", "MOST_POLYGONS", "MaskPolygons"]

MOST_POLYGONS, MOST_POINTS = 64, 256
FORM = "such as [[0, 0], [0.4, 0], [0, 0.4]]"


def _point(value: object) -> object:
    if not isinstance(value, list | tuple) or len(value) != 2:
        got = f"{len(value)} numbers" if isinstance(value, list | tuple) else shown(value)
        raise misfit(f"must be a point: two numbers in 0…1, from the left and from the top (got {got})")
    return value


def _polygon(value: object) -> object:
    if not isinstance(value, list | tuple):
        raise misfit(f"must be a polygon: a list of points, {FORM} (got {shown(value)})")
    if not 3 <= len(value) <= MOST_POINTS:
        raise misfit(f"must have 3 to {MOST_POINTS} points (got {len(value)})")
    return value


def _polygons(value: object) -> object:
    if value is None:
        return ()
    if not isinstance(value, list | tuple):
        raise misfit(f"must be a list of polygons, [{FORM.removeprefix('such as ')}] (got {shown(value)})")
    if len(value) > MOST_POLYGONS:
        raise misfit(f"must have at most {MOST_POLYGONS} polygons (got {len(value)})")
    if value and all(isinstance(each, list) and len(each) == 2 and _is_number(each[0]) for each in value):
        raise misfit("must be a list of polygons, and this is one polygon: put another pair of brackets around it")
    return value


def _is_number(value: object) -> bool:
    return isinstance(value, int | float)


def _covers_something(polygon: Polygon) -> Polygon:
    (left, top), *others = polygon
    first = next(((x - left, y - top) for x, y in others if (x, y) != (left, top)), (0.0, 0.0))
    if all(first[0] * (y - top) == first[1] * (x - left) for x, y in others):
        raise misfit("covers nothing, because its points lie on a line")
    return polygon


_Place = Annotated[float, Field(ge=0, le=1)]
_Point = Annotated[tuple[_Place, _Place], several, BeforeValidator(_point)]
_Polygon = Annotated[tuple[_Point, ...], several, BeforeValidator(_polygon), AfterValidator(_covers_something)]

MaskPolygons = Annotated[tuple[_Polygon, ...], several, BeforeValidator(_polygons)]
"""Polygons, each of points ``(x, y)`` in 0…1 of the frame as captured."""
