"""``ControlClient``: sends requests to a daemon on this machine. ``docs/control.md`` is the manual."""

from __future__ import annotations

import os
import secrets
import socket
import time
from collections.abc import Iterable, Mapping, Sequence
from errno import EACCES, EPERM
from pathlib import Path
from types import TracebackType
from typing import Self, TypeVar

import zmq

from edged.errors import ControlError, WireError
from edged.values import Rotation
from edged.wire import control as wire
from edged.wire import control_requests as requests
from edged.wire import control_results as results

__all__ = ["ControlClient", "control_addresses"]

SOCKET_NAME = "control.sock"
SYSTEM_FOLDER = Path("/run/edged")  # RuntimeDirectory=edged of the service
REPLY_SECONDS = 60.0  # a camera has 20 for its frames
RELOAD_SECONDS = 330.0
LEARN_SECONDS = 630.0  # a picture is kept, and then a set is learned: 300 s each at most, and longer is a refusal
PROBE_SECONDS = 1.0  # between two checks that the daemon still listens
MAX_PICTURE_BYTES = 512 << 20

HINT = " One with a control.endpoint of its own is found with -c FILE"

R = TypeVar("R", bound=results.Result)


def control_addresses(environ: Mapping[str, str] = os.environ) -> list[str]:
    """Return the default addresses of control sockets on this machine: the user's own first, then the service's."""
    folders = [Path(environ["RUNTIME_DIRECTORY"].partition(":")[0])] if environ.get("RUNTIME_DIRECTORY") else []
    if environ.get("XDG_RUNTIME_DIR"):
        folders.append(Path(environ["XDG_RUNTIME_DIR"]) / "edged")
    return list(dict.fromkeys(f"ipc://{folder / SOCKET_NAME}" for folder in (*folders, SYSTEM_FOLDER)))


class ControlClient:
    """Client of the control socket of one daemon: one request after the other, by one thread.

    ::

        with ControlClient() as daemon:
            print(daemon.status().node)
            daemon.enroll("gate-shut", camera="street")

    *addresses* are ``ipc://PATH``; the first at which a daemon listens is used. The default is `control_addresses`.

    Every method raises:
        ControlError: the daemon refuses, with a ``code`` of ``docs/control.md``; or it does not answer (``no-answer``).
        WireError: it answers, but not in this format.

    Raises:
        ControlError: no daemon listens (``no-daemon``), or this user may not connect (``not-allowed``).
    """

    def __init__(self, *addresses: str) -> None:
        self.address = _find_daemon(addresses or control_addresses(), "" if addresses else HINT)
        self._context: zmq.Context[zmq.Socket[bytes]] = zmq.Context()
        self._socket = self._context.socket(zmq.DEALER)
        self._socket.set(zmq.LINGER, 0)
        self._socket.set(zmq.MAXMSGSIZE, MAX_PICTURE_BYTES)
        self._socket.connect(self.address)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def status(self) -> results.StatusResult:
        """Return the state of the daemon and its cameras."""
        return self._request(requests.GetStatus(), results.StatusResult)[0]

    def reload(self) -> tuple[str, ...]:
        """Make the daemon read its configuration again; return what has changed, a line for each part."""
        return self._request(requests.Reload(), results.ReloadResult, RELOAD_SECONDS)[0].changes

    def enroll(
        self,
        name: str,
        camera: str,
        region: str | None = None,
        *,
        frames: int = requests.DEFAULT_FRAMES,
        replace: bool = False,
        enter: float | None = None,
        leave: float | None = None,
        min_seconds: float = 0.0,
        cooldown_seconds: float = 0.0,
    ) -> results.EnrollResult:
        """Make a reference *name* of the present picture of a region; it is compared from the next frame on, and kept.

        *region* may be left out where the camera has only one. With *enter* it makes events, as a reference of the
        configuration does.

        Raises:
            WireError: also if a name is not valid, or a number out of range.
        """
        request = requests.Enroll(
            name=name,
            camera=camera,
            region=region,
            frames=frames,
            replace=replace,
            enter=enter,
            leave=leave,
            min_seconds=min_seconds,
            cooldown_seconds=cooldown_seconds,
        )
        return self._request(request, results.EnrollResult)[0]

    def enroll_state(
        self,
        name: str,
        state: str,
        camera: str,
        region: str | None = None,
        *,
        frames: int = requests.DEFAULT_FRAMES,
        picture: str | None = None,
    ) -> results.SetResult:
        """Make the present picture of a region an example of *state* of the set *name*, and learn the set again.

        *region* may be left out where the camera has only one. With *picture*, the id of a recent view, it is that one.

        Raises:
            WireError: also if a name is not valid, or a number out of range.
        """
        request = requests.Enroll(name=name, state=state, camera=camera, region=region, frames=frames, picture=picture)
        return self._request(request, results.SetResult, LEARN_SECONDS)[0]

    def forget(self, name: str) -> None:
        """Forget the enrolled reference *name*, or all enrolled examples of the set *name*."""
        self._request(requests.Forget(name=name), results.ForgetResult, LEARN_SECONDS)

    def forget_examples(
        self, name: str, state: str | None = None, *, last: bool = False, example: str | None = None
    ) -> results.SetResult:
        """Forget the newest example of *state* of the set *name* (*last*), or all, or one by its id; give one of these.

        Raises:
            WireError: also if nothing is given, or too much.
        """
        request = requests.Forget(name=name, state=state, last=last, example=example)
        if not request.is_of_a_set:
            raise WireError("state, last, example: one must be given; forget() forgets a whole set")
        return self._request(request, results.SetResult, LEARN_SECONDS)[0]

    def relabel(self, example: str, state: str) -> results.SetResult:
        """Make the enrolled example with that id one of *state*, and learn its set again."""
        request = requests.Relabel(example=example, state=state)
        return self._request(request, results.SetResult, LEARN_SECONDS)[0]

    def states(self) -> tuple[results.SetReport, ...]:
        """Return all sets of states, with what their examples prove."""
        return self._request(requests.ListStates(), results.StatesResult, LEARN_SECONDS)[0].sets

    def review(self, name: str) -> results.ReviewResult:
        """Return the pictures that the set *name* was least sure of, which a person is to answer."""
        return self._request(requests.ListReview(name=name), results.ReviewResult)[0]

    def review_picture(self, name: str, picture: str) -> bytes:
        """Return the PNG of the picture with that id among those of the set *name*."""
        return self._request(requests.ListReview(name=name, picture=picture), results.ReviewResult)[1][0]

    def answer(self, picture: str, state: str) -> results.AnswerResult:
        """Answer that the picture with that id shows *state*; it becomes an example with one of another state."""
        return self._request(requests.Answer(picture=picture, state=state), results.AnswerResult, LEARN_SECONDS)[0]

    def discard(self, picture: str) -> results.AnswerResult:
        """Remove the picture with that id from those to review: nothing can be learned from it."""
        request = requests.Answer(picture=picture, discard=True)
        return self._request(request, results.AnswerResult, LEARN_SECONDS)[0]

    def references(self) -> tuple[results.ReferenceInfo, ...]:
        """Return all references, by name."""
        return self._request(requests.ListReferences(), results.ReferencesResult)[0].references

    def snapshot(self, camera: str) -> tuple[results.SnapshotResult, dict[str, bytes]]:
        """Return PNGs of a frame of *camera* by name: ``street`` with its regions, ``street.path`` as model input."""
        result, pictures = self._request(requests.Snapshot(camera=camera), results.SnapshotResult)
        return result, {info.name: png for info, png in zip(result.pictures, pictures, strict=True)}

    def preview(
        self, camera: str, *, width: int = requests.DEFAULT_WIDTH, quality: int = requests.DEFAULT_QUALITY
    ) -> tuple[results.PreviewResult, bytes]:
        """Return the next frame of *camera* as a JPEG of at most *width* pixels a line.

        Raises:
            WireError: also if a number is out of range.
        """
        request = requests.Preview(camera=camera, width=width, quality=quality)
        result, (jpeg,) = self._request(request, results.PreviewResult)
        return result, jpeg

    def preview_region(self, camera: str, region: str) -> tuple[results.PreviewResult, bytes]:
        """Return a PNG of what the model gets of *region* in the next frame of *camera*."""
        result, (png,) = self._request(requests.Preview(camera=camera, region=region), results.PreviewResult)
        return result, png

    def recent(self, camera: str, region: str | None = None) -> results.RecentResult:
        """Return the views of a region of the last two minutes, which are kept from the first call on."""
        return self._request(requests.ListRecent(camera=camera, region=region), results.RecentResult)[0]

    def recent_picture(self, camera: str, region: str | None, picture: str) -> bytes:
        """Return the PNG of the recent view of a region with that id."""
        request = requests.ListRecent(camera=camera, region=region, picture=picture)
        return self._request(request, results.RecentResult)[1][0]

    def try_settings(
        self,
        camera: str,
        *,
        regions: Mapping[str, Mapping[str, float]] | None = None,
        mask: Iterable[Iterable[tuple[float, float]]] | None = None,
        rotation: Rotation | None = None,
        seconds: float = requests.DEFAULT_TRIAL_SECONDS,
    ) -> tuple[str, ...]:
        """Have *camera* run with these settings for so many *seconds*; return the changes, as `reload` does.

        Raises:
            WireError: also if a number is out of range.
        """
        polygons = None if mask is None else tuple(map(tuple, mask))
        request = requests.Try(camera=camera, regions=regions, mask=polygons, rotation=rotation, seconds=seconds)
        return self._request(request, results.TryResult, RELOAD_SECONDS)[0].changes

    def end_trial(self, camera: str) -> tuple[str, ...]:
        """Have *camera* run as configured again, at once; return the changes."""
        return self._request(requests.Try(camera=camera, seconds=0), results.TryResult, RELOAD_SECONDS)[0].changes

    def close(self) -> None:
        """Close the socket; harmless when done twice."""
        self._socket.close()
        self._context.term()

    def _request(
        self, request: requests.Request, cls: type[R], seconds: float = REPLY_SECONDS
    ) -> tuple[R, Sequence[bytes]]:
        request_id = secrets.token_hex(8)
        self._socket.send_multipart([b"", wire.write_request(request, request_id)])
        deadline = time.monotonic() + seconds
        while (left := deadline - time.monotonic()) > 0:
            if not self._socket.poll(round(min(left, PROBE_SECONDS) * 1000)):
                _find_daemon([self.address])
                continue
            _, *frames = self._socket.recv_multipart()
            if (result := wire.read_reply(frames, cls, request_id)) is not None:
                return result, frames[1:]
        raise ControlError("no-answer", f"the daemon at {self.address} did not answer within {seconds:g} s")


def _find_daemon(addresses: Sequence[str], hint: str = "") -> str:
    """Return the first of *addresses* at which a daemon listens; *hint* ends the error if none does."""
    forbidden = []
    for address in addresses:
        if not address.startswith("ipc://"):
            raise WireError(f"a control socket must be ipc://PATH (got {address!r})")
        error = _connect_error(address.removeprefix("ipc://"))
        if error is None:
            return address
        if isinstance(error, PermissionError) or error.errno in (EACCES, EPERM):
            forbidden.append(address)
    if forbidden:
        raise ControlError(
            "not-allowed",
            f"you may not open {forbidden[0]}: it is for the user that runs edged and for members of that user's group "
            "('sudo usermod -aG edged NAME' for the service, and a new login), or for root",
        )
    places = " or ".join(addresses)
    raise ControlError("no-daemon", f"no daemon answers at {places}; is one running ('edged run -c FILE')?{hint}")


def _connect_error(path: str) -> OSError | None:
    """Return the error of connecting to the socket *path*; None if a daemon listens there."""
    with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as probe:
        probe.settimeout(PROBE_SECONDS)
        try:
            probe.connect(path)
        except OSError as exc:  # also a path that is too long for a socket
            return None if isinstance(exc, TimeoutError | BlockingIOError) else exc
    return None
