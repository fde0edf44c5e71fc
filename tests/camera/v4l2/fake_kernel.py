"""A kernel with V4L2 cameras that do what the test says, behind exactly the calls that edged makes.

Faithful where it matters: errors and their order are those of videobuf2 and uvcvideo, file descriptors are real ones
(so that a leak is a real leak), and a node's number stays taken while a file descriptor or a mapping of it is left, as
that of a camera which was unplugged while somebody used it.
"""

from __future__ import annotations

import ctypes
import errno
import mmap
import os
import select
import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import NoReturn

from edged.camera.v4l2 import abi, structures
from edged.camera.v4l2.kernel import Readiness

__all__ = ["FakeCamera", "FakeControl", "FakeKernel", "Sizes"]

Sizes = dict[tuple[int, int], tuple[float, ...]]
"""Frame sizes and their rates."""

WEBCAM: dict[str, Sizes] = {
    "MJPG": {(640, 480): (30.0, 15.0), (1280, 720): (30.0, 15.0)},
    "YUYV": {(640, 480): (30.0, 15.0), (1280, 720): (10.0, 5.0)},
}

BYTES_PER_PIXEL = {
    "YUYV": 2.0,
    "NV12": 1.5,
    "NV21": 1.5,
    "YU12": 1.5,
    "YV12": 1.5,
    "RGB3": 3.0,
    "BGR3": 3.0,
    "AR24": 4.0,
}
ROW_BYTES = {"YUYV": 2, "RGB3": 3, "BGR3": 3, "AR24": 4}

MONOTONIC = abi.BUF_FLAG_TIMESTAMP_MONOTONIC


@dataclass
class FakeControl:
    """A control: its range, its value, the entries of one that is a menu, and the step that values are rounded to."""

    least: int
    greatest: int
    value: int
    entries: tuple[int, ...] = ()
    step: int = 1
    flags: int = 0


@dataclass(eq=False)
class FakeCamera:
    """A camera and its faults.

    ``refusals`` are errors that the requests of this name answer with, each once; ``adjust`` is what the driver makes
    of a size and format that it is asked for; ``deaf_to_rates`` ignores S_PARM; ``padding`` is bytes at a row's end.
    """

    card: str = "Test Camera"
    driver: str = "uvcvideo"
    bus: str = "usb-0000:00:14.0-1"
    offers: dict[str, Sizes] = field(default_factory=lambda: dict(WEBCAM))
    serial: str | None = "SN1"
    speed: str | None = "480"
    metadata: bool = True
    capabilities: int = abi.CAP_VIDEO_CAPTURE | abi.CAP_STREAMING
    any_size: bool = False
    padding: int = 0
    adjust: Callable[[int, int, str], tuple[int, int, str]] = lambda width, height, name: (width, height, name)
    deaf_to_rates: bool = False
    refusals: dict[str, list[int]] = field(default_factory=dict)
    most_buffers: int = 32
    controls: dict[int, FakeControl] = field(default_factory=dict)

    numbers: tuple[int, ...] = ()
    picture: tuple[int, int, str] = (640, 480, "YUYV")
    fps: float = 30.0
    user: _Opened | str | None = None
    set_controls: list[tuple[int, int]] = field(default_factory=list)
    lost: int = 0
    """Frames for which the driver had no buffer."""

    @property
    def node(self) -> Path:
        """The node with the pictures."""
        return Path(f"/dev/video{self.numbers[0]}")

    @property
    def link(self) -> Path:
        """The stable name."""
        return Path(f"/dev/v4l/by-id/usb-{self.card.replace(' ', '_')}_{self.serial}-video-index0")

    @property
    def stride(self) -> int:
        width, _, name = self.picture
        return 0 if name in ("MJPG", "JPEG") else width * ROW_BYTES.get(name, 1) + self.padding

    @property
    def length(self) -> int:
        width, height, name = self.picture
        if name in ("MJPG", "JPEG"):
            return width * height * 2
        rows = height * 3 // 2 if BYTES_PER_PIXEL.get(name) == 1.5 else height
        return self.stride * rows

    def deliver(self, content: bytes, *, age: float = 0.0, time_ns: int | None = None, flags: int = MONOTONIC) -> None:
        """A frame comes from the sensor, *age* seconds ago; it is lost where the driver has no buffer for it."""
        opened = self.user
        assert isinstance(opened, _Opened), "nobody streams from this camera"
        opened.fill(content, time.monotonic_ns() - int(age * 1e9) if time_ns is None else time_ns, flags)

    def die(self) -> None:
        """The driver meets an error that it does not recover from."""
        assert isinstance(self.user, _Opened)
        self.user.break_down()


@dataclass
class _Memory:
    mapping: mmap.mmap | None
    state: str = "ours"


class _Opened:
    """An open file of a node: the driver's queue, and an eventfd whose number is the file descriptor."""

    def __init__(self, camera: FakeCamera, number: int) -> None:
        self.camera = camera
        self.number = number
        self.fd = os.eventfd(0, os.EFD_CLOEXEC | os.EFD_NONBLOCK)
        self.memories: list[_Memory] = []
        self.mappings: list[mmap.mmap] = []
        self.queued: deque[int] = deque()
        self.done: deque[tuple[int, int, int, int]] = deque()
        self.streaming = self.broken = self.closed = self.gone = False
        self.lock = threading.Lock()

    @property
    def holds_node(self) -> bool:
        return not self.closed or any(not mapping.closed for mapping in self.mappings)

    def fill(self, content: bytes, time_ns: int, flags: int) -> None:
        with self.lock:
            if not self.queued or not self.streaming:
                self.camera.lost += 1
                return
            index = self.queued.popleft()
            mapping = self.memories[index].mapping
            assert mapping is not None
            mapping[: len(content)] = content
            self.done.append((index, len(content), time_ns, flags))
            self.tell()

    def break_down(self, gone: bool = False) -> None:
        with self.lock:
            self.broken, self.gone = True, self.gone or gone
            self.tell()

    def events(self) -> int:
        if self.gone:
            return select.POLLERR | select.POLLHUP
        if self.broken or not self.streaming:
            return select.POLLERR
        return select.POLLIN if self.done else 0

    def tell(self) -> None:
        """Make the eventfd readable just where there is something to tell."""
        with suppress(BlockingIOError):
            os.eventfd_read(self.fd)
        if self.events():
            os.eventfd_write(self.fd, 1)


class FakeKernel:
    """Cameras, with what sysfs, udev and /proc tell of them below *root*."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.cameras: dict[int, FakeCamera] = {}
        self.opened: dict[int, _Opened] = {}
        self.forgotten: list[_Opened] = []
        self.interruptions = 0
        """How many of the next requests a signal interrupts."""
        self.forbidden: set[Path] = set()
        """Nodes that may not be opened."""
        self.requests: list[str] = []
        for folder in ("sys/class/video4linux", "sys/devices", "dev/v4l/by-id", "dev/v4l/by-path", "proc"):
            (root / folder).mkdir(parents=True)

    # What happens to cameras.

    def plug(self, camera: FakeCamera) -> FakeCamera:
        """Plug *camera* in: it gets the lowest numbers that are free, and udev makes its links."""
        taken = set(self.cameras) | {o.number for o in [*self.opened.values(), *self.forgotten] if o.holds_node}
        free = (number for number in range(64) if number not in taken)
        camera.numbers = tuple(next(free) for _ in range(1 + camera.metadata))
        camera.user = None
        device = self._make_device(camera)
        for index, number in enumerate(camera.numbers):
            self.cameras[number] = camera
            self._make_node(camera, device, number, index)
        return camera

    def unplug(self, camera: FakeCamera) -> None:
        """Pull the cable. Whoever has it open is told, and keeps the number until everything is closed."""
        for opened in self._pulled(camera):
            opened.break_down(gone=True)

    def replug(self, camera: FakeCamera) -> None:
        """Pull the cable and put it in again so soon that nobody has let go of the old number."""
        holders = self._pulled(camera)
        self.plug(camera)
        for opened in holders:
            opened.break_down(gone=True)

    def _pulled(self, camera: FakeCamera) -> list[_Opened]:
        """Who still has *camera* open, of which nothing is left for others."""
        for number in camera.numbers:
            del self.cameras[number]
            (self.root / f"dev/video{number}").unlink()
            (self.root / f"sys/class/video4linux/video{number}").unlink()
        for folder in ("by-id", "by-path"):
            for link in (self.root / "dev/v4l" / folder).iterdir():
                if not link.exists():
                    link.unlink()
        opened = list(self.opened.values())  # another thread may open and close meanwhile
        return [each for each in opened if each.camera is camera]

    def occupy(self, camera: FakeCamera, pid: int, command: str) -> None:
        """Another program streams from *camera*."""
        camera.user = command
        folder = self.root / f"proc/{pid}/fd"
        folder.mkdir(parents=True)
        (folder.parent / "comm").write_text(f"{command}\n")
        (folder / "7").symlink_to(camera.node)

    # The calls.

    def open(self, node: Path) -> int:
        if node in self.forbidden:
            raise PermissionError(errno.EACCES, os.strerror(errno.EACCES), str(node))
        if not (self.root / node.relative_to("/")).exists():
            raise FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), str(node))
        number = int(node.name.removeprefix("video"))
        _play(self.cameras[number], "open")
        opened = _Opened(self.cameras[number], number)
        self.opened[opened.fd] = opened
        return opened.fd

    def close(self, fd: int) -> None:
        opened = self.opened.pop(fd)
        opened.closed = True
        self.forgotten.append(opened)
        if opened.camera.user is opened:
            opened.camera.user = None
        os.close(fd)

    def map(self, fd: int, length: int, offset: int) -> mmap.mmap:
        opened = self._opened(fd)
        _play(opened.camera, "mmap")
        mapping = mmap.mmap(-1, length)
        opened.memories[offset // PAGE].mapping = mapping
        opened.mappings.append(mapping)
        return mapping

    def poll(self, fds: Sequence[int], timeout: float) -> Readiness:
        poll = select.poll()
        for fd in fds:
            poll.register(fd, select.POLLIN)
        ready = dict(poll.poll(timeout * 1000))
        return {fd: self.opened[fd].events() if fd in self.opened else bits for fd, bits in ready.items()}

    def ioctl(self, fd: int, request: abi.Ioctl, argument: ctypes.Structure | ctypes.c_int) -> None:
        if self.interruptions:
            self.interruptions -= 1
            raise InterruptedError(errno.EINTR, os.strerror(errno.EINTR))
        opened = self._opened(fd)
        self.requests.append(request.name)
        name = request.name.removeprefix("VIDIOC_")
        _play(opened.camera, name)
        answer: Callable[[_Opened, object], None] = getattr(self, f"_{name.lower()}")
        with opened.lock:
            answer(opened, argument)
            opened.tell()

    def _opened(self, fd: int) -> _Opened:
        opened = self.opened.get(fd)
        if opened is None:
            _fail(errno.EBADF)
        if opened.gone:
            _fail(errno.ENODEV)
        return opened

    # The answers, by request.

    def _querycap(self, opened: _Opened, answer: structures.Capability) -> None:
        camera = opened.camera
        for target, text in ((answer.driver, camera.driver), (answer.card, camera.card), (answer.bus_info, camera.bus)):
            ctypes.memmove(target, text.encode()[: len(target) - 1], min(len(text), len(target) - 1))
        metadata = opened.number != camera.numbers[0]
        answer.device_caps = abi.CAP_META_CAPTURE | abi.CAP_STREAMING if metadata else camera.capabilities
        answer.capabilities = camera.capabilities | abi.CAP_META_CAPTURE | abi.CAP_DEVICE_CAPS

    def _enum_fmt(self, opened: _Opened, answer: structures.Fmtdesc) -> None:
        names = list(opened.camera.offers)
        if answer.index >= len(names):
            _fail(errno.EINVAL)
        answer.pixelformat = abi.fourcc(names[answer.index])

    def _enum_framesizes(self, opened: _Opened, answer: structures.Frmsizeenum) -> None:
        sizes = list(opened.camera.offers.get(abi.fourcc_name(answer.pixel_format), ()))
        if answer.index >= (1 if opened.camera.any_size else len(sizes)):
            _fail(errno.EINVAL)
        if opened.camera.any_size:
            answer.type = 3
            largest = max(sizes)
            answer.stepwise.min_width, answer.stepwise.min_height = 16, 16
            answer.stepwise.max_width, answer.stepwise.max_height = largest
            answer.stepwise.step_width = answer.stepwise.step_height = 2
        else:
            answer.type = abi.FRMSIZE_TYPE_DISCRETE
            answer.discrete.width, answer.discrete.height = sizes[answer.index]

    def _enum_frameintervals(self, opened: _Opened, answer: structures.Frmivalenum) -> None:
        sizes = opened.camera.offers.get(abi.fourcc_name(answer.pixel_format), {})
        rates = sizes.get((answer.width, answer.height), ())
        if opened.camera.any_size and rates:
            if answer.index:
                _fail(errno.EINVAL)
            answer.type = 2
            answer.stepwise.min, answer.stepwise.max = _interval(max(rates)), _interval(min(rates))
            return
        if answer.index >= len(rates):
            _fail(errno.EINVAL)
        answer.type = abi.FRMSIZE_TYPE_DISCRETE
        answer.discrete = _interval(rates[answer.index])

    def _g_fmt(self, opened: _Opened, answer: structures.DataFormat) -> None:
        camera = opened.camera
        answer.pix.width, answer.pix.height = camera.picture[:2]
        answer.pix.pixelformat = abi.fourcc(camera.picture[2])
        answer.pix.bytesperline, answer.pix.sizeimage = camera.stride, camera.length

    def _s_fmt(self, opened: _Opened, answer: structures.DataFormat) -> None:
        camera = opened.camera
        _check_free(opened)
        if opened.memories:
            _fail(errno.EBUSY)
        name = abi.fourcc_name(answer.pix.pixelformat)
        if name not in camera.offers:
            name = next(iter(camera.offers))
        wanted = answer.pix.width, answer.pix.height
        sizes = camera.offers[name]
        if not camera.any_size:
            wanted = min(sizes, key=lambda size: abs(size[0] - wanted[0]) + abs(size[1] - wanted[1]))
        camera.picture = camera.adjust(*wanted, name)
        camera.fps = max(sizes.get(camera.picture[:2], (30.0,)))
        self._g_fmt(opened, answer)

    def _g_parm(self, opened: _Opened, answer: structures.Streamparm) -> None:
        answer.capture.capability = abi.CAP_TIMEPERFRAME
        answer.capture.timeperframe = _interval(opened.camera.fps)

    def _s_parm(self, opened: _Opened, answer: structures.Streamparm) -> None:
        camera = opened.camera
        if not camera.deaf_to_rates:
            wanted = answer.capture.timeperframe.denominator / answer.capture.timeperframe.numerator
            rates = camera.offers[camera.picture[2]].get(camera.picture[:2], (30.0,))
            camera.fps = min(rates, key=lambda rate: abs(rate - wanted))
        self._g_parm(opened, answer)

    def _reqbufs(self, opened: _Opened, answer: structures.Requestbuffers) -> None:
        _check_free(opened)
        if opened.streaming:
            _fail(errno.EBUSY)
        answer.count = min(answer.count, opened.camera.most_buffers)
        opened.memories = [_Memory(None) for _ in range(answer.count)]
        opened.camera.user = opened if answer.count else None

    def _querybuf(self, opened: _Opened, answer: structures.Buffer) -> None:
        if answer.index >= len(opened.memories):
            _fail(errno.EINVAL)
        answer.length, answer.m.offset = opened.camera.length, answer.index * PAGE

    def _qbuf(self, opened: _Opened, answer: structures.Buffer) -> None:
        if answer.index >= len(opened.memories) or opened.memories[answer.index].state != "ours":
            _fail(errno.EINVAL)
        opened.memories[answer.index].state = "driver's"
        opened.queued.append(answer.index)

    def _dqbuf(self, opened: _Opened, answer: structures.Buffer) -> None:
        if opened.broken:
            _fail(errno.EIO)
        if not opened.streaming:
            _fail(errno.EINVAL)
        if not opened.done:
            _fail(errno.EAGAIN)
        answer.index, answer.bytesused, time_ns, answer.flags = opened.done.popleft()
        answer.timestamp.tv_sec, answer.timestamp.tv_usec = time_ns // 10**9, time_ns % 10**9 // 1000
        opened.memories[answer.index].state = "ours"

    def _streamon(self, opened: _Opened, argument: ctypes.c_int) -> None:
        assert argument.value == abi.BUF_TYPE_VIDEO_CAPTURE
        _check_free(opened)
        if not opened.memories:
            _fail(errno.EINVAL)
        opened.streaming = True

    def _streamoff(self, opened: _Opened, argument: ctypes.c_int) -> None:
        assert argument.value == abi.BUF_TYPE_VIDEO_CAPTURE
        opened.streaming = opened.broken = False
        opened.queued.clear()
        opened.done.clear()
        for memory in opened.memories:
            memory.state = "ours"

    def _queryctrl(self, opened: _Opened, answer: structures.Queryctrl) -> None:
        control = self._control(opened, answer.id)
        answer.minimum, answer.maximum = control.least, control.greatest
        answer.step, answer.flags = control.step, control.flags

    def _querymenu(self, opened: _Opened, answer: structures.Querymenu) -> None:
        if answer.index not in self._control(opened, answer.id).entries:
            _fail(errno.EINVAL)

    def _g_ctrl(self, opened: _Opened, answer: structures.ControlValue) -> None:
        answer.value = self._control(opened, answer.id).value

    def _s_ctrl(self, opened: _Opened, answer: structures.ControlValue) -> None:
        """As v4l2-ctrls does: numbers are brought into range and to a step, entries that a menu lacks are refused."""
        control = self._control(opened, answer.id)
        if control.entries and answer.value not in control.entries:
            _fail(errno.EINVAL if control.least <= answer.value <= control.greatest else errno.ERANGE)
        value = min(max(answer.value, control.least), control.greatest)
        control.value = control.least + (value - control.least) // control.step * control.step
        opened.camera.set_controls.append((answer.id, control.value))

    def _control(self, opened: _Opened, number: int) -> FakeControl:
        if number not in opened.camera.controls:
            _fail(errno.EINVAL)
        return opened.camera.controls[number]

    # What files tell.

    def _make_device(self, camera: FakeCamera) -> Path:
        """The folder of the USB interface, in that of the USB device, as in sysfs."""
        usb = self.root / "sys/devices" / f"usb-{camera.numbers[0]}-{camera.serial}"
        device = usb / "1-1:1.0"
        device.mkdir(parents=True, exist_ok=True)
        if camera.speed is not None:
            (usb / "speed").write_text(f"{camera.speed}\n")
        driver = self.root / "sys/bus/drivers" / camera.driver
        driver.mkdir(parents=True, exist_ok=True)
        if not (device / "driver").is_symlink():
            (device / "driver").symlink_to(driver)
        return device

    def _make_node(self, camera: FakeCamera, device: Path, number: int, index: int) -> None:
        folder = device / "video4linux" / f"video{number}"
        folder.mkdir(parents=True, exist_ok=True)
        (folder / "name").write_text(f"{camera.card}\n")
        (folder / "index").write_text(f"{index}\n")
        if not (folder / "device").is_symlink():
            (folder / "device").symlink_to("../../")
        (self.root / f"sys/class/video4linux/video{number}").symlink_to(folder)
        (self.root / f"dev/video{number}").touch()
        names = [f"by-path/pci-0000:00:14.0-usb-0:{camera.bus[-1]}:1.0-video-index{index}"]
        if camera.serial is not None:
            names.append(f"by-id/{camera.link.name.removesuffix('0')}{index}")
        for name in names:
            link = self.root / "dev/v4l" / name
            link.unlink(missing_ok=True)
            link.symlink_to(f"../../video{number}")


PAGE = 4096 * 1024  # the distance of the offsets by which buffers are told apart


def _play(camera: FakeCamera, name: str) -> None:
    refusals = camera.refusals.get(name)
    if refusals:
        _fail(refusals.pop(0))


def _check_free(opened: _Opened) -> None:
    if opened.camera.user not in (None, opened):
        _fail(errno.EBUSY)


def _interval(fps: float) -> structures.Fract:
    return structures.Fract(1000, round(fps * 1000))


def _fail(code: int) -> NoReturn:
    raise OSError(code, os.strerror(code))
