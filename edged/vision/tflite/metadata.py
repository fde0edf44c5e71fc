"""TFLite Model Metadata: the author's description of a model's input and outputs.

It is a FlatBuffer of its own (tensorflow_lite_support/metadata/metadata_schema.fbs, identifier M001), kept in a
buffer of the model file. Only what an embedder needs is taken from it, but all of it is verified.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from edged.vision.tflite.flatbuffer import (
    FlatbufferError,
    Scalar,
    Table,
    Text,
    Union,
    Vector,
    VectorOf,
    read_flatbuffer,
)

if TYPE_CHECKING:
    import numpy as np
    import numpy.typing as npt

    from edged.vision.tflite.flatbuffer import Record

__all__ = ["METADATA", "MetadataError", "ModelMetadata", "TensorMetadata", "read_metadata"]

IDENTIFIER = b"M001"

# ColorSpaceType
RGB = 1

BYTE = Scalar("b")
INT = Scalar("i")
UINT = Scalar("I")
FLOAT = Scalar("f")
TEXT = Text()
FLOATS = Vector("f4")

FILES = VectorOf(Table("AssociatedFile", name=TEXT, description=TEXT, type=BYTE, locale=TEXT, version=TEXT))

PROCESS_UNITS = VectorOf(
    Table(
        "ProcessUnit",
        options=Union(
            Table("NormalizationOptions", mean=FLOATS, std=FLOATS),
            Table("ScoreCalibrationOptions", score_transformation=BYTE, default_score=FLOAT),
            Table("ScoreThresholdingOptions", global_score_threshold=FLOAT),
            Table("BertTokenizerOptions", vocab_file=FILES),
            Table("SentencePieceTokenizerOptions", sentence_piece_model=FILES, vocab_file=FILES),
            Table("RegexTokenizerOptions", delim_regex_pattern=TEXT, vocab_file=FILES),
            more=True,
        ),
    )
)

CONTENT = Table(
    "Content",
    content_properties=Union(
        Table("FeatureProperties"),
        Table(
            "ImageProperties",
            color_space=BYTE,
            default_size=Table("ImageSize", width=UINT, height=UINT),
        ),
        Table("BoundingBoxProperties", index=Vector("u4"), type=BYTE, coordinate_type=BYTE),
        Table("AudioProperties", sample_rate=UINT, channels=UINT),
        more=True,
    ),
    range=Table("ValueRange", min=INT, max=INT),
)

TENSORS = VectorOf(
    Table(
        "TensorMetadata",
        name=TEXT,
        description=TEXT,
        dimension_names=VectorOf(TEXT),
        content=CONTENT,
        process_units=PROCESS_UNITS,
        stats=Table("Stats", max=FLOATS, min=FLOATS),
        associated_files=FILES,
    )
)

GROUPS = VectorOf(Table("TensorGroup", name=TEXT, tensor_names=VectorOf(TEXT)))

METADATA = Table(
    "ModelMetadata",
    name=TEXT,
    description=TEXT,
    version=TEXT,
    subgraph_metadata=VectorOf(
        Table(
            "SubGraphMetadata",
            name=TEXT,
            description=TEXT,
            input_tensor_metadata=TENSORS,
            output_tensor_metadata=TENSORS,
            associated_files=FILES,
            input_process_units=PROCESS_UNITS,
            output_process_units=PROCESS_UNITS,
            input_tensor_groups=GROUPS,
            output_tensor_groups=GROUPS,
            custom_metadata=VectorOf(Table("CustomMetadata", name=TEXT, data=Vector("u1"))),
        )
    ),
    author=TEXT,
    license=TEXT,
    associated_files=FILES,
    min_parser_version=TEXT,
)
"""The root table."""


class MetadataError(ValueError):
    """The metadata is damaged."""


@dataclass(frozen=True, slots=True)
class TensorMetadata:
    """The description of one input or output.

    ``content`` is the schema's name of its kind of content, such as ``ImageProperties``. ``rgb`` is whether an image is
    described as RGB. ``mean`` and ``std`` are None where the metadata has no normalisation. ``default_size`` is width
    and height of a picture for a model that takes any size.
    """

    name: str | None
    content: str | None = None
    rgb: bool = False
    mean: tuple[float, ...] | None = None
    std: tuple[float, ...] | None = None
    default_size: tuple[int, int] | None = None


@dataclass(frozen=True, slots=True)
class ModelMetadata:
    """The descriptions of the inputs and outputs of the first graph; None where there are none."""

    inputs: tuple[TensorMetadata, ...] | None = None
    outputs: tuple[TensorMetadata, ...] | None = None


def read_metadata(content: bytes) -> ModelMetadata:
    """Read the bytes of a metadata buffer.

    Raises:
        MetadataError: they are damaged, or not metadata.
    """
    if content[4:8] != IDENTIFIER:
        found = content[4:8].decode("latin-1") if content[4:8].isalnum() else ""
        raise MetadataError(f"Invalid metadata schema version: expected {IDENTIFIER.decode()}, got {found}")
    try:
        root = read_flatbuffer(content, METADATA)
    except FlatbufferError as exc:
        raise MetadataError(f"The model's metadata is not a valid Flatbuffer buffer: {exc}") from exc
    graphs = root["subgraph_metadata"]
    if not graphs:
        return ModelMetadata()
    return ModelMetadata(_tensors(graphs[0]["input_tensor_metadata"]), _tensors(graphs[0]["output_tensor_metadata"]))


def _tensors(records: list[Record] | None) -> tuple[TensorMetadata, ...] | None:
    return None if records is None else tuple(map(_tensor, records))


def _tensor(record: Record) -> TensorMetadata:
    content: tuple[str, Record] | None = record["content"] and record["content"]["content_properties"]
    units = [unit["options"] for unit in record["process_units"] or [] if unit["options"]]
    # Of several normalisations the first counts, as in the Task Library.
    options = next((options for kind, options in units if kind == "NormalizationOptions"), None)
    return TensorMetadata(
        name=record["name"] or None,
        content=content[0] if content else None,
        rgb=content is not None and content[1].get("color_space") == RGB,
        mean=_numbers(options["mean"]) if options else None,
        std=_numbers(options["std"]) if options else None,
        default_size=None if content is None else _size(content[1].get("default_size")),
    )


def _size(record: Record | None) -> tuple[int, int] | None:
    return (record["width"], record["height"]) if record and record["width"] and record["height"] else None


def _numbers(vector: npt.NDArray[np.float32] | None) -> tuple[float, ...]:
    return () if vector is None else tuple(vector.tolist())
