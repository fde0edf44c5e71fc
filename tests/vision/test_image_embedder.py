"""What the ImageEmbedder has beyond the Task Library's, and how it says no."""

from __future__ import annotations

import os
import re
import threading
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import Any, SupportsIndex

import numpy as np
import pytest
from numpy.typing import NDArray

from edged.errors import DelegateError, ModelError
from edged.vision import (
    BaseOptions,
    BoundingBox,
    Delegate,
    EmbeddingOptions,
    FeatureVector,
    ImageEmbedder,
    ImageEmbedderOptions,
    Orientation,
    PixelFormat,
    ReferenceMatrix,
    Region,
    TensorImage,
)
from edged.vision.self_test import self_test_picture
from tests.ticking import count_ticks

LEAF = self_test_picture("leaf", 120, 160)
RINGS = self_test_picture("rings", 120, 160)


def embedder(model: Path, **options: Any) -> ImageEmbedder:
    """One with the model in the file *model*; *options* are those of ``BaseOptions``."""
    return ImageEmbedder.create_from_options(ImageEmbedderOptions(BaseOptions(file_name=model, **options)))


def vector(embedder: ImageEmbedder, image: Any, *args: Any, **options: Any) -> NDArray[Any]:
    value: NDArray[Any] = embedder.embed(image, *args, **options).embeddings[0].feature_vector.value
    return value


@pytest.fixture
def uint8_file(cases: Path) -> Path:
    return cases / "small96_uint8_meta.tflite"


@pytest.fixture
def float_file(cases: Path) -> Path:
    return cases / "small96_float_meta.tflite"


# Paths and options


@pytest.mark.parametrize("kind", [str, Path, os.fsencode])
def test_a_path_is_text_or_bytes_or_a_path(uint8_file: Path, kind: Callable[[Path], Any]) -> None:
    with ImageEmbedder.create_from_file(kind(uint8_file)) as made:
        assert made.get_embedding_dimension(0) == 40


def test_content_wins_over_a_name(uint8_file: Path) -> None:
    with embedder(Path("/nonexistent"), file_content=uint8_file.read_bytes()) as made:
        assert made.get_embedding_dimension(0) == 40


@pytest.mark.parametrize("num_threads", [-1, 0, 1, 2, 1000, None, True, np.int32(2)])
def test_numbers_of_threads_that_are_taken(uint8_file: Path, num_threads: SupportsIndex | None) -> None:
    with embedder(uint8_file, num_threads=num_threads) as made:
        assert np.isfinite(vector(made, LEAF)).all()


def test_less_than_no_threads_are_refused(uint8_file: Path) -> None:
    with pytest.raises(RuntimeError, match=r"Failed setting number of CPU threads: .*got -2"):
        embedder(uint8_file, num_threads=-2)


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"file_name": 3}, r"Cannot set BaseOptions.file_name to 3: 3 has type int, but expected one of: str, bytes"),
        ({"file_content": "abc"}, r"Cannot set BaseOptions.file_content to 'abc': 'abc' has type str, .*: bytes"),
        ({"num_threads": 2.0}, r"Cannot set BaseOptions.num_threads to 2.0: 2.0 has type float, .*: int"),
        ({"num_threads": "2"}, r"BaseOptions.num_threads to '2'"),
        ({"use_coral": "yes"}, r"BaseOptions.use_coral to 'yes'"),
        ({"delegate": 1}, r"BaseOptions.delegate to 1"),
        ({"trusted": "no"}, r"BaseOptions.trusted to 'no'"),
    ],
)
def test_an_option_of_a_wrong_type_is_named(uint8_file: Path, options: dict[str, Any], said: str) -> None:
    with pytest.raises(TypeError, match=said):
        ImageEmbedder.create_from_options(ImageEmbedderOptions(BaseOptions(**{"file_name": uint8_file} | options)))


def test_an_embedding_option_of_a_wrong_type_is_named(uint8_file: Path) -> None:
    wrong = EmbeddingOptions(l2_normalize="yes")  # type: ignore[arg-type]  # on purpose
    with pytest.raises(TypeError, match=r"Cannot set EmbeddingOptions.l2_normalize to 'yes'"):
        ImageEmbedder.create_from_options(ImageEmbedderOptions(BaseOptions(uint8_file), wrong))


def test_mean_and_std_stand_in_for_missing_metadata(cases: Path, float_file: Path) -> None:
    bare = BaseOptions(cases / "small96_float_nometa.tflite")
    with pytest.raises(
        RuntimeError, match=r"requires specifying NormalizationOptions metadata .*give its mean and std"
    ):
        ImageEmbedder.create_from_options(ImageEmbedderOptions(bare))
    with (
        ImageEmbedder.create_from_options(ImageEmbedderOptions(bare, mean=127, std=128)) as given,
        ImageEmbedder.create_from_options(ImageEmbedderOptions(bare, mean=[127] * 3, std=[128] * 3)) as given_three,
        ImageEmbedder.create_from_file(float_file) as from_metadata,
    ):
        assert np.array_equal(vector(given, LEAF), vector(from_metadata, LEAF))
        assert np.array_equal(vector(given_three, LEAF), vector(from_metadata, LEAF))


def test_mean_without_std_is_refused(float_file: Path) -> None:
    with pytest.raises(ValueError, match="mean and std go together"):
        ImageEmbedder.create_from_options(ImageEmbedderOptions(BaseOptions(float_file), mean=127))


def test_mean_and_std_may_be_arrays(float_file: Path) -> None:
    arrays = ImageEmbedderOptions(BaseOptions(float_file), mean=np.full(3, 127.0), std=np.float32(128))
    with pytest.raises(ValueError, match="expected mean and std of same dimension, got 3 and 1"):
        ImageEmbedder.create_from_options(arrays)
    arrays.std = np.full(3, 128)
    ImageEmbedder.create_from_options(arrays).close()


@pytest.mark.parametrize(
    ("options", "error", "said"),
    [
        ({"resize": "cubic"}, ValueError, r"resize must be exact, linear or area \(got 'cubic'\)"),
        ({"fit": "fill"}, ValueError, r"fit must be stretch, letterbox or crop \(got 'fill'\)"),
        ({"mean": "a", "std": 1}, TypeError, r"mean is a number, or three for R, G and B \(got 'a'\)"),
    ],
)
def test_an_unknown_setting_of_the_pictures_is_refused(
    float_file: Path, options: dict[str, Any], error: type[Exception], said: str
) -> None:
    with pytest.raises(error, match=said):
        ImageEmbedder.create_from_options(ImageEmbedderOptions(BaseOptions(float_file), **options))


def test_an_engine_that_nobody_knows_is_refused(float_file: Path) -> None:
    with pytest.raises(ValueError, match=r"engine must be auto, ai-edge-litert or tflite-runtime \(got 'tpu'\)"):
        embedder(float_file, engine="tpu")


def test_each_resize_is_its_own_space(uint8_file: Path) -> None:
    spaces, vectors = set(), []
    for resize in ("exact", "linear", "area"):
        options = ImageEmbedderOptions(BaseOptions(uint8_file), resize=resize)
        with ImageEmbedder.create_from_options(options) as made:
            spaces.add(made.space_id)
            vectors.append(vector(made, LEAF))
    assert len(spaces) == 3
    assert not np.array_equal(vectors[0], vectors[1])


def test_each_fit_is_its_own_space(uint8_file: Path) -> None:
    spaces, vectors = set(), []
    wide = np.ascontiguousarray(LEAF[: LEAF.shape[0] // 2])
    for fit in ("stretch", "letterbox", "crop"):
        options = ImageEmbedderOptions(BaseOptions(uint8_file), fit=fit)
        with ImageEmbedder.create_from_options(options) as made:
            spaces.add(made.space_id)
            vectors.append(vector(made, wide).tobytes())
    assert len(spaces) == len(set(vectors)) == 3


# Engines and delegates


def test_engine_and_delegate_can_be_chosen_and_are_reported(float_file: Path) -> None:
    with embedder(float_file, delegate="none", engine="ai-edge-litert") as made:
        assert made.engine.startswith("ai-edge-litert 2.")
        assert made.delegate == "none"
    with embedder(float_file, delegate=Delegate("xnnpack")) as made:
        assert made.delegate == "xnnpack"


@pytest.mark.parametrize("options", [{"use_coral": True}, {"delegate": "coral"}, {"delegate": "coral:usb:1"}])
def test_coral_without_its_library_is_refused(uint8_file: Path, options: dict[str, Any]) -> None:
    with pytest.raises(RuntimeError, match=r"delegate coral: cannot load libedgetpu.so.1") as caught:
        embedder(uint8_file, **options)
    assert isinstance(caught.value, DelegateError)


def test_use_coral_and_another_delegate_are_refused(uint8_file: Path) -> None:
    with pytest.raises(ValueError, match=r"use_coral and another delegate do not go together \(got none\)"):
        embedder(uint8_file, use_coral=True, delegate="none")


def test_an_unknown_delegate_is_refused(uint8_file: Path) -> None:
    with pytest.raises(ValueError, match=r"must be auto, none, xnnpack, coral.*got 'gpu'"):
        embedder(uint8_file, delegate="gpu")


# Files that may kill


@pytest.fixture
def deadly(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Callable[[], None]:
    """From its call on, every model kills whoever tries it. Nothing is remembered of other tests."""
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    begun = "import os, signal; print('edged trial: begun', flush=True); "
    child = f"{begun}os.kill(os.getpid(), signal.SIGSEGV)"
    return lambda: monkeypatch.setattr("edged.vision.runtime.trial_process._CHILD", child)


def test_a_model_that_kills_is_an_error_and_not_the_end(uint8_file: Path, deadly: Callable[[], None]) -> None:
    deadly()
    with pytest.raises(ModelError, match=r"model small96_uint8_meta: .* died of SIGSEGV in a trial run of it"):
        ImageEmbedder.create_from_file(uint8_file)
    with pytest.raises(ModelError, match=r"model file_content: .* died of SIGSEGV"):
        embedder(Path(), file_content=uint8_file.read_bytes())


def test_a_model_that_is_trusted_or_known_is_not_tried(uint8_file: Path, deadly: Callable[[], None]) -> None:
    ImageEmbedder.create_from_file(uint8_file).close()
    deadly()
    ImageEmbedder.create_from_file(uint8_file).close()
    embedder(uint8_file, delegate="none", trusted=True).close()
    with pytest.raises(ModelError, match="died of SIGSEGV"):
        embedder(uint8_file, delegate="none")


def test_a_user_without_a_cache_has_each_model_tried(
    uint8_file: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").touch()
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    with ImageEmbedder.create_from_file(uint8_file) as made:
        assert np.isfinite(vector(made, LEAF)).all()


# Pictures


@pytest.mark.parametrize(
    "same",
    [
        lambda array: array.copy()[:, ::-1][:, ::-1],
        lambda array: np.rot90(np.rot90(array, 1).copy(), -1),
        lambda array: np.pad(array, ((3, 4), (5, 6), (0, 0)))[3:-4, 5:-6],
        lambda array: np.asfortranarray(array),
        lambda array: array[..., ::-1].copy()[..., ::-1],
        lambda array: np.repeat(array, 2, axis=1)[:, ::2],
        lambda array: array[None],
    ],
    ids=["mirrored view", "turned view", "crop view", "Fortran order", "BGR view", "every second", "batch of one"],
)
def test_an_array_of_any_memory_layout_gives_the_same(
    uint8_file: Path, same: Callable[[NDArray[np.uint8]], NDArray[np.uint8]]
) -> None:
    with ImageEmbedder.create_from_file(uint8_file) as made:
        assert np.array_equal(vector(made, TensorImage.create_from_array(same(LEAF))), vector(made, LEAF))


def test_the_layouts_of_cameras_are_taken(uint8_file: Path) -> None:
    gray = LEAF[..., 1]
    with ImageEmbedder.create_from_file(uint8_file) as made:
        plain = vector(made, LEAF)
        bgr = TensorImage.create_from_array(LEAF[..., ::-1].copy(), PixelFormat.BGR)
        assert np.array_equal(vector(made, bgr), plain)
        rgba = np.dstack([LEAF, np.full(LEAF.shape[:2], 7, np.uint8)])
        assert np.array_equal(vector(made, rgba), plain)
        assert np.array_equal(vector(made, gray), vector(made, np.dstack([gray] * 3)))


@pytest.mark.parametrize("shape", [(1, 1, 3), (1, 160, 3), (120, 1, 3), (1, 1), (1, 10, 3), (10, 1, 3)])
def test_a_picture_of_one_row_or_column_is_one(uint8_file: Path, shape: tuple[int, ...]) -> None:
    picture = np.full(shape, 200, np.uint8)
    with ImageEmbedder.create_from_file(uint8_file) as made:
        made.embed(picture)
        # The exact resize makes a picture up to two levels darker; read in a wrong way it would hold something else.
        seen = made._embedder.input
        assert 198 <= seen.min() <= seen.max() <= 200


def test_a_picture_outlives_the_array_that_it_was_made_of(uint8_file: Path) -> None:
    with ImageEmbedder.create_from_file(uint8_file) as made:
        image = TensorImage.create_from_array(LEAF.copy())
        [np.zeros(LEAF.shape, np.uint8) for _ in range(50)]
        assert np.array_equal(vector(made, image), vector(made, LEAF))


@pytest.mark.parametrize("wrong", [None, [1, 2], "picture.jpg"])
def test_an_object_that_is_not_a_picture_is_named(uint8_file: Path, wrong: Any) -> None:
    with ImageEmbedder.create_from_file(uint8_file) as made, pytest.raises(AttributeError, match=r"embed takes"):
        made.embed(wrong)


def test_an_array_of_other_numbers_is_refused(uint8_file: Path) -> None:
    with ImageEmbedder.create_from_file(uint8_file) as made, pytest.raises(ValueError, match="dtype=uint8"):
        made.embed(LEAF.astype(np.float32))


# Regions and rotation


def test_a_region_is_the_box_in_0_to_1(uint8_file: Path) -> None:
    with ImageEmbedder.create_from_file(uint8_file) as made:
        by_region = vector(made, LEAF, Region(0.25, 0.5, 0.75, 1.0))
        assert np.array_equal(by_region, vector(made, LEAF, BoundingBox(40, 60, 80, 60)))
        assert np.array_equal(by_region, vector(made, LEAF[60:, 40:120]))


def test_numpy_numbers_make_a_box(uint8_file: Path) -> None:
    with ImageEmbedder.create_from_file(uint8_file) as made:
        box = BoundingBox(np.int64(40), None, np.uint8(80), np.int32(60))
        assert np.array_equal(vector(made, LEAF, box), vector(made, LEAF[:60, 40:120]))


@pytest.mark.parametrize(
    "box", [(0, 0, 161, 120), (-1, 0, 10, 10), (0, 0, 0, 10), (0, 0, 10, -1), (160, 0, 1, 1), (0, 0, 2**31 - 1, 1)]
)
def test_a_box_that_is_not_inside_is_refused_and_nothing_is_clamped(uint8_file: Path, box: tuple[int, ...]) -> None:
    with (
        ImageEmbedder.create_from_file(uint8_file) as made,
        pytest.raises(ValueError, match=r"Invalid crop coordinates\. The picture has 160 x 120"),
    ):
        made.embed(LEAF, BoundingBox(*box))


def test_an_embedder_works_on_after_a_refusal(uint8_file: Path) -> None:
    """Also while the error is still held, with all that hangs on its traceback."""
    with ImageEmbedder.create_from_file(uint8_file) as made:
        before = vector(made, LEAF)
        with pytest.raises(ValueError, match="Invalid crop") as held:
            made.embed(LEAF, BoundingBox(0, 0, 999, 1))
        assert np.array_equal(vector(made, LEAF), before)
        assert held.value is not None


@pytest.mark.parametrize(
    ("value", "error", "said"),
    [
        (0.5, TypeError, r"Cannot set BoundingBox.origin_x to 0.5: 0.5 has type float, but expected one of: int"),
        (1.0, TypeError, r"BoundingBox.origin_x to 1.0"),
        ("1", TypeError, r"BoundingBox.origin_x to '1'"),
        (2**31, ValueError, r"Value out of range: 2147483648"),
    ],
)
def test_a_side_that_is_not_a_whole_number_is_named(
    uint8_file: Path, value: Any, error: type[Exception], said: str
) -> None:
    with ImageEmbedder.create_from_file(uint8_file) as made, pytest.raises(error, match=said):
        made.embed(LEAF, BoundingBox(value, 0, 1, 1))


def test_an_object_that_is_not_a_box_is_named(uint8_file: Path) -> None:
    with (
        ImageEmbedder.create_from_file(uint8_file) as made,
        pytest.raises(AttributeError, match="BoundingBox or a Region"),
    ):
        made.embed(LEAF, (0, 0, 1, 1))  # type: ignore[arg-type]  # on purpose


def test_the_box_is_cut_before_the_picture_is_turned(uint8_file: Path) -> None:
    square = self_test_picture("leaf", 192, 192)
    box = BoundingBox(96, 0, 96, 96)
    with ImageEmbedder.create_from_file(uint8_file) as made:
        turned = np.ascontiguousarray(np.rot90(square[:96, 96:], -1))
        assert np.array_equal(vector(made, square, box, rotation=90), vector(made, turned))


def test_a_mirrored_picture_goes_by_its_orientation(uint8_file: Path) -> None:
    square = self_test_picture("leaf", 96, 96)
    with ImageEmbedder.create_from_file(uint8_file) as made:
        transposed = vector(made, square, rotation=Orientation.LEFT_TOP)
        assert np.array_equal(transposed, vector(made, square.swapaxes(0, 1)))


@pytest.mark.parametrize("rotation", [45, -1, 91, 90.5, "90", None])
def test_an_unknown_rotation_is_refused(uint8_file: Path, rotation: Any) -> None:
    rule = f"rotation must be 0, 90, 180 or 270 degrees clockwise, or a multiple of 90 (got {rotation!r})"
    with ImageEmbedder.create_from_file(uint8_file) as made, pytest.raises(ValueError, match=re.escape(rule)):
        made.embed(LEAF, rotation=rotation)


# Results


def test_an_embedding_knows_its_head_and_its_space(cases: Path) -> None:
    with ImageEmbedder.create_from_file(cases / "two_heads_uint8_meta.tflite") as made:
        first, second = made.embed(LEAF).embeddings
        assert made.head_names == ("stage3", "stage5")
        assert (first.head_name, second.head_name) == ("stage3", "stage5")
        assert first.space_id == made.space_id != second.space_id


def test_a_result_is_the_callers_own(uint8_file: Path) -> None:
    with ImageEmbedder.create_from_file(uint8_file) as made:
        first = vector(made, LEAF)
        kept = first.copy()
        vector(made, RINGS)
        assert np.array_equal(first, kept)
        first[:] = 0


def test_a_quantised_vector_is_the_bytes_of_int8(uint8_file: Path) -> None:
    options = ImageEmbedderOptions(BaseOptions(uint8_file), EmbeddingOptions(l2_normalize=True, quantize=True))
    with ImageEmbedder.create_from_options(options) as made, ImageEmbedder.create_from_file(uint8_file) as plain:
        value, real = vector(made, LEAF), vector(plain, LEAF)
        assert value.dtype == np.uint8
        assert np.abs(value.view(np.int8) / 128 - real / np.linalg.norm(real)).max() <= 0.5 / 128 + 1e-6


def test_an_object_that_is_not_a_vector_is_not_compared(uint8_file: Path) -> None:
    with ImageEmbedder.create_from_file(uint8_file) as made:
        result = made.embed(LEAF)
        with pytest.raises(AttributeError, match=r"'EmbeddingResult' .* result.embeddings\[0\].feature_vector"):
            made.cosine_similarity(result, result)  # type: ignore[arg-type]  # on purpose


def test_embeddings_are_compared_as_in_mediapipe(uint8_file: Path) -> None:
    with ImageEmbedder.create_from_file(uint8_file) as made:
        one, other = made.embed(LEAF).embeddings[0], made.embed(LEAF[::2]).embeddings[0]
        cosine = made.cosine_similarity(one.feature_vector, other.feature_vector)
        assert made.cosine_similarity(one, other) == made.cosine_similarity(one, other.feature_vector) == cosine


@pytest.mark.parametrize("quantize", [False, True])
def test_dot_and_distance_are_those_of_the_real_numbers(uint8_file: Path, quantize: bool) -> None:
    options = ImageEmbedderOptions(BaseOptions(uint8_file), EmbeddingOptions(l2_normalize=True, quantize=quantize))
    with ImageEmbedder.create_from_options(options) as made:
        one, other = made.embed(LEAF).embeddings[0], made.embed(LEAF[::2, ::3]).embeddings[0]
        u, v = (
            each.feature_vector.value.view(np.int8) / 128 if quantize else each.feature_vector.value
            for each in (one, other)
        )
        assert made.dot(one, other) == pytest.approx(float(u @ v), rel=1e-12)
        assert made.l2_distance(one.feature_vector, other) == pytest.approx(float(np.linalg.norm(u - v)), rel=1e-12)
        assert made.l2_distance(one, one) == 0


def test_what_has_no_dot_product_is_refused() -> None:
    floats, bytes_ = FeatureVector(np.ones(3)), FeatureVector(np.ones(3, np.uint8))
    with pytest.raises(ValueError, match="Cannot compute dot product between quantized and float feature vectors"):
        ImageEmbedder.dot(floats, bytes_)
    with pytest.raises(ValueError, match=r"Cannot compute l2 distance on float .* different sizes \(3 vs 2\)"):
        ImageEmbedder.l2_distance(floats, FeatureVector(np.ones(2)))
    assert ImageEmbedder.dot(floats, FeatureVector(np.zeros(3))) == 0


@pytest.mark.parametrize(("degrees", "same"), [(-90, 270), (450, 90), (360, 0), (-270, 90), (720, 0), (180, -180)])
def test_a_rotation_is_any_multiple_of_90_as_in_mediapipe(uint8_file: Path, degrees: int, same: int) -> None:
    with ImageEmbedder.create_from_file(uint8_file) as made:
        one, other = made.embed(LEAF, rotation=degrees), made.embed(LEAF, rotation=same)
        assert one == other
        assert one != made.embed(LEAF, rotation=degrees + 90)


def test_a_model_that_is_missing_is_a_file_not_found_too() -> None:
    for kind in (FileNotFoundError, ValueError, RuntimeError):
        with pytest.raises(kind, match=r"Unable to open file at /no/such/model\.tflite: No such file or directory"):
            ImageEmbedder.create_from_file("/no/such/model.tflite")


def test_options_of_a_delegate_are_a_mapping_or_pairs() -> None:
    by_mapping = Delegate("external", library="libmy.so", options={"device": "1", "b": "2"})
    assert by_mapping == Delegate("external", library="libmy.so", options=(("device", "1"), ("b", "2")))
    assert by_mapping.options == (("device", "1"), ("b", "2"))
    assert hash(by_mapping) == hash(replace(by_mapping))


def test_one_vector_is_compared_with_many_at_once(uint8_file: Path) -> None:
    with ImageEmbedder.create_from_file(uint8_file) as made:
        leaf, rings = (made.embed(picture).embeddings[0].feature_vector for picture in (LEAF, RINGS))
        matrix = np.stack([leaf.value, rings.value])
        scores = made.similarity(leaf, matrix)
        assert scores.tolist() == pytest.approx([1.0, made.cosine_similarity(leaf, rings)], abs=1e-6)
        assert made.similarity(leaf, ReferenceMatrix(list(matrix))).tolist() == scores.tolist()


# Threads, and the end


def test_threads_that_share_an_embedder_get_right_answers(float_file: Path) -> None:
    wrong: list[str] = []
    with ImageEmbedder.create_from_file(float_file) as made:
        expected = {"leaf": vector(made, LEAF), "rings": vector(made, RINGS)}

        def work(name: str, picture: NDArray[np.uint8]) -> None:
            wrong.extend(name for _ in range(50) if not np.array_equal(vector(made, picture), expected[name]))

        threads = [threading.Thread(target=work, args=each) for each in (("leaf", LEAF), ("rings", RINGS)) * 2]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join(30)
    assert wrong == []


def test_other_threads_run_while_a_picture_is_embedded(float_model_file: Path) -> None:
    """The Task Library holds Python's lock for the whole call."""
    with embedder(float_model_file, delegate="none") as made:
        seen = count_ticks(lambda: made.embed(LEAF), 0.2)
    assert seen["ticks"] >= seen["calls"], seen


def test_a_closed_embedder_reports_that_it_is_closed(uint8_file: Path) -> None:
    made = ImageEmbedder.create_from_file(uint8_file)
    made.close()
    made.close()
    with pytest.raises(ValueError, match=r"small96_uint8_meta is closed"):
        made.embed(LEAF)
    assert made.get_embedding_dimension(0) == 40


@pytest.mark.parametrize("name", ["bad_norm_std0", "batch2_uint8", "gray_uint8", "spatial_map_uint8", "truncated"])
def test_a_model_that_is_not_an_embedder_is_refused_as_both_kinds_of_error(cases: Path, name: str) -> None:
    """The Task Library raises now the one, now the other, so programs catch either."""
    with pytest.raises(ModelError) as caught:
        ImageEmbedder.create_from_file(cases / f"{name}.tflite")
    assert isinstance(caught.value, ValueError)
    assert isinstance(caught.value, RuntimeError)
