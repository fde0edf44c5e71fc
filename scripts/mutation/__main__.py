"""Mutation testing by hand: change the code in one small way, and report which changes no test notices.

The work tree is not touched: mutants live in copies of it. Ctrl-C prints what is known so far; with --record, the next
run goes on from there.
"""

from __future__ import annotations

import argparse
import random
import signal
import sys
import time
from collections.abc import Iterable, Sequence
from pathlib import Path

from scripts.mutation.mutants import mutants
from scripts.mutation.report import FateRecord, equivalents, lines
from scripts.mutation.trials import Case, Fate, Trials

ROOT = Path(__file__).parent.parent.parent
EQUIVALENT = Path(__file__).with_name("equivalent.txt")
CORE = (
    "pipeline",
    "service",
    "bridge",
    "events",
    "client",
    "enrolled",
    "wire",
    "transport",
    "camera/http",
    "config",
    "vision",
)
BESIDE_THE_CORE = ("vision/tflite",)  # the verification of model files: scripts/fuzz-models is for that


def modules(places: Sequence[str]) -> list[Path]:
    """Return the modules at *places*, files or folders below ``edged``, relative to the root; without, of the core.

    Raises:
        SystemExit: there is nothing at one of them.
    """
    found: dict[Path, None] = {}
    for place in places or CORE:
        path = ROOT / "edged" / place.removeprefix("edged/").rstrip("/")
        files = sorted(path.rglob("*.py")) if path.is_dir() else [path] if path.is_file() else []
        if not files and places:
            raise SystemExit(f"{place}: there is no module of edged")
        found |= dict.fromkeys(file.relative_to(ROOT) for file in files)
    beside = [Path("edged", place) for place in BESIDE_THE_CORE]
    return [path for path in found if places or not any(path.is_relative_to(folder) for folder in beside)]


def cases(paths: Iterable[Path], sample: int | None, seed: int) -> list[Case]:
    """Return all mutants of *paths*, or *sample* of them at random."""
    sources = {path: (ROOT / path).read_text() for path in paths}
    every = [Case(path, source, mutant) for path, source in sources.items() for mutant in mutants(source)]
    if sample is None or sample >= len(every):
        return every
    chosen = random.Random(seed).sample(range(len(every)), sample)  # noqa: S311 -- the choice is to be repeatable
    return [every[number] for number in sorted(chosen)]


def arguments(given: Sequence[str] | None = None) -> argparse.Namespace:
    """Return what is asked for."""
    parser = argparse.ArgumentParser(prog="scripts/mutate", description=__doc__)
    parser.add_argument("places", nargs="*", metavar="PLACE", help="a module or folder of edged (default: the core)")
    parser.add_argument("--sample", type=int, metavar="N", help="only N mutants, chosen at random")
    parser.add_argument("--seed", type=int, default=1, help="which N: the same seed chooses the same (default: 1)")
    parser.add_argument("--jobs", type=int, default=2, help="how many at a time (default: 2)")
    parser.add_argument("--record", type=Path, metavar="FILE", help="keep fates in FILE, and use those that are there")
    parser.add_argument("--again", action="store_true", help="try those that survived by FILE once more")
    parser.add_argument("--likely", action="store_true", help="run the likely tests only, not the rest of the folder")
    parser.add_argument("--list", action="store_true", help="only list the mutants")
    return parser.parse_args(given)


def main() -> None:
    """Try what is asked for, and print the report in any case. Exit 1: some survived; 130: Ctrl-C."""
    for number in (signal.SIGINT, signal.SIGTERM):  # timeout(1) sends the latter, and wants the report, too
        signal.signal(number, signal.default_int_handler)
    args = arguments()
    chosen = cases(modules(args.places), args.sample, args.seed)
    if args.list:
        for case in chosen:
            print(f"{case.module}:{case.mutant.line}: {case.mutant.place}: {case.mutant.change}")
        return
    record = FateRecord(args.record)
    known = {case: record.fates[case.key] for case in chosen if case.key in record.fates}
    results: dict[Case, Fate] = {case: fate for case, fate in known.items() if not (args.again and fate == "survived")}
    begin, total = time.monotonic(), len(chosen)

    def note(case: Case, fate: Fate) -> None:
        results[case] = fate
        record.add(case, fate)
        minutes, seconds = divmod(round(time.monotonic() - begin), 60)
        survived = sum(fate == "survived" for fate in results.values())
        line = f"{len(results)}/{total}  {survived} survived  {minutes}:{seconds:02}  {case.module}:{case.mutant.line}"
        print(f"\r{line:<100}", end="", file=sys.stderr, flush=True)

    interrupted = False
    try:
        Trials(ROOT, note, 1 if args.likely else 2).run([case for case in chosen if case not in results], args.jobs)
    except KeyboardInterrupt:
        interrupted = True
    print(file=sys.stderr)
    reasons = equivalents(EQUIVALENT)
    print("\n".join(lines(results, reasons)))
    open_ones = any(
        fate == "survived" and (case.mutant.place, case.mutant.change) not in reasons for case, fate in results.items()
    )
    raise SystemExit(130 if interrupted else int(open_ones))


if __name__ == "__main__":
    main()
