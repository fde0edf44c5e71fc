"""The pages about a daemon: about one that runs, and about stages in every kind of trouble."""

from __future__ import annotations

import json
import re
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass, field
from http import HTTPStatus
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

import pytest
from prometheus_client.parser import text_string_to_metric_families

from edged.board import Health
from edged.client import Subscriber
from edged.config import load_text
from edged.errors import RingClosed
from edged.pipeline.build import Pipeline
from edged.pipeline.camera_stats import CameraState, CameraStats
from edged.pipeline.capture.left_behind import LeftBehind
from edged.pipeline.stage import Stage
from edged.service.metrics.pages import metrics_problems, metrics_server, pages_of
from edged.service.metrics.probes import healthz, readyz
from edged.service.metrics.request import Page
from edged.service.running_stages import RunningStages
from edged.values import Format, PixelFormat
from tests.fakes import eventually

CONFIG = """\
model: {{name: efficientnet-lite0-int8}}
cameras:
  street: {{source: "file:{demo}/street.mp4", loop: true, fps: 10}}
  absent: {{source: "usb:/dev/video99"}}
publish: {{endpoints: ["pub+bind:ipc://pub.sock"]}}
metrics: {{listen: "127.0.0.1:*"}}
"""


@pytest.fixture(scope="module")
def daemon(tmp_path_factory: pytest.TempPathFactory) -> Iterator[tuple[str, str]]:
    """A daemon with one camera that runs and one that does not: where its figures and its messages are."""
    folder, demo = tmp_path_factory.mktemp("daemon"), Path(__file__).parents[3] / "config/demo"
    (folder / "edged.yaml").write_text(CONFIG.format(demo=demo))
    command = [sys.executable, "-m", "edged", "run", "-c", str(folder / "edged.yaml")]
    with subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as process:
        assert process.stderr is not None
        try:
            line = next(line for line in process.stderr if "figures:" in line)
            drain = threading.Thread(target=process.stderr.read)
            drain.start()
            yield line.split()[-1].removesuffix("/metrics"), f"ipc://{folder}/pub.sock"
            process.terminate()
            assert process.wait(10) == 0
        finally:
            process.kill()
            drain.join()


def get(url: str) -> tuple[int, str]:
    """Status and body."""
    try:
        with urllib.request.urlopen(url, timeout=10) as response:
            return response.status, response.read().decode()
    except urllib.error.HTTPError as refused:
        with refused:
            return refused.code, refused.read().decode()


def figures(text: str) -> dict[tuple[str, ...], float]:
    """The samples by name and label values."""
    families = text_string_to_metric_families(text)
    return {(sample.name, *sample.labels.values()): sample.value for family in families for sample in family.samples}


def test_a_running_daemon_serves_its_figures(daemon: tuple[str, str]) -> None:
    url, address = daemon

    def scraped() -> dict[tuple[str, ...], float]:
        status, text = get(f"{url}/metrics")
        assert status == 200
        return figures(text)

    eventually(lambda: scraped()["edged_messages_published_total", "street"] >= 5, "some messages")
    found = scraped()
    assert found["edged_frames_captured_total", "street"] >= 5
    assert found["edged_dropped_total", "street", "ring"] == 0
    assert found["edged_camera_state", "street", "running"] == 1
    assert found["edged_camera_state", "absent", "lost"] == 1
    assert found["edged_camera_state", "absent", "running"] == 0
    count = found["edged_latency_seconds_count", "street", "infer"]
    assert count >= 5
    assert found["edged_latency_seconds_bucket", "street", "+Inf", "infer"] == count
    assert 0 < found["edged_latency_seconds_sum", "street", "infer"] < 10 * count
    assert found["process_resident_memory_bytes",] > 20 << 20
    assert any(name[0] == "edged_model_info" and "efficientnet-lite0-int8" in name for name in found)

    assert found["edged_subscriptions",] == 0
    with Subscriber(address, kinds=("status",)) as subscriber:
        assert subscriber.receive(10) is not None
        assert scraped()["edged_subscriptions",] == 1
    eventually(lambda: scraped()["edged_subscriptions",] == 0, "nobody listens any more")


def test_a_running_daemon_is_healthy_and_ready_though_one_camera_is_not(daemon: tuple[str, str]) -> None:
    url, _ = daemon
    assert get(f"{url}/healthz") == (200, '{"healthy": true, "hanging": []}\n')
    eventually(lambda: get(f"{url}/readyz")[0] == 200, "it is ready")
    body = json.loads(get(f"{url}/readyz")[1])
    assert (body["ready"], body["not_open"]) == (True, {})
    assert body["not_running"]["absent"].startswith("lost: /dev/video99: there is no such device")


def test_the_port_of_another_daemon_is_a_failure_and_not_a_wrong_configuration(
    daemon: tuple[str, str], tmp_path: Path, demo: Path
) -> None:
    taken = daemon[0].removeprefix("http://")
    config = tmp_path / "edged.yaml"
    config.write_text(CONFIG.format(demo=demo).replace("127.0.0.1:*", taken))
    command = [sys.executable, "-m", "edged", "run", "-c", str(config)]
    ended = subprocess.run(command, check=False, stderr=subprocess.PIPE, text=True, timeout=30)
    assert ended.returncode == 1
    assert f"edged: metrics.listen: cannot listen on {taken}: Address already in use\n" in ended.stderr
    assert "Traceback" not in ended.stderr


def test_nothing_listens_and_nothing_is_loaded_where_it_is_off(tmp_path: Path) -> None:
    code = f"""\
import sys
from edged.config import load_text
from edged.service.metrics.pages import metrics_server
loaded = load_text("cameras: {{a: {{source: 'pattern:'}}}}", {str(tmp_path / "edged.yaml")!r})
print(metrics_server(loaded, None), "prometheus_client" in sys.modules)
"""
    done = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert done.stdout == "None False\n"


def test_a_missing_package_is_reported_with_the_cure(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    text = "cameras: {a: {source: 'pattern:'}}\nmetrics:\n  listen: 127.0.0.1:9464\n"
    loaded = load_text(text, tmp_path / "edged.yaml")
    assert metrics_problems(loaded) == []
    monkeypatch.setattr("edged.service.metrics.pages.find_spec", lambda _: None)
    [problem] = metrics_problems(loaded)
    assert str(problem) == (
        f"{tmp_path}/edged.yaml:3:11: metrics.listen: needs the package prometheus-client (edged's extra 'metrics'), "
        f"which is not installed: run '{sys.prefix}/bin/pip install prometheus-client'"
    )
    with pytest.raises(ValueError, match="prometheus-client"):
        metrics_server(loaded, RunningStages(cast("Pipeline", None)))


# -- stages in trouble ------------------------------------------------------------------------------------------------


class Idle(Stage):
    """Does nothing: opens when it is let, ends when it is told."""

    def __init__(self, name: str, *, opens: bool = True) -> None:
        super().__init__(name)
        self.let = threading.Event()
        self.left = threading.Event()
        if opens:
            self.let.set()

    def open(self) -> None:
        self.let.wait(20)

    def step(self) -> None:
        self.left.wait(20)
        raise RingClosed("it is over")

    def wake(self) -> None:
        self.let.set()
        self.left.set()

    def close(self) -> None:
        pass


@dataclass
class Parts:
    """As much of a pipeline as is looked at."""

    stages: list[Idle]
    all_stats: list[CameraStats]
    captures: list[Any] = field(default_factory=list)
    publisher: Any = None
    wiring: Any = field(default_factory=lambda: SimpleNamespace(left_behind=LeftBehind()))


@pytest.fixture
def parts() -> Iterator[Parts]:
    parts = Parts([Idle("inference", opens=False), Idle("publisher")], [CameraStats("front"), CameraStats("back")])
    for stage in parts.stages:
        stage.start(lambda: None)
    assert parts.stages[1].wait_open(10)
    yield parts
    for stage in parts.stages:
        stage.stop()
        assert stage.join(10)


def told(page: Page) -> tuple[int, dict[str, Any]]:
    return page.status.value, json.loads(page.body)


def test_it_is_ready_when_all_is_open_and_a_camera_runs(parts: Parts) -> None:
    pipeline = cast("Pipeline", parts)
    status, body = told(readyz(pipeline))
    assert status == HTTPStatus.SERVICE_UNAVAILABLE
    assert body == {
        "ready": False,
        "not_open": {"inference": "not open yet"},
        "not_running": {"front": "starting", "back": "starting"},
    }
    parts.stages[0].let.set()
    assert parts.stages[0].wait_open(10)
    parts.all_stats[1].turn(CameraState.LOST, "it was unplugged")
    assert told(readyz(pipeline))[0] == HTTPStatus.SERVICE_UNAVAILABLE
    parts.all_stats[0].turn(CameraState.RUNNING)
    assert told(readyz(pipeline)) == (
        200,
        {"ready": True, "not_open": {}, "not_running": {"back": "lost: it was unplugged"}},
    )
    parts.stages[0].stop()
    assert parts.stages[0].join(10)
    assert told(readyz(pipeline))[1]["not_open"] == {"inference": "ended"}


def test_a_stage_that_hangs_makes_it_unhealthy(parts: Parts) -> None:
    assert told(healthz(parts.stages)) == (200, {"healthy": True, "hanging": []})
    parts.stages[1].due = time.monotonic() - 1.0
    assert told(healthz(parts.stages)) == (503, {"healthy": False, "hanging": ["publisher"]})
    parts.stages[1].progress()
    assert told(healthz(parts.stages))[0] == 200


def test_each_scrape_reads_the_pipeline_as_it_is_then(parts: Parts) -> None:
    class Publisher:
        facts = None
        waiting = 3
        subscriptions = 2
        refused_keys = 7
        connections = 4
        decided_states = ()
        refusals = {"key": 7, "message": 1}  # noqa: RUF012 - a stand-in for a property
        health = Health(temp_c=51.5, throttled=0x50001, cma_free_bytes=1024)

    parts.publisher = Publisher()
    running = RunningStages(cast("Pipeline", parts))
    page = pages_of(running)["/metrics"]
    found = figures(page().body.decode())
    assert found["edged_queue_results",] == 3
    assert found["edged_refused_keys_total",] == 7
    assert found["edged_connections",] == 4
    assert found["edged_refused_connections_total", "message"] == 1
    assert found["edged_board_temperature_celsius",] == 51.5
    assert found["edged_board_cma_free_bytes",] == 1024
    assert found["edged_board_throttled", "under-voltage"] == 1
    assert found["edged_board_throttled", "throttled"] == 0
    assert found["edged_board_throttled_before", "throttled"] == 1
    assert ("edged_latency_seconds_count", "front", "infer") not in found
    assert not [name for name in found if name[0] in ("edged_camera_format_info", "edged_camera_picture")]
    parts.all_stats[0].format = Format(1280, 720, PixelFormat.BGR, 30.0, codec="jpeg", decoder="opencv")
    parts.all_stats[0].picture = "covered"
    pictures = {name[1:]: value for name, value in figures(page().body.decode()).items() if "_picture" in name[0]}
    assert (pictures["front", "covered"], pictures["front", "ok"], len(pictures)) == (1, 0, 6)
    (line,) = (line for line in page().body.decode().splitlines() if line.startswith("edged_camera_format_info"))
    labels = 'camera="front",codec="jpeg",decoder="opencv",fps="30",height="720",pixels="bgr",width="1280"'
    assert ",".join(sorted(re.findall(r'\w+="[^"]*"', line))) == labels

    running.pipeline = cast("Pipeline", Parts([], [CameraStats("side")], publisher=parts.publisher))
    cameras = {name[1] for name in figures(page().body.decode()) if name[0] == "edged_camera_state"}
    assert cameras == {"side"}


def test_every_figure_is_in_the_manual(daemon: tuple[str, str]) -> None:
    manual = (Path(__file__).parents[3] / "docs/service.md").read_text()
    names = set(re.findall(r"^# TYPE (edged_\w+)", get(f"{daemon[0]}/metrics")[1], re.MULTILINE))
    assert len(names) >= 12
    assert [name for name in sorted(names) if f"`{name}" not in manual] == []


def test_a_page_of_a_stranger_that_points_its_name_at_this_machine_gets_nothing(daemon: tuple[str, str]) -> None:
    for path in ("/metrics", "/healthz", "/readyz", "/"):
        asked = urllib.request.Request(daemon[0] + path, headers={"Host": "evil.example:9464"})
        with pytest.raises(urllib.error.HTTPError) as refused, urllib.request.urlopen(asked, timeout=10):
            pass
        with refused.value:
            assert refused.value.code == HTTPStatus.MISDIRECTED_REQUEST
            assert b"metrics.hosts" in refused.value.read()
