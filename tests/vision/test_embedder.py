"""The embedder of the daemon: one thread, one head, nothing made per frame."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.errors import InferenceError, ModelError
from edged.regions import Box
from edged.values import Delegate, PixelFormat, Rotation
from edged.vision.embedder import Embedder, EmbedderOptions
from edged.vision.pixels.orientation import Orientation
from edged.vision.runtime.engine import EngineName
from edged.vision.self_test import self_test_picture
from edged.vision.specs import ModelFile, Normalization
from edged.vision.tflite.model_file import read_model
from tests.allocated import allocated
from tests.vision.pool_models import pool_model

RGB = PixelFormat.RGB


def vector(embedder: Embedder, picture: NDArray[np.uint8], rotation: Rotation | Orientation = 0) -> NDArray[Any]:
    height, width = picture.shape[:2]
    out = np.zeros(embedder.dimension, embedder.dtype)
    embedder.embed(picture, RGB, Box(0, 0, width, height), rotation, out)
    return out


@pytest.fixture
def two_heads(cases: Path) -> ModelFile:
    return read_model(cases / "two_heads_uint8_meta.tflite")


def test_the_three_steps_are_what_embed_does_at_once(engine: EngineName, int8_model: ModelFile) -> None:
    picture = self_test_picture("leaf", 120, 160)
    with Embedder(int8_model, EmbedderOptions(engine=engine)) as embedder:
        at_once, in_steps = vector(embedder, picture), np.zeros(1280, np.float32)
        embedder.load(picture, RGB, Box(0, 0, 160, 120), 0)
        embedder.invoke()
        embedder.read(in_steps)
        assert np.array_equal(at_once, in_steps)


def test_a_box_is_what_the_cut_picture_is(int8_model: ModelFile) -> None:
    picture = self_test_picture("leaf", 120, 160)
    with Embedder(int8_model) as embedder:
        out = np.zeros(1280, np.float32)
        embedder.embed(picture, RGB, Box(10, 20, 70, 50), 0, out)
        assert np.array_equal(out, vector(embedder, picture[20:70, 10:80]))


@pytest.mark.parametrize("rotation", [90, 180, 270])
def test_rotation_is_clockwise(int8_model: ModelFile, rotation: Rotation) -> None:
    """A picture of the model's size is not resized, so turning it beforehand is the same to the bit."""
    picture = self_test_picture("leaf", 224, 224)
    turned = np.ascontiguousarray(np.rot90(picture, -(rotation // 90)))
    with Embedder(int8_model) as embedder:
        assert np.array_equal(vector(embedder, picture, rotation), vector(embedder, turned))
        assert not np.array_equal(vector(embedder, picture, rotation), vector(embedder, picture))


def test_a_mirrored_picture_goes_by_its_orientation(int8_model: ModelFile) -> None:
    picture = self_test_picture("rings", 224, 224)
    with Embedder(int8_model) as embedder:
        mirrored = vector(embedder, picture, Orientation.TOP_RIGHT)
        assert np.array_equal(mirrored, vector(embedder, picture[:, ::-1]))


def test_a_rotation_of_45_is_refused(int8_model: ModelFile) -> None:
    with Embedder(int8_model) as embedder, pytest.raises(ValueError, match=r"0, 90, 180 or 270 .*got 45"):
        embedder.load(np.zeros((8, 8, 3), np.uint8), RGB, Box(0, 0, 8, 8), 45)  # type: ignore[arg-type]  # on purpose


def test_its_properties_describe_its_vectors(int8_model: ModelFile) -> None:
    with Embedder(int8_model) as plain:
        assert (plain.dimension, plain.dtype, plain.scale, plain.l2_normalize) == (1280, "<f4", None, False)
        assert plain.model is int8_model
        assert (plain.head.index, plain.head.name) == (0, int8_model.heads[0].name)
    with Embedder(int8_model, EmbedderOptions(l2_normalize=True, quantize=True)) as quantised:
        assert (quantised.dtype, quantised.scale, quantised.l2_normalize) == ("|i1", 1 / 128, True)
        stored = vector(quantised, self_test_picture("leaf", 96, 96))
        assert stored.dtype == np.int8
        assert np.linalg.norm(stored * (1 / 128)) == pytest.approx(1.0, abs=0.05)


def test_l2_normalize_makes_the_length_1(int8_model: ModelFile) -> None:
    with Embedder(int8_model, EmbedderOptions(l2_normalize=True)) as embedder:
        assert np.linalg.norm(vector(embedder, self_test_picture("leaf", 96, 96))) == pytest.approx(1.0, abs=1e-6)


def test_a_head_goes_by_number_and_by_name(two_heads: ModelFile) -> None:
    picture = self_test_picture("leaf", 96, 96)
    with (
        Embedder(two_heads, EmbedderOptions(head=1)) as by_number,
        Embedder(two_heads, EmbedderOptions(head="stage5")) as by_name,
        Embedder(two_heads) as first,
    ):
        assert (by_number.dimension, first.dimension) == (112, 40)
        assert np.array_equal(vector(by_number, picture), vector(by_name, picture))
        other = np.zeros(112, np.float32)
        vector(first, picture)
        first.read(other, head=1)
        assert np.array_equal(other, vector(by_number, picture))


@pytest.mark.parametrize("head", [2, -1, "stage4", ""])
def test_a_head_that_is_not_there_is_refused_with_those_that_are(two_heads: ModelFile, head: int | str) -> None:
    with pytest.raises(ModelError, match=rf"no head {head!r}, but 0 \(stage3\), 1 \(stage5\)"):
        Embedder(two_heads, EmbedderOptions(head=head))


def test_the_space_is_the_same_where_vectors_can_be_compared(int8_model: ModelFile) -> None:
    options = EmbedderOptions()
    same = [options, replace(options, num_threads=2), replace(options, delegate=Delegate("none"))]
    spaces = set()
    for each in same:
        with Embedder(int8_model, each) as embedder:
            spaces.add(embedder.space_id)
    assert len(spaces) == 1
    assert len(spaces.pop()) == 16


def test_the_space_differs_where_vectors_cannot_be_compared(
    two_heads: ModelFile, int8_model: ModelFile, cases: Path
) -> None:
    plain = EmbedderOptions()
    bare = cases / "small96_float_nometa.tflite"
    kinds = [
        (two_heads, plain),
        (two_heads, replace(plain, head=1)),
        (two_heads, replace(plain, resize="linear")),
        (two_heads, replace(plain, fit="letterbox")),
        (two_heads, replace(plain, fit="crop")),
        (two_heads, replace(plain, l2_normalize=True)),
        (two_heads, replace(plain, quantize=True)),
        (int8_model, plain),
        (read_model(bare, normalization=Normalization((127.0,), (128.0,))), plain),
        (read_model(bare, normalization=Normalization((126.0,), (128.0,))), plain),
        (read_model(bare, normalization=Normalization((127.0,), (129.0,))), plain),
        (read_model(bare, normalization=Normalization((127.0, 126.0, 125.0), (128.0,) * 3)), plain),
        (read_model(bare, normalization=Normalization((125.0, 126.0, 127.0), (128.0,) * 3)), plain),
    ]
    spaces = set()
    for model, options in kinds:
        with Embedder(model, options) as embedder:
            spaces.add(embedder.space_id)
    assert len(spaces) == len(kinds)


def test_the_space_never_changes(int8_model: ModelFile) -> None:
    """Recordings and references carry it: another version of edged has to come to the same."""
    with Embedder(int8_model) as embedder:
        assert embedder.space_id == "17adc6b6c1a6e870"


def test_the_space_of_a_model_with_normalisation_never_changes(cases: Path) -> None:
    with Embedder(read_model(cases / "small96_float_meta_3ch_norm.tflite")) as embedder:
        assert embedder.space_id == "177245b454a9c6f5"


@pytest.mark.parametrize("pixels", [PixelFormat.BGR, PixelFormat.NV12])
@pytest.mark.parametrize("rotation", [0, 90])
def test_no_step_makes_an_array_once_a_size_is_known(
    float_model: ModelFile, pixels: PixelFormat, rotation: Rotation
) -> None:
    shape = (360, 480) if pixels is PixelFormat.NV12 else (240, 480, 3)
    frame = np.full(shape, 90, np.uint8)
    box, out = Box(20, 10, 400, 200), np.zeros(1280, np.float32)
    with Embedder(float_model, EmbedderOptions(l2_normalize=True)) as embedder:
        for _ in range(3):
            embedder.embed(frame, pixels, box, rotation, out)
        assert allocated(lambda: embedder.embed(frame, pixels, box, rotation, out)).peak < 4096


def test_after_an_error_that_is_kept_the_next_picture_is_embedded(float_model: ModelFile) -> None:
    picture = self_test_picture("leaf", 224, 224)
    with Embedder(float_model) as embedder:
        expected = vector(embedder, picture)
        with pytest.raises(ValueError, match="Invalid crop") as kept:
            embedder.load(picture, PixelFormat.RGB, Box(200, 200, 100, 100))
        assert np.array_equal(vector(embedder, picture), expected)
        assert kept.tb is not None


class Interrupted(np.ndarray[Any, np.dtype[np.uint8]]):
    """A picture whose pixels are asked for in the moment of a Ctrl-C."""

    def __getitem__(self, key: object) -> Any:
        raise KeyboardInterrupt


def test_after_an_interrupt_that_is_kept_the_next_picture_is_embedded(
    engine: EngineName, float_model: ModelFile
) -> None:
    picture = self_test_picture("leaf", 300, 200)
    with Embedder(float_model, EmbedderOptions(engine=engine)) as embedder:
        expected = vector(embedder, picture)
        with pytest.raises(KeyboardInterrupt) as kept:
            vector(embedder, picture.view(Interrupted))
        assert np.array_equal(vector(embedder, picture), expected)
        assert kept.tb is not None


def test_the_input_can_be_kept_while_the_model_runs(float_model: ModelFile) -> None:
    picture = self_test_picture("leaf", 224, 224)
    with Embedder(float_model) as embedder:
        vector(embedder, picture)
        kept = embedder.input
        vector(embedder, picture[::-1])
        assert np.array_equal(kept[:, ::-1], embedder.input)


def test_the_input_is_what_the_model_sees(float_model: ModelFile) -> None:
    picture = self_test_picture("leaf", 224, 224)
    with Embedder(float_model) as embedder:
        vector(embedder, picture)
        assert np.allclose(embedder.input[0], (picture.astype(np.float32) - 127) / 128)


def test_a_device_that_is_lost_is_reported_and_not_hidden(stub_delegate: Path) -> None:
    delegate = Delegate("external", library=str(stub_delegate), options=(("fail", "invoke"),))
    with Embedder(pool_model("tpu", compiled=True), EmbedderOptions(delegate=delegate)) as embedder:
        picture = np.full((8, 8, 3), 9, np.uint8)
        vector(embedder, picture)
        with pytest.raises(InferenceError, match="the device is gone"):
            vector(embedder, picture)


def test_a_closed_embedder_reports_that_it_is_closed(int8_model: ModelFile) -> None:
    embedder = Embedder(int8_model)
    embedder.close()
    embedder.close()
    with pytest.raises(ValueError, match="is closed"):
        vector(embedder, self_test_picture("leaf", 8, 8))
