"""Catalogues: written and read again, refused where they do not fit, and harmless where somebody meant harm."""

from __future__ import annotations

import os
import random
import struct
import tracemalloc
import zipfile
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edged.errors import CatalogueError
from edged.references.catalogue import check_catalogue, read_catalogue, write_catalogue
from edged.vision.unit_vectors import DTYPES, Storage

VECTORS = np.random.default_rng(0).normal(size=(300, 16)).astype(np.float32)
LABELS = [f"Schraube M{number} ⌀" for number in range(300)]


@dataclass(frozen=True)
class Space:
    space_id: str = "4e0f"
    dimension: int = 16


def arrays(**others: Any) -> dict[str, Any]:
    return {"vectors": VECTORS, "labels": np.array(LABELS), "space_id": "4e0f", "model": "lite0", **others}


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "parts.npz"


def refusal(file: Path, space: Space | None = None) -> str:
    """The reason for its refusal, without its path; every time before memory is taken."""
    tracemalloc.start()
    try:
        with pytest.raises(CatalogueError) as caught:
            read_catalogue(file, space or Space())
        assert tracemalloc.get_traced_memory()[1] < 8 << 20
    finally:
        tracemalloc.stop()
    assert str(caught.value).startswith(f"{file}: ")
    return str(caught.value).removeprefix(f"{file}: ")


def test_what_is_written_is_read_again_by_edged_and_by_numpy(file: Path) -> None:
    write_catalogue(file, list(VECTORS), LABELS, space_id="4e0f", model="lite0")
    catalogue = read_catalogue(file, Space())
    unit = VECTORS / np.linalg.norm(VECTORS.astype(np.float64), axis=1, keepdims=True)
    np.testing.assert_allclose(catalogue.rows.rows, unit, rtol=1e-6)
    assert (list(catalogue.labels), catalogue.space_id, catalogue.model) == (LABELS, "4e0f", "lite0")
    with np.load(file, allow_pickle=False) as plain:
        assert set(plain) == {"vectors", "labels", "space_id", "model"}
        assert np.array_equal(plain["vectors"], VECTORS)
        assert plain["labels"].tolist() == LABELS
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_one_that_numpy_has_written_is_read_too(file: Path) -> None:
    np.savez(file, **arrays())
    check_catalogue(file)
    assert read_catalogue(file, Space()).labels == tuple(LABELS)


@pytest.mark.parametrize("dtype", [None, *DTYPES])
def test_vectors_are_kept_in_the_requested_dtype(file: Path, dtype: Storage | None) -> None:
    np.savez(file, **arrays())
    assert read_catalogue(file, Space(), dtype).rows.dtype == (dtype or "float32")


def test_int8_vectors_stay_int8(file: Path) -> None:
    np.savez(file, **arrays(vectors=np.random.default_rng(0).integers(-128, 128, (300, 16), np.int8)))
    assert read_catalogue(file, Space()).rows.dtype == "int8"


def test_very_many_vectors_are_kept_as_float16(file: Path) -> None:
    many = np.random.default_rng(0).normal(size=(20_001, 4)).astype(np.float32)
    np.savez(file, **arrays(vectors=many, labels=np.arange(20_001).astype(str)))
    assert read_catalogue(file, Space(dimension=4)).rows.dtype == "float16"


def test_reading_takes_little_more_memory_than_the_vectors(file: Path) -> None:
    many = np.random.default_rng(0).normal(size=(4000, 1280)).astype(np.float32)  # 20 MB
    np.savez(file, **arrays(vectors=many, labels=np.arange(4000).astype(str)))
    tracemalloc.start()
    try:
        read_catalogue(file, Space(dimension=1280), "int8")
        assert tracemalloc.get_traced_memory()[1] < 15e6
    finally:
        tracemalloc.stop()


def test_one_of_another_space_is_refused_with_both_and_the_cure(file: Path) -> None:
    np.savez(file, **arrays())
    told = refusal(file, Space("beef"))
    assert "of space 4e0f (model lite0)" in told
    assert "of space beef" in told
    assert f"edged embed PICTURES --out {file}" in told


@pytest.mark.parametrize(
    ("others", "rule"),
    [
        ({"vectors": VECTORS[:, :8]}, "its vectors have 8 numbers, and those of this model 16"),
        ({"vectors": VECTORS.astype(np.float64)}, "vectors: must be <f4 or |i1 (got <f8)"),
        ({"vectors": VECTORS.astype(">f4")}, "vectors: must be <f4 or |i1 (got >f4)"),
        ({"vectors": VECTORS[0]}, "vectors: must have a row for each"),
        ({"vectors": VECTORS[:0], "labels": np.array(LABELS[:0])}, "vectors: must have a row for each"),
        ({"vectors": np.asfortranarray(VECTORS)}, "vectors: must have a row for each"),
        ({"vectors": np.where(np.arange(16) == 3, np.nan, VECTORS)}, "Reference vector 0 has numbers that are not"),
        ({"vectors": VECTORS * (np.arange(300) != 7)[:, None]}, "Reference vector 7 is zero"),
        ({"labels": np.array(LABELS[:299])}, "labels: must be one for each vector"),
        ({"labels": np.array([*LABELS[:299], LABELS[5]])}, "labels: each must be there once (got 'Schraube M5 ⌀'"),
        ({"labels": np.array([*LABELS[:299], "x" * 201])}, "labels: must be text of at most 200 characters"),
        ({"labels": np.array([*LABELS[:299], ""])}, "labels: must be printable text (got '')"),
        ({"labels": np.array([*LABELS[:299], "\x1b[2J"])}, r"labels: must be printable text (got '\x1b[2J')"),
        ({"labels": np.arange(300)}, "labels: must be text"),
        ({"labels": np.array(LABELS, object)}, "holds an array that is not of numbers or text"),
        ({"space_id": np.array(["4e0f"])}, "space_id: must be one text"),
        ({"space_id": "4e0f\n"}, "space_id: must be printable text"),
        ({"model": 3}, "model: must be one text"),
    ],
)
def test_a_wrong_catalogue_is_refused_with_the_rule(file: Path, others: dict[str, Any], rule: str) -> None:
    changed = arrays(**others)
    if isinstance(changed["vectors"], np.ndarray) and "f4" not in rule:
        changed["vectors"] = changed["vectors"].astype(np.float32)
    np.savez(file, **changed)
    assert rule in refusal(file)


def test_arrays_that_are_missing_are_named(file: Path) -> None:
    np.savez(file, vectors=VECTORS, labels=np.array(LABELS))
    assert refusal(file).endswith("(space_id, model missing)")


def test_a_pickle_is_never_opened(file: Path, tmp_path: Path) -> None:
    class Trap:
        def __reduce__(self) -> tuple[Callable[..., Any], tuple[Any, ...]]:
            return Path.touch, (tmp_path / "sprung",)

    np.savez(file, **arrays(labels=np.array([Trap()] * 300, object)))
    refusal(file)
    assert not (tmp_path / "sprung").exists()


def test_what_is_compressed_is_refused_as_it_could_be_a_bomb(file: Path) -> None:
    np.savez_compressed(file, **arrays(vectors=np.zeros((20_000, 1280), np.float32)))
    assert file.stat().st_size < 1 << 20
    assert "must not be compressed" in refusal(file, Space(dimension=1280))


def npy(shape: str, dtype: str = "'<f4'", content: bytes = b"") -> bytes:
    text = f"{{'descr': {dtype}, 'fortran_order': False, 'shape': {shape}, }}\n".encode()
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text + content


def npy_2(length: int, shape: str, content: bytes) -> bytes:
    """As version 2 of the format has it; *length* is what it says of its header."""
    header = npy(shape)[10:-1].ljust(117) + b"\n"
    return b"\x93NUMPY\x02\x00" + length.to_bytes(4, "little") + header + content


@pytest.mark.parametrize("shape", ["(1000000000, 1280)", "(999999999999999, 999999999999999)", "(300, 17)", "(300,)"])
def test_an_array_that_claims_to_be_larger_than_it_is_takes_no_memory(file: Path, shape: str) -> None:
    np.savez(file, labels=np.array(LABELS), space_id="4e0f", model="lite0")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("vectors.npy", npy(shape, content=VECTORS.tobytes()))
    assert "vectors: claims to have" in refusal(file)


@pytest.mark.parametrize(
    "shape",
    [
        "(-1, 16)",
        "(-300, -16)",
        "(1" + ", 1" * 9000 + ")",
        "[300, 16]",
        "(300, 16) + (1,) * 10**9",
        "(3e2, 16)",
        "(" * 300,
        "-" * 400 + "1",
        "{[]: 1}",
        "(300, 16), '''",
    ],
)
def test_a_header_that_numpy_would_not_write_is_not_evaluated(file: Path, shape: str) -> None:
    np.savez(file, labels=np.array(LABELS), space_id="4e0f", model="lite0")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("vectors.npy", npy(shape, content=VECTORS.tobytes()))
    refusal(file)


@pytest.mark.parametrize(
    "dtype", ["'|O'", "'<f4,<f4'", "('<f4', (2, 8))", "('<f4',)", "[('a', '<f4')]", "[(1,)]", "'<M8[s]'", "'V4'", "''"]
)
def test_an_array_of_another_kind_is_refused(file: Path, dtype: str) -> None:
    np.savez(file, labels=np.array(LABELS), space_id="4e0f", model="lite0")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("vectors.npy", npy("(300, 16)", dtype, VECTORS.tobytes()))
    assert "holds an array that is not of numbers or text" in refusal(file)


def test_version_2_of_the_format_is_read(file: Path) -> None:
    np.savez(file, labels=np.array(LABELS), space_id="4e0f", model="lite0")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("vectors.npy", npy_2(118, "(300, 16)", VECTORS.tobytes()))
    assert read_catalogue(file, Space()).labels == tuple(LABELS)


def test_a_header_that_claims_to_be_long_is_not_read(file: Path) -> None:
    many = bytes(20 << 20)
    np.savez(file, labels=np.array(LABELS), space_id="4e0f", model="lite0")
    with zipfile.ZipFile(file, "a") as archive:
        archive.writestr("vectors.npy", npy_2(len(many), "(300, 16)", many))
    assert "holds an array that is not of numbers or text" in refusal(file)


def test_a_long_list_of_members_is_not_even_read(file: Path) -> None:
    with zipfile.ZipFile(file, "w") as archive:
        for number in range(2000):
            archive.writestr(f"{number}.npy", b"")
    assert "only a few arrays" in refusal(file)


def test_seventeen_members_are_too_many(file: Path) -> None:
    np.savez(file, **arrays(), **{f"more{number}": 0 for number in range(12)})
    check_catalogue(file)
    np.savez(file, **arrays(), **{f"more{number}": 0 for number in range(13)})
    assert refusal(file) == "must hold the arrays vectors, labels, space_id, model (got 17 members)"


def test_a_member_that_claims_to_be_larger_than_the_file_is_refused(file: Path) -> None:
    np.savez(file, **arrays())
    content = bytearray(file.read_bytes())
    entry = content.index(b"PK\1\2")  # the first of the list, that of the vectors
    content[entry + 20 : entry + 28] = struct.pack("<II", len(content), len(content))  # compressed and not
    file.write_bytes(content)
    assert refusal(file) == "its members claim to be larger than the file"


def test_a_zip64_archive_made_by_hand_is_refused(file: Path) -> None:
    """Its end hides how long the list of members is; ``zipfile`` and numpy read it."""
    np.savez(file, **arrays())
    content = file.read_bytes()
    rest, end = content[:-22], content[-22:]
    count, size, start = struct.unpack("<HII", end[10:20])
    end_64 = struct.pack("<4sQHHIIQQQQ", b"PK\6\6", 44, 45, 45, 0, 0, count, count, size, start)
    locator = struct.pack("<4sIQI", b"PK\6\7", 0, len(rest), 1)
    file.write_bytes(rest + end_64 + locator + end)
    with np.load(file) as plain:
        assert np.array_equal(plain["vectors"], VECTORS)
    assert refusal(file) == "must be less than 4 GiB, and hold only a few arrays"


@pytest.mark.parametrize("name", ["/dev/zero", "/dev/null", ".", "/", "gone.npz"])
def test_a_path_that_is_not_a_file_is_refused_at_once(file: Path, name: str) -> None:
    refusal(file.parent / name)


def test_a_pipe_is_not_waited_for(file: Path) -> None:
    os.mkfifo(file)
    assert refusal(file) == "is not a file"


@pytest.mark.parametrize("content", [b"", b"PK\5\6", b"text\n" * 100, b"\0" * 4096, b"PK\5\6" + b"\0" * 18])
def test_a_file_that_is_not_an_archive_is_refused(file: Path, content: bytes) -> None:
    file.write_bytes(content)
    refusal(file)


def test_one_that_is_damaged_anywhere_is_refused_or_read_and_nothing_else(file: Path) -> None:
    np.savez(file, **arrays(vectors=VECTORS[:4], labels=np.array(LABELS[:4])))
    whole, chance = file.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(800):
        damaged = bytearray(whole[: chance.randrange(len(whole)) if chance.random() < 0.3 else None])
        for _ in range(chance.randrange(1, 4)):
            damaged[chance.randrange(len(damaged))] = chance.randrange(256)
        file.write_bytes(damaged)
        try:
            read_catalogue(file, Space())
        except CatalogueError:
            refused += 1
    assert refused > 600


def test_one_that_is_cut_off_while_it_is_read_is_refused(file: Path) -> None:
    np.savez(file, **dict(reversed(arrays().items())))  # the vectors last
    size = file.stat().st_size

    class Cutting(Space):
        """Its dimension is asked for after the arrays are found, and before the labels and vectors are read."""

        def __getattribute__(self, name: str) -> Any:
            if name == "dimension":
                os.truncate(file, size - 10_000)
            return super().__getattribute__(name)

    assert refusal(file, Cutting()) == "is not a catalogue, or is damaged: it is cut off"


def test_one_that_cannot_be_written_leaves_the_one_before(file: Path) -> None:
    write_catalogue(file, list(VECTORS), LABELS, space_id="4e0f", model="lite0")
    before = file.read_bytes()

    class Odd(list[npt.NDArray[np.float32]]):
        def __iter__(self) -> Any:
            yield VECTORS[0]
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left"):
        write_catalogue(file, Odd(VECTORS), LABELS, space_id="4e0f", model="lite0")
    assert file.read_bytes() == before
    assert [each.name for each in file.parent.iterdir()] == [file.name]
