"""The best few of many references: the right ones, in order, with labels, and without large arrays."""

from __future__ import annotations

import tracemalloc
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest

from edged.references import Reference, ReferenceGroup, References, Scorer
from edged.vision.unit_vectors import DTYPES, Storage, UnitRows
from tests.allocated import allocated


def vectors(count: int, size: int = 32, seed: int = 0) -> npt.NDArray[np.float32]:
    return np.random.default_rng(seed).normal(size=(count, size)).astype(np.float32)


def cosines(rows: npt.NDArray[Any], vector: npt.NDArray[Any]) -> npt.NDArray[np.float64]:
    lengths = np.linalg.norm(rows.astype(np.float64), axis=1) * np.linalg.norm(vector)
    found: npt.NDArray[np.float64] = rows @ vector / lengths
    return found


def labels(count: int) -> tuple[str, ...]:
    return tuple(f"part-{number}" for number in range(count))


def catalogue(
    name: str, rows: npt.NDArray[np.float32], top_k: int, dtype: Storage = "float32", places: tuple[str, ...] = ()
) -> ReferenceGroup:
    """One reference with a label for each of *rows*."""
    reference = Reference(name, len(rows), labels(len(rows)), top_k)
    return ReferenceGroup(UnitRows.of(list(rows), dtype), (reference,), places)


def told(scorer: Scorer, vector: npt.NDArray[np.float32]) -> list[tuple[str, str | None]]:
    return [(match.reference, match.label) for match in scorer.matches(vector)]


def test_the_best_few_of_a_catalogue_are_published_with_their_labels() -> None:
    kept, probe = vectors(5000), vectors(1, seed=1)[0]
    scorer = Scorer([catalogue("parts", kept, 7)])
    best = np.argsort(-cosines(kept, probe))[:7]
    assert told(scorer, probe) == [("parts", f"part-{number}") for number in best]
    assert [match.similarity for match in scorer.matches(probe)] == pytest.approx(cosines(kept, probe)[best], abs=1e-6)
    assert scorer.size == 5000


def test_the_best_few_of_a_region_are_published_across_all_references() -> None:
    kept, probe = vectors(300), vectors(1, seed=1)[0]
    many = [ReferenceGroup.single(f"r{number:03}", [row]) for number, row in enumerate(kept[:200])]
    scorer = Scorer([*many, catalogue("parts", kept[200:], 50)], top_k=20)
    everything = [*((f"r{number:03}", None) for number in range(200)), *(("parts", label) for label in labels(100))]
    best = np.argsort(-cosines(kept, probe))[:20]
    assert told(scorer, probe) == [everything[number] for number in best]
    assert scorer.size == 300


def test_a_reference_without_top_k_counts_as_one_with_its_best_picture() -> None:
    kept, probe = vectors(40), vectors(1, seed=1)[0]
    folder = ReferenceGroup(UnitRows.of(list(kept)), (Reference("folder", 40, labels(40)),))
    scorer = Scorer([folder, ReferenceGroup.single("other", [-probe])])
    assert told(scorer, probe) == [("folder", f"part-{cosines(kept, probe).argmax()}"), ("other", None)]
    assert scorer.size == 2


def test_a_reference_with_events_is_scored_even_if_it_is_not_published() -> None:
    kept, probe = vectors(50), vectors(1, seed=1)[0]
    order = np.argsort(-cosines(kept, probe))
    many = [
        ReferenceGroup.single(f"r{place}", [kept[row]], makes_events=place in (0, 40))
        for place, row in enumerate(order)
    ]
    scorer = References(many, top_k=5).scorer("c", "r")
    matches = scorer.matches(probe)
    assert [match.reference for match in matches[: scorer.top_k]] == ["r0", "r1", "r2", "r3", "r4"]
    assert [match.reference for match in matches[scorer.top_k :]] == ["r40"]
    assert matches[-1].similarity == pytest.approx(cosines(kept, probe)[order[40]], abs=1e-6)


def test_a_reference_that_is_watched_is_scored_even_if_it_is_not_published() -> None:
    rows = vectors(9)
    references = References([ReferenceGroup.single(f"r{number}", [row]) for number, row in enumerate(rows)], top_k=1)
    scorer = references.scorer("c", "r", {"r7", "elsewhere"})
    assert [match.reference for match in scorer.matches(rows[3])] == ["r3", "r7"]
    assert [match.reference for match in references.scorer("c", "r").matches(rows[3])] == ["r3"]
    assert references.scorer("c", "other", {"elsewhere", "r7"}) is scorer


def test_a_vector_of_zeros_is_like_nothing_in_the_order_of_names() -> None:
    scorer = Scorer([ReferenceGroup.single(name, [row]) for name, row in zip("cab", vectors(3), strict=True)], top_k=2)
    assert [(match.reference, match.similarity) for match in scorer.matches(np.zeros(32, np.float32))] == [
        ("a", 0.0),
        ("b", 0.0),
    ]


@pytest.mark.parametrize("top_k", [1, 3, 100])
def test_all_ways_to_keep_vectors_go_together(top_k: int) -> None:
    kept, probe = vectors(400, 256), vectors(1, 256, seed=1)[0]
    both = (Reference("a", 70, labels(70), 70), Reference("b", 30, labels(30), 30))
    groups = [
        ReferenceGroup(UnitRows.of(list(kept[:100])), both),
        catalogue("h", kept[100:200], 100, "float16"),
        catalogue("i", kept[200:250], 50, "int8"),
        catalogue("j", kept[250:300], 50, "int8"),
        *(ReferenceGroup.single(f"z{number}", [row]) for number, row in enumerate(kept[300:])),
    ]
    found = Scorer(groups, top_k).matches(probe)
    order = np.sort(cosines(kept, probe))[::-1]
    assert [match.similarity for match in found] == pytest.approx(order[: len(found)], abs=6e-3)
    names = {("a", label): number for number, label in enumerate(labels(70))}
    names |= {("b", label): 70 + number for number, label in enumerate(labels(30))}
    for match in found:
        if match.label is not None and match.reference in "ab":
            exact = cosines(kept, probe)[names[match.reference, match.label]]
            assert match.similarity == pytest.approx(exact, abs=1e-6)


def test_references_in_several_places_are_kept_once() -> None:
    everywhere, door = catalogue("everywhere", vectors(100), 5), catalogue("door", vectors(100), 5, places=("a/door",))
    references = References([everywhere, door])
    for place, groups in ((("a", "door"), [everywhere, door]), (("a", "full"), [everywhere])):
        matrices = [rows for rows, _ in references.scorer(*place)._matrices]
        assert all(one is group.rows for one, group in zip(matrices, groups, strict=True))


@pytest.mark.parametrize("dtype", DTYPES)
def test_a_scorer_copies_no_large_matrix(dtype: Storage) -> None:
    rows = UnitRows.of(list(vectors(10_000)), dtype)
    group = ReferenceGroup(rows, tuple(Reference(f"r{number}") for number in range(10_000)))
    few = [ReferenceGroup.single(f"enrolled-{number}", [row]) for number, row in enumerate(vectors(5, seed=1))]
    tracemalloc.start()
    try:
        scorer = Scorer([group, *few])
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    (one, _), *_ = scorer._matrices
    assert one is rows
    assert len(scorer._matrices) == 2  # all references of the configuration in one product, and the few in another
    assert peak < 20_000 * 4 * 32 / 2 + 10_000 * 150  # spans and scores of 10,000 references; a copy is more


def test_rows_without_a_reference_are_refused() -> None:
    with pytest.raises(ValueError, match="9 rows and 10 vectors"):
        ReferenceGroup(UnitRows.of(list(vectors(9))), (Reference("a", 4), Reference("b", 6)))


@pytest.mark.parametrize(("count", "names"), [(0, 0), (3, 2)])
def test_a_reference_has_vectors_and_a_label_for_each(count: int, names: int) -> None:
    with pytest.raises(ValueError, match="a label for each"):
        Reference("a", count, labels(names))


@pytest.mark.parametrize("dtype", DTYPES)
@pytest.mark.parametrize("single", [True, False], ids=["names", "catalogue"])
def test_no_large_array_is_made_for_a_frame(dtype: Storage, single: bool) -> None:
    rows = UnitRows.of(list(vectors(10_000)), dtype)
    if single:
        references = tuple(Reference(f"r{number}") for number in range(10_000))
    else:
        references = (Reference("parts", 10_000, labels(10_000), 20),)
    scorer, probe = Scorer([ReferenceGroup(rows, references)], 20), vectors(1, seed=1)[0]
    scorer.matches(probe)
    peak, _ = allocated(lambda: scorer.matches(probe))
    assert peak < 8192  # twenty matches and their sorting; each of them is an object, and none an array
