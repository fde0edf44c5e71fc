"""Facts of the machine and its environment, which nothing else in edged reads."""

from __future__ import annotations

import os
import platform
import re
import socket
import stat
from importlib.util import find_spec
from pathlib import Path

__all__ = [
    "credential",
    "default_endpoints",
    "default_model",
    "default_node",
    "default_num_threads",
    "journal_stream",
    "mqtt_login",
    "notify_address",
    "runtime_folder",
    "state_folder",
    "variable",
    "watchdog_seconds",
]

MOST_THREADS = 4
X86 = ("x86_64", "i686", "i586")
LONGEST_CREDENTIAL = 4096  # bytes: passwords and tokens are meant


def variable(name: str) -> str:
    """Return the value of the variable *name* of the environment.

    Raises:
        LookupError: it is not set.
    """
    try:
        return os.environ[name]
    except KeyError as exc:
        raise LookupError("it is not set; set it, in the unit with EnvironmentFile=, or give it a default") from exc


def credential(name: str) -> str:
    """Return the credential *name* of the service, without the line end that editors leave; see systemd.exec(5).

    Raises:
        LookupError: there is none of that name.
        ValueError: it cannot be read, or is not text.
    """
    folder = os.environ.get("CREDENTIALS_DIRECTORY", "")
    if not folder:
        raise LookupError(
            f"there are no credentials here; the unit gets it by LoadCredential={name}:FILE; if you start "
            "edged by hand, set CREDENTIALS_DIRECTORY=FOLDER"
        )
    try:
        with open(Path(folder, name), "rb", opener=_open_at_once) as file:
            if not stat.S_ISREG(os.fstat(file.fileno()).st_mode):
                raise ValueError("it must be a file, and is a device or a pipe")
            content = file.read(LONGEST_CREDENTIAL + 1)
    except FileNotFoundError as exc:
        raise LookupError(f"{folder} has none of that name; the unit gets it by LoadCredential={name}:FILE") from exc
    except OSError as exc:
        raise ValueError(f"it cannot be read: {exc.strerror}") from exc
    if not content.strip():
        raise ValueError("it is empty")
    if len(content) > LONGEST_CREDENTIAL:
        raise ValueError(f"it is too long: more than {LONGEST_CREDENTIAL} bytes")
    try:
        return content.decode().removesuffix("\n").removesuffix("\r")
    except UnicodeDecodeError:
        raise ValueError("it is not UTF-8 text") from None  # whose text would quote it


def _open_at_once(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NONBLOCK | os.O_NOCTTY)  # a pipe would wait for who writes into it


def default_node() -> str:
    """Return the host name as part of a topic: its first label, with all but a-z, 0-9, '_' and '-' replaced."""
    label = socket.gethostname().partition(".")[0].lower()
    fitting = re.sub(r"[^a-z0-9_-]", "-", label).lstrip("-_")[:64]
    return fitting or "edged"


def default_model(engine: str) -> str:
    """Return the bundled model of a configuration of version 2 that names none and asks for *engine*.

    It is the quantised one, but on x86 not with tflite-runtime, which takes six times as long for it as for the other.
    """
    lacks_fast_engine = engine == "tflite-runtime" or (engine == "auto" and find_spec("ai_edge_litert") is None)
    is_slow = lacks_fast_engine and platform.machine() in X86
    return "efficientnet-lite0" if is_slow else "efficientnet-lite0-int8"


def default_num_threads() -> int:
    """One thread fewer than there are cores for this process, in 1…4.

    TFLite's pool spins while it waits: on every core of a busy machine it slows itself down several times over.
    """
    return max(1, min(MOST_THREADS, len(os.sched_getaffinity(0)) - 1))


def runtime_folder() -> Path | None:
    """Return the folder of sockets: ``$RUNTIME_DIRECTORY`` (from systemd), else ``$XDG_RUNTIME_DIR/edged``, else None.

    The folder need not exist yet.
    """
    if (given := _service_folder("RUNTIME_DIRECTORY")) is not None:
        return given
    session = os.environ.get("XDG_RUNTIME_DIR", "")
    return Path(session) / "edged" if Path(session).is_absolute() else None


def default_endpoints() -> list[str]:
    """Return the endpoints of messages unless the file names others: a socket file, and TCP on this machine only."""
    folder = runtime_folder()
    tcp = "pub+bind:tcp://127.0.0.1:5556"
    return [tcp] if folder is None else [f"pub+bind:ipc://{folder / 'pub.sock'}", tcp]


def state_folder() -> Path | None:
    """Return the folder of what is learnt, for the next start. It need not exist yet; None for a user without a home.

    ``$STATE_DIRECTORY`` (from systemd), else ``$XDG_STATE_HOME/edged``, else ``~/.local/state/edged``.
    """
    if (given := _service_folder("STATE_DIRECTORY")) is not None:
        return given
    state = Path(os.environ.get("XDG_STATE_HOME", ""))
    try:
        return (state if state.is_absolute() else Path.home() / ".local" / "state") / "edged"
    except RuntimeError:
        return None


def notify_address() -> str | None:
    """Return the socket of the service manager: ``$NOTIFY_SOCKET``, see sd_notify(3); None where there is none."""
    return os.environ.get("NOTIFY_SOCKET") or None


def mqtt_login() -> tuple[str | None, str | None]:
    """User and password for a broker: ``$EDGED_MQTT_USERNAME``; the credential mqtt-password, or the variable.

    Raises:
        ValueError: the credential is there and cannot be read.
    """
    username = os.environ.get("EDGED_MQTT_USERNAME") or None
    try:
        return username, credential("mqtt-password")
    except LookupError:
        return username, os.environ.get("EDGED_MQTT_PASSWORD") or None


def journal_stream() -> tuple[int, int] | None:
    """Device and inode of the stream from a service to the journal: ``$JOURNAL_STREAM``."""
    given = re.fullmatch(r"([0-9]{1,20}):([0-9]{1,20})", os.environ.get("JOURNAL_STREAM", ""))
    return (int(given[1]), int(given[2])) if given else None


def watchdog_seconds() -> float | None:
    """Return the longest time between two signs of life; None if the service manager does not watch this process.

    From ``$WATCHDOG_USEC``, unless ``$WATCHDOG_PID`` names another process; see sd_watchdog_enabled(3).
    """
    if os.environ.get("WATCHDOG_PID", str(os.getpid())) != str(os.getpid()):
        return None
    given = os.environ.get("WATCHDOG_USEC", "")
    return int(given) / 1e6 if re.fullmatch("0*[1-9][0-9]{0,18}", given) else None


def _service_folder(variable: str) -> Path | None:
    given = os.environ.get(variable, "").partition(":")[0]  # systemd separates several by ':'
    return Path(given) if Path(given).is_absolute() else None
