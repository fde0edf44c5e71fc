"""Measure how well edged decides between two states: by today's rule of scores, and by heads of a few examples.

Examples are drawn from the first part of a clip, and the second part is decided about: as it is, after 17 changes of
light, sensor and camera, and after tampering. The street is vtest.avi of OpenCV's samples, with labels of this project.
Vectors are kept in a cache, so that a second run takes seconds. With --short, one region of the demo's clip is used,
and the figures must keep within bounds. Exit status 0: they do; 1: they do not.
"""

from __future__ import annotations

import argparse
import subprocess
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import numpy as np

from edged.cli.progress import Bar
from edged.states import TrainingSet, leave_one_out, train
from edged.vision.bundled import BUNDLED, bundled_model
from edged.vision.embedder import Embedder
from scripts.decision_quality import report
from scripts.decision_quality.clips import STREET, LabelledRegion, frame_rate, read_labels
from scripts.decision_quality.daemon import decide_by_daemon
from scripts.decision_quality.embeddings import RegionVectors, embed_region
from scripts.decision_quality.experiment import EXAMPLES, Outcome, decide, draw, judge_events, novelties
from scripts.decision_quality.health import picture_states
from scripts.decision_quality.rules import examples_of
from scripts.decision_quality.short import broken_bounds, short_regions

SHORT_EXAMPLES, DAEMON_EXAMPLES = 3, 5  # of each state
SAME = 1e-3  # the largest difference of probabilities that are the same; messages have them rounded

ROOT = Path(__file__).parent.parent.parent
PACKAGE, CLIP = "opencv-doc", Path("usr/share/doc/opencv-doc/examples/data/vtest.avi")


def main() -> int:
    """Print the tables. Returns the exit status."""
    args = _arguments()
    cache = args.cache.expanduser()
    regions = short_regions(ROOT / "config" / "demo") if args.short else _regions(args.clips, cache)
    with Embedder(bundled_model(args.model)) as embedder, Bar("embedding") as bar:
        vectors = [embed_region(region, embedder, cache, _progress(bar, region.name)) for region in regions]
    outcomes = [
        outcome
        for each in vectors
        for outcome in decide(each, args.draws, (SHORT_EXAMPLES,) if args.short else EXAMPLES)
    ]
    if args.daemon:
        return _compare_with_daemon(vectors, outcomes, args)
    if args.short:
        print("\n".join(report.of_accuracy([each for each in outcomes if each.rule == "head"])))
        broken = broken_bounds(outcomes, [novelties(each, 3, args.draws) for each in vectors])
        print("\n".join(broken) or "Within the bounds.")
        return 1 if broken else 0
    for lines in _findings(vectors, outcomes, args):
        print("\n".join(lines), end="\n\n", flush=True)
    return 0


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="scripts/quality", description=__doc__)
    parser.add_argument(
        "--clips", type=Path, metavar="FOLDER", help="other clips, with a labels.json as street.json is"
    )
    parser.add_argument(
        "--model", choices=list(BUNDLED), default="efficientnet-lite0-int8", help="default: %(default)s"
    )
    parser.add_argument("--draws", type=int, default=4, metavar="N", help="draws of examples (default: %(default)s)")
    parser.add_argument(
        "--cache", type=Path, default=Path("~/.cache/edged-decision-quality"), help="default: %(default)s"
    )
    parser.add_argument(
        "--no-pictures", action="store_true", help="leave the states of pictures out, which take longest"
    )
    parser.add_argument("--png", type=Path, metavar="FILE", help="draw the figures, if matplotlib is installed")
    parser.add_argument(
        "--daemon",
        action="store_true",
        help="decide by a whole daemon, too: pictures in a folder, and what a subscriber is sent",
    )
    parser.add_argument("--short", action="store_true", help="the demo's clip, and bounds")
    return parser.parse_args()


def _compare_with_daemon(vectors: list[RegionVectors], outcomes: list[Outcome], args: argparse.Namespace) -> int:
    """Print what a daemon decides beside what was decided here, and the largest difference. Returns the exit status."""
    each = SHORT_EXAMPLES if args.short else DAEMON_EXAMPLES
    here = [outcome for outcome in outcomes if (outcome.rule, outcome.examples) == ("head", each) and outcome.draw == 0]
    there: list[Outcome] = []
    with tempfile.TemporaryDirectory(prefix="edged-") as folder, Bar("deciding") as bar:
        for found in vectors:
            progress = _progress(bar, found.region.name)
            there += decide_by_daemon(found, each, 0, args.model, Path(folder) / "daemon", progress)
    print("\n".join(report.of_accuracy([*here, *there])))
    pairs = {(outcome.region, outcome.change): outcome.p for outcome in here}
    furthest = max(float(np.abs(pairs[outcome.region, outcome.change] - outcome.p).max()) for outcome in there)
    print(f"{sum(len(outcome.p) for outcome in there)} frames; probabilities differ by {furthest:.2g} at most.")
    return 0 if furthest <= SAME else 1


def _findings(
    vectors: list[RegionVectors], outcomes: list[Outcome], args: argparse.Namespace
) -> Iterator[Iterator[str] | list[str]]:
    yield report.of_accuracy(outcomes)
    yield report.of_changes(outcomes)
    yield report.of_calibration(outcomes)
    most = EXAMPLES[-1]
    yield report.of_novelty(most, [novelties(each, most, args.draws) for each in vectors])
    rates = {each.region.clip: frame_rate(each.region.clip) for each in vectors}
    yield [
        line
        for count in EXAMPLES[1:]
        for line in report.of_events(
            count,
            [
                judge_events(each, rates[each.region.clip], count, seed)
                for each in vectors
                for seed in range(args.draws)
            ],
        )
    ]
    yield _costs(vectors[0])
    if args.png:
        from scripts.decision_quality.plot import draw_figures

        draw_figures(outcomes, args.png)
        yield [f"drawn in {args.png}"]
    if not args.no_pictures:
        with Bar("judging pictures") as bar:
            found = [picture_states(each, most, _progress(bar, each.region.name)) for each in vectors]
        yield report.of_pictures(found)


def _costs(vectors: RegionVectors) -> Iterator[str]:
    """Yield what learning costs, by the processor's time of this process."""
    chosen, states = draw(vectors, 10, 0), vectors.region.states
    for times in (1, 5, 10):
        examples = examples_of(chosen, states, times)
        begin = time.process_time()
        train(examples, states)
        trained = time.process_time()
        judged = len(list(leave_one_out(TrainingSet(examples, states))))
        ended = time.process_time()
        yield f"{judged} examples: trained in {(trained - begin) * 1e3:.0f} ms, left out in {ended - trained:.2f} s"


def _progress(bar: Bar, name: str) -> Callable[[int, int], None]:
    def show(done: int, total: int) -> None:
        if bar.is_due:
            bar.show(done / total, name)

    return show


def _regions(clips: Path | None, cache: Path) -> list[LabelledRegion]:
    if clips is not None:
        return read_labels(clips / "labels.json", clips)
    installed = Path("/") / CLIP
    return read_labels(STREET, (installed if installed.exists() else _unpacked(cache)).parent)


def _unpacked(cache: Path) -> Path:
    """Return the clip out of Debian's package, which is downloaded and not installed."""
    clip = cache / CLIP
    if not clip.exists():
        cache.mkdir(parents=True, exist_ok=True)
        subprocess.run(["apt-get", "download", PACKAGE], cwd=cache, check=True)
        (package,) = cache.glob(f"{PACKAGE}_*.deb")
        subprocess.run(["dpkg-deb", "--extract", package, cache], check=True)
    return clip


if __name__ == "__main__":
    raise SystemExit(main())
