"""Pages of the metrics server by path, and the package that they need."""

from __future__ import annotations

import sys
from http import HTTPStatus
from importlib.util import find_spec
from typing import TYPE_CHECKING

from edged.config import ConfigFileError, Loaded, Problem
from edged.service.metrics.hosts import KnownHosts
from edged.service.metrics.probes import healthz, readyz
from edged.service.metrics.request import Page, Pages
from edged.service.metrics.server import Server

if TYPE_CHECKING:
    from edged.service.running_stages import RunningStages

__all__ = ["metrics_problems", "metrics_server", "pages_of"]

# Every Prometheus understands this format, and it alone does not depend on what a client sends.
_TEXT_FORMAT = "text/plain; version=0.0.4; charset=utf-8"


def metrics_server(loaded: Loaded, running: RunningStages) -> Server | None:
    """The server that *loaded* asks for, for the *running* stages; None if metrics are off.

    Raises:
        ConfigFileError: the package that it needs is not installed.
    """
    address = loaded.config.metrics.listen
    if address is None:
        return None
    if problems := metrics_problems(loaded):
        raise ConfigFileError(problems)
    return Server(address, pages_of(running), KnownHosts(loaded.config.metrics.hosts))


def metrics_problems(loaded: Loaded) -> list[Problem]:
    """Problems that keep *loaded* from having metrics: a package that is not installed."""
    if loaded.config.metrics.listen is None or find_spec("prometheus_client") is not None:
        return []
    cure = f"{sys.prefix}/bin/pip install prometheus-client"
    rule = f"needs the package prometheus-client (edged's extra 'metrics'), which is not installed: run '{cure}'"
    return [loaded.problem(("metrics", "listen"), rule)]


def pages_of(running: RunningStages) -> Pages:
    """The pages about the *running* stages, as they are at each request."""
    from prometheus_client import generate_latest

    from edged.service.metrics.collector import registry_of

    registry = registry_of(running)
    return {
        "/metrics": lambda: Page(HTTPStatus.OK, _TEXT_FORMAT, generate_latest(registry)),
        "/healthz": lambda: healthz(running.stages),
        "/readyz": lambda: readyz(running.pipeline),
    }
