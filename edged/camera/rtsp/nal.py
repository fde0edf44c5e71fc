"""The NAL units of H.264 and H.265, as far as they have to be told apart."""

from __future__ import annotations

from typing import Protocol

__all__ = ["H264", "H265", "NalSyntax"]


class NalSyntax(Protocol):
    """The differences between the two codecs."""

    HEADER: int
    """Bytes of the header of a NAL unit."""
    AGGREGATE: int
    FRAGMENT: int

    def type_of(self, header: int) -> int:
        """The type of a NAL unit, of the first byte of its header."""

    def is_picture(self, kind: int) -> bool:
        """Check whether a NAL unit of that type is a part of a picture."""

    def is_key(self, kind: int, nal: memoryview) -> bool:
        """Check whether decoding can begin with the picture that holds this NAL unit."""

    def fragment_header(self, payload: memoryview) -> bytes:
        """The header of the NAL unit that a fragment is of."""


class H264:
    """NAL units of H.264."""

    HEADER = 1
    AGGREGATE, FRAGMENT = 24, 28

    def type_of(self, header: int) -> int:
        """The type of a NAL unit, of the first byte of its header."""
        return header & 0x1F

    def is_picture(self, kind: int) -> bool:
        """Check whether a NAL unit of that type is a part of a picture."""
        return 1 <= kind <= 5

    def is_key(self, kind: int, nal: memoryview) -> bool:
        """Check whether decoding can begin here: an IDR picture, parameters of a sequence, or a recovery point."""
        return kind in (5, 7) or (kind == 6 and len(nal) > 1 and nal[1] == 6)

    def fragment_header(self, payload: memoryview) -> bytes:
        """The header of the NAL unit that a fragment is of."""
        return bytes([(payload[0] & 0xE0) | (payload[1] & 0x1F)])


class H265:
    """NAL units of H.265."""

    HEADER = 2
    AGGREGATE, FRAGMENT = 48, 49

    def type_of(self, header: int) -> int:
        """The type of a NAL unit, of the first byte of its header."""
        return header >> 1 & 0x3F

    def is_picture(self, kind: int) -> bool:
        """Check whether a NAL unit of that type is a part of a picture."""
        return kind < 32

    def is_key(self, kind: int, nal: memoryview) -> bool:  # noqa: ARG002 - the type says it all
        """Check whether decoding can begin here: IDR, BLA and CRA pictures."""
        return 16 <= kind <= 21

    def fragment_header(self, payload: memoryview) -> bytes:
        """The header of the NAL unit that a fragment is of."""
        return bytes([(payload[0] & 0x81) | (payload[2] & 0x3F) << 1, payload[1]])
