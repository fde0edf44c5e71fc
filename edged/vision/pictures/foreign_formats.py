"""Names of picture formats that are not read here, so that a refusal can name them."""

from __future__ import annotations

import struct

__all__ = ["foreign_format"]

_BEGINNINGS: tuple[tuple[bytes, str], ...] = (
    (b"GIF87a", "GIF"),
    (b"GIF89a", "GIF"),
    (b"8BPS", "Photoshop"),
    (b"\0\0\1\0", "ICO"),
    (b"\xff\x0a", "JPEG XL"),
    (b"\0\0\0\x0cJXL ", "JPEG XL"),
    (b"%PDF-", "PDF"),
    (b"v/1\1", "OpenEXR"),
    (b"#?RADIANCE", "Radiance HDR"),
    (b"#?RGBE", "Radiance HDR"),
    (b"DDS ", "DDS"),
    (b"<svg", "SVG"),
    (b"<?xml", "SVG"),
    (b"qoif", "QOI"),
    (b"gimp xcf", "XCF"),
    (b"P7", "PAM"),
    (b"Pf", "PFM"),
    (b"PF", "PFM"),
)
_BRANDS = {  # of ISO/IEC 14496-12 files, at offset 8
    **dict.fromkeys((b"avif", b"avis"), "AVIF"),
    **dict.fromkeys((b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1"), "HEIC"),
}
_TGA_FOOTER = b"TRUEVISION-XFILE.\0"
_TGA_KINDS = {(1, 1), (1, 9), (0, 2), (0, 3), (0, 10), (0, 11)}  # whether there are colours, and how pixels are stored


def foreign_format(content: bytes | bytearray) -> str | None:
    """Return the name of the format of *content*, a picture file that is not read here; None if it has none of them."""
    for beginning, name in _BEGINNINGS:
        if content.startswith(beginning):
            return name
    if content[4:8] == b"ftyp":
        brands = [bytes(content[at : at + 4]) for at in (8, *range(16, min(len(content), 64), 4))]
        named = [_BRANDS[brand] for brand in brands if brand in _BRANDS]
        return "AVIF" if "AVIF" in named else named[0] if named else None
    if content.endswith(_TGA_FOOTER) or _is_old_tga(content):
        return "TGA"
    return None


def _is_old_tga(content: bytes | bytearray) -> bool:
    """Check a file without a footer: the format has no sign of its own, so its whole header has to make sense."""
    if len(content) < 18:
        return False
    colours, kind = content[1], content[2]
    width, height, depth, flags = struct.unpack_from("<HHBB", content, 12)
    return (
        (colours, kind) in _TGA_KINDS and depth in (8, 15, 16, 24, 32) and min(width, height) > 0 and not flags & 0xC0
    )
