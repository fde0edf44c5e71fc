"""The reader of model files, with good files, damaged ones, and files that are not image embedders."""

from __future__ import annotations

import hashlib
import math
import os
import re
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from edged.errors import ModelError
from edged.regions import Box
from edged.values import PixelFormat
from edged.vision.embedder import Embedder, EmbedderOptions, find_head
from edged.vision.runtime.engine import EngineName
from edged.vision.specs import HeadSpec, InputSpec, Normalization, Quantization
from edged.vision.tflite.flatbuffer import Record, read_flatbuffer
from edged.vision.tflite.model_file import read_model
from edged.vision.tflite.schema import IDENTIFIER, MODEL
from scripts.flatbuffer_writer import write_flatbuffer
from tests.vision.tflite.altered import altered, append, graph_of, ints, metadata_altered, tensor_type

FLOAT, UINT8 = "small96_float_meta", "small96_uint8_meta"


def refused(content: bytes | str | Path, **options: Any) -> str:
    """The message that refuses a model."""
    with pytest.raises(ModelError) as caught:
        read_model(content, **options)
    return str(caught.value)


# Good files


def test_a_float_model_has_its_input_and_its_head(cases: Path) -> None:
    model = read_model(cases / "small96_float_meta.tflite")
    assert model.name == "small96_float_meta"
    assert model.input == InputSpec(
        name="serving_default_image:0",
        index=0,
        height=96,
        width=96,
        dtype="float32",
        normalization=Normalization((127.0,), (128.0,)),
    )
    assert model.heads == (
        HeadSpec(index=0, tensor_index=49, tensor_name="PartitionedCall:0", size=40, dtype="float32", name="feature"),
    )
    assert model.custom_ops == ()
    assert len(model.digest) == 64


def test_a_model_of_two_heads_has_the_names_of_both(cases: Path) -> None:
    model = read_model(cases / "two_heads_uint8_meta.tflite")
    assert [(head.index, head.name, head.size) for head in model.heads] == [(0, "stage3", 40), (1, "stage5", 112)]
    assert model.heads[1].quantization == Quantization(float(np.float32(0.13084036)), 125)
    assert model.input.normalization is None


def test_bytes_and_paths_give_the_same_model(cases: Path) -> None:
    path = cases / "small96_uint8_nometa.tflite"
    from_path, from_text, from_bytes = read_model(path), read_model(str(path)), read_model(path.read_bytes(), name="x")
    assert from_path.digest == from_text.digest == from_bytes.digest
    assert from_path.input == from_bytes.input
    assert from_bytes.name == "x"
    assert from_path.heads[0].name is None


def test_three_values_of_normalisation_are_read(cases: Path) -> None:
    normalization = read_model(cases / "small96_float_meta_3ch_norm.tflite").input.normalization
    assert normalization is not None
    assert normalization.mean == pytest.approx((123.675, 116.28, 103.53))
    assert normalization.std == pytest.approx((58.395, 57.12, 57.375))


@pytest.mark.parametrize("case", ["small96_float_meta", "small96_float_nometa", "bad_norm_std0"])
def test_a_given_normalisation_replaces_that_of_the_metadata(cases: Path, case: str) -> None:
    given = Normalization((1.0, 2.0, 3.0), (4.0, 5.0, 6.0))
    assert read_model(cases / f"{case}.tflite", normalization=given).input.normalization == given


def test_a_zip_of_files_at_the_end_is_accepted(cases: Path) -> None:
    content = (cases / "small96_uint8_meta.tflite").read_bytes()
    assert read_model(content + b"PK\3\4 and so on").heads == read_model(content).heads


def test_a_model_with_an_open_batch_is_accepted() -> None:
    def open_batch(model: Record) -> None:
        for tensor in (graph_of(model)["tensors"][0], graph_of(model)["tensors"][-1]):
            tensor["shape_signature"] = ints(-1, *tensor["shape"][1:])

    assert read_model(altered(open_batch)).input.height == 96


def any_size(model: Record) -> None:
    """Forget the sizes, as converters do of models that take any: 1 is in their place."""
    for tensor in graph_of(model)["tensors"]:
        if model["buffers"][tensor["buffer"]]["data"] is None:
            tensor["shape_signature"] = ints(*[-1] * (len(tensor["shape"]) - 1), tensor["shape"][-1])
            tensor["shape"] = ints(*[1] * (len(tensor["shape"]) - 1), tensor["shape"][-1])


def test_a_model_of_any_size_takes_the_default_of_its_metadata_and_gives_the_same_vectors(
    cases: Path, engine: EngineName
) -> None:
    def sized(metadata: Record) -> None:
        content = metadata["subgraph_metadata"][0]["input_tensor_metadata"][0]["content"]
        content["content_properties"][1]["default_size"] = {"width": 96, "height": 96}

    record = read_flatbuffer(metadata_altered(sized), MODEL)
    any_size(record)
    model = read_model(write_flatbuffer(record, MODEL, IDENTIFIER))
    assert (model.input.width, model.input.height, model.input.resized) == (96, 96, True)
    picture = np.random.default_rng(1).integers(0, 256, (120, 130, 3), np.uint8)
    vectors = []
    for each in (read_model(cases / "small96_float_meta.tflite"), model):
        with Embedder(each, EmbedderOptions(engine=engine)) as embedder:
            vectors.append(np.zeros(embedder.dimension, np.float32))
            embedder.embed(picture, PixelFormat.RGB, Box(0, 0, 130, 120), 0, vectors[-1])
    np.testing.assert_allclose(vectors[1], vectors[0], rtol=1e-5)


def test_a_model_of_any_size_takes_that_of_its_file_without_metadata_of_one() -> None:
    model = read_model(altered(change_tensor("inputs", shape_signature=ints(1, -1, -1, 3))))
    assert (model.input.width, model.input.height, model.input.resized) == (96, 96, True)
    assert not read_model(altered(lambda _: None)).input.resized


def test_an_int8_model_is_accepted() -> None:
    def without_quantize(model: Record) -> None:
        graph = graph_of(model)
        first, *rest, last = graph["operators"]
        graph["inputs"], graph["outputs"] = first["outputs"], last["inputs"]
        graph["operators"] = rest
        model["signature_defs"] = None

    model = read_model(altered(without_quantize))
    assert (model.input.dtype, model.heads[0].dtype) == ("int8", "int8")
    assert model.input.quantization == Quantization(0.0078125, -1)
    assert model.input.normalization is None or model.input.normalization == Normalization((127.0,), (128.0,))


def test_a_custom_operator_is_named() -> None:
    def customise(model: Record) -> None:
        model["operator_codes"].append(
            {"builtin_code": 32, "deprecated_builtin_code": 32, "custom_code": "edgetpu-custom-op", "version": 1}
        )
        graph = graph_of(model)
        graph["operators"] = [
            {"opcode_index": len(model["operator_codes"]) - 1, "inputs": graph["inputs"], "outputs": graph["outputs"]}
        ]

    assert read_model(altered(customise)).custom_ops == ("edgetpu-custom-op",)


# Files that are not models


def test_a_file_that_is_missing_is_named(tmp_path: Path) -> None:
    path = tmp_path / "gone.tflite"
    assert refused(path) == f"Unable to open file at {path}: No such file or directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_named(tmp_path: Path) -> None:
    path = tmp_path / "secret.tflite"
    path.write_bytes(b"x")
    path.chmod(0)
    assert refused(path) == f"Unable to open file at {path}: Permission denied"


@pytest.mark.parametrize("nothing", ["", b""])
def test_no_path_and_no_bytes_are_refused(nothing: str | bytes) -> None:
    with pytest.raises(ModelError, match="ExternalFile must specify at least one of 'file_content', 'file_name' or"):
        read_model(nothing)


def test_an_impossible_path_is_refused() -> None:
    assert refused("a\0b") == "Unable to open file at 'a\\x00b': no file can have this path"
    assert refused("a\ud800") == "Unable to open file at 'a\\ud800': no file can have this path"


def test_a_directory_is_not_a_model(tmp_path: Path) -> None:
    assert refused(tmp_path) == f"Unable to map file to memory buffer: {tmp_path} is a directory, not a model file"


def test_a_pipe_is_refused_without_waiting(tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    assert "is a device or a pipe" in refused(pipe)


def test_an_empty_file_is_not_a_model(tmp_path: Path) -> None:
    path = tmp_path / "empty.tflite"
    path.touch()
    assert refused(path) == f"Unable to get file size: {path} is empty; copy or download it again"


def test_a_file_of_more_than_2_gb_is_not_read(tmp_path: Path) -> None:
    path = tmp_path / "huge.tflite"
    with path.open("wb") as file:
        file.truncate(3 << 30)  # a hole, which takes no space on the disk
    assert "has 3221225472 bytes" in refused(path)


@pytest.mark.parametrize(
    ("content", "found"),
    [
        (b"hello, I am a text file\n", "it is a text file that begins with 'hello, I am a text file"),
        (b"version https://git-lfs.github.com/spec/v1\noid sha256:00\n", "it is a pointer of Git LFS"),
        (b"\n<!DOCTYPE html><html>404</html>", "it is a web page"),
        (b"PK\3\4" + bytes(100), "it is a ZIP archive"),
        (b"\x89HDF\r\n\x1a\n" + bytes(100), "it is an HDF5 file"),
        (b"\x7fELF\2\1\1" + bytes(100), "it has the identifier b'\\x02\\x01\\x01\\x00' at byte 4"),
        (b"\x1c\0\0\0TFL2" + bytes(100), "it has the identifier b'TFL2' at byte 4, and should have b'TFL3'"),
        (b"\1", "it has the identifier b'' at byte 4"),
    ],
)
def test_the_message_names_the_kind_of_another_file(content: bytes, found: str, tmp_path: Path) -> None:
    path = tmp_path / "x.tflite"
    path.write_bytes(content)
    message = refused(path)
    assert message.startswith(f"model {path}: The model is not a valid Flatbuffer buffer: ")
    assert found in message


@pytest.mark.parametrize("length", [8, 100, 5_000, 60_000, 100_000])
def test_a_file_that_was_cut_off_is_refused(cases: Path, length: int) -> None:
    content = (cases / "small96_uint8_meta.tflite").read_bytes()[:length]
    assert "The model is not a valid Flatbuffer buffer" in refused(content)
    assert "copy or download it again" in refused(content)


def test_the_message_on_a_truncated_file_names_its_length(cases: Path) -> None:
    message = refused(cases / "truncated.tflite")
    assert re.search(r"reaches to byte \d+ of a file of 61075 bytes", message)


@pytest.mark.parametrize("field", ["subgraphs", "version", "buffers", "operator_codes"])
def test_a_model_that_lacks_its_parts_is_refused(field: str) -> None:
    def remove(model: Record) -> None:
        model[field] = None

    expected = {
        "subgraphs": "it has no subgraph",
        "version": "it has version 0 of the format",
        "buffers": "refers to buffer 1, and there are 0",
        "operator_codes": "refers to operator code 0, and there are 0",
    }
    assert expected[field] in refused(altered(remove))


# Requirements of the Task Library, each with its words


def change_tensor(which: str, **values: object) -> Callable[[Record], None]:
    """A change of the input or the output tensor."""

    def change(model: Record) -> None:
        graph = graph_of(model)
        graph["tensors"][int(graph[which][0])].update(values)

    return change


@pytest.mark.parametrize(
    ("values", "words"),
    [
        ({"shape": ints(1, 5)}, "Only 4D tensors in BHWD layout are supported."),
        ({"shape": ints()}, "Only 4D tensors in BHWD layout are supported."),
        ({"shape": ints(2, 96, 96, 3)}, "dimensions 1 x height x width x 3. Got 2 x 96 x 96 x 3."),
        ({"shape": ints(1, 96, 96, 1)}, "dimensions 1 x height x width x 3. Got 1 x 96 x 96 x 1."),
        ({"shape": ints(1, 96, 96, 4)}, "dimensions 1 x height x width x 3. Got 1 x 96 x 96 x 4."),
        (
            {"shape": ints(1, 1, 1, 3), "shape_signature": ints(1, -1, -1, 3)},
            "has no fixed size: 1 x -1 x -1 x 3. Neither the file nor its metadata has a default size",
        ),
        (
            {"shape": ints(1, 3, 96, 96)},
            "'serving_default_image:0'. Its channels come first: convert the model again with channels last",
        ),
        ({"shape": ints(1, 0, 96, 3)}, "takes a picture of 96 x 0 pixels"),
        ({"shape": ints(1, 96, 5000, 3)}, "takes a picture of 5000 x 96 pixels; up to 4096 are supported"),
        (
            {"type": tensor_type("INT16")},
            (
                "Type mismatch for input tensor serving_default_image:0. Requested one of these types: "
                "kTfLiteUint8/kTfLiteInt8/kTfLiteFloat32, got INT16."
            ),
        ),
        ({"type": tensor_type("FLOAT16"), "quantization": None}, "got FLOAT16."),
    ],
)
def test_an_input_that_is_not_an_rgb_picture_is_refused(values: dict[str, object], words: str) -> None:
    message = refused(altered(change_tensor("inputs", **values)))
    assert words in message
    assert "serving_default_image:0" in message


@pytest.mark.parametrize(
    ("shape", "words"),
    [
        ((1, 4, 10), "got 3D, expected either 2D (BxN with B=1) or 4D (BxHxWxN with B=1, W=1, H=1)."),
        ((40,), "Unexpected number of dimensions for output index 0: got 1D"),
        ((1, 1, 1, 1, 40), "Unexpected number of dimensions for output index 0: got 5D"),
        ((1, 2, 1, 20), "Unexpected WxH sizes for output index 0: got 1x2, expected 1x1."),
        ((2, 20), "The output array is expected to have a batch size of 1. Got 2 for output index 0."),
    ],
)
def test_an_output_that_is_not_a_vector_is_refused(shape: tuple[int, ...], words: str) -> None:
    options = ("ReshapeOptions", {"new_shape": ints(*shape)})
    message = refused(altered(lambda model: append(model, "RESHAPE", shape, options)))
    assert words in message
    assert "It is the output tensor 'appended'" in message


def test_an_output_of_four_dimensions_is_a_vector() -> None:
    options = ("ReshapeOptions", {"new_shape": ints(1, 1, 1, 40)})
    model = read_model(altered(lambda model: append(model, "RESHAPE", (1, 1, 1, 40), options)))
    assert model.heads[0].size == 40


def test_a_shape_that_is_open_or_wrong_in_the_file_is_computed() -> None:
    """MediaPipe's models have 1 for every size that their converter did not know."""

    def forget_shapes(model: Record) -> None:
        for tensor in graph_of(model)["tensors"]:
            if model["buffers"][tensor["buffer"]]["data"] is None and tensor["name"] != "serving_default_image:0":
                tensor["shape_signature"] = ints(*[-1] * len(tensor["shape"]))
                tensor["shape"] = ints(*[1] * len(tensor["shape"]))

    assert read_model(altered(forget_shapes)).heads[0].size == 40


@pytest.mark.parametrize(
    ("shape", "signature", "words"),
    [((1, 0), (1, 0), "has no fixed size: 1 x 0."), ((1, 1), (1, -1), "has no fixed size: 1 x -1.")],
)
def test_an_output_of_no_fixed_size_is_refused(shape: tuple[int, ...], signature: tuple[int, ...], words: str) -> None:
    content = altered(lambda model: append(model, "CUSTOM", shape, shape_signature=ints(*signature)))
    assert f"The output index 0 {words} It is the output tensor 'appended'." in refused(content)
    assert "Models of a dynamic size are not supported" in refused(content)


@pytest.mark.parametrize(
    ("values", "words"),
    [
        (
            {"type": tensor_type("INT32"), "quantization": None},
            "Requested one of these types: kTfLiteUint8/kTfLiteInt8/kTfLiteFloat32, got INT32.",
        ),
        ({"quantization": None}, "has type uint8 and no quantization parameters"),
    ],
)
def test_an_output_whose_numbers_have_no_known_scale_or_type_is_refused(values: dict[str, object], words: str) -> None:
    message = refused(altered(change_tensor("outputs", **values)))
    assert words in message
    assert "PartitionedCall:0" in message


def test_a_map_is_not_a_vector(cases: Path) -> None:
    assert "got 12x12, expected 1x1." in refused(cases / "spatial_map_uint8.tflite")


def test_a_model_with_two_inputs_is_refused() -> None:
    def second_input(model: Record) -> None:
        graph = graph_of(model)
        graph["tensors"].append({"shape": ints(1), "name": "threshold", "buffer": 0, "type": 0})
        graph["inputs"] = ints(0, len(graph["tensors"]) - 1)

    message = refused(altered(second_input))
    assert "Models are assumed to have a single input." in message
    assert "'serving_default_image:0', 'threshold'" in message


def test_a_model_without_inputs_is_refused() -> None:
    def only_a_constant(model: Record) -> None:
        graph = graph_of(model)
        graph.update(inputs=None, operators=None, outputs=ints(1))
        model["signature_defs"] = None

    assert "Models are assumed to have a single input. This one has 0: none." in refused(altered(only_a_constant))


def test_a_model_without_outputs_is_refused() -> None:
    assert "has no output" in refused(altered(lambda model: graph_of(model).update(outputs=None)))


def test_a_float_model_without_a_normalisation_is_refused(cases: Path) -> None:
    message = refused(cases / "small96_float_nometa.tflite")
    assert (
        "Input tensor has type kTfLiteFloat32: it requires specifying NormalizationOptions metadata to preprocess "
        "input images."
    ) in message
    assert "give its mean and std" in message


def test_normalisation_for_an_input_that_takes_pixels_is_refused(cases: Path) -> None:
    message = refused(cases / "small96_uint8_meta.tflite", normalization=Normalization((0.0,), (1.0,)))
    assert "takes pixels without normalisation: give no mean and std." in message


# Metadata


def input_note(metadata: Record) -> Record:
    note: Record = metadata["subgraph_metadata"][0]["input_tensor_metadata"][0]
    return note


def normalisation(**values: object) -> Callable[[Record], None]:
    """A change of the normalisation in the metadata."""

    def change(metadata: Record) -> None:
        input_note(metadata)["process_units"][0]["options"][1].update(values)

    return change


def floats(*numbers: float) -> np.ndarray[Any, Any]:
    return np.array(numbers, np.float32)


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (
            normalisation(mean=floats(1, 2), std=floats(1, 2)),
            "NormalizationOptions: only 1 or 3 mean and std values are supported, got 2.",
        ),
        (
            normalisation(mean=None, std=None),
            "NormalizationOptions: only 1 or 3 mean and std values are supported, got 0.",
        ),
        (
            normalisation(mean=floats(1, 2, 3)),
            "NormalizationOptions: expected mean and std of same dimension, got 3 and 1.",
        ),
        (
            normalisation(std=floats(0)),
            (
                "NormalizationOptions.std_values can't be 0. Please check if the tensor metadata has been populated "
                "correctly"
            ),
        ),
        (normalisation(mean=floats(float("nan"))), "NormalizationOptions: mean and std must be finite numbers."),
        (
            lambda metadata: metadata["subgraph_metadata"][0]["input_tensor_metadata"].append({"name": "second"}),
            "Models are assumed to have a single input TensorMetadata.",
        ),
        (
            lambda metadata: input_note(metadata)["content"]["content_properties"][1].update(color_space=2),
            "Only RGB color space is supported for now.",
        ),
        (
            lambda metadata: input_note(metadata)["content"].update(content_properties=("FeatureProperties", {})),
            "Expected ImageProperties for tensor image, got FeatureProperties.",
        ),
        (
            lambda metadata: input_note(metadata).update(process_units=None),
            "it requires specifying NormalizationOptions metadata",
        ),
        (
            lambda metadata: metadata.update(subgraph_metadata=None),
            "it requires specifying NormalizationOptions metadata",
        ),
    ],
)
def test_metadata_of_another_input_than_an_rgb_picture_is_refused(change: Callable[[Record], None], words: str) -> None:
    assert words in refused(metadata_altered(change))


def test_a_given_normalisation_replaces_wrong_metadata() -> None:
    given = Normalization((1.0,), (2.0,))
    wrong = metadata_altered(normalisation(mean=floats(1, 2, 3)))
    assert read_model(wrong, normalization=given).input.normalization == given


def test_a_std_of_zero_does_not_matter_to_an_input_that_takes_pixels() -> None:
    assert read_model(metadata_altered(normalisation(std=floats(0)), UINT8)).input.normalization is None


def test_metadata_of_another_version_is_refused() -> None:
    message = refused(metadata_altered(lambda _: None, identifier=b"M002"))
    assert "Invalid metadata schema version: expected M001, got M002" in message


def test_metadata_that_is_damaged_is_refused() -> None:
    def damage(model: Record) -> None:
        entry = next(entry for entry in model["metadata"] if entry["name"] == "TFLITE_METADATA")
        buffer = model["buffers"][entry["buffer"]]
        buffer["data"] = np.concatenate([buffer["data"][:60], np.full(buffer["data"].size - 60, 255, np.uint8)])

    assert "The model's metadata is not a valid Flatbuffer buffer" in refused(altered(damage, FLOAT))


def test_metadata_that_is_empty_is_refused() -> None:
    def empty(model: Record) -> None:
        entry = next(entry for entry in model["metadata"] if entry["name"] == "TFLITE_METADATA")
        model["buffers"][entry["buffer"]]["data"] = None

    assert "Invalid metadata schema version: expected M001, got" in refused(altered(empty, FLOAT))


def test_head_names_are_left_out_where_their_count_is_wrong(caplog: pytest.LogCaptureFixture) -> None:
    def one_name(metadata: Record) -> None:
        del metadata["subgraph_metadata"][0]["output_tensor_metadata"][1]

    model = read_model(metadata_altered(one_name, "two_heads_uint8_meta"))
    assert [head.name for head in model.heads] == [None, None]
    (name,) = model.ignored_names
    assert caplog.messages == [
        "model file_content: its metadata has 1 names of heads, and it has 2: they are ignored",
    ]
    rule = f"it has no head '{name}', but 0, 1; its metadata has 1 names for 2 heads, which are ignored: use the number"
    with pytest.raises(ModelError, match=re.escape(rule)):
        find_head(model, str(name))


def test_metadata_is_read_again_after_it_was_written() -> None:
    content = bytearray(metadata_altered(lambda _: None))
    model = read_model(bytes(content))
    assert model.heads[0].name == "feature"


def test_the_bundled_model_is_read_quickly() -> None:
    """Reading takes no longer than a few times what this machine needs for a hash of the file and a plain loop."""
    from edged.vision.bundled import bundled_model

    content = bundled_model("efficientnet-lite0").content

    def yardstick() -> None:
        hashlib.sha256(content).digest()
        total = 0
        for number in range(200_000):
            total += number & 7

    reading, measure = math.inf, math.inf
    for _ in range(7):  # in turn, so that whatever else the machine does slows both
        reading = min(reading, seconds_of(lambda: bundled_model("efficientnet-lite0")))
        measure = min(measure, seconds_of(yardstick))
    assert reading < 4 * measure


def seconds_of(work: Callable[[], object]) -> float:
    """The processor time of *work*."""
    begin = time.process_time()
    work()
    return time.process_time() - begin
