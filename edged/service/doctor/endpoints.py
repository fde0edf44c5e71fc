"""Checks of the daemon's endpoints: free, or in use and by which process."""

from __future__ import annotations

import contextlib
import errno
import os
import socket
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING

from edged.service.doctor.finding import Finding, bad, ok, warning
from edged.service.doctor.holder import holder_of_port
from edged.service.endpoint_in_use import publishing_already

if TYPE_CHECKING:
    from edged.config import Endpoint

__all__ = ["control_finding", "endpoint_finding", "endpoints", "port_finding"]

TOPIC = "endpoint"
STATUS_SECONDS = 2.5  # a daemon publishes the state of its cameras every two seconds, and at once to a new subscriber
HUB_SECONDS = 3.0


def endpoints(file: str | None) -> Iterator[Finding]:
    """Check each endpoint of the configuration *file*, or else the default ones."""
    from edged.config import Endpoint, load
    from edged.config.environment import default_endpoints
    from edged.errors import ConfigError

    if file is None:
        for text in default_endpoints():
            yield endpoint_finding(Endpoint.parse(text, Path.cwd()))
        return
    try:
        config = load(file).config
    except ConfigError:
        return  # which another check reports
    for endpoint in config.publish.endpoints:
        yield endpoint_finding(endpoint)
    if config.control.is_chosen and config.control.endpoint is not None:
        yield control_finding(config.control.endpoint)
    if (listen := config.metrics.listen) is not None and listen.port:
        yield port_finding("metrics.listen", listen.host, listen.port)


def endpoint_finding(endpoint: Endpoint) -> Finding:
    """Check whether *endpoint* is free, which process holds it, or whether the hub there answers."""
    if endpoint.mode == "connect":
        return _hub(endpoint)
    if (path := endpoint.socket_path) is not None:
        return _held_path(endpoint) if publishing_already([endpoint]) else _folder(str(endpoint), path.parent)
    host, _, port = endpoint.address.removeprefix("tcp://").rpartition(":")
    if port == "*":
        return ok(TOPIC, f"{endpoint} takes any port that is free")
    host = "0.0.0.0" if host == "*" else host.strip("[]")  # noqa: S104 - the endpoint asks for it
    return port_finding(str(endpoint), host, int(port), endpoint.address)


def port_finding(what: str, host: str, port: int, address: str | None = None) -> Finding:
    """Check whether *port* can be bound on *host*, an address of this machine or the name of an interface.

    *address* is that of the endpoint, if it is one, at which a daemon would answer.
    """
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    with contextlib.closing(socket.socket(family)) as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((host, port))
            probe.listen(1)
        except socket.gaierror:
            return ok(TOPIC, f"{what}: {host} is a name, so only the start shows whether it can be bound")
        except OSError as exc:
            return _unbound(what, host, port, address, exc)
    return ok(TOPIC, f"{what} is free")


def _unbound(what: str, host: str, port: int, address: str | None, error: OSError) -> Finding:
    match error.errno:
        case errno.EADDRINUSE:
            return _held_port(what, port, address)
        case errno.EADDRNOTAVAIL:
            return bad(
                TOPIC,
                f"{what} cannot be bound: {host} is not an address of this machine",
                "'ip address' lists its addresses",
            )
        case errno.EACCES:
            return bad(TOPIC, f"{what} cannot be bound: only root may use port {port}", "choose one from 1024 on")
        case _:
            return bad(TOPIC, f"{what} cannot be bound: {error.strerror}", "choose another address")


def _held_port(what: str, port: int, address: str | None) -> Finding:
    if address is not None and (running := _running_daemon(address)):
        return ok(TOPIC, f"{what} is held by a running edged: {running}")
    match holder_of_port(port):
        case ("edged", pid):
            return ok(TOPIC, f"{what} is held by a running edged (pid {pid})")
        case (command, pid):
            return bad(
                TOPIC, f"{what} is held by {command} (pid {pid})", f"end it (kill {pid}), or choose another port"
            )
        case _:
            cure = f"sudo ss -lntp 'sport = :{port}' shows which program has it; end that, or choose another port"
            return bad(TOPIC, f"{what} is held by another program, or by an edged that requires known keys", cure)


def _held_path(endpoint: Endpoint) -> Finding:
    if running := _running_daemon(endpoint.address):
        return ok(TOPIC, f"{endpoint} is held by a running edged: {running}")
    cure = f"sudo lsof {endpoint.socket_path} shows which program has it; end that, or choose another path"
    return bad(TOPIC, f"{endpoint} is held by another program", cure)


def _running_daemon(address: str) -> str | None:
    """Node and uptime of the daemon that publishes at *address*; None if it is another program, or refuses us."""
    from edged.client import Subscriber
    from edged.wire import Status

    local = address.replace("tcp://*:", "tcp://127.0.0.1:").replace("tcp://[::]:", "tcp://[::1]:")
    with Subscriber(local, kinds=("status",)) as subscriber:
        message = subscriber.receive(STATUS_SECONDS)
    return f"node {message.node}, for {message.uptime_s:.0f} s" if isinstance(message, Status) else None


def control_finding(endpoint: Endpoint) -> Finding:
    """Check whether the control socket *endpoint* is free, or which daemon holds it."""
    from edged.client.control import ControlClient
    from edged.errors import ControlError

    what = f"control.endpoint {endpoint.address}"
    if not publishing_already([endpoint]):
        return _folder(what, Path(endpoint.address.removeprefix("ipc://")).parent)
    try:
        with ControlClient(endpoint.address) as client:
            running = client.status()
    except ControlError as exc:
        cure = f"sudo lsof {endpoint.socket_path} shows which program has it; end that, or choose another path"
        return bad(TOPIC, f"{what} is held by another program: {exc}", cure)
    return ok(
        TOPIC,
        f"{what} is held by a running edged: node {running.node} (pid {running.pid}), for {running.uptime_s:.0f} s",
    )


def _folder(what: str, folder: Path) -> Finding:
    """Check whether a socket can be made in *folder*, which edged itself makes if only that is missing."""
    there = folder if folder.is_dir() else folder.parent
    if there.is_dir() and os.access(there, os.W_OK | os.X_OK):
        return ok(TOPIC, f"{what} is free")
    if not there.is_dir():
        return bad(TOPIC, f"{what} cannot be bound: there is no folder {there}", f"mkdir -p {folder}")
    cure = f"run it as the owner of that (ls -ld {there}), or name a folder of yours"
    return bad(TOPIC, f"{what} cannot be bound: {there} may not be written to", cure)


def _hub(endpoint: Endpoint) -> Finding:
    host, _, port = endpoint.address.removeprefix("tcp://").rpartition(":")
    try:
        if endpoint.socket_path is not None:
            with socket.socket(socket.AF_UNIX) as probe:
                probe.connect(str(endpoint.socket_path))
        else:
            socket.create_connection((host.strip("[]"), int(port)), HUB_SECONDS).close()
    except OSError as exc:
        return warning(TOPIC, f"{endpoint}: no program answers there now ({exc.strerror or exc}); edged keeps trying")
    return ok(TOPIC, f"{endpoint}: a program listens there")
