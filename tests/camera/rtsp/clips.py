"""Short coded videos for the RTSP server of the tests, and the packets that carry them."""

from __future__ import annotations

import base64
from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from functools import lru_cache

import av
import cv2
import numpy as np
from av.video.codeccontext import VideoCodecContext

from tests.camera.servers import jpeg

__all__ = ["Clip", "coded", "rtp", "sender_report"]

START_CODE = b"\0\0\0\1"
MOST_PAYLOAD = 1200
_ENCODERS = {"h264": "libx264", "hevc": "libx265", "mjpeg": "mjpeg"}
_NAMES = {"h264": "H264", "hevc": "H265", "mjpeg": "JPEG"}
PAYLOAD_TYPE = 96


@dataclass(frozen=True)
class Clip:
    """A video that begins with a key frame. ``units`` are its pictures as NAL units, or each as one JPEG."""

    codec: str
    width: int
    height: int
    units: tuple[tuple[bytes, ...], ...]

    @property
    def parameters(self) -> str:
        """The line of the session description that carries the parameter sets."""
        sets = [base64.b64encode(nal).decode() for nal in self.units[0] if is_parameter_set(self.codec, nal)]
        if self.codec == "h264":
            return f"a=fmtp:{PAYLOAD_TYPE} packetization-mode=1; sprop-parameter-sets={','.join(sets)}\r\n"
        if self.codec == "hevc":
            named = zip(("sprop-vps", "sprop-sps", "sprop-pps"), sets, strict=True)
            return f"a=fmtp:{PAYLOAD_TYPE} {';'.join(f'{name}={value}' for name, value in named)}\r\n"
        return ""

    @property
    def format_name(self) -> str:
        return _NAMES[self.codec]

    def without_parameters(self) -> Clip:
        """The same with parameter sets in the description only."""
        bare = tuple(tuple(nal for nal in unit if not is_parameter_set(self.codec, nal)) for unit in self.units)
        return Clip(self.codec, self.width, self.height, bare)


@lru_cache(maxsize=16)
def coded(
    codec: str = "h264", width: int = 320, height: int = 240, frames: int = 50, gop: int = 5, b_frames: int = 0
) -> Clip:
    """A clip whose pictures carry the numbers from 0 on (`tests.camera.servers.number`).

    With *b_frames* the pictures of H.264 are sent in another order than they are shown.
    """
    encoder = av.CodecContext.create(_ENCODERS[codec], "w")
    assert isinstance(encoder, VideoCodecContext)
    encoder.width, encoder.height = width, height
    encoder.pix_fmt = "yuvj420p" if codec == "mjpeg" else "yuv420p"
    encoder.time_base = Fraction(1, 25)
    encoder.thread_count = 1
    encoder.gop_size = gop
    encoder.options = {
        "h264": {"preset": "ultrafast", "tune": "zerolatency", "x264-params": f"keyint={gop}:scenecut=0"},
        "hevc": {
            "preset": "ultrafast",
            "tune": "zerolatency",
            "x265-params": f"keyint={gop}:min-keyint={gop}:repeat-headers=1:scenecut=0:log-level=none",
        },
        "mjpeg": {"huffman": "default"},
    }[codec]
    if b_frames:
        encoder.options = {"preset": "ultrafast", "x264-params": f"keyint={gop}:scenecut=0:bframes={b_frames}"}
    packets: list[bytes] = []
    for n in range(frames):
        picture = np.asarray(cv2.imdecode(np.frombuffer(jpeg(n, width, height), np.uint8), cv2.IMREAD_COLOR), np.uint8)
        frame = av.VideoFrame.from_ndarray(picture, format="bgr24").reformat(format=encoder.pix_fmt)
        frame.pts = n
        packets += [bytes(packet) for packet in encoder.encode(frame)]
    packets += [bytes(packet) for packet in encoder.encode(None)]
    units = tuple((packet,) if codec == "mjpeg" else tuple(nal_units(packet)) for packet in packets)
    return Clip(codec, width, height, units)


def nal_units(content: bytes) -> Iterator[bytes]:
    """The NAL units of a picture with start codes."""
    for part in content.replace(START_CODE, START_CODE[1:]).split(START_CODE[1:]):
        if part:
            yield part


def is_parameter_set(codec: str, nal: bytes) -> bool:
    if codec == "mjpeg":
        return False
    return nal[0] & 0x1F in (7, 8) if codec == "h264" else nal[0] >> 1 & 0x3F in (32, 33, 34)


def payloads(codec: str, unit: tuple[bytes, ...]) -> list[bytes]:
    """What the packets of a picture carry: small NAL units together, large ones in fragments."""
    if codec == "mjpeg":
        return list(jpeg_payloads(unit[0]))
    head = 1 if codec == "h264" else 2
    small = [nal for nal in unit if len(nal) < 100]
    together = b"".join(len(nal).to_bytes(2) + nal for nal in small)
    aggregate = b"\x18" if codec == "h264" else b"\x60\x01"
    result = [aggregate + together] if len(small) > 1 else list(small)
    for nal in unit:
        if nal in small:
            continue
        if len(nal) <= MOST_PAYLOAD:
            result.append(nal)
            continue
        body = nal[head:]
        pieces = [body[at : at + MOST_PAYLOAD] for at in range(0, len(body), MOST_PAYLOAD)]
        for index, piece in enumerate(pieces):
            flags = (index == 0) << 7 | (index == len(pieces) - 1) << 6
            if codec == "h264":
                result.append(bytes([nal[0] & 0xE0 | 28, flags | nal[0] & 0x1F]) + piece)
            else:
                result.append(bytes([nal[0] & 0x81 | 49 << 1, nal[1], flags | nal[0] >> 1 & 0x3F]) + piece)
    return result


def jpeg_payloads(picture: bytes) -> Iterator[bytes]:
    """As RFC 2435 has it, with the quantization tables in the first packet."""
    tables, size, sampling, at = b"", b"", 0, 2
    while picture[at + 1] != 0xDA:
        length = int.from_bytes(picture[at + 2 : at + 4])
        content = picture[at + 4 : at + 2 + length]
        if picture[at + 1] == 0xDB:
            while content:
                tables, content = tables + content[1:65], content[65:]
        elif picture[at + 1] == 0xC0:
            size, sampling = content[1:5], content[7]
        at += 2 + length
    scan = picture[at + 2 + int.from_bytes(picture[at + 2 : at + 4]) : -2]
    height, width = int.from_bytes(size[:2]), int.from_bytes(size[2:])
    tables = tables * 2 if len(tables) == 64 else tables
    for offset in range(0, len(scan), MOST_PAYLOAD):
        header = b"\0" + offset.to_bytes(3) + bytes([int(sampling == 0x22), 255, width // 8, height // 8])
        first = b"\0\0" + len(tables).to_bytes(2) + tables if offset == 0 else b""
        yield header + first + scan[offset : offset + MOST_PAYLOAD]


def rtp(
    payload: bytes, sequence: int, timestamp: int, *, marker: bool = False, payload_type: int = PAYLOAD_TYPE
) -> bytes:
    """An RTP packet."""
    head = bytes([0x80, marker << 7 | payload_type])
    return head + (sequence & 0xFFFF).to_bytes(2) + (timestamp & 0xFFFFFFFF).to_bytes(4) + b"\0\0\0\1" + payload


def sender_report(unix_seconds: float, timestamp: int) -> bytes:
    """An RTCP packet that gives the wall clock at *timestamp*."""
    seconds = unix_seconds + 2_208_988_800
    ntp = int(seconds).to_bytes(4) + int(seconds % 1 * (1 << 32)).to_bytes(4)
    return b"\x80\xc8\0\6\0\0\0\1" + ntp + (timestamp & 0xFFFFFFFF).to_bytes(4) + bytes(8)
