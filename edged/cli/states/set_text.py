"""Lines about a set of states, for the commands that change or list it."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import TYPE_CHECKING

from edged.cli.text import some

if TYPE_CHECKING:
    from edged.wire.control_results import ExampleInfo, SetReport

__all__ = ["examples_text", "set_lines"]


def set_lines(info: SetReport) -> Iterator[str]:
    """Yield what the examples of a set prove, why it does not decide by all of them, and what to do next."""
    yield f"{info.name}: {info.summary}"
    if info.objection is not None:
        how = "decides by what it learned before" if info.learned else "does not decide by these examples yet"
        yield f"{info.name} {how}: {info.objection}"
    if info.advice is not None:
        yield f"next: {info.advice}"


def examples_text(examples: Sequence[ExampleInfo]) -> str:
    """Return how many examples of which states these are: ``2 examples of empty and 1 example of truck``."""
    counts = Counter(example.state for example in examples)
    return " and ".join(f"{some(count, 'example')} of {state}" for state, count in counts.items())
