"""The findings as text."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
import numpy.typing as npt

from edged.states.picture_health import NOVEL
from scripts.decision_quality.changes import CHANGES, TAMPERING
from scripts.decision_quality.experiment import CLEAN, Events, Outcome
from scripts.decision_quality.figures import COLUMNS, accuracy, calibration_error, row, wrong_when_sure

__all__ = ["of_accuracy", "of_calibration", "of_changes", "of_events", "of_novelty", "of_pictures"]

RULES = ("score >= 0.9", "difference", "group", "head", "daemon")


def of_accuracy(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the table of balanced accuracy: rules by changes, with intervals for the first and the last column."""
    yield f"{'balanced accuracy':24}" + "".join(f"{name:>14}" for name in COLUMNS) + f"{'95 %':>16}"
    for rule, examples in sorted({(each.rule, each.examples) for each in outcomes}, key=_order):
        found = row([each for each in outcomes if (each.rule, each.examples) == (rule, examples)])
        last = found["all 17"]
        cells = "".join(f"{found[name].mean:14.3f}" if name in found else f"{'':14}" for name in COLUMNS)
        yield f"{rule + ', ' + str(examples):24}{cells}    {last.low:.3f}…{last.high:.3f}"


def of_changes(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield the balanced accuracy of the head after each change, by the number of examples."""
    heads = [each for each in outcomes if each.rule == "head"]
    counts = sorted({each.examples for each in heads})
    yield f"{'head, each change':24}" + "".join(f"{count:>8}" for count in counts)
    known = {each.change for each in heads}
    for change in (name for name in (CLEAN, *CHANGES) if name in known):
        cells = (accuracy([each for each in heads if each.examples == count], (change,)).mean for count in counts)
        yield f"{change:24}" + "".join(f"{cell:8.3f}" for cell in cells)
    for region in sorted({each.region for each in heads}):
        here = [each for each in heads if each.region == region]
        cells = (accuracy([each for each in here if each.examples == count], tuple(CHANGES)).mean for count in counts)
        yield f"{region + ', changed':24}" + "".join(f"{cell:8.3f}" for cell in cells)


def of_calibration(outcomes: Sequence[Outcome]) -> Iterator[str]:
    """Yield how well the probabilities of the head, and of grouped references, may be believed."""
    yield f"{'':24}{'ECE clean':>12}{'changed':>10}{'sure clean':>12}{'wrong':>8}{'sure changed':>14}{'wrong':>8}"
    for rule, examples in sorted({(each.rule, each.examples) for each in outcomes}, key=_order):
        if rule not in ("head", "group"):
            continue
        mine = [each for each in outcomes if (each.rule, each.examples) == (rule, examples)]
        clean = [each for each in mine if each.change == CLEAN]
        changed = [each for each in mine if each.change in CHANGES]
        (wrong, sure), (wrong_changed, sure_changed) = wrong_when_sure(clean), wrong_when_sure(changed)
        yield (
            f"{rule + ', ' + str(examples):24}{calibration_error(clean):12.3f}{calibration_error(changed):10.3f}"
            f"{sure:12.1%}{wrong:8.1%}{sure_changed:14.1%}{wrong_changed:8.1%}"
        )


def of_novelty(examples: int, found: Sequence[Mapping[str, npt.NDArray[np.float64]]]) -> Iterator[str]:
    """Yield the share of frames that are novel, with *examples* of each state, after each change."""
    yield f"novelty, {examples} + {examples} examples"
    for change in (CLEAN, *CHANGES, *TAMPERING):
        values = [each[change] for each in found if change in each]
        if values:
            together = np.concatenate(values)
            low, high = np.quantile(together, (0.05, 0.95))
            usual = f"{np.median(together):.2f} ({low:.2f}…{high:.2f})"
            shares = "".join(f"   above {limit}: {(together > limit).mean():6.1%}" for limit in (1, NOVEL))
            yield f"  {change:22}{shares}   median {usual}"


def of_events(examples: int, found: Sequence[Events]) -> Iterator[str]:
    """Yield precision and recall of events."""
    right, decided = sum(each.right for each in found), sum(each.decided for each in found)
    caught, there = sum(each.found for each in found), sum(each.there for each in found)
    yield (
        f"events, {examples} + {examples} examples: precision {right / max(decided, 1):.3f} ({right} of {decided}), "
        f"recall {caught / max(there, 1):.3f} ({caught} of {there})"
    )


def of_pictures(found: Sequence[Mapping[str, Counter[str]]]) -> Iterator[str]:
    """Yield how often a picture was judged to be what, after each change, one picture at a time."""
    states = ("ok", "covered", "blurred", "dazzled", "moved", "changed")
    yield f"{'state of a picture':24}" + "".join(f"{state:>9}" for state in states)
    for change in (CLEAN, *CHANGES, *TAMPERING):
        together = sum((each[change] for each in found if change in each), Counter[str]())
        if total := together.total():
            yield f"{change:24}" + "".join(f"{together[state] / total:9.1%}" for state in states)


def _order(pair: tuple[str, int]) -> tuple[int, int]:
    return RULES.index(pair[0]), pair[1]
