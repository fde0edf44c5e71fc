"""The references of a configuration: pictures in any number and catalogues, and their problems."""

from __future__ import annotations

import itertools
import logging
from collections.abc import Callable, Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from edged.config import ConfigFileError, Loaded, load_text
from edged.errors import RingClosed
from edged.pipeline.loading.model import open_model, read_model_file
from edged.pipeline.loading.references import embed_references, open_references, reference_problems
from edged.references import embed_picture
from edged.references.catalogue import write_catalogue
from edged.vision.embedder import Embedder
from edged.vision.unit_vectors import UnitRows
from edged.wire import Vector
from tests.fakes import Clock
from tests.vision.pool_models import pool_model

Configure = Callable[..., Loaded]

COLOURS = np.random.default_rng(0).integers(1, 255, (40, 3), np.uint8)


@pytest.fixture
def configure(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Configure:
    """A configuration of the references of the test, forty pictures, and a model that separates their colours."""
    monkeypatch.setenv("STATE_DIRECTORY", str(tmp_path / "state"))
    (tmp_path / "model.tflite").write_bytes(pool_model().content)
    (tmp_path / "pictures").mkdir()
    for number, colour in enumerate(COLOURS):
        cv2.imwrite(str(tmp_path / "pictures" / f"{number:02}.png"), np.full((8, 8, 3), colour, np.uint8))

    def configured(references: str, more: str = "") -> Loaded:
        text = f"cameras: {{a: {{source: 'usb:camera'}}}}\nmodel: {{path: model.tflite{more}}}\n"
        return load_text(f"{text}references:\n{references}\npublish: {{top_k: 3}}\n", tmp_path / "edged.yaml")

    return configured


@pytest.fixture
def embedder(configure: Configure) -> Iterator[Embedder]:
    loaded = configure("  r: {images: pictures}".replace("pictures", "[pictures]"))
    with open_model(loaded, read_model_file(loaded)) as opened:
        yield opened


def catalogue(embedder: Embedder, folder: Path) -> None:
    vectors = [embed_picture(folder / "pictures" / f"{number:02}.png", embedder) for number in range(40)]
    labels = [f"colour {number}" for number in range(40)]
    write_catalogue(folder / "c.npz", vectors, labels, space_id=embedder.space_id, model="pool")


def problems(work: Callable[[], object]) -> list[str]:
    with pytest.raises(ConfigFileError) as caught:
        work()
    return [f"{problem.path}: {problem.rule}" for problem in caught.value.problems]


def test_a_folder_and_a_catalogue_of_it_find_the_same(configure: Configure, embedder: Embedder, tmp_path: Path) -> None:
    catalogue(embedder, tmp_path)
    loaded = configure("  folder: {images: [pictures], top_k: 40}\n  parts: {catalogue: c.npz, top_k: 40}")
    scorer = open_references(loaded, embedder).scorer("a", "full")
    probe = embed_picture(tmp_path / "pictures" / "07.png", embedder)
    found = scorer.matches(probe)
    assert (scorer.size, len(found)) == (80, 3)
    assert [(match.reference, match.label) for match in found[:2]] == [("folder", "07"), ("parts", "colour 7")]
    assert [match.similarity for match in found[:2]] == pytest.approx([1, 1])


def test_defaults_follow_from_the_kind_of_reference(configure: Configure, embedder: Embedder, tmp_path: Path) -> None:
    catalogue(embedder, tmp_path)
    loaded = configure(
        "  one: {images: [pictures/03.png], enter: 0.9}\n  folder: {images: [pictures]}\n  parts: {catalogue: c.npz}\n"
        "  small: {catalogue: c.npz, dtype: int8, top_k: 9, for: [a]}"
    )
    pictures, parts, small = open_references(loaded, embedder).configured
    one, folder = pictures.references
    assert [
        (each.top_k, len(each.labels), each.count) for each in (one, folder, *parts.references, *small.references)
    ] == [
        (None, 0, 1),
        (None, 40, 40),
        (5, 40, 40),
        (9, 40, 40),
    ]
    assert [group.rows.dtype for group in (pictures, parts, small)] == ["float32", "float32", "int8"]
    assert (one.makes_events, folder.makes_events, small.places) == (True, False, ("a",))


def test_pictures_are_kept_in_the_dtype_that_is_asked_for(configure: Configure, embedder: Embedder) -> None:
    loaded = configure("  small: {images: [pictures], dtype: int8}\n  usual: {images: [pictures]}")
    groups = open_references(loaded, embedder).configured
    assert [group.rows.dtype for group in groups] == ["int8", "float32"]


def test_a_stop_is_possible_before_each_picture(configure: Configure, embedder: Embedder) -> None:
    loaded, asked = configure("  folder: {images: [pictures]}"), itertools.count(1)

    def go_on() -> None:
        if next(asked) == 3:
            raise RingClosed("enough")

    with pytest.raises(RingClosed, match="enough"):
        open_references(loaded, embedder, go_on)
    assert next(asked) == 4


def test_references_in_the_same_places_are_one_matrix(configure: Configure, embedder: Embedder, tmp_path: Path) -> None:
    places = {True: ", for: [a/full]", False: ""}
    loaded = configure(
        "\n".join(
            f"  r{number}: {{images: [pictures/{number:02}.png]{places[number % 2 == 0]}}}" for number in range(40)
        )
    )
    groups = open_references(loaded, embedder).configured
    assert [group.places for group in groups] == [("a/full",), ()]
    for parity, group in enumerate(groups):
        numbers = range(parity, 40, 2)
        assert [reference.name for reference in group.references] == [f"r{number}" for number in numbers]
        vectors = [embed_picture(tmp_path / "pictures" / f"{number:02}.png", embedder) for number in numbers]
        assert np.array_equal(group.rows.rows, UnitRows.of(vectors).rows)


def test_all_problems_are_reported_at_once(configure: Configure, embedder: Embedder, tmp_path: Path) -> None:
    catalogue(embedder, tmp_path)
    (tmp_path / "pictures" / "05.png").write_bytes(b"text")
    (tmp_path / "empty").mkdir()
    (tmp_path / "text.npz").write_bytes(b"text")
    cv2.imwrite(str(tmp_path / "black.png"), np.zeros((8, 8, 3), np.uint8))
    loaded = configure(
        "  a: {images: [pictures, empty]}\n  b: {catalogue: gone.npz}\n  c: {catalogue: text.npz}\n"
        "  d: {catalogue: c.npz}\n  e: {images: [black.png]}",
        ", l2_normalize: true",
    )
    without_model = [
        f"references.a.images[0]: {tmp_path}/pictures/05.png: ",
        f"references.a.images[1]: {tmp_path}/empty: the folder holds no picture",
        f"references.b.catalogue: {tmp_path}/gone.npz: No such file",
        f"references.c.catalogue: {tmp_path}/text.npz: is not a catalogue",
    ]
    told = [f"{problem.path}: {problem.rule}" for problem in reference_problems(loaded)]
    assert [line[: len(start)] for line, start in zip(sorted(told), without_model, strict=True)] == without_model
    with open_model(loaded, read_model_file(loaded)) as other:
        told = problems(lambda: open_references(loaded, other))
    expected = [
        *without_model,
        f"references.d.catalogue: {tmp_path}/c.npz: its vectors are of space {embedder.space_id}",
        f"references.e.images[0]: {tmp_path}/black.png: the model gives a vector",
    ]
    assert [line[: len(start)] for line, start in zip(sorted(told), expected, strict=True)] == expected


def test_progress_is_logged_every_ten_seconds_where_embedding_takes_long(
    configure: Configure, embedder: Embedder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("edged.pipeline.loading.references.time", clock)
    monkeypatch.setattr("edged.pipeline.loading.references.MANY", 40)
    loaded = configure("  folder: {images: [pictures]}")

    def embed(_: Path) -> NDArray[np.float32]:
        clock.advance(4)
        return np.ones(3, np.float32)

    with caplog.at_level(logging.INFO):
        embed_references(loaded, embed, embedder)
    assert caplog.messages == [
        *[f"embedded {done} of 40 reference pictures" for done in range(3, 40, 3)],
        "embedded 40 reference pictures in 160 s; a catalogue of them ('edged embed --help') takes no time",
        "references: 40 vectors in float32, 0.0 MiB",
    ]


def test_nothing_is_logged_where_few_pictures_are_embedded_quickly(
    configure: Configure, embedder: Embedder, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = Clock()
    monkeypatch.setattr("edged.pipeline.loading.references.time", clock)
    with caplog.at_level(logging.INFO):
        embed_references(configure("  folder: {images: [pictures]}"), lambda _: np.ones(3, np.float32), embedder)
    assert caplog.messages == []


def test_labels_are_names_that_differ_and_a_file_that_is_given_twice_counts_once(
    configure: Configure, embedder: Embedder, tmp_path: Path
) -> None:
    red = (tmp_path / "pictures" / "01.png").read_bytes()
    (tmp_path / "pictures" / "at 9.52\u202fAM.png").write_bytes(red)
    (tmp_path / "other").mkdir()
    (tmp_path / "other" / "01.png").write_bytes(red)
    loaded = configure(
        "  one: {images: [pictures/01.png, 'pictures/at 9.52\u202fAM.png', pictures/01.png]}\n"
        "  two: {images: [pictures/01.png, other]}"
    )
    one, two = open_references(loaded, embedder).configured[0].references
    assert one.labels == ("01", "at 9.52\u202fAM")
    assert two.labels == ("pictures/01.png", "other/01.png")


def test_a_name_that_makes_no_label_is_a_problem_before_anything_is_embedded(
    configure: Configure, embedder: Embedder, tmp_path: Path
) -> None:
    (tmp_path / "pictures" / f"{'x' * 220}.png").write_bytes((tmp_path / "pictures" / "01.png").read_bytes())
    loaded = configure("  r: {images: [pictures]}")
    embedded: list[Path] = []

    def embed(path: Path) -> Vector:
        embedded.append(path)
        return np.ones(3, np.float32)

    (rule,) = problems(lambda: embed_references(loaded, embed, embedder))
    assert "its label would have 220 characters" in rule
    assert rule.startswith("references.r.images: ")
    assert not embedded
    assert [f"{problem.path}: {problem.rule}" for problem in reference_problems(loaded)] == [rule]


def test_the_background_of_the_configuration_is_seen_through_a_picture(
    configure: Configure, embedder: Embedder, tmp_path: Path
) -> None:
    cv2.imwrite(str(tmp_path / "clear.png"), np.zeros((8, 8, 4), np.uint8))
    plain = configure("  r: {images: [clear.png]}")
    blue = configure("  r: {images: [clear.png]}\nbackground: [0, 0, 255]")
    rows = [open_references(loaded, embedder).configured[0].rows.rows[0].tolist() for loaded in (plain, blue)]
    assert rows[0] == pytest.approx([3**-0.5] * 3)
    assert rows[1] == pytest.approx([0, 0, 1])
