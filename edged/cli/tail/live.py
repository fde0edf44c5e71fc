"""The live view of ``edged tail`` on a terminal: a pure function from a `View` to what is shown."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from edged.cli.tail.plain import OLD_SCORES, best, dropped, remaining
from edged.cli.tail.state import Line, NodeState
from edged.cli.text import some

__all__ = ["View", "render"]

STATE_STYLES = {
    "running": "green",
    "starting": "cyan",
    "lost": "bold red",
    "frozen": "bold red",
    "silent": "bold red",
    "stopped": "yellow",
    "bye": "yellow",
}
HINT_SECONDS = 3.0
NARROW, ROOMY = 72, 100
EIGHTHS = " ▏▎▍▌▋▊▉█"


@dataclass(frozen=True, slots=True)
class View:
    """Everything that the view shows at one moment, *waited* seconds after the start."""

    address: str
    nodes: tuple[NodeState, ...]
    lines: tuple[Line, ...]
    messages: int
    waited: float
    malformed: int
    problem: str
    restarts: int
    hint: str
    trouble: str = ""


def render(view: View, width: int, *, ascii_only: bool = False) -> RenderableType:
    """Return the live view for a terminal of *width* columns."""
    parts: list[RenderableType] = []
    for node in view.nodes:
        parts += [_heading(node), _table([line for line in view.lines if line.node == node.name], width, ascii_only)]
    parts.append(_footer(view))
    return Group(*parts)


def _heading(node: NodeState) -> Text:
    facts = [node.model, " ".join(filter(None, (node.engine, node.delegate)))]
    if node.status:
        facts.append(f"up {_duration(node.status.uptime_s)}")
        facts += [f"{node.status.rss_bytes / 2**20:.0f} MiB"] if node.status.rss_bytes is not None else []
        facts += [f"{node.status.temp_c:.0f} °C"] if node.status.temp_c is not None else []
    heading = Text(no_wrap=True, overflow="ellipsis").append(node.name, style="bold")
    if node.status and node.status.insecure:
        heading.append(" INSECURE", style="bold red")
    return heading.append("  " + " · ".join(filter(None, facts)), style="dim")


def _table(lines: Sequence[Line], width: int, ascii_only: bool) -> Table:
    gap = 2 if width >= ROOMY else 1
    places = [_place(line, max(13, width // 6)) for line in lines]
    drops = [dropped(line.drops, "\n") for line in lines]
    figures: dict[str, list[str | Text]] = {
        "msg/s": [f"{line.rate:.1f}" for line in lines],
        "latency": [_milliseconds(line.latency_ms) for line in lines],
        "age": [_milliseconds(line.age_ms) for line in lines],
        "drops": [Text(cell, style="dim" if cell == "0" else "yellow") for cell in drops],
        "gaps": [Text(str(line.gaps), style="yellow" if line.gaps else "dim") for line in lines],
    }
    if width < NARROW:
        del figures["latency"], figures["age"]
    # From the usual width of the figures, not from their present one, because the bars would change all the time.
    usual = {"msg/s": 5, "latency": 7, "age": 7, "drops": max(5, _widest(drops)), "gaps": 4}
    taken = _widest(places) + len("starting") + sum(usual[heading] for heading in figures)
    left = max(10, width - taken - gap * (2 + len(figures)))
    table = Table(box=None, padding=(0, gap, 0, 0), pad_edge=False, header_style="dim")
    for heading in ("camera/region", "state", "scores"):
        table.add_column(heading, no_wrap=heading != "scores", overflow="ellipsis")
    for heading in figures:
        table.add_column(heading, no_wrap=True, justify="right")
    for line, place, *cells in zip(lines, places, *figures.values(), strict=True):
        state = Text(line.state or "-", style=STATE_STYLES.get(line.state, ""))
        table.add_row(place, state, _scores(line, left, ascii_only), *cells)
    return table


def _place(line: Line, width: int) -> str:
    """Return ``camera/region``, on two lines if it is too long, and cut if it is still too long."""
    place = f"{line.camera}/{line.region}" if line.region else line.camera
    rows = [place] if len(place) <= width else place.replace("/", "\n/").split("\n")
    return "\n".join(row if len(row) <= width else row[: width - 1] + "…" for row in rows)


def _widest(cells: Sequence[str]) -> int:
    return max(len(row) for cell in cells for row in cell.split("\n"))


def _scores(line: Line, width: int, ascii_only: bool) -> RenderableType:
    """Return the scores and the states of sets as bars, or the reason why there are none."""
    if line.state in OLD_SCORES or not (line.scores or line.states):
        return Text(line.reason, style=STATE_STYLES.get(line.state, "dim"), no_wrap=False)
    shown = best(line.scores)
    events = dict(line.events)
    names = min(_widest([name for name, _ in (*shown, *line.states)]), max(12, width // 3), width - 8)
    free = width - names - 8  # 8: the score, such as -0.123, and two spaces
    since = next((wide for wide in (10, 2) if wide <= free), 0) if events else 0  # such as ● 119 min, or the mark alone
    bar = min(30, max(0, free - since))
    table = Table.grid(padding=(0, 1, 0, 0))
    table.add_column(no_wrap=True, overflow="ellipsis", width=names)
    table.add_column(no_wrap=True, width=bar)
    table.add_column(no_wrap=True, justify="right")
    for name, score in shown:
        style = "bold cyan" if name == line.scores[0][0] else "cyan"
        cells: list[RenderableType] = [name, Text(_bar(score, bar, ascii_only), style=style), f"{score:.3f}"]
        if since and name in events:
            mark = "*" if ascii_only else "●"
            cells.append(Text(f"{mark} {_duration(events[name])}" if since > 2 else mark, style="green"))
        table.add_row(*cells)
    for name, p in line.states:
        table.add_row(name, Text(_bar(p, bar, ascii_only), style="magenta"), f"{p:.2f}")
    more = remaining(line)
    return Group(table, Text(more, style="dim")) if more else table


def _footer(view: View) -> Text:
    words = [
        f"{some(view.messages, 'message')} from {view.address}" if view.messages else f"waiting for {view.address} …"
    ]
    words += [some(view.restarts, "restart")] if view.restarts else []
    words += [f"{view.malformed} not understood ({view.problem})"] if view.malformed else []
    footer = Text(" · ".join([*words, "Ctrl-C ends"]), style="dim" if view.messages else "")
    if view.trouble:
        footer.append(f"\n{view.trouble}", style="bold red")
    elif not view.messages and view.waited > HINT_SECONDS:
        footer.append(f"\nNo message yet: {view.hint}", style="dim")
    return footer


def _bar(score: float, width: int, ascii_only: bool) -> str:
    """Return a bar of at most *width* cells for 0…1; empty for a score below 0."""
    eighths = round(min(max(score, 0.0), 1.0) * width * 8)
    if ascii_only:
        return "#" * round(eighths / 8)
    return "█" * (eighths // 8) + EIGHTHS[eighths % 8].strip()


def _milliseconds(value: float | None) -> str:
    if value is None:
        return "-"
    if abs(value) < 9_999.5:
        return f"{value:.1f} ms" if abs(value) < 99.95 else f"{value:.0f} ms"
    return _duration(value / 1e3)


def _duration(seconds: float) -> str:
    """Return a duration in one unit: ``42 s``, ``12 min``, ``5 h``, ``3 d``."""
    for size, unit in ((86_400, "d"), (3600, "h"), (60, "min")):
        if abs(seconds) >= 2 * size:
            return f"{seconds / size:.0f} {unit}"
    return f"{seconds:.0f} s"
