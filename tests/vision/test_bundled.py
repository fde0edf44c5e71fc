"""The models that come with edged."""

from __future__ import annotations

import hashlib
from pathlib import Path

import pytest

import edged.vision
from edged.errors import ModelError
from edged.values import Delegate
from edged.vision.bundled import BUNDLED, bundled_model, bundled_vectors
from edged.vision.embedder import Embedder, EmbedderOptions
from edged.vision.runtime.engine import EngineName
from edged.vision.self_test import least_cosine
from edged.vision.specs import Normalization
from edged.vision.tflite.flatbuffer import Record, read_flatbuffer
from edged.vision.tflite.metadata import METADATA
from edged.vision.tflite.model_file import read_model
from edged.vision.tflite.schema import MODEL
from scripts.convert.note import with_metadata
from scripts.flatbuffer_writer import write_flatbuffer

MODELS = Path(edged.vision.__file__).parent / "models"


@pytest.mark.parametrize("name", BUNDLED)
def test_a_bundled_model_is_what_it_was_made_as(name: str) -> None:
    model = bundled_model(name)
    assert model.name == name
    assert model.digest == BUNDLED[name] == hashlib.sha256((MODELS / f"{name}.tflite").read_bytes()).hexdigest()
    assert (model.input.height, model.input.width) == (224, 224)
    assert [(head.name, head.size) for head in model.heads] == [("feature", 1280)]


def test_every_model_in_the_package_is_listed() -> None:
    assert {path.stem for path in MODELS.glob("*.tflite")} == set(BUNDLED)


@pytest.mark.parametrize("name", BUNDLED)
def test_the_conversion_writes_the_metadata_that_a_bundled_model_has(name: str) -> None:
    content = (MODELS / f"{name}.tflite").read_bytes()
    record = read_flatbuffer(content, MODEL)
    told = note_in(record)
    record["metadata"] = [entry for entry in record["metadata"] if entry["name"] != "TFLITE_METADATA"]
    again = with_metadata(write_flatbuffer(record, MODEL, b"TFL3"))
    assert repr(note_in(read_flatbuffer(again, MODEL))) == repr(told)
    assert read_model(again).heads == bundled_model(name).heads


def note_in(model: Record) -> Record:
    entry = next(entry for entry in model["metadata"] if entry["name"] == "TFLITE_METADATA")
    return read_flatbuffer(model["buffers"][entry["buffer"]]["data"].tobytes(), METADATA)


def test_a_name_that_is_misspelt_gets_a_suggestion() -> None:
    with pytest.raises(ModelError) as caught:
        bundled_model("eficientnet-lite0")
    assert str(caught.value) == (
        "there is no bundled model 'eficientnet-lite0' (did you mean efficientnet-lite0?): there are "
        "efficientnet-lite0 and efficientnet-lite0-int8; a model of your own goes by its path"
    )


def test_a_name_that_is_like_none_gets_the_list() -> None:
    with pytest.raises(ModelError, match=r"^there is no bundled model 'resnet': there are efficientnet-lite0 and"):
        bundled_model("resnet")


@pytest.mark.parametrize("name", BUNDLED)
@pytest.mark.parametrize("delegate", ["none", "auto"])
def test_the_stored_vectors_are_those_of_every_engine(name: str, delegate: str, engine: EngineName) -> None:
    """The quantised model on XNNPACK differs by its rounding: 0.9992."""
    model = bundled_model(name)
    with Embedder(model, EmbedderOptions(engine=engine, delegate=Delegate.parse(delegate))) as embedder:
        stored = bundled_vectors(model)
        assert stored is not None
        assert least_cosine(embedder.self_test(), stored) > 0.999


def test_a_bundled_model_with_another_normalisation_has_no_stored_vectors() -> None:
    path = MODELS / "efficientnet-lite0.tflite"
    assert bundled_vectors(read_model(path)) is not None
    assert bundled_vectors(read_model(path, normalization=Normalization((0.0,), (255.0,)))) is None


def test_stored_vectors_that_cannot_be_read_are_reported(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("edged.vision.bundled.MODELS", tmp_path)
    model = read_model(MODELS / "efficientnet-lite0.tflite")
    with pytest.raises(ModelError, match=r"efficientnet-lite0.npy cannot be read .*: install edged again"):
        bundled_vectors(model)
