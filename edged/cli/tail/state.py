"""The state of ``edged tail``: collected from messages, with one line for each camera and region."""

from __future__ import annotations

from collections import Counter, deque
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, replace
from statistics import median

from edged.peer_text import peer_text
from edged.wire import Event, Match, Message, SetState, State, Status, Vec

__all__ = ["Line", "NodeState", "TailState"]

SILENT_SECONDS = 5.0  # a daemon publishes at least every two
RATE_SECONDS = 3.0
SAMPLES = 101  # messages that the medians are taken over
MAX_CAMERAS = 500  # that are shown, of all nodes together,
MAX_REGIONS = 64  # regions of a camera,
MAX_SCORES = 100  # best scores of a region, and open events of one,
MAX_SETS = 16  # and sets of states of one


@dataclass(frozen=True, slots=True)
class Line:
    """One camera and region. ``region`` is empty if only a ``status`` of the camera came so far.

    ``state`` is that of the last ``status``, ``bye`` after the last one of a clean stop, ``silent`` after some seconds
    without a message, and empty before the first ``status``. ``rate`` is messages per second. ``latency_ms`` and
    ``age_ms`` are medians, from capture to the socket of the daemon and from capture to here; None before the first
    vector. ``events`` are the references with an open event, and its seconds so far; ``more`` is the number of
    references that are not in ``scores``. ``states`` are the decided states of its sets with their probabilities in the
    last frame; before a decision came, the answer for that frame.
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
    more: int = 0
    states: tuple[tuple[str, float], ...] = ()


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
    decided: dict[str, dict[str, str]] = field(default_factory=dict)  # state by region and set
    regions: dict[str, _RegionSeries] = field(default_factory=dict)


@dataclass(slots=True)
class _RegionSeries:
    """The content of the last vector message; not the vector itself, because it may have megabytes."""

    topic: bytes
    facts: NodeState
    scores: tuple[tuple[str, float], ...] = ()
    more: int = 0
    states: tuple[tuple[str, float], ...] = ()
    drops: tuple[tuple[str, int], ...] = ()
    came: deque[float] = field(default_factory=deque)
    totals: deque[int] = field(default_factory=lambda: deque(maxlen=SAMPLES))
    ages: deque[float] = field(default_factory=lambda: deque(maxlen=SAMPLES))


class TailState:
    """Collects messages. Times are seconds on one monotonic clock."""

    def __init__(self) -> None:
        self.counts: Counter[str] = Counter()
        """Messages by kind."""
        self.left_out = 0
        """Messages of more cameras and regions than are shown."""
        self._cameras: dict[tuple[str, str], _CameraRow] = {}

    def add_message(self, message: Message, age_seconds: float, now: float) -> None:
        """Add *message*, which came at *now* and was *age_seconds* old."""
        self.counts[message.kind] += 1
        key = message.node, message.camera
        if key not in self._cameras and len(self._cameras) >= MAX_CAMERAS:
            self.left_out += 1
            return
        camera = self._cameras.setdefault(key, _CameraRow())
        camera.last_seen = now
        run = peer_text(message.run)
        if camera.run != run:  # events of the run before have ended, even if no message said so
            camera.run = run
            camera.events.clear()
            camera.decided.clear()
        match message:
            case Status():
                camera.status = _shortened(message)
            case Vec():
                if message.region not in camera.regions and len(camera.regions) >= MAX_REGIONS:
                    self.left_out += 1
                    return
                region = camera.regions.setdefault(
                    message.region, _RegionSeries(message.topic, _node(message.node, message))
                )
                _add_vec(region, message, camera.decided.get(message.region, {}), age_seconds, now)
            case Event():
                _add_event(camera, message, now)
            case State():
                _add_decided(camera, message)

    def nodes(self) -> list[NodeState]:
        """Return the daemons that sent messages, by name."""
        cameras = self._cameras.values()
        latest = {region.facts.name: region.facts for camera in cameras for region in camera.regions.values()}
        statuses = [camera.status for camera in cameras if camera.status]
        ordered = sorted(statuses, key=lambda status: status.t_wall_us)
        latest |= {status.node: _node(status.node, status) for status in ordered}
        names = sorted({name for name, _ in self._cameras})
        return [latest.get(name, NodeState(name, "", "", "", None)) for name in names]

    def lines(self, now: float, gaps: Mapping[bytes, int]) -> list[Line]:
        """Return a line for each camera and region, by name; *gaps* are the counts of the subscriber."""
        lines = [
            self._line_of_region(*key, name, region, now, gaps)
            for key, camera in self._cameras.items()
            for name, region in camera.regions.items()
        ]
        lines += [self._line_of_camera(*key, now) for key, camera in self._cameras.items() if not camera.regions]
        return sorted(lines, key=lambda line: (line.node, line.camera, line.region))

    def _line_of_region(
        self, node: str, camera: str, name: str, region: _RegionSeries, now: float, gaps: Mapping[bytes, int]
    ) -> Line:
        state, reason = self._state(node, camera, now)
        events = self._cameras[node, camera].events.get(name, {})
        return Line(
            node=node,
            camera=camera,
            region=name,
            state=state,
            reason=reason,
            scores=region.scores,
            rate=_rate(region.came, now),
            latency_ms=median(region.totals) / 1e3,
            age_ms=median(region.ages) * 1e3,
            drops=region.drops,
            gaps=gaps.get(region.topic, 0),
            events=tuple((reference, now - since) for reference, since in events.items()),
            more=region.more,
            states=region.states,
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
        return known.status.state, known.status.reason or ""


def _match_name(match: Match) -> str:
    return peer_text(match.ref if match.label is None else f"{match.ref}:{match.label}")


def _states(answers: tuple[SetState, ...], decided: Mapping[str, str]) -> tuple[tuple[str, float], ...]:
    """Return the *decided* states, ``truck``, with their probabilities in *answers*; of several sets, ``bay truck``."""
    found = []
    for each in answers[:MAX_SETS]:
        state = decided.get(each.set, each.state)
        name = f"{each.set} {state}" if len(answers) > 1 else state
        found.append((peer_text(name), each.p.get(state, max(each.p.values(), default=0.0))))
    return tuple(found)


def _shortened(status: Status) -> Status:
    """Return *status* with texts that can be shown, and none that is not shown."""
    return replace(
        status,
        run="",
        reason=peer_text(status.reason or ""),
        model=peer_text(status.model or ""),
        engine=peer_text(status.engine or ""),
        delegate=peer_text(status.delegate or ""),
        space_id=None,
        config_hash=None,
        config_problem=None,
        sets=(),
    )


def _node(name: str, latest: Vec | Status) -> NodeState:
    return NodeState(
        name=name,
        model=peer_text(latest.model or ""),
        engine=peer_text(latest.engine or ""),
        delegate=peer_text(latest.delegate or ""),
        status=latest if isinstance(latest, Status) else None,
    )


def _add_event(camera: _CameraRow, event: Event, now: float) -> None:
    if event.region not in camera.events and len(camera.events) >= MAX_REGIONS:
        return
    events, name = camera.events.setdefault(event.region, {}), peer_text(event.ref)
    if event.phase == "end":
        events.pop(name, None)
    elif name in events or len(events) < MAX_SCORES:
        events[name] = now - (event.t_wall_us - event.t_begin_us) / 1e6


def _add_decided(camera: _CameraRow, message: State) -> None:
    if message.region not in camera.decided and len(camera.decided) >= MAX_REGIONS:
        return
    decided = camera.decided.setdefault(message.region, {})
    if message.set in decided or len(decided) < MAX_SETS:
        decided[message.set] = message.state


def _add_vec(region: _RegionSeries, message: Vec, decided: Mapping[str, str], age_seconds: float, now: float) -> None:
    region.facts = _node(message.node, message)
    region.scores = tuple((_match_name(match), match.s) for match in message.sims[:MAX_SCORES])
    region.more = len(message.sims) - len(region.scores)
    region.states = _states(message.states, decided)
    region.drops = tuple(asdict(message.dropped).items())
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
