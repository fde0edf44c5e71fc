"""The structures of the V4L2 interface of the Linux kernel.

Names and layouts are those of ``linux/videodev2.h``. ctypes gives each structure the layout of the machine that it runs
on, 32 or 64 bits wide.
"""

from __future__ import annotations

import ctypes
from ctypes import c_int32, c_long, c_uint8, c_uint32, c_ulong, c_void_p

__all__ = [
    "Buffer",
    "Capability",
    "ControlValue",
    "DataFormat",
    "Fmtdesc",
    "Fract",
    "Frmivalenum",
    "Frmsizeenum",
    "PixFormat",
    "Queryctrl",
    "Querymenu",
    "Requestbuffers",
    "Streamparm",
]


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
