"""Slow links for tests: a way that takes time, and one between two network namespaces that carries little."""

from __future__ import annotations

import math
import os
import shutil
import socket
import subprocess
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from pathlib import Path
from queue import Queue

__all__ = ["FAR", "NEAR", "Lan", "delayed", "lacking", "shaped"]

NEAR, FAR = "198.51.100.1", "198.51.100.2"
"""The addresses of the two ends of a link."""

READ_BYTES = 2048
MOST_UNDER_WAY = 32  # reads on a way, each at most READ_BYTES


def lacking() -> str:
    """What a shaped link would need that is not here; nothing if all is."""
    if os.geteuid() != 0:
        return "only root can make a network namespace"
    missing = [tool for tool in ("ip", "tc", "nsenter") if shutil.which(tool) is None]
    return ", ".join(f"{tool} is not on this machine" for tool in missing)


class Lan:
    """Two network namespaces with a link between them: *near* has the address NEAR, and *far* has FAR."""

    def __init__(self, near: Path, far: Path) -> None:
        self.near = near
        self.far = far


@contextmanager
def shaped(kbit: int) -> Iterator[Lan]:
    """Make a link that carries *kbit* a second from NEAR to FAR, by a token bucket; it is gone afterwards.

    Its queue has 400 ms, as that of a modem: what is more is lost, and TCP sends it again.
    """
    near, far = (f"edged-{end}-{os.getpid()}" for end in ("near", "far"))
    with ExitStack() as undoing:
        for name in (near, far):
            _run(f"ip netns add {name}")
            undoing.callback(_run, f"ip netns del {name}")  # its end of the link goes with it
            _run(f"ip -n {name} link set lo up")
        _run(f"ip -n {near} link add near type veth peer name far netns {far}")
        for name, end, address in ((near, "near", NEAR), (far, "far", FAR)):
            _run(f"ip -n {name} address add {address}/30 dev {end}")
            _run(f"ip -n {name} link set {end} up")
        _run(f"tc -n {near} qdisc add dev near root tbf rate {kbit}kbit burst 4kb latency 400ms")
        yield Lan(Path("/run/netns", near), Path("/run/netns", far))


@contextmanager
def delayed(connect: Callable[[], socket.socket], seconds: float, most_bytes: float = math.inf) -> Iterator[int]:
    """Serve one connection at a port of 127.0.0.1, which it yields, and pass on what comes *seconds* later, both ways.

    It goes on by *connect*, and reads *most_bytes* a second from there. Little is under way at a time: what is more
    waits where it comes from.
    """
    with socket.create_server(("127.0.0.1", 0)) as listener:
        thread = threading.Thread(target=_serve, args=(listener, connect, seconds, most_bytes))
        thread.start()
        try:
            yield listener.getsockname()[1]
        finally:
            with suppress(OSError):
                listener.shutdown(socket.SHUT_RDWR)
            thread.join()


def _serve(listener: socket.socket, connect: Callable[[], socket.socket], seconds: float, most_bytes: float) -> None:
    with suppress(OSError):
        near, _ = listener.accept()
        with near, connect() as far:
            threads = []
            for source, target, limit in ((near, far, math.inf), (far, near, most_bytes)):
                way: Queue[tuple[float, bytes]] = Queue(MOST_UNDER_WAY)
                threads.append(threading.Thread(target=_take, args=(source, way, seconds, limit)))
                threads.append(threading.Thread(target=_give, args=(way, target)))
            for thread in threads:
                thread.start()
            for thread in threads:
                thread.join()


def _take(source: socket.socket, way: Queue[tuple[float, bytes]], seconds: float, most_bytes: float) -> None:
    source.settimeout(None)
    pause = threading.Event()
    data, due = b"first", time.monotonic()
    while data:
        due = max(due, time.monotonic() - 0.1) + len(data) / most_bytes
        pause.wait(max(0.0, due - time.monotonic()))
        try:
            data = source.recv(READ_BYTES)
        except OSError:
            data = b""
        way.put((time.monotonic() + seconds, data))


def _give(way: Queue[tuple[float, bytes]], target: socket.socket) -> None:
    pause = threading.Event()
    is_open = True
    while (came := way.get())[1]:
        pause.wait(max(0.0, came[0] - time.monotonic()))
        try:
            if is_open:
                target.sendall(came[1])
        except OSError:
            is_open = False  # the rest is taken, so that the other side ends, too
    with suppress(OSError):
        target.shutdown(socket.SHUT_WR)


def _run(command: str) -> None:
    done = subprocess.run(command.split(), stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True, check=False)
    assert done.returncode == 0, f"{command}: {done.stdout}"
