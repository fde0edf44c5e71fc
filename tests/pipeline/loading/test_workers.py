"""How many workers there are, and with how many threads each: by processors, regions, memory and delegate."""

from __future__ import annotations

from pathlib import Path

import pytest

from edged.config import ConfigFileError, load_text
from edged.pipeline.loading import workers
from edged.pipeline.loading.workers import plan_workers
from edged.vision.tflite.model_file import read_model

MUCH = 4 << 30


def planned(cases: Path, model: str = "", regions: int = 1, cameras: int = 1, left: int = MUCH) -> tuple[int, int]:
    """The workers and their threads for that section ``model``."""
    places = ", ".join(f"r{number}: {{}}" for number in range(regions))
    each = ", ".join(f"c{number}: {{source: 'pattern:', regions: {{{places}}}}}" for number in range(cameras))
    loaded = load_text(f"{{model: {{name: efficientnet-lite0-int8{model}}}, cameras: {{{each}}}}}", "edged.yaml")
    return plan_workers(loaded.config, read_model(cases / "small96_uint8_meta.tflite"), left)


@pytest.fixture(autouse=True)
def _five_processors(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: set(range(5)))


def test_a_single_region_gets_all_threads_and_many_regions_a_worker_each(cases: Path) -> None:
    assert planned(cases) == (1, 4)
    assert planned(cases, regions=2) == (2, 2)
    assert planned(cases, cameras=3) == (3, 1)
    assert planned(cases, regions=3, cameras=3) == (4, 1)


def test_one_processor_is_left_to_the_rest(cases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("os.sched_getaffinity", lambda _: {0, 1})
    assert planned(cases, regions=4) == (1, 1)


def test_what_is_configured_is_used(cases: Path) -> None:
    assert planned(cases, ", workers: 2") == (2, 2)
    assert planned(cases, ", workers: 8", regions=4) == (8, 1)
    assert planned(cases, ", workers: 3, num_threads: 3") == (3, 3)
    assert planned(cases, ", num_threads: 4", regions=4) == (1, 4)
    assert planned(cases, ", num_threads: 2", regions=4) == (2, 2)
    assert planned(cases, ", num_threads: 1", regions=2) == (2, 1)


def test_there_are_no_more_workers_than_there_is_memory_for(cases: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert planned(cases, regions=4, left=0) == (1, 4)
    assert planned(cases, regions=4, left=100 << 20) == (2, 2)
    assert planned(cases, regions=4, cameras=16, left=100 << 20) == (1, 4)
    monkeypatch.setattr(workers, "memory_left", lambda: None)
    assert planned(cases, regions=4, left=None) == (1, 4)  # type: ignore[arg-type]  # as the machine says: nothing


def test_a_delegate_library_has_one_worker(cases: Path) -> None:
    assert planned(cases, ", delegate: coral", regions=4) == (1, 4)
    assert planned(cases, ", delegate: coral, workers: 1", regions=4) == (1, 4)
    with pytest.raises(ConfigFileError, match="workers: must be 1 or auto with a delegate library") as refused:
        planned(cases, ", delegate: {library: libone.so}, workers: 2")
    assert "got 2" in str(refused.value)


@pytest.mark.parametrize("value", ["0", "17", "many", "1.5", "true", "[1]"])
def test_other_numbers_of_workers_are_refused_in_one_sentence(cases: Path, value: str) -> None:
    with pytest.raises(ConfigFileError) as refused:
        planned(cases, f", workers: {value}")
    (problem,) = refused.value.problems
    assert "model.workers: must be auto or a whole number in 1…16 (got " in str(problem)
