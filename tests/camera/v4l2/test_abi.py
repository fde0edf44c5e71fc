"""Structures and request numbers are those of the kernel's own header."""

from __future__ import annotations

import ctypes
import shutil
import subprocess
from pathlib import Path

import pytest

from edged.camera.v4l2 import abi, structures

HEADER = Path("/usr/include/linux/videodev2.h")

STRUCTURES = {
    "v4l2_capability": structures.Capability,
    "v4l2_fmtdesc": structures.Fmtdesc,
    "v4l2_fract": structures.Fract,
    "v4l2_frmsizeenum": structures.Frmsizeenum,
    "v4l2_frmivalenum": structures.Frmivalenum,
    "v4l2_pix_format": structures.PixFormat,
    "v4l2_requestbuffers": structures.Requestbuffers,
    "v4l2_buffer": structures.Buffer,
    "v4l2_format": structures.DataFormat,
    "v4l2_streamparm": structures.Streamparm,
    "v4l2_control": structures.ControlValue,
    "v4l2_queryctrl": structures.Queryctrl,
    "v4l2_querymenu": structures.Querymenu,
}

INNER = {
    "v4l2_format": ("fmt.pix.width", structures.DataFormat.u.offset),
    "v4l2_streamparm": ("parm.capture.timeperframe", structures.Streamparm.u.offset + 8),
    "v4l2_frmsizeenum": ("stepwise.step_height", structures.Frmsizeenum.u.offset + 20),
    "v4l2_frmivalenum": ("stepwise.step", structures.Frmivalenum.u.offset + 16),
    "v4l2_buffer": ("timestamp.tv_usec", structures.Buffer.timestamp.offset + ctypes.sizeof(ctypes.c_long)),
}

REQUESTS = [value for value in vars(abi).values() if isinstance(value, abi.Ioctl)]

CONSTANTS = [name for name in abi.__all__ if isinstance(getattr(abi, name), int)]


def constant(name: str) -> str:
    """The kernel's name of our constant *name*."""
    return {"CAP_TIMEPERFRAME": "V4L2_CAP_TIMEPERFRAME"}.get(name, f"V4L2_{name}")


def told_by_the_header(folder: Path) -> dict[str, int]:
    """Sizes, offsets and numbers, as a C compiler reads them from the header."""
    terms = {f"sizeof {struct}": f"sizeof(struct {struct})" for struct in STRUCTURES}
    for struct, fields in STRUCTURES.items():
        for field in plain_fields(fields):
            terms[f"{struct}.{field}"] = f"offsetof(struct {struct}, {field})"
    terms |= {f"{struct}: {field}": f"offsetof(struct {struct}, {field})" for struct, (field, _) in INNER.items()}
    terms |= {request.name: request.name for request in REQUESTS}
    terms |= {name: constant(name) for name in CONSTANTS}
    lines = "\n".join(f'printf("%s=%lu\\n", "{name}", (unsigned long)({term}));' for name, term in terms.items())
    source = folder / "ask.c"
    source.write_text(
        "#include <stddef.h>\n#include <stdio.h>\n#include <linux/videodev2.h>\nint main(void) {" + lines + "return 0;}"
    )
    subprocess.run(["gcc", "-o", folder / "ask", source], check=True, timeout=60)
    answer = subprocess.run([folder / "ask"], check=True, capture_output=True, text=True, timeout=60).stdout
    return {name: int(number) for name, _, number in (line.partition("=") for line in answer.splitlines())}


def plain_fields(structure: type[ctypes.Structure]) -> list[str]:
    """The fields that stand in the structure itself; the unions have no names in C that match ours."""
    return [name for name, *_ in structure._fields_ if name not in {"u", "request_fd"}]


@pytest.mark.skipif(shutil.which("gcc") is None or not HEADER.exists(), reason="needs gcc and the kernel's headers")
def test_every_structure_and_number_is_that_of_the_header(tmp_path: Path) -> None:
    ours = {f"sizeof {name}": ctypes.sizeof(structure) for name, structure in STRUCTURES.items()}
    for name, structure in STRUCTURES.items():
        ours |= {f"{name}.{field}": getattr(structure, field).offset for field in plain_fields(structure)}
    ours |= {f"{name}: {field}": offset for name, (field, offset) in INNER.items()}
    ours |= {request.name: request.number for request in REQUESTS}
    ours |= {name: getattr(abi, name) for name in CONSTANTS}
    assert told_by_the_header(tmp_path) == ours


def test_the_request_numbers_of_a_64_bit_machine() -> None:
    if ctypes.sizeof(ctypes.c_void_p) != 8:
        pytest.skip("a 32-bit machine has other sizes")
    assert abi.QUERYCAP.number == 0x80685600
    assert abi.S_FMT.number == 0xC0D05605
    assert abi.DQBUF.number == 0xC0585611
    assert abi.S_PARM.number == 0xC0CC5616


def test_pixel_formats_are_four_letters_in_a_number() -> None:
    assert abi.fourcc("YUYV") == 0x56595559
    assert abi.fourcc_name(0x47504A4D) == "MJPG"
    assert abi.fourcc_name(abi.fourcc("Y16 ")) == "Y16"
    assert abi.fourcc_name(0x80000000 | abi.fourcc("RGBP")) == "RGBP"
    assert abi.fourcc_name(0x01020304) == "????"
