"""A reader of model files, which checks that one is whole and an image embedder before a runtime opens it."""

from __future__ import annotations

import hashlib
import logging
import os
import stat
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from edged.errors import ModelError, ModelNotFoundError
from edged.vision.specs import ModelFile
from edged.vision.tflite.dataflow import check_dataflow
from edged.vision.tflite.dynamic_size import with_default_size
from edged.vision.tflite.flatbuffer import FlatbufferError, read_flatbuffer
from edged.vision.tflite.graph import Network, read_network
from edged.vision.tflite.metadata import MetadataError, ModelMetadata, read_metadata
from edged.vision.tflite.operators import check_operators
from edged.vision.tflite.requirements import RequirementError, image_input, vector_heads
from edged.vision.tflite.schema import IDENTIFIER, MODEL
from edged.vision.tflite.tensors import GraphError

if TYPE_CHECKING:
    from edged.vision.specs import Normalization

__all__ = ["read_model"]

log = logging.getLogger(__name__)

MAX_SIZE = 2**31
"""Most bytes of a model file. Larger models do not fit the machines that edged is made for."""

METADATA_NAME = "TFLITE_METADATA"

_NOTHING_GIVEN = (
    "ExternalFile must specify at least one of 'file_content', 'file_name' or 'file_descriptor_meta'. "
    "Give the path of a .tflite file, or its bytes."
)


def read_model(
    source: str | os.PathLike[str] | bytes,
    *,
    name: str | None = None,
    normalization: Normalization | None = None,
) -> ModelFile:
    """Read the model of a file, or of the bytes of one, and verify all of it.

    *name* stands for the model in messages; by default it is the file's name without its ending. *normalization* is
    used instead of the one in the model's metadata.

    Raises:
        ModelNotFoundError: there is no such file.
        ModelError: it is not a TFLite model, damaged, or not an image embedder.
    """
    if isinstance(source, bytes):
        if not source:
            raise ModelError(_NOTHING_GIVEN)
        label = name or "file_content"
        return _model(source, label, label, normalization)
    path = os.fspath(source)
    if not path:
        raise ModelError(_NOTHING_GIVEN)
    return _model(_read_file(path), name or Path(path).stem, path, normalization)


def _read_file(path: str) -> bytes:
    try:
        status = Path(path).stat()
        # A read from a pipe may wait without end, and /dev/zero has no end.
        plain = stat.S_ISREG(status.st_mode) and status.st_size <= MAX_SIZE
        content = Path(path).read_bytes() if plain else b""
    except FileNotFoundError as exc:
        raise ModelNotFoundError(f"Unable to open file at {path}: {exc.strerror or exc}") from exc
    except OSError as exc:
        raise ModelError(f"Unable to open file at {path}: {exc.strerror or exc}") from exc
    except ValueError as exc:  # it has a NUL, or a byte that is not a character
        raise ModelError(f"Unable to open file at {path!r}: no file can have this path") from exc
    if stat.S_ISDIR(status.st_mode):
        raise ModelError(f"Unable to map file to memory buffer: {path} is a directory, not a model file")
    if not stat.S_ISREG(status.st_mode):
        raise ModelError(f"Unable to map file to memory buffer: {path} is a device or a pipe, not a model file")
    if not plain:
        raise ModelError(
            f"Unable to map file to memory buffer: {path} has {status.st_size} bytes, and 2 GB are the most"
        )
    if not content:
        raise ModelError(f"Unable to get file size: {path} is empty; copy or download it again")
    return content


def _model(content: bytes, name: str, label: str, normalization: Normalization | None) -> ModelFile:
    if content[4:8] != IDENTIFIER:
        raise ModelError(f"model {label}: The model is not a valid Flatbuffer buffer: {_describe_other_file(content)}")
    try:
        network = read_network(read_flatbuffer(content, MODEL), content)
        check_dataflow(network)
        metadata = _metadata(network)
        stored, *others = network.graphs
        graph = with_default_size(stored, metadata)
        image = replace(image_input(graph, metadata, normalization), resized=graph is not stored)
        shapes = check_operators(graph)
        heads = vector_heads(graph, shapes, metadata)
        for other in others:
            check_operators(other)
    except FlatbufferError as exc:
        raise ModelError(
            f"model {label}: The model is not a valid Flatbuffer buffer: {exc}; copy or download it again"
        ) from exc
    except (GraphError, MetadataError, RequirementError) as exc:
        raise ModelError(f"model {label}: {exc}") from exc
    return ModelFile(
        name=name,
        content=content,
        digest=hashlib.sha256(content).hexdigest(),
        input=image,
        heads=heads,
        custom_ops=tuple(sorted({operator.name for operator in graph.operators if operator.custom})),
        ignored_names=_ignored_names(label, metadata, len(heads)),
    )


def _ignored_names(label: str, metadata: ModelMetadata, heads: int) -> tuple[str | None, ...]:
    names = tuple(note.name for note in metadata.outputs or ())
    if not any(names) or len(names) == heads:
        return ()
    log.warning(
        "model %s: its metadata has %d names of heads, and it has %d: they are ignored", label, len(names), heads
    )
    return names


def _metadata(network: Network) -> ModelMetadata:
    content = network.metadata.get(METADATA_NAME)
    return ModelMetadata() if content is None else read_metadata(content.tobytes())


def _describe_other_file(content: bytes) -> str:
    """The kind of a file that is not a TFLite model, judged by its beginning."""
    beginning = content[:512]
    if beginning.startswith(b"version https://git-lfs"):
        return "it is a pointer of Git LFS, and the model is elsewhere ('git lfs pull' fetches it)"
    if beginning.lstrip()[:1] == b"<":
        return "it is a web page, not a model"
    if beginning.startswith(b"PK\3\4"):
        return "it is a ZIP archive (a .task bundle of MediaPipe and a .keras file are); edged needs the .tflite in it"
    if beginning.startswith(b"\x89HDF"):
        return "it is an HDF5 file, as Keras writes; convert it to TFLite"
    if all(byte >= 32 or byte in b"\t\n\r\f" for byte in beginning):
        return f"it is a text file that begins with {beginning[:24].decode(errors='replace')!r}"
    return f"it has the identifier {content[4:8]!r} at byte 4, and should have {IDENTIFIER!r}"
