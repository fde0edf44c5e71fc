"""``edged doctor``: finds what keeps edged from working on this machine, with the cure."""

from __future__ import annotations

import argparse
import json
import sys
from collections.abc import Iterable, Iterator
from dataclasses import asdict
from typing import TYPE_CHECKING

from edged.cli.console import EXIT_FAILURE, Commands, emit

if TYPE_CHECKING:
    from edged.service.doctor.finding import Finding

__all__ = ["add_parser"]

STYLES = {"ok": "green", "warning": "yellow", "bad": "bold red"}
TOPIC_WIDTH = 14


def add_parser(commands: Commands) -> None:
    """Add the command to those of ``edged``."""
    parser = commands.add_parser(
        "doctor",
        help="find what keeps edged from working on this machine, with the cure",
        description="Checks this machine: Python and its libraries, engines and delegates, cameras and the permission "
        "to open them, clock, temperature, power, memory, folders, disk, and whether the endpoints are free. With -c "
        "it also checks everything that a configuration needs. Each line is ok, a warning, or bad with a cure. Exit "
        "status: 0 the daemon can work here; 1 something keeps it from working.",
    )
    parser.add_argument("-c", "--config", metavar="FILE", help="also check everything that this configuration needs")
    parser.add_argument("--json", action="store_true", help="print the findings as JSON, for programs")
    parser.set_defaults(main=doctor)


def doctor(args: argparse.Namespace) -> int:
    """Examine the machine, and print each finding at once."""
    from edged.service.doctor.examination import examine

    findings = []
    show = _on_terminal if sys.stdout.isatty() else _plain
    for finding in examine(args.config):
        findings.append(finding)
        if not args.json:
            show(finding)
    is_well = all(finding.level != "bad" for finding in findings)
    if args.json:
        values = [asdict(finding) for finding in findings]
        emit(json.dumps({"ok": is_well, "findings": values}, indent=2, ensure_ascii=False) + "\n")
    else:
        emit(f"\n{_summary(findings)}\n")
    return 0 if is_well else EXIT_FAILURE


def _plain(finding: Finding) -> None:
    emit("".join(f"{line}\n" for line in _lines(finding)))


def _lines(finding: Finding) -> Iterator[str]:
    yield f"{finding.level:<8} {finding.topic:<{TOPIC_WIDTH}} {finding.text}"
    if finding.cure:
        yield f"{'':<8} {'':<{TOPIC_WIDTH}} cure: {finding.cure}"


def _on_terminal(finding: Finding) -> None:
    from rich.console import Console
    from rich.table import Table
    from rich.text import Text

    text = Text(finding.text)
    if finding.cure:
        text.append(f"\ncure: {finding.cure}", style="bold")
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(width=8)
    table.add_column(width=TOPIC_WIDTH)
    table.add_column(overflow="fold")
    table.add_row(Text(finding.level, style=STYLES[finding.level]), finding.topic, text)
    Console().print(table)


def _summary(findings: Iterable[Finding]) -> str:
    levels = [finding.level for finding in findings]
    if bad := levels.count("bad"):
        return f"edged would not work here: {bad} of {len(levels)} lines are bad"
    if warnings := levels.count("warning"):
        return f"edged would run here; warnings: {warnings}"
    return "edged would run here, and all is well"
