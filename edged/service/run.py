"""The composition root: makes a daemon and all that belongs to it as a service, and runs it."""

from __future__ import annotations

import logging
import sys
from collections.abc import Collection
from contextlib import ExitStack, closing
from pathlib import Path

from edged.config import Loaded
from edged.config.environment import journal_stream, notify_address, runtime_folder, state_folder, watchdog_seconds
from edged.pipeline.build import build
from edged.pipeline.loading.model import default_model_note
from edged.service.control.server import Control
from edged.service.daemon import Daemon
from edged.service.descriptors import DescriptorReserve, raise_descriptor_limit
from edged.service.logs import log_to
from edged.service.metrics.pages import metrics_server
from edged.service.native_messages import NativeMessages
from edged.service.reload.record_file import RecordFile
from edged.service.reload.stage import Reloader
from edged.service.running_stages import RunningStages
from edged.service.state_folder import warn_if_read_only
from edged.service.systemd_notify import Notifier
from edged.service.terminal import Terminal

__all__ = ["Service"]

log = logging.getLogger(__name__)


class Service:
    """A daemon with its log on stderr, service manager, record file, reloads, control socket and metrics.

    Args:
        loaded: the configuration.
        terminal: that the process was started from; when it is closed, the daemon ends.

    Raises:
        ConfigFileError: a file that *loaded* names can never be used, or a package is missing.
    """

    def __init__(self, loaded: Loaded, terminal: Terminal) -> None:
        log_to(sys.stderr, loaded.config.log.level, journal_stream())
        with ExitStack() as undo:
            self._native_messages = undo.enter_context(closing(NativeMessages()))
            file = Path(loaded.document.file)
            raise_descriptor_limit()
            warn_if_read_only(state_folder())
            if note := default_model_note(loaded):
                log.info("%s", note)
            self._notifier = Notifier(notify_address())
            self._record = RecordFile(runtime_folder(), file)
            running = RunningStages(build(loaded))
            reloader = Reloader(file, running, self._record.report)
            metrics = metrics_server(loaded, running)
            control = Control(
                loaded.config.control, running, reloader.request_reload, reloader.request_trial, reloader.trial_ends
            )
            beside = [control, *([metrics] if metrics else [])]
            self._daemon = Daemon(
                running, self._notifier, watchdog_seconds(), beside, reloader, terminal, DescriptorReserve()
            )
            undo.pop_all()

    @property
    def late(self) -> Collection[str]:
        """The stages that had not ended when the time for stopping was up."""
        return self._daemon.late

    def run(self, early_hangups: Collection[int]) -> None:
        """Run until a stop is asked for, every camera has come to its end, or a stage fails. The main thread only.

        Args:
            early_hangups: SIGHUPs that came before, to which a handler still adds until this one has its own.

        Raises:
            Exception: what ended the first stage that failed.
        """
        with closing(self._native_messages), closing(self._notifier), self._daemon.signals(), self._record.kept():
            if early_hangups:
                self._daemon.reload()
            self._daemon.run()
