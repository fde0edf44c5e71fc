"""The findings of ``edged tune`` as text for people, with lines of YAML to paste, or as JSON."""

from __future__ import annotations

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from textwrap import wrap

from edged.cli.text import lasted, some, time_of_day
from edged.events import Thresholds
from edged.events.proposal import NoProposal, Proposal
from edged.events.score_series import EventSpan
from edged.events.tuning import Tuning

__all__ = ["as_json", "as_text"]

MOST_EVENTS = 20
WIDTH = 110

_OTHER_WAY = (
    "A set of states needs no thresholds: it learns from pictures of each state. Enroll some of this state, and some "
    "of the other one when it is there: edged enroll SET --state {name} --camera {camera} --region {region} --count 5"
)


def as_text(tuning: Tuning, png: Path | None) -> str:
    """Return *tuning* in lines; *png* is the file with the drawing."""
    return "\n".join(_lines(tuning, png))


def as_json(tuning: Tuning, png: Path | None) -> str:
    """Return *tuning* as one JSON object."""
    series, proposal, thresholds = tuning.series, tuning.proposal, tuning.thresholds
    return json.dumps(
        {
            "reference": tuning.reference,
            "node": series.node,
            "camera": series.camera,
            "region": series.region,
            "space_id": series.space_id,
            "scores": len(series.scores),
            "seconds": series.seconds,
            "proposal": asdict(proposal) if isinstance(proposal, Proposal) else None,
            "reason": proposal.reason if isinstance(proposal, NoProposal) else None,
            "thresholds": asdict(thresholds) if thresholds else None,
            "events": [asdict(span) for span in tuning.events],
            "png": str(png) if png else None,
        },
        allow_nan=False,
    )


def _lines(tuning: Tuning, png: Path | None) -> Iterator[str]:
    series, proposal, thresholds = tuning.series, tuning.proposal, tuning.thresholds
    scores = some(len(series.scores), "score")
    yield f"{tuning.reference} in {series.place}: {scores} in {lasted(series.seconds)}"
    yield ""
    if isinstance(proposal, Proposal):
        yield from _reasons(proposal)
    else:
        yield from wrap(f"No thresholds can be proposed: {proposal.reason}.", WIDTH)
        yield ""
        yield from wrap(_OTHER_WAY.format(name=tuning.reference, camera=series.camera, region=series.region), WIDTH)
    if thresholds is not None:
        yield ""
        yield from _events(tuning.events, thresholds)
        yield ""
        yield from _snippet(tuning.reference, thresholds)
    if png is not None:
        yield ""
        yield f"Drawn in {png}"


def _reasons(proposal: Proposal) -> Iterator[str]:
    there, away = proposal.there, proposal.away
    yield f"Proposed: enter {proposal.enter:g}, leave {proposal.leave:g}. The scores form two groups:"
    yield f"  there  {there.median:.3f}, mostly {there.low:.3f} to {there.high:.3f}, {there.share:.0%} of them"
    yield f"  away   {away.median:.3f}, mostly {away.low:.3f} to {away.high:.3f}, {away.share:.0%} of them"
    yield f"Scores near {proposal.valley:.3f} are rarest, and the thresholds are on both sides of it: far enough apart"
    yield f"for the noise of this score, which is {proposal.noise:.3f} from frame to frame."


def _events(events: list[EventSpan], thresholds: Thresholds) -> Iterator[str]:
    yield f"enter {thresholds.enter:g} and leave {thresholds.leave:g} would have made {some(len(events), 'event')}" + (
        ":" if events else "."
    )
    for event in events[:MOST_EVENTS]:
        clock = time_of_day(event.begin_wall_us)
        reason = "still open at the end" if event.reason is None else event.reason.replace("-", " ")
        when = f"{event.begin:.1f} s to {event.end:.1f} s"
        yield f"  {clock}  {when:>20}  {lasted(event.end - event.begin):>12}, peak {event.peak:.2f}: {reason}"
    if len(events) > MOST_EVENTS:
        yield f"  and {len(events) - MOST_EVENTS} more"


def _snippet(reference: str, thresholds: Thresholds) -> Iterator[str]:
    yield "references:"
    yield f"  {reference}:"
    for name, value in asdict(thresholds).items():
        if value or name in ("enter", "leave"):
            yield f"    {name}: {value:g}"
