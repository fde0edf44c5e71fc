"""The V4L2 interface of the Linux kernel as C sees it: structures, constants and request numbers.

Names and layouts are those of ``linux/videodev2.h``; only what edged asks for is here. ctypes gives each structure the
layout of the machine it runs on, 32 or 64 bits wide, and the request numbers follow from the sizes. The number of a
request is built as on x86 and ARM (``asm-generic/ioctl.h``); MIPS, PowerPC, SPARC and Alpha do it otherwise.
"""

from __future__ import annotations

import ctypes
from ctypes import c_int, c_int32, c_long, c_uint8, c_uint32, c_ulong, c_void_p
from dataclasses import dataclass

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
    "Buffer",
    "Capability",
    "ControlValue",
    "DataFormat",
    "Fmtdesc",
    "Fract",
    "Frmivalenum",
    "Frmsizeenum",
    "Ioctl",
    "PixFormat",
    "Queryctrl",
    "Querymenu",
    "Requestbuffers",
    "Streamparm",
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


class Capability(ctypes.Structure):
    """``struct v4l2_capability``: who a device is and what it can do."""

    _fields_ = [
        ("driver", c_uint8 * 16),
        ("card", c_uint8 * 32),
        ("bus_info", c_uint8 * 32),
        ("version", c_uint32),
        ("capabilities", c_uint32),
        ("device_caps", c_uint32),
        ("reserved", c_uint32 * 3),
    ]


class Fmtdesc(ctypes.Structure):
    """``struct v4l2_fmtdesc``: one pixel format of a device."""

    _fields_ = [
        ("index", c_uint32),
        ("type", c_uint32),
        ("flags", c_uint32),
        ("description", c_uint8 * 32),
        ("pixelformat", c_uint32),
        ("mbus_code", c_uint32),
        ("reserved", c_uint32 * 3),
    ]


class Fract(ctypes.Structure):
    """``struct v4l2_fract``."""

    _fields_ = [("numerator", c_uint32), ("denominator", c_uint32)]


class _FrmsizeDiscrete(ctypes.Structure):
    _fields_ = [("width", c_uint32), ("height", c_uint32)]


class _FrmsizeStepwise(ctypes.Structure):
    _fields_ = [
        (name, c_uint32) for name in ("min_width", "max_width", "step_width", "min_height", "max_height", "step_height")
    ]


class _Frmsize(ctypes.Union):
    _fields_ = [("discrete", _FrmsizeDiscrete), ("stepwise", _FrmsizeStepwise)]


class Frmsizeenum(ctypes.Structure):
    """``struct v4l2_frmsizeenum``: one size, or a range of sizes, of a pixel format."""

    _anonymous_ = ("u",)
    _fields_ = [
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("type", c_uint32),
        ("u", _Frmsize),
        ("reserved", c_uint32 * 2),
    ]


class _FrmivalStepwise(ctypes.Structure):
    _fields_ = [("min", Fract), ("max", Fract), ("step", Fract)]


class _Frmival(ctypes.Union):
    _fields_ = [("discrete", Fract), ("stepwise", _FrmivalStepwise)]


class Frmivalenum(ctypes.Structure):
    """``struct v4l2_frmivalenum``: one frame interval, or a range, of a pixel format at a size."""

    _anonymous_ = ("u",)
    _fields_ = [
        ("index", c_uint32),
        ("pixel_format", c_uint32),
        ("width", c_uint32),
        ("height", c_uint32),
        ("type", c_uint32),
        ("u", _Frmival),
        ("reserved", c_uint32 * 2),
    ]


class PixFormat(ctypes.Structure):
    """``struct v4l2_pix_format``."""

    _fields_ = [
        (name, c_uint32)
        for name in (
            "width",
            "height",
            "pixelformat",
            "field",
            "bytesperline",
            "sizeimage",
            "colorspace",
            "priv",
            "flags",
            "ycbcr_enc",
            "quantization",
            "xfer_func",
        )
    ]


class _FormatUnion(ctypes.Union):
    # The pointer stands for struct v4l2_window, which has some: they decide the alignment.
    _fields_ = [("pix", PixFormat), ("raw_data", c_uint8 * 200), ("_pointer", c_void_p)]


class DataFormat(ctypes.Structure):
    """``struct v4l2_format``."""

    _anonymous_ = ("u",)
    _fields_ = [("type", c_uint32), ("u", _FormatUnion)]


class _Captureparm(ctypes.Structure):
    _fields_ = [
        ("capability", c_uint32),
        ("capturemode", c_uint32),
        ("timeperframe", Fract),
        ("extendedmode", c_uint32),
        ("readbuffers", c_uint32),
        ("reserved", c_uint32 * 4),
    ]


class _StreamparmUnion(ctypes.Union):
    _fields_ = [("capture", _Captureparm), ("raw_data", c_uint8 * 200)]


class Streamparm(ctypes.Structure):
    """``struct v4l2_streamparm``: the frame rate."""

    _anonymous_ = ("u",)
    _fields_ = [("type", c_uint32), ("u", _StreamparmUnion)]


class Requestbuffers(ctypes.Structure):
    """``struct v4l2_requestbuffers``."""

    _fields_ = [
        ("count", c_uint32),
        ("type", c_uint32),
        ("memory", c_uint32),
        ("capabilities", c_uint32),
        ("flags", c_uint8),
        ("reserved", c_uint8 * 3),
    ]


class _Timeval(ctypes.Structure):
    # Two C longs, also where the C library counts time in 64 bits on a 32-bit machine: the kernel tells the two
    # layouts apart by the request number, takes both, and CLOCK_MONOTONIC does not outgrow 32 bits of seconds.
    _fields_ = [("tv_sec", c_long), ("tv_usec", c_long)]


class _Timecode(ctypes.Structure):
    _fields_ = [
        ("type", c_uint32),
        ("flags", c_uint32),
        ("frames", c_uint8),
        ("seconds", c_uint8),
        ("minutes", c_uint8),
        ("hours", c_uint8),
        ("userbits", c_uint8 * 4),
    ]


class _BufferMemory(ctypes.Union):
    _fields_ = [("offset", c_uint32), ("userptr", c_ulong)]


class Buffer(ctypes.Structure):
    """``struct v4l2_buffer``."""

    _fields_ = [
        ("index", c_uint32),
        ("type", c_uint32),
        ("bytesused", c_uint32),
        ("flags", c_uint32),
        ("field", c_uint32),
        ("timestamp", _Timeval),
        ("timecode", _Timecode),
        ("sequence", c_uint32),
        ("memory", c_uint32),
        ("m", _BufferMemory),
        ("length", c_uint32),
        ("reserved2", c_uint32),
        ("request_fd", c_uint32),
    ]


class ControlValue(ctypes.Structure):
    """``struct v4l2_control``: a control and its value."""

    _fields_ = [("id", c_uint32), ("value", c_int32)]


class Queryctrl(ctypes.Structure):
    """``struct v4l2_queryctrl``: the range of a control."""

    _fields_ = [
        ("id", c_uint32),
        ("type", c_uint32),
        ("name", c_uint8 * 32),
        ("minimum", c_int32),
        ("maximum", c_int32),
        ("step", c_int32),
        ("default_value", c_int32),
        ("flags", c_uint32),
        ("reserved", c_uint32 * 2),
    ]


class Querymenu(ctypes.Structure):
    """``struct v4l2_querymenu``: one entry of a control that is a menu."""

    _fields_ = [("id", c_uint32), ("index", c_uint32), ("name", c_uint8 * 32), ("reserved", c_uint32)]


@dataclass(frozen=True, slots=True)
class Ioctl:
    """One request to a device: its name, for people, and its number."""

    name: str
    number: int


_WRITE, _READ = 1, 2  # as the program sees it: what the kernel reads, what the kernel writes


def _request(name: str, direction: int, number: int, argument: type[ctypes.Structure | c_int]) -> Ioctl:
    return Ioctl(f"VIDIOC_{name}", direction << 30 | ctypes.sizeof(argument) << 16 | ord("V") << 8 | number)


QUERYCAP = _request("QUERYCAP", _READ, 0, Capability)
ENUM_FMT = _request("ENUM_FMT", _READ | _WRITE, 2, Fmtdesc)
G_FMT = _request("G_FMT", _READ | _WRITE, 4, DataFormat)
S_FMT = _request("S_FMT", _READ | _WRITE, 5, DataFormat)
REQBUFS = _request("REQBUFS", _READ | _WRITE, 8, Requestbuffers)
QUERYBUF = _request("QUERYBUF", _READ | _WRITE, 9, Buffer)
QBUF = _request("QBUF", _READ | _WRITE, 15, Buffer)
DQBUF = _request("DQBUF", _READ | _WRITE, 17, Buffer)
STREAMON = _request("STREAMON", _WRITE, 18, c_int)
STREAMOFF = _request("STREAMOFF", _WRITE, 19, c_int)
G_PARM = _request("G_PARM", _READ | _WRITE, 21, Streamparm)
S_PARM = _request("S_PARM", _READ | _WRITE, 22, Streamparm)
G_CTRL = _request("G_CTRL", _READ | _WRITE, 27, ControlValue)
S_CTRL = _request("S_CTRL", _READ | _WRITE, 28, ControlValue)
QUERYCTRL = _request("QUERYCTRL", _READ | _WRITE, 36, Queryctrl)
QUERYMENU = _request("QUERYMENU", _READ | _WRITE, 37, Querymenu)
ENUM_FRAMESIZES = _request("ENUM_FRAMESIZES", _READ | _WRITE, 74, Frmsizeenum)
ENUM_FRAMEINTERVALS = _request("ENUM_FRAMEINTERVALS", _READ | _WRITE, 75, Frmivalenum)
