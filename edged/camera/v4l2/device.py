"""An open V4L2 device: what it is, what it offers, and what it is set to."""

from __future__ import annotations

import ctypes
import errno
import itertools
import os
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from fractions import Fraction
from pathlib import Path
from types import TracebackType
from typing import NamedTuple, Self, TypeVar

from edged.camera.v4l2 import abi, structures
from edged.camera.v4l2.kernel import Kernel

__all__ = ["ControlRange", "Device", "FrameLayout", "Identity", "Mode"]

Enumerated = TypeVar("Enumerated", structures.Fmtdesc, structures.Frmsizeenum, structures.Frmivalenum)

MOST = 512  # entries of one list that are believed; no driver has as many, but some forget to end


@dataclass(frozen=True, slots=True)
class Identity:
    """The names that a device gives itself, and the kind of this node."""

    driver: str
    card: str
    bus: str
    capabilities: int

    @property
    def takes_pictures(self) -> bool:
        """True where pictures can be read from this node; else it is metadata, an output, a codec or the like."""
        memory_to_memory = abi.CAP_VIDEO_M2M | abi.CAP_VIDEO_M2M_MPLANE
        return bool(self.capabilities & abi.CAP_VIDEO_CAPTURE) and not self.capabilities & memory_to_memory


@dataclass(frozen=True, slots=True)
class Mode:
    """One size of a pixel format, in pixels, with its frame rates, the fastest first, in frames per second.

    Where a device scales to any size, ``smallest`` is the least that it takes and the mode itself the largest. Where it
    runs at any rate, ``any_rate`` is true and ``rates`` are the fastest and the slowest.
    """

    width: int
    height: int
    rates: tuple[float, ...] = ()
    any_rate: bool = False
    smallest: tuple[int, int] | None = None

    def covers(self, width: int, height: int) -> bool:
        """Check whether this mode delivers pictures of exactly this size, as far as that is known without trying."""
        least_width, least_height = self.smallest or (self.width, self.height)
        return least_width <= width <= self.width and least_height <= height <= self.height


@dataclass(frozen=True, slots=True)
class FrameLayout:
    """The layout of a device's frames: size in pixels, four letters, bytes from row to row and of a whole frame."""

    width: int
    height: int
    fourcc: str
    stride: int
    length: int


class ControlRange(NamedTuple):
    """The least and the greatest value of a control."""

    least: int
    greatest: int


class Device:
    """A node that is open. Every method raises ``OSError`` with the name of the request that failed."""

    def __init__(self, kernel: Kernel, node: Path) -> None:
        self.kernel = kernel
        self.node = node
        self.fd = kernel.open(node)

    def close(self) -> None:
        self.kernel.close(self.fd)

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def ask(self, request: abi.Ioctl, argument: ctypes.Structure | ctypes.c_int) -> None:
        """Send *request*, again where a signal interrupts it."""
        while True:
            try:
                return self.kernel.ioctl(self.fd, request, argument)
            except InterruptedError:
                continue
            except OSError as exc:
                code = exc.errno or errno.EIO
                raise OSError(code, f"{request.name}: {os.strerror(code)}") from exc

    def identity(self) -> Identity:
        answer = structures.Capability()
        self.ask(abi.QUERYCAP, answer)
        of_the_node = answer.capabilities & abi.CAP_DEVICE_CAPS
        return Identity(
            driver=_text(answer.driver),
            card=_text(answer.card),
            bus=_text(answer.bus_info),
            capabilities=answer.device_caps if of_the_node else answer.capabilities,
        )

    def formats(self) -> tuple[str, ...]:
        """Return every pixel format by its four letters, in the driver's order."""
        found = self._enumerate(
            abi.ENUM_FMT, lambda index: structures.Fmtdesc(index=index, type=abi.BUF_TYPE_VIDEO_CAPTURE)
        )
        return tuple(abi.fourcc_name(entry.pixelformat) for entry in found)

    def modes(self, name: str) -> tuple[Mode, ...]:
        """Return the sizes and rates of the pixel format *name*, in the driver's order; none if it reports none."""
        return tuple(self._modes(abi.fourcc(name)))

    def _modes(self, pixelformat: int) -> Iterator[Mode]:
        sizes = self._enumerate(
            abi.ENUM_FRAMESIZES, lambda index: structures.Frmsizeenum(index=index, pixel_format=pixelformat)
        )
        for size in sizes:
            if size.type == abi.FRMSIZE_TYPE_DISCRETE:
                width, height, smallest = size.discrete.width, size.discrete.height, None
            else:
                steps = size.stepwise
                width, height, smallest = steps.max_width, steps.max_height, (steps.min_width, steps.min_height)
            rates, any_rate = self._rates(pixelformat, width, height)
            yield Mode(width, height, rates, any_rate, smallest)
            if smallest:
                return  # a range is the only entry

    def _rates(self, pixelformat: int, width: int, height: int) -> tuple[tuple[float, ...], bool]:
        rates: set[float] = set()
        any_rate = False
        intervals = self._enumerate(
            abi.ENUM_FRAMEINTERVALS,
            lambda index: structures.Frmivalenum(index=index, pixel_format=pixelformat, width=width, height=height),
        )
        for interval in intervals:
            any_rate = interval.type != abi.FRMSIZE_TYPE_DISCRETE
            ends = (interval.stepwise.min, interval.stepwise.max) if any_rate else (interval.discrete,)
            rates.update(round(f.denominator / f.numerator, 3) for f in ends if f.numerator and f.denominator)
            if any_rate:
                break  # a range is the only entry
        return tuple(sorted(rates, reverse=True)), any_rate

    def picture(self) -> FrameLayout:
        """Return the layout that the frames are set to."""
        argument = structures.DataFormat(type=abi.BUF_TYPE_VIDEO_CAPTURE)
        self.ask(abi.G_FMT, argument)
        return _picture(argument.pix)

    def set_picture(self, width: int, height: int, name: str) -> FrameLayout:
        """Request frames of this size and format; returns the layout that the driver chose."""
        argument = structures.DataFormat(type=abi.BUF_TYPE_VIDEO_CAPTURE)
        argument.pix.width, argument.pix.height, argument.pix.pixelformat = width, height, abi.fourcc(name)
        self.ask(abi.S_FMT, argument)
        return self.picture()

    def rate(self) -> float | None:
        """Return frames per second that the device is set to; None where it does not report them."""
        argument = structures.Streamparm(type=abi.BUF_TYPE_VIDEO_CAPTURE)
        try:
            self.ask(abi.G_PARM, argument)
        except OSError as exc:
            if exc.errno in UNSUPPORTED:
                return None
            raise
        interval = argument.capture.timeperframe
        return interval.denominator / interval.numerator if interval.numerator and interval.denominator else None

    def set_rate(self, fps: float) -> float | None:
        """Request *fps* frames per second. Returns the rate that the driver set, None where it does not report it."""
        # 1001: the rates of television are 30000/1001 and the like.
        interval = 1 / (Fraction(fps).limit_denominator(1001) or Fraction(1, 1001))
        argument = structures.Streamparm(type=abi.BUF_TYPE_VIDEO_CAPTURE)
        argument.capture.timeperframe = structures.Fract(interval.numerator, interval.denominator)
        try:
            self.ask(abi.S_PARM, argument)
        except OSError as exc:
            if exc.errno not in UNSUPPORTED:
                raise
        return self.rate()

    def control(self, number: int) -> ControlRange | None:
        """Return the range of the control *number*; None where the device has none that can be set."""
        answer = structures.Queryctrl(id=number)
        try:
            self.ask(abi.QUERYCTRL, answer)
        except OSError as exc:
            if exc.errno in UNSUPPORTED:
                return None
            raise
        if answer.flags & (abi.CTRL_FLAG_DISABLED | abi.CTRL_FLAG_READ_ONLY):
            return None
        return ControlRange(answer.minimum, answer.maximum)

    def offers(self, number: int, index: int) -> bool:
        """Whether the control *number*, which is a menu, has the entry *index*."""
        try:
            self.ask(abi.QUERYMENU, structures.Querymenu(id=number, index=index))
        except OSError as exc:
            if exc.errno in UNSUPPORTED:
                return False
            raise
        return True

    def value(self, number: int) -> int:
        """Return the value of the control *number*."""
        answer = structures.ControlValue(id=number)
        self.ask(abi.G_CTRL, answer)
        return int(answer.value)

    def set_value(self, number: int, value: int) -> int:
        """Set the control *number*; returns the value that the driver took."""
        self.ask(abi.S_CTRL, structures.ControlValue(id=number, value=value))
        return self.value(number)

    def _enumerate(self, request: abi.Ioctl, at: Callable[[int], Enumerated]) -> Iterator[Enumerated]:
        for index in itertools.count():
            entry = at(index)
            try:
                self.ask(request, entry)
            except OSError as exc:
                if exc.errno in UNSUPPORTED:
                    return  # the end of the list, or there is none
                raise
            if index >= MOST:
                return
            yield entry


UNSUPPORTED = frozenset({errno.EINVAL, errno.ENOTTY, errno.ENODATA})


def _picture(pix: structures.PixFormat) -> FrameLayout:
    return FrameLayout(pix.width, pix.height, abi.fourcc_name(pix.pixelformat), pix.bytesperline, pix.sizeimage)


def _text(letters: ctypes.Array[ctypes.c_uint8]) -> str:
    return bytes(letters).partition(b"\0")[0].decode("utf-8", "replace").strip()
