"""The cost of a comparison with many references: a record for each number format."""

from __future__ import annotations

import subprocess
import sys

import pytest

from edged.bench.references import measure_references
from edged.cli.bench.report import report_references
from edged.vision.unit_vectors import DTYPES, Storage

ERRORS = {"float32": 1e-6, "float16": 1e-4, "int8": 4e-3}  # at most, see `UnitRows`


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_record_has_the_time_and_the_largest_error(dtype: Storage) -> None:
    record = measure_references(250, dtype, 0.0)
    assert (record.count, record.dimension, record.dtype) == (250, 1280, dtype)
    assert 0 < record.least_ms <= record.median_ms
    assert record.largest_error < ERRORS[dtype]


def test_fewer_bits_are_less_exact() -> None:
    errors = [measure_references(250, dtype, 0.0).largest_error for dtype in DTYPES]
    assert errors == sorted(errors)
    assert errors[0] < errors[2] / 100


def test_the_memory_is_that_of_the_references() -> None:
    # In a process of its own, as `edged bench` is: this one has memory that other tests have left free.
    code = "from edged.bench.references import measure_references as m; print(m(4000, 'float32', 0.0).memory_mib)"
    child = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, timeout=60)
    assert 0.9 < float(child.stdout) / (4000 * 1280 * 4 / 2**20) < 2


def test_the_report_has_a_line_for_each_format() -> None:
    page = report_references([measure_references(100, dtype, 0.0) for dtype in DTYPES]).splitlines()
    assert [line.split()[:2] for line in page[1:4]] == [["100", dtype] for dtype in DTYPES]
