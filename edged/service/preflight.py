"""Problems outside the configuration file: models, pictures, clips, cameras and keys that it names."""

from __future__ import annotations

from collections.abc import Collection

from edged.camera import open_source
from edged.camera.pixel_regions import region_misfits
from edged.config import ConfigFileError, Loaded, Problem
from edged.errors import SourceError
from edged.pipeline.loading.keyring import read_keyring
from edged.pipeline.loading.model import open_model, read_fallback_file, read_model_file
from edged.pipeline.loading.references import open_references, reference_problems
from edged.pipeline.loading.set_definitions import set_problems
from edged.service.metrics.pages import metrics_problems

__all__ = ["errors", "source_problems", "warnings"]


def errors(loaded: Loaded) -> list[Problem]:
    """Find all that would keep the daemon from starting: load the model, open every picture, clip and key file."""
    return [
        *_model_and_references(loaded),
        *set_problems(loaded),
        *source_problems(loaded, live=False),
        *_keys(loaded),
        *metrics_problems(loaded),
    ]


def warnings(loaded: Loaded) -> list[Problem]:
    """Find live cameras that cannot be opened now (the daemon would wait for them), and endpoints in clear text."""
    return [*source_problems(loaded, live=True), *_in_clear(loaded)]


def _model_and_references(loaded: Loaded) -> list[Problem]:
    try:
        embedder = open_model(loaded, read_model_file(loaded), read_fallback_file(loaded))
    except ConfigFileError as exc:
        return [*exc.problems, *reference_problems(loaded)]
    with embedder:
        try:
            open_references(loaded, embedder)
        except ConfigFileError as exc:
            return list(exc.problems)
    return []


def _keys(loaded: Loaded) -> list[Problem]:
    try:
        read_keyring(loaded)
    except ConfigFileError as exc:
        return list(exc.problems)
    return []


def _in_clear(loaded: Loaded) -> list[Problem]:
    publish = loaded.config.publish
    return [
        loaded.problem(("publish", "endpoints", index), "is in clear text: everybody on the network can read along")
        for index, endpoint in enumerate(publish.endpoints)
        if not endpoint.is_local and publish.key_of(endpoint) is None
    ]


def source_problems(loaded: Loaded, *, live: bool, cameras: Collection[str] | None = None) -> list[Problem]:
    """Find problems of *cameras* (default: all), of the live ones or of the others.

    Those are cameras that cannot be opened now, and regions in pixels that are outside their frames.
    """
    problems = []
    for name, camera in loaded.config.cameras.items():
        if camera.is_live is not live or (cameras is not None and name not in cameras):
            continue
        config = loaded.config
        source = open_source(
            camera, decode=config.model.decode, max_pixels=config.max_pixels, background=config.background
        )
        try:
            misfits = region_misfits({region: each.region for region, each in camera.regions.items()}, source.open())
            problems += [loaded.problem(("cameras", name, "regions", *place), rule) for place, rule in misfits]
        except SourceError as exc:
            problems.append(loaded.problem(("cameras", name, "source"), str(exc)))
        finally:
            source.close()
    return problems
