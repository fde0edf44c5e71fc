"""The V4L2 interface of the Linux kernel as C sees it: constants and request numbers.

Names are those of ``linux/videodev2.h``; only what edged asks for is here. A request number holds the size of its
argument, one of `edged.camera.v4l2.structures`. It is built as on x86 and ARM (``asm-generic/ioctl.h``); MIPS, PowerPC,
SPARC and Alpha do it otherwise.
"""

from __future__ import annotations

import ctypes
from ctypes import c_int
from dataclasses import dataclass

from edged.camera.v4l2 import structures

__all__ = [
    "BUF_FLAG_ERROR",
    "BUF_FLAG_TIMESTAMP_MASK",
    "BUF_FLAG_TIMESTAMP_MONOTONIC",
    "BUF_TYPE_VIDEO_CAPTURE",
    "CAP_DEVICE_CAPS",
    "CAP_META_CAPTURE",
    "CAP_STREAMING",
    "CAP_TIMEPERFRAME",
    "CAP_VIDEO_CAPTURE",
    "CAP_VIDEO_CAPTURE_MPLANE",
    "CAP_VIDEO_M2M",
    "CAP_VIDEO_M2M_MPLANE",
    "CID_AUTOGAIN",
    "CID_AUTO_N_PRESET_WHITE_BALANCE",
    "CID_AUTO_WHITE_BALANCE",
    "CID_BLUE_BALANCE",
    "CID_EXPOSURE_ABSOLUTE",
    "CID_EXPOSURE_AUTO",
    "CID_FOCUS_ABSOLUTE",
    "CID_FOCUS_AUTO",
    "CID_GAIN",
    "CID_HFLIP",
    "CID_POWER_LINE_FREQUENCY",
    "CID_RED_BALANCE",
    "CID_VFLIP",
    "CID_WHITE_BALANCE_TEMPERATURE",
    "CTRL_FLAG_DISABLED",
    "CTRL_FLAG_READ_ONLY",
    "DQBUF",
    "ENUM_FMT",
    "ENUM_FRAMEINTERVALS",
    "ENUM_FRAMESIZES",
    "FRMSIZE_TYPE_DISCRETE",
    "G_CTRL",
    "G_FMT",
    "G_PARM",
    "MEMORY_MMAP",
    "QBUF",
    "QUERYBUF",
    "QUERYCAP",
    "QUERYCTRL",
    "QUERYMENU",
    "REQBUFS",
    "STREAMOFF",
    "STREAMON",
    "S_CTRL",
    "S_FMT",
    "S_PARM",
    "Ioctl",
    "fourcc",
    "fourcc_name",
]

CAP_VIDEO_CAPTURE = 0x00000001
CAP_VIDEO_CAPTURE_MPLANE = 0x00001000
CAP_VIDEO_M2M_MPLANE = 0x00004000
CAP_VIDEO_M2M = 0x00008000
CAP_META_CAPTURE = 0x00800000
CAP_STREAMING = 0x04000000
CAP_DEVICE_CAPS = 0x80000000

BUF_TYPE_VIDEO_CAPTURE = 1
MEMORY_MMAP = 1
CAP_TIMEPERFRAME = 0x1000
FRMSIZE_TYPE_DISCRETE = 1  # and of frame intervals likewise

BUF_FLAG_ERROR = 0x00000040
BUF_FLAG_TIMESTAMP_MASK = 0x0000E000
BUF_FLAG_TIMESTAMP_MONOTONIC = 0x00002000

CID_AUTOGAIN = 0x00980912
CID_AUTO_N_PRESET_WHITE_BALANCE = 0x009A0914
CID_AUTO_WHITE_BALANCE = 0x0098090C
CID_BLUE_BALANCE = 0x0098090F
CID_EXPOSURE_ABSOLUTE = 0x009A0902
CID_EXPOSURE_AUTO = 0x009A0901
CID_FOCUS_ABSOLUTE = 0x009A090A
CID_FOCUS_AUTO = 0x009A090C
CID_GAIN = 0x00980913
CID_HFLIP = 0x00980914
CID_POWER_LINE_FREQUENCY = 0x00980918
CID_RED_BALANCE = 0x0098090E
CID_VFLIP = 0x00980915
CID_WHITE_BALANCE_TEMPERATURE = 0x0098091A

CTRL_FLAG_DISABLED = 0x0001
CTRL_FLAG_READ_ONLY = 0x0004


def fourcc(name: str) -> int:
    """Return the number of the pixel format that four letters name, such as ``MJPG``."""
    return int.from_bytes(name.ljust(4).encode("ascii"), "little")


def fourcc_name(number: int) -> str:
    """Return the four letters of a pixel format; a byte that is not a letter is shown as ``?``."""
    # Bit 31 marks big-endian layouts, which have no letter for it.
    letters = (number & 0x7FFFFFFF).to_bytes(4, "little")
    return "".join(chr(byte) if 32 <= byte < 127 else "?" for byte in letters).rstrip()


@dataclass(frozen=True, slots=True)
class Ioctl:
    """One request to a device: its name, for people, and its number."""

    name: str
    number: int


_WRITE, _READ = 1, 2  # as the program sees it: what the kernel reads, what the kernel writes


def _request(name: str, direction: int, number: int, argument: type[ctypes.Structure | c_int]) -> Ioctl:
    return Ioctl(f"VIDIOC_{name}", direction << 30 | ctypes.sizeof(argument) << 16 | ord("V") << 8 | number)


QUERYCAP = _request("QUERYCAP", _READ, 0, structures.Capability)
ENUM_FMT = _request("ENUM_FMT", _READ | _WRITE, 2, structures.Fmtdesc)
G_FMT = _request("G_FMT", _READ | _WRITE, 4, structures.DataFormat)
S_FMT = _request("S_FMT", _READ | _WRITE, 5, structures.DataFormat)
REQBUFS = _request("REQBUFS", _READ | _WRITE, 8, structures.Requestbuffers)
QUERYBUF = _request("QUERYBUF", _READ | _WRITE, 9, structures.Buffer)
QBUF = _request("QBUF", _READ | _WRITE, 15, structures.Buffer)
DQBUF = _request("DQBUF", _READ | _WRITE, 17, structures.Buffer)
STREAMON = _request("STREAMON", _WRITE, 18, c_int)
STREAMOFF = _request("STREAMOFF", _WRITE, 19, c_int)
G_PARM = _request("G_PARM", _READ | _WRITE, 21, structures.Streamparm)
S_PARM = _request("S_PARM", _READ | _WRITE, 22, structures.Streamparm)
G_CTRL = _request("G_CTRL", _READ | _WRITE, 27, structures.ControlValue)
S_CTRL = _request("S_CTRL", _READ | _WRITE, 28, structures.ControlValue)
QUERYCTRL = _request("QUERYCTRL", _READ | _WRITE, 36, structures.Queryctrl)
QUERYMENU = _request("QUERYMENU", _READ | _WRITE, 37, structures.Querymenu)
ENUM_FRAMESIZES = _request("ENUM_FRAMESIZES", _READ | _WRITE, 74, structures.Frmsizeenum)
ENUM_FRAMEINTERVALS = _request("ENUM_FRAMEINTERVALS", _READ | _WRITE, 75, structures.Frmivalenum)
