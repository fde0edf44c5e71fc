"""The cameras that libcamera knows, and what each offers.

A child process asks libcamera, because that may hang or abort its process, and the program must not end with it.
"""

from __future__ import annotations

import importlib.util
import json
import signal
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import suppress
from dataclasses import asdict, dataclass
from typing import Any

from edged.camera.pi.api import Library, PiCamera
from edged.camera.pi.errors import RARE, reason
from edged.camera.pi.library import load
from edged.errors import SourceError

__all__ = ["Offer", "Surveyed", "is_installed", "open_each", "print_cameras", "survey"]

SURVEY_SECONDS = 40.0
"""On a small board Python, picamera2 and a try of each of a sensor's modes take ten."""

LAST_SECONDS = 1.0  # within which a killed child ends, unless the kernel holds it

# -c with the same import path, because edged may have been found anywhere.
_CHILD = "import sys; sys.path[:] = {path!r}; from edged.camera.pi.survey import print_cameras; print_cameras()"


@dataclass(frozen=True, slots=True)
class Offer:
    """A size of a format in pixels, and its most frames per second, if known."""

    name: str
    width: int
    height: int
    fps: float | None = None


@dataclass(frozen=True, slots=True)
class Surveyed:
    """A camera: its libcamera Id, its model, and what it offers; ``problem`` is a sentence if that is not known."""

    id: str
    model: str | None
    offers: tuple[Offer, ...] = ()
    problem: str | None = None


def is_installed() -> bool:
    """Check that picamera2 can be imported, without importing it."""
    return importlib.util.find_spec("picamera2") is not None


def survey(command: Sequence[str] | None = None, seconds: float = SURVEY_SECONDS) -> list[Surveyed]:
    """Return every camera that libcamera knows, those that the kernel itself shows as V4L2 cameras aside.

    Args:
        command: the child process, which is to print what `print_cameras` does.
        seconds: that it may take.

    Raises:
        SourceError: they cannot be listed, with the reason and the cure where there is one.
    """
    command = command or [sys.executable, "-c", _CHILD.format(path=sys.path)]
    child = subprocess.Popen(command, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE)  # noqa: S603 - this Python, with a text of our own
    try:
        printed, complaint = child.communicate(timeout=seconds)
    except subprocess.TimeoutExpired as exc:
        child.kill()
        with suppress(subprocess.TimeoutExpired):  # who waits in a driver cannot be killed, and is left behind
            child.communicate(timeout=LAST_SECONDS)
        raise SourceError(f"libcamera has not listed its cameras within {seconds:g} s: a driver hangs") from exc
    return _understood(child.returncode, printed, complaint)


def print_cameras() -> None:
    """Print the cameras, or why they cannot be listed, as a line of JSON: the work of the child."""
    try:
        answer: dict[str, Any] = {"cameras": [asdict(camera) for camera in open_each(load())]}
    except SourceError as exc:
        answer = {"problem": str(exc)}
    except RARE as exc:
        answer = {"problem": f"libcamera cannot be asked: {reason(exc)}"}
    print(json.dumps(answer), flush=True)


def open_each(library: Library) -> Iterator[Surveyed]:
    """The cameras of *library*, each opened and closed again unless another process uses it."""
    for number, info in enumerate(library.cameras()):
        if "/usb" in info["Id"]:  # by this picamera2 knows them too
            continue
        offers, problem = _asked(library, number)
        yield Surveyed(info["Id"], info.get("Model"), offers, problem)


def _asked(library: Library, number: int) -> tuple[tuple[Offer, ...], str | None]:
    try:
        camera = library.open(number)
        try:
            return tuple(_offers(library, camera)), None
        finally:
            camera.close()
    except RARE as exc:
        return (), reason(exc)


def _offers(library: Library, camera: PiCamera) -> Iterator[Offer]:
    """The modes of the sensor; where it has none, the sizes that libcamera has."""
    modes: Sequence[Mapping[str, Any]] = [mode for mode in camera.sensor_modes if "size" in mode]
    for mode in modes:
        width, height = mode["size"]
        yield Offer(str(mode["format"]), width, height, mode.get("fps"))
    if not modes:
        shortest_us = camera.camera_controls.get("FrameDurationLimits", (0,))[0]
        fps = round(1e6 / shortest_us, 2) if shortest_us else None
        for name, sizes in library.stream_sizes(camera).items():
            yield from (Offer(name, width, height, fps) for width, height in sizes)


def _understood(status: int, printed: bytes, complaint: bytes) -> list[Surveyed]:
    try:
        answer = json.loads(printed.splitlines()[-1])  # a library may have printed before it
    except (IndexError, ValueError) as exc:
        last = (complaint.decode(errors="replace").strip().splitlines() or [""])[-1]
        ending = f"died of {signal.Signals(-status).name}" if status < 0 else f"ended with status {status}"
        raise SourceError(f"libcamera cannot be asked: it {ending}{f' ({last[:200]})' if last else ''}") from exc
    if "problem" in answer:
        raise SourceError(answer["problem"])
    return [
        Surveyed(each["id"], each["model"], tuple(Offer(**offer) for offer in each["offers"]), each["problem"])
        for each in answer["cameras"]
    ]
