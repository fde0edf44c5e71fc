"""A process that has imported pytest and what edged needs already, and forks for each run: that saves most of its time.

Reads one line of JSON, the arguments of pytest, and answers with two lines: the id of the process that runs it, which
leads a group of its own, and its exit status once it has ended.
"""

from __future__ import annotations

import contextlib
import json
import os
import sys
from importlib import import_module

import pytest

PRELOADED = "hypothesis", "numpy", "cv2", "zmq", "pydantic", "yaml", "paho.mqtt.client"  # and nothing of edged
QUIET = "-W", "ignore::pytest.PytestAssertRewriteWarning"  # plugins are imported before pytest could rewrite them


def main() -> None:
    """Serve until the input ends."""
    for name in PRELOADED:
        with contextlib.suppress(ImportError):
            import_module(name)
    with open(os.devnull, "w") as nowhere, contextlib.redirect_stdout(nowhere):  # noqa: PTH123 -- as pathlib would
        pytest.main([*QUIET, "--version", "--version"])  # imports pytest's plugins
    for line in sys.stdin:
        pid = os.fork()
        if pid == 0:
            _run(json.loads(line))
        print(pid, flush=True)
        _, status = os.waitpid(pid, 0)
        print(os.waitstatus_to_exitcode(status), flush=True)


def _run(request: dict[str, object]) -> None:
    os.setsid()
    nowhere = os.open(os.devnull, os.O_RDONLY)
    output = os.open(str(request["output"]), os.O_WRONLY | os.O_CREAT | os.O_TRUNC)
    for source, target in ((nowhere, 0), (output, 1), (output, 2)):
        os.dup2(source, target)
    sys.dont_write_bytecode = not request["bytecode"]
    arguments = request["arguments"]
    assert isinstance(arguments, list)
    status = 3
    try:
        status = int(pytest.main([*QUIET, *arguments]))
    finally:
        sys.stdout.flush()
        os._exit(status)


if __name__ == "__main__":
    main()
