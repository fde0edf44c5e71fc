"""``docs/events.md`` tells the truth."""

from __future__ import annotations

import re
from pathlib import Path
from typing import get_args

from edged.config import load_text
from edged.events import PEAK_STEP, SOONEST_UPDATE_SECONDS, UPDATE_SECONDS, Reason, Thresholds
from edged.events.proposal import BAND
from edged.pipeline.loading.event_rules import event_rules

DOCS = Path(__file__).parent.parent.parent / "docs"
MANUAL = (DOCS / "events.md").read_text()


def test_its_configuration_makes_events(demo: Path) -> None:
    (example,) = re.findall(r"```yaml\n(.*?)```", MANUAL, re.DOTALL)
    text = "cameras: {street: {source: 'file:street.mp4', regions: {path: {}}}}\n" + example
    rules = event_rules(load_text(text, demo / "edged.yaml").config)
    assert rules.at("street", "path") == {"path-empty": Thresholds(0.9, 0.87, 0.5, 2.0)}


def test_it_gives_every_reason_and_the_figures_of_the_code() -> None:
    rows = re.findall(r"^\| `([a-z-]+)` \|", MANUAL, re.MULTILINE)
    assert rows == list(get_args(Reason))
    assert (UPDATE_SECONDS, SOONEST_UPDATE_SECONDS, PEAK_STEP, BAND) == (10.0, 1.0, 0.01, 6.0)
    for figure in ("every 10 s", "by 0.01 or more", "At most once a second", "six times as far apart", "0.03 wide"):
        assert figure in MANUAL


def test_its_links_lead_somewhere() -> None:
    links = re.findall(r"\]\(([^)#]+)\)", MANUAL)
    assert links
    assert all((DOCS / link).exists() for link in links)
