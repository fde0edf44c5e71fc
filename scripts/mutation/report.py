"""The report: a table per folder, and the mutants that survived, with those that change nothing set apart."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Iterator, Mapping
from pathlib import Path

from scripts.mutation.trials import Case, Fate

__all__ = ["FateRecord", "equivalents", "lines"]


def equivalents(file: Path) -> dict[tuple[str, str], str]:
    """Return the reasons in *file*, by place and change of the mutant: lines of ``PLACE: CHANGE  # REASON``.

    Neither names a file, because a module may move.
    """
    reasons = {}
    for line in file.read_text().splitlines():
        if line and not line.startswith("#"):
            mutant, _, reason = line.partition("  # ")
            place, _, change = mutant.partition(": ")
            reasons[place, change] = reason
    return reasons


class FateRecord:
    """The fates found so far, in *file*, so that a later run goes on where this one was interrupted."""

    def __init__(self, file: Path | None) -> None:
        self._file = file
        self.fates: dict[str, Fate] = {}
        if file is not None and file.exists():
            for line in file.read_text().splitlines():
                entry = json.loads(line)
                self.fates[entry["key"]] = entry["fate"]

    def add(self, case: Case, fate: Fate) -> None:
        """Take note of the *fate* of *case*, in the file, too."""
        self.fates[case.key] = fate
        if self._file is not None:
            entry = {"key": case.key, "fate": fate, "at": f"{case.module}:{case.mutant.line}"}
            with self._file.open("a") as lines:
                lines.write(json.dumps(entry | {"change": case.mutant.change}) + "\n")


def lines(results: Mapping[Case, Fate], reasons: Mapping[tuple[str, str], str]) -> Iterator[str]:
    """Yield the lines of the report on *results*; *reasons* say which mutants are equivalent."""
    equivalent = {
        case: reasons[case.mutant.place, case.mutant.change]
        for case, fate in results.items()
        if fate == "survived" and (case.mutant.place, case.mutant.change) in reasons
    }
    survivors = [case for case, fate in results.items() if fate == "survived" and case not in equivalent]
    yield f"{'room':12}{'mutants':>9}{'killed':>9}{'timed out':>11}{'survived':>10}{'equivalent':>12}{'score':>8}"
    for room in [*sorted({case.room for case in results}), ""]:
        of_room = [case for case in results if room in ("", case.room)]
        counts = Counter("equivalent" if case in equivalent else results[case] for case in of_room)
        killed = counts["killed"] + counts["timed out"]
        score = f"{killed / (killed + counts['survived']):.0%}" if killed + counts["survived"] else "-"
        figures = f"{counts['killed']:9}{counts['timed out']:11}{counts['survived']:10}{counts['equivalent']:12}"
        yield f"{room or 'all':12}{len(of_room):9}{figures}{score:>8}"
    for title, cases in (("survived", survivors), ("equivalent", list(equivalent))):
        for case in sorted(cases, key=lambda case: (case.module, case.mutant.line)):
            reason = f"  # {equivalent[case]}" if case in equivalent else ""
            yield f"{title}: {case.module}:{case.mutant.line}: {case.mutant.place}: {case.mutant.change}{reason}"
