"""The tables of RFC 2435, appendices A and B, which are those of the JPEG standard (ITU-T T.81, annex K)."""

from __future__ import annotations

from functools import lru_cache

__all__ = ["HUFFMAN_TABLES", "quantization_tables"]

_BASE = bytes.fromhex(  # luma and chroma at a quality of 50, in zigzag order
    "100b0c0e0c0a100e0d0e1211101318281a181616183123251d283a333d3c3933383740485c4e404457453738506d5157"
    "5f626768673e4d71797064785c6567631112121815182f1a1a2f63423842636363636363636363636363636363636363"
    "6363636363636363636363636363636363636363636363636363636363636363"
)

HUFFMAN_TABLES = (
    bytes.fromhex("0000010501010101010100000000000000000102030405060708090a0b"),
    bytes.fromhex(
        "100002010303020403050504040000017d01020300041105122131410613516107227114328191a1082342b1c11552d1"
        "f02433627282090a161718191a25262728292a3435363738393a434445464748494a535455565758595a636465666768"
        "696a737475767778797a838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2c3c4"
        "c5c6c7c8c9cad2d3d4d5d6d7d8d9dae1e2e3e4e5e6e7e8e9eaf1f2f3f4f5f6f7f8f9fa"
    ),
    bytes.fromhex("0100030101010101010101010000000000000102030405060708090a0b"),
    bytes.fromhex(
        "1100020102040403040705040400010277000102031104052131061241510761711322328108144291a1b1c109233352"
        "f0156272d10a162434e125f11718191a262728292a35363738393a434445464748494a535455565758595a6364656667"
        "68696a737475767778797a82838485868788898a92939495969798999aa2a3a4a5a6a7a8a9aab2b3b4b5b6b7b8b9bac2"
        "c3c4c5c6c7c8c9cad2d3d4d5d6d7d8d9dae2e3e4e5e6e7e8e9eaf2f3f4f5f6f7f8f9fa"
    ),
)
"""Class and number, codes per length, and values: of luma and chroma, DC and AC."""


@lru_cache(maxsize=100)
def quantization_tables(quality: int) -> bytes:
    """Return the tables of luma and chroma, 64 bytes each, for a Q of 1…99.

    Raises:
        ValueError: *quality* is another one.
    """
    if not 1 <= quality <= 99:
        raise ValueError(f"a Q of {quality} has no tables")
    factor = 5000 // quality if quality < 50 else 200 - 2 * quality
    return bytes(min(max((value * factor + 50) // 100, 1), 255) for value in _BASE)
