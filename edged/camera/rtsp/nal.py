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

    def is_parameters(self, kind: int) -> bool:
        """Check whether a NAL unit of that type holds the parameters of a sequence."""

    def begins_picture(self, kind: int, content: int) -> bool:
        """Check whether a NAL unit of that type, whose content begins with that byte, is the first of a picture."""

    def is_key(self, kind: int, nal: memoryview, *, after_parameters: bool) -> bool:
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

    def is_parameters(self, kind: int) -> bool:
        """Check whether a NAL unit of that type holds the parameters of a sequence."""
        return kind == 7

    def begins_picture(self, kind: int, content: int) -> bool:
        """Check for a delimiter, parameters, SEI, or a slice from macroblock 0 on, which is a first bit that is set."""
        return kind in (6, 7, 9) or (self.is_picture(kind) and content >= 0x80)

    def is_key(self, kind: int, nal: memoryview, *, after_parameters: bool) -> bool:
        """Check whether decoding can begin here: an IDR picture, a recovery point, or an I slice behind parameters.

        Parameters alone mean nothing: some cameras repeat them before every picture.
        """
        match kind:
            case 5:
                return True
            case 6:
                return len(nal) > 1 and nal[1] == 6
            case 1:
                return after_parameters and _is_intra(nal)
            case _:
                return False

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

    def is_parameters(self, kind: int) -> bool:
        """Check whether a NAL unit of that type holds the parameters of a sequence."""
        return kind == 33

    def begins_picture(self, kind: int, content: int) -> bool:
        """Check for a delimiter, parameters, SEI, or a slice whose first bit calls it the first."""
        return kind in (32, 33, 35, 39) or (self.is_picture(kind) and content >= 0x80)

    def is_key(self, kind: int, nal: memoryview, *, after_parameters: bool) -> bool:  # noqa: ARG002 - the type tells
        """Check whether decoding can begin here: IDR, BLA and CRA pictures."""
        return 16 <= kind <= 21

    def fragment_header(self, payload: memoryview) -> bytes:
        """The header of the NAL unit that a fragment is of."""
        return bytes([(payload[0] & 0x81) | (payload[2] & 0x3F) << 1, payload[1]])


def _is_intra(nal: memoryview) -> bool:
    """Check whether a slice of H.264 is an I slice (7.3.3: its second number, after that of its first macroblock)."""
    bits = int.from_bytes(nal[1:9].tobytes().ljust(8, b"\0"))
    _, left = _unsigned(bits, 64)
    kind, _ = _unsigned(bits, left)
    return kind % 5 == 2


def _unsigned(bits: int, left: int) -> tuple[int, int]:
    """The Exp-Golomb number in the lowest *left* of *bits* (9.1), and how many are left behind it."""
    zeros = left - (bits & ((1 << left) - 1)).bit_length()
    left = max(0, left - 2 * zeros - 1)
    return ((bits >> left) & ((1 << (zeros + 1)) - 1)) - 1, left
