"""Regions in pixels, which a frame may turn out to be too small for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from edged.errors import SourceError
from edged.regions import AnyRegion, PixelRegion
from edged.values import Format

__all__ = ["check_regions", "region_misfits"]


def region_misfits(regions: Mapping[str, AnyRegion], frames: Format) -> Iterator[tuple[tuple[str, str], str]]:
    """Return the name and the edge of each of *regions* that is not in *frames*, and what is wrong."""
    for name, region in regions.items():
        misfit = region.misfit(*frames.own_size) if isinstance(region, PixelRegion) else None
        if misfit is not None:
            edge, rule = misfit
            yield (name, edge), rule


def check_regions(regions: Mapping[str, AnyRegion], frames: Format) -> None:
    """Check that all *regions* are in *frames*.

    Raises:
        SourceError: one is not; the text says what to write.
    """
    for (name, edge), rule in region_misfits(regions, frames):
        raise SourceError(f"regions.{name}.{edge}: {rule}")
