"""The output of ``edged embed``: vectors and their similarities, as text for people or as JSON."""

from __future__ import annotations

import json
import math
from typing import TYPE_CHECKING, Any

import numpy as np

from edged.cli.text import printable
from edged.label_text import escaped

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from numpy.typing import NDArray

    from edged.cli.embed.pictures import Pictures
    from edged.values import ReferenceScore

    Matches = Sequence[Sequence[ReferenceScore]]

__all__ = ["as_json", "as_text", "similarities"]

MOST = 1000
"""Most pictures with a matrix of similarities, which has a million numbers then."""


def similarities(vectors: list[NDArray[Any]]) -> NDArray[np.float64]:
    """Return the cosine of each of *vectors* to each, ``(rows, rows)``; NaN for a zero vector."""
    rows = np.array(vectors, np.float64).reshape(len(vectors), -1)
    lengths = np.linalg.norm(rows, axis=1, keepdims=True)
    unit = np.divide(rows, lengths, out=np.full_like(rows, np.nan), where=lengths > 0)
    cosines: NDArray[np.float64] = np.clip(unit @ unit.T, -1.0, 1.0)
    return cosines


def as_text(pictures: Pictures, found: Matches | None = None) -> str:
    """Return the model, the pictures and their similarities in lines; or the matches *found* for each picture."""
    return "\n".join(_lines(pictures, found))


def as_json(pictures: Pictures, found: Matches | None = None) -> str:
    """Return the same as one JSON object; a similarity to a zero vector is null."""
    embedder = pictures.embedder
    done = pictures.done
    cosines = None
    if found is None and len(done) <= MOST:
        cosines = similarities([picture.vector for picture in done]).tolist()
    return json.dumps(
        {
            "model": embedder.model.name,
            "head": embedder.head.index,
            "head_name": embedder.head.name,
            "dimension": embedder.dimension,
            "dtype": embedder.dtype,
            "scale": embedder.scale,
            "norm": "l2" if embedder.l2_normalize else "none",
            "space_id": embedder.space_id,
            "engine": embedder.engine,
            "delegate": embedder.delegate,
            "pictures": [
                {
                    "path": escaped(str(picture.path)),
                    "width": picture.width,
                    "height": picture.height,
                    "vector": [_number(value) for value in picture.vector.tolist()],
                    **_nearest(found, number),
                }
                for number, picture in enumerate(done)
            ],
            "similarity": cosines and [[_number(cosine) for cosine in row] for row in cosines],
            "failed": [{"path": escaped(str(failure.path)), "reason": failure.reason} for failure in pictures.failed],
        },
        allow_nan=False,
    )


def _nearest(found: Matches | None, number: int) -> dict[str, Any]:
    if found is None:
        return {}
    return {"nearest": [{"label": match.label, "s": round(match.similarity, 6)} for match in found[number]]}


def _lines(pictures: Pictures, found: Matches | None) -> Iterator[str]:
    embedder, done = pictures.embedder, pictures.done
    head = f"head {embedder.head.index}" + (f" ({embedder.head.name})" if embedder.head.name else "")
    yield printable(
        f"{embedder.model.name}, {head}: {embedder.dimension} dimensions, space {embedder.space_id}, "
        f"{embedder.engine}, delegate {embedder.delegate}"
    )
    for number, picture in enumerate(done, 1):
        yield f"{number:>3}  {printable(str(picture.path))}  {picture.width} x {picture.height}"
        for match in () if found is None else found[number - 1]:
            yield f"     {match.similarity:9.6f}  {match.label}"
    if len(done) < 2 or found is not None:
        return
    if len(done) > MOST:
        yield f"Cosine similarity: not printed for more than {MOST} pictures; --out writes their vectors"
        return
    cosines = similarities([picture.vector for picture in done])
    if len(done) == 2:
        yield f"Cosine similarity: {cosines[0, 1]:.6f}"
        return
    yield "Cosine similarity:"
    yield "   " + "".join(f"{number:>10}" for number in range(1, len(done) + 1))
    for number, row in enumerate(cosines, 1):
        yield f"{number:>3}" + "".join(f"{cosine:>10.6f}" for cosine in row)


def _number(value: float) -> float | int | None:
    if isinstance(value, int):
        return value
    return float(f"{value:.9g}") if math.isfinite(value) else None  # a float32 has no more than 9 digits
