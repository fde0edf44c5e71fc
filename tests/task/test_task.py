"""Programs for the Task Library find the same names in the same modules."""

from __future__ import annotations

from pathlib import Path

import edged.vision
from edged.task import core, processor, vision


def test_imports_of_the_task_library_give_the_classes_of_edged_vision() -> None:
    assert core.BaseOptions is edged.vision.BaseOptions
    for name in processor.__all__:
        assert getattr(processor, name) is getattr(edged.vision, name)
    for name in vision.__all__:
        assert getattr(vision, name) is getattr(edged.vision, name)


def test_a_program_of_the_task_library_runs_with_its_imports_changed(cases: Path, demo: Path) -> None:
    """The example of its documentation, with every option in its original place."""
    base_options = core.BaseOptions(file_name=str(cases / "small96_uint8_meta.tflite"), num_threads=2)
    embedding_options = processor.EmbeddingOptions(l2_normalize=True)
    options = vision.ImageEmbedderOptions(base_options=base_options, embedding_options=embedding_options)
    image_embedder = vision.ImageEmbedder.create_from_options(options)

    image_1 = vision.TensorImage.create_from_file(str(demo / "path-busy.jpg"))
    result_1 = image_embedder.embed(image_1)
    image_2 = vision.TensorImage.create_from_file(str(demo / "path-empty.jpg"))
    result_2 = image_embedder.embed(image_2, processor.BoundingBox(0, 0, 100, 80))

    similarity = image_embedder.cosine_similarity(
        result_1.embeddings[0].feature_vector, result_2.embeddings[0].feature_vector
    )
    assert 0 < similarity < 1
    image_embedder.close()
