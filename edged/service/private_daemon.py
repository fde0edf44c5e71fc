"""A daemon in this process, which publishes to this process only."""

from __future__ import annotations

import logging
import shutil
import sys
import tempfile
import threading
from contextlib import AbstractContextManager
from dataclasses import replace
from pathlib import Path
from types import TracebackType
from typing import TYPE_CHECKING, Self

from edged.config import Endpoint, PublishConfig, load
from edged.pipeline.build import build
from edged.service.daemon import Daemon
from edged.service.running_stages import RunningStages

if TYPE_CHECKING:
    from edged.config import Loaded

__all__ = ["PrivateDaemon"]

STOP_SECONDS = 5.0  # a daemon ends within 2


class PrivateDaemon(AbstractContextManager["PrivateDaemon"]):
    """Runs the daemon of the configuration *path* in a thread, from `start` to `stop`.

    It publishes only to the subscriber that has bound ``address`` before: another daemon may run beside it.

    Raises:
        ConfigError: the configuration is wrong.
    """

    def __init__(self, path: str) -> None:
        self._folder = Path(tempfile.mkdtemp(prefix="edged-"))
        self._error: BaseException | None = None
        try:
            endpoint = Endpoint("connect", f"ipc://{self._folder}/pub.sock")
            self._daemon = Daemon(RunningStages(build(_only_to(endpoint, load(path)))))
        except BaseException:
            shutil.rmtree(self._folder)
            raise
        self.address = f"sub+bind:{endpoint.address}"
        self._thread = threading.Thread(target=self._run, name="daemon", daemon=True)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, exc_type: type[BaseException] | None, exc: BaseException | None, traceback: TracebackType | None
    ) -> None:
        self._daemon.stop("not wanted any more")
        if self._thread.ident is not None:
            self._thread.join(STOP_SECONDS)
        shutil.rmtree(self._folder, ignore_errors=True)

    @property
    def is_running(self) -> bool:
        """Whether it was started and has not ended."""
        return self._thread.is_alive()

    def start(self) -> None:
        """Start it; returns at once. Its warnings go to stderr."""
        logging.basicConfig(stream=sys.stderr, level=logging.WARNING, format="edged: %(message)s")
        self._thread.start()

    def stop(self) -> None:
        """Stop it in order; returns at once."""
        self._daemon.stop("recorded enough")

    def outcome(self) -> None:
        """Raise what ended it, if that was a failure."""
        if self._error is not None:
            raise self._error

    def _run(self) -> None:
        try:
            self._daemon.run()
        except BaseException as error:  # noqa: BLE001 - it is raised again, in the thread that waits for the end
            self._error = error


def _only_to(endpoint: Endpoint, loaded: Loaded) -> Loaded:
    """*loaded*, with nowhere to publish to but *endpoint*."""
    publish = PublishConfig.model_construct(endpoints=(endpoint,))
    return replace(loaded, config=loaded.config.model_copy(update={"publish": publish}))
