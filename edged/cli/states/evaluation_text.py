"""The findings about a set of states, as text and as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass

from edged.cli.text import some
from edged.states.evaluation import LIGHTS, Judged, Light, confusion, suspects
from edged.states.report import bound, upper_bound
from edged.values import UNKNOWN

__all__ = ["Evaluation", "as_json", "as_text"]

MOST_SUSPECTS = 10


@dataclass(frozen=True, slots=True)
class Evaluation:
    """The judgements about labelled pictures, and the lights of the examples that taught the set."""

    name: str
    states: tuple[str, ...]
    judged: Sequence[Judged]
    taught: Mapping[Light, int]
    failed: Sequence[str]

    @property
    def answered(self) -> int:
        """The number of pictures whose answer is a state."""
        return sum(each.is_answered for each in self.judged)

    @property
    def wrong(self) -> int:
        """The number of pictures whose answer is another state than theirs."""
        return sum(each.is_wrong for each in self.judged)


def as_text(found: Evaluation) -> str:
    """Return tables of states and of light, and the pictures that should be looked at."""
    parts = (_summary(found), _states(found), _light(found), _suspects(found))
    return "\n".join("".join(f"{line}\n" for line in part) for part in map(list, parts) if part)


def _summary(found: Evaluation) -> Iterator[str]:
    proof = f": {bound(found.wrong, found.answered)}" if found.answered else ""
    pictures = some(len(found.judged), "labelled picture")
    yield f"{found.name}: {pictures}, {found.answered} answered, {found.wrong} of them wrong{proof}"


def _states(found: Evaluation) -> Iterator[str]:
    counts, columns = confusion(found.judged), (*found.states, UNKNOWN)
    width = max(map(len, ("labelled", *columns))) + 2
    yield _row("labelled", columns, width)
    for label in found.states:
        yield _row(label, [counts[label, answer] for answer in columns], width)


def _light(found: Evaluation) -> Iterator[str]:
    yield _row("light", ("pictures", "wrong", UNKNOWN, "examples"), 10)
    missing = []
    for light in LIGHTS:
        here = [each for each in found.judged if each.light == light]
        if here and not found.taught.get(light):
            missing.append(light)
        if here or found.taught.get(light):
            wrong, unknown = sum(each.is_wrong for each in here), sum(not each.is_answered for each in here)
            yield _row(light, (len(here), wrong, unknown, found.taught.get(light, 0)), 10)
    if missing:
        yield f"next: add examples in this light, of which there is none: {', '.join(missing)}"


def _suspects(found: Evaluation) -> Iterator[str]:
    doubtful = suspects(found.judged)
    if doubtful:
        yield "The set is sure of another state here. Look at these pictures, because their labels may be wrong:"
    yield from (f"  {each.name}: {each.guess} {min(each.p, 0.999):.3f}" for each in doubtful[:MOST_SUSPECTS])
    if len(doubtful) > MOST_SUSPECTS:
        yield f"  and {len(doubtful) - MOST_SUSPECTS} more, which --json lists"


def _row(name: str, cells: Sequence[object], width: int) -> str:
    return f"{name:<{width}}" + "".join(f"{cell:>{width}}" for cell in cells)


def as_json(found: Evaluation) -> str:
    """Return all of it as one JSON object."""
    content = {
        "set": found.name,
        "states": found.states,
        "answered": found.answered,
        "wrong": found.wrong,
        "wrong_at_most": round(upper_bound(found.wrong, found.answered), 4) if found.answered else None,
        "examples_by_light": dict(found.taught),
        "suspects": [each.name for each in suspects(found.judged)],
        "failed": list(found.failed),
        "pictures": [asdict(each) for each in found.judged],
    }
    return json.dumps(content, indent=2, ensure_ascii=False) + "\n"
