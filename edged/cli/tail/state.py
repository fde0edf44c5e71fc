"""The state of ``edged tail``: collected from messages, with one line for each camera and region."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from statistics import median

from edged.cli.text import printable
from edged.wire import Event, Match, Message, Status, Vec

__all__ = ["Line", "NodeState", "TailState"]

SILENT_SECONDS = 5.0  # a daemon publishes at least every two
RATE_SECONDS = 3.0
SAMPLES = 101  # messages that the medians are taken over


@dataclass(frozen=True, slots=True)
class Line:
    """One camera and region. ``region`` is empty if only a ``status`` of the camera came so far.

    ``state`` is that of the last ``status``, ``bye`` after the last one of a clean stop, ``silent`` after some seconds
    without a message, and empty before the first ``status``. ``rate`` is messages per second. ``latency_ms`` and
    ``age_ms`` are medians, from capture to the socket of the daemon and from capture to here; None before the first
    vector. ``events`` are the references with an open event, and its seconds so far.
    """

    node: str
    camera: str
    region: str
    state: str
    reason: str
    scores: tuple[tuple[str, float], ...]
    rate: float
    latency_ms: float | None
    age_ms: float | None
    drops: tuple[tuple[str, int], ...]
    gaps: int
    events: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class NodeState:
    """One daemon: its model, engine and delegate, and its last ``status``."""

    name: str
    model: str
    engine: str
    delegate: str
    status: Status | None


@dataclass(slots=True)
class _CameraRow:
    last_seen: float = 0.0
    run: str = ""
    status: Status | None = None
    events: dict[str, dict[str, float]] = field(default_factory=dict)  # begin by region and reference


@dataclass(slots=True)
class _RegionSeries:
    last: Vec
    came: deque[float] = field(default_factory=deque)
    totals: deque[int] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    ages: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))


class TailState:
    """Collects messages. Times are seconds on one monotonic clock."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """Messages by kind."""
        self._cameras: dict[tuple[str, str], _CameraRow] = {}
        self._regions: dict[tuple[str, str, str], _RegionSeries] = {}

    def add_message(self, message: Message, age_seconds: float, now: float) -> None:
        """Add *message*, which came at *now* and was *age_seconds* old."""
        self.counts[message.kind] += 1
        camera = self._cameras.setdefault((message.node, message.camera), _CameraRow())
        camera.last_seen = now
        if camera.run != message.run:  # events of the run before have ended, even without a message
            camera.run = message.run
            camera.events.clear()
        match message:
            case Status():
                camera.status = message
            case Vec():
                key = message.node, message.camera, message.region
                _add_vec(self._regions.setdefault(key, _RegionSeries(message)), message, age_seconds, now)
            case Event():
                _add_event(camera, message, now)

    def nodes(self) -> list[NodeState]:
        """Return the daemons that sent messages, by name."""
        latest: dict[str, Vec | Status] = {region.last.node: region.last for region in self._regions.values()}
        statuses = [camera.status for camera in self._cameras.values() if camera.status]
        latest |= {status.node: status for status in sorted(statuses, key=lambda status: status.t_wall_us)}
        return [_node(name, latest.get(name)) for name in sorted({name for name, _ in self._cameras})]

    def lines(self, now: float, gaps: Mapping[bytes, int]) -> list[Line]:
        """Return a line for each camera and region, by name; *gaps* are the counts of the subscriber."""
        lines = [self._line_of_region(region, now, gaps) for region in self._regions.values()]
        with_regions = {(node, camera) for node, camera, _ in self._regions}
        lines += [self._line_of_camera(*camera, now) for camera in self._cameras if camera not in with_regions]
        return sorted(lines, key=lambda line: (line.node, line.camera, line.region))

    def _line_of_region(self, region: _RegionSeries, now: float, gaps: Mapping[bytes, int]) -> Line:
        last = region.last
        state, reason = self._state(last.node, last.camera, now)
        events = self._cameras[last.node, last.camera].events.get(last.region, {})
        return Line(
            node=last.node,
            camera=last.camera,
            region=last.region,
            state=state,
            reason=reason,
            scores=tuple((_match_name(match), match.s) for match in last.sims),
            rate=_rate(region.came, now),
            latency_ms=median(region.totals) / 1e3,
            age_ms=median(region.ages) * 1e3,
            drops=tuple(asdict(last.dropped).items()),
            gaps=gaps.get(last.topic, 0),
            events=tuple((printable(reference), now - since) for reference, since in events.items()),
        )

    def _line_of_camera(self, node: str, camera: str, now: float) -> Line:
        state, reason = self._state(node, camera, now)
        status = self._cameras[node, camera].status
        drops = tuple(asdict(status.dropped).items()) if status else ()
        return Line(node, camera, "", state, reason, (), 0.0, None, None, drops, 0)

    def _state(self, node: str, camera: str, now: float) -> tuple[str, str]:
        known = self._cameras[node, camera]
        if known.status and known.status.bye:
            return "bye", "the daemon has stopped"
        if now - known.last_seen > SILENT_SECONDS:
            return "silent", f"no message for {now - known.last_seen:.0f} s"
        if known.status is None:
            return "", ""
        return known.status.state, printable(known.status.reason or "")


def _match_name(match: Match) -> str:
    return printable(match.ref if match.label is None else f"{match.ref}:{match.label}")


def _node(name: str, latest: Vec | Status | None) -> NodeState:
    if latest is None:
        return NodeState(name, "", "", "", None)
    return NodeState(
        name=name,
        model=printable(latest.model or ""),
        engine=printable(latest.engine or ""),
        delegate=printable(latest.delegate or ""),
        status=latest if isinstance(latest, Status) else None,
    )


def _add_event(camera: _CameraRow, event: Event, now: float) -> None:
    events = camera.events.setdefault(event.region, {})
    if event.phase == "end":
        events.pop(event.ref, None)
    else:
        events[event.ref] = now - (event.t_wall_us - event.t_begin_us) / 1e6


def _add_vec(region: _RegionSeries, message: Vec, age_seconds: float, now: float) -> None:
    region.last = message
    region.came.append(now)
    while len(region.came) > 3 and region.came[0] < now - RATE_SECONDS:
        region.came.popleft()
    region.totals.append(message.lat_us.total)
    region.ages.append(age_seconds)


def _rate(came: deque[float], now: float) -> float:
    """Return messages per second over the last seconds or few messages; it falls while none come."""
    if len(came) < 2 or now - came[-1] > SILENT_SECONDS or came[-1] <= came[0]:
        return 0.0
    interval = (came[-1] - came[0]) / (len(came) - 1)
    end = came[-1] if now - came[-1] < 2 * interval else now
    return (len(came) - 1) / (end - came[0])
