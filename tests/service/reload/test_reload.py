"""A running daemon that gets another configuration: what its subscribers see, and what stays as it was."""

from __future__ import annotations

import os
import shutil
import socket
import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future
from contextlib import closing, contextmanager
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from edged.client import Subscriber
from edged.config import ConfigFileError, load
from edged.errors import PublishError, ReloadError
from edged.pipeline.build import build
from edged.pipeline.stage import Stage
from edged.service.daemon import Daemon
from edged.service.reload import change as reload_change
from edged.service.reload import model_change as reload_model
from edged.service.reload.stage import Reloader
from edged.service.running_stages import RunningStages
from edged.service.systemd_notify import Notifier
from edged.wire import Status, Vec
from tests.fakes import eventually
from tests.keyed import SERVER, Keys, free_port
from tests.service.conftest import Manager

WATCHDOG_SECONDS = 1.0

CONFIG = """\
node: {node}
model: {{path: {model}, mean: 127.5, std: 127.5{more_model}}}
cameras:
  front: {{source: "pattern:120x80"{front}}}
  {second}: {{source: "pattern:{size}", fps: 20}}
references: {{here: {{images: [{picture}]{places}}}}}
publish: {{endpoints: {endpoints}}}
log: {{level: {level}}}
"""


class Board:
    """A daemon in threads of this process, with a small model and two cameras that are drawn."""

    def __init__(self, folder: Path, cases: Path, demo: Path, manager: Manager | None = None) -> None:
        self.address = f"ipc://{folder}/pub.sock"
        self.file = folder / "edged.yaml"
        self.model, self.picture = folder / "model.tflite", folder / "here.jpg"
        shutil.copy(cases / "small96_uint8_meta.tflite", self.model)
        shutil.copy(demo / "path-empty.jpg", self.picture)
        self.write()
        self.running_stages = RunningStages(build(load(self.file)))
        self.reloader = Reloader(self.file, self.running_stages)
        self._notifier = Notifier(manager.address if manager else None)
        self.daemon = Daemon(self.running_stages, self._notifier, WATCHDOG_SECONDS, reloader=self.reloader)
        self.error: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="daemon")

    def write(self, **parts: str) -> None:
        usual = {
            "node": "porch",
            "more_model": "",
            "front": ", fps: 20",
            "second": "back",
            "size": "120x80",
            "places": "",
            "level": "info",
            "endpoints": f'["pub+bind:{self.address}"]',
            "model": str(self.model),
            "picture": str(self.picture),
        }
        text = CONFIG.format(**{**usual, **parts})
        self.file.write_text(text.replace(", mean: 127.5, std: 127.5", ""))

    def reload(self, **parts: str) -> Sequence[str]:
        """Write the configuration with these parts, and have it reloaded."""
        self.write(**parts)
        return self.reloader.request_reload().result(60)

    def strays(self) -> list[Stage]:
        """The stages that run and are not part of the pipeline."""
        parts = [self.reloader, *self.running_stages.pipeline.stages]
        return [stage for stage in self.running_stages.stages if stage not in parts]

    def _run(self) -> None:
        try:
            with closing(self._notifier):
                self.daemon.run()
        except Exception as error:  # noqa: BLE001 - the test looks at it
            self.error = error

    @contextmanager
    def running(self) -> Iterator[Board]:
        self._thread.start()
        try:
            eventually(lambda: self.reloader.running, "a daemon that is ready")
            yield self
        finally:
            self.daemon.stop("the test is over")
            self._thread.join(10)
            assert self.error is None, str(self.error)
            assert not self.daemon.late


@pytest.fixture
def board(tmp_path: Path, cases: Path, demo: Path) -> Iterator[Board]:
    with Board(tmp_path, cases, demo).running() as board:
        yield board


def first(subscriber: Subscriber, wanted: Callable[[Vec | Status], bool]) -> Vec | Status:
    """The next message that is *wanted*."""
    for _ in range(2000):
        message = subscriber.receive(10)
        assert isinstance(message, Vec | Status)
        if wanted(message):
            return message
    raise AssertionError("no such message")


def vec(subscriber: Subscriber, wanted: Callable[[Vec], bool]) -> Vec:
    found = first(subscriber, lambda message: isinstance(message, Vec) and wanted(message))
    assert isinstance(found, Vec)
    return found


def status(subscriber: Subscriber, wanted: Callable[[Status], bool]) -> Status:
    found = first(subscriber, lambda message: isinstance(message, Status) and wanted(message))
    assert isinstance(found, Status)
    return found


def test_live_settings_change_without_a_gap(board: Board, demo: Path) -> None:
    with Subscriber(board.address, kinds=("vec", "status")) as heard:
        before = vec(heard, lambda vec: vec.camera == "front")
        assert board.reload(
            front=", fps: 15, rotation: 90, regions: {left: {right: 0.5}, right: {left: 0.5}}",
            places=", for: [front/left]",
        ) == ("camera front: fps, rotation, regions", "references: changed")
        left = vec(heard, lambda vec: vec.region == "left")
        right = vec(heard, lambda vec: vec.region == "right")
        other = vec(heard, lambda vec: vec.camera == "back" and not vec.sims)
        assert (left.rotation, left.roi, left.refs) == (90, (0.0, 0.0, 0.5, 1.0), 1)
        assert (right.refs, other.refs, other.rotation) == (0, 0, 0)
        assert left.frame_seq > before.frame_seq
        shutil.copy(demo / "path-busy.jpg", board.picture)
        assert board.reload(places=", for: [front]")[-1] == "references: changed"
        after = vec(heard, lambda vec: vec.camera == "front" and vec.region == "full")
        assert after.run == before.run
        assert after.seq > before.seq
        assert after.sims[0].s != before.sims[0].s
        assert not heard.gaps.total()
        assert not heard.restarts.total()


def test_regions_in_pixels_change_without_a_gap_and_are_refused_outside_the_frames(board: Board) -> None:
    with Subscriber(board.address, kinds=("vec", "status")) as heard:
        vec(heard, lambda vec: vec.camera == "front")
        inside = ", fps: 20, regions: {part: {left: 30px, top: 0.5, right: 120px}}"
        assert board.reload(front=inside) == ("camera front: regions",)
        assert vec(heard, lambda vec: vec.region == "part").roi == (0.25, 0.5, 1.0, 1.0)
        with pytest.raises(ConfigFileError) as caught:
            board.reload(front=", fps: 20, regions: {part: {left: 30px, right: 121px}}")
        rule = "121px is outside the frame of 120×80 pixels; write at most 120px, or a number in 0…1"
        assert str(caught.value).endswith(f"cameras.front.regions.part.right: {rule}")
        assert vec(heard, lambda vec: vec.region == "part").roi == (0.25, 0.5, 1.0, 1.0)


def test_a_picture_that_was_replaced_counts_at_once_and_others_are_not_embedded_again(board: Board, demo: Path) -> None:
    known = board.reloader._known
    assert board.reload() == ()
    [first_vector] = known.values()
    assert board.reload() == ()
    assert next(iter(known.values())) is first_vector
    shutil.copy(demo / "path-busy.jpg", board.picture)
    assert board.reload() == ("references: changed",)
    [other] = known.values()
    assert (other != first_vector).any()


def test_a_camera_restarts_alone_others_come_and_go_and_all_count_on(board: Board) -> None:
    with Subscriber(board.address, kinds=("vec", "status")) as heard:
        before = vec(heard, lambda vec: vec.camera == "back" and vec.frame_seq > 3)
        front = board.running_stages.pipeline.cameras["front"].capture
        assert board.reload(size="200x100") == ("camera back: restarted (source)",)
        status(heard, lambda status: status.camera == "back" and status.state == "starting")
        after = vec(heard, lambda vec: vec.camera == "back")
        assert after.frame_seq > before.frame_seq
        assert after.dropped.ring >= before.dropped.ring
        assert board.running_stages.pipeline.cameras["front"].capture is front

        assert board.reload(second="side") == ("camera back: removed", "camera side: added")
        gone = status(heard, lambda status: status.camera == "back" and status.bye)
        assert (gone.state, gone.reason) == ("stopped", "no longer in the configuration")
        vec(heard, lambda vec: vec.camera == "side")
        assert board.reload() == ("camera side: removed", "camera back: added")
        again = vec(heard, lambda vec: vec.camera == "back")
        assert again.run == before.run
        assert again.seq > after.seq
        assert not heard.gaps.total()
        assert not heard.restarts.total()


def test_another_model_takes_over_and_its_messages_name_it(board: Board, cases: Path) -> None:
    with Subscriber(board.address, kinds=("vec", "status")) as heard:
        before = vec(heard, lambda vec: True)
        assert board.reload(more_model=", quantize: true") == ("model: opened anew (quantize)",)
        after = vec(heard, lambda vec: vec.vector.dtype.str == "|i1")
        assert after.dtype == "|i1"
        assert after.sims
        shutil.copy(cases / "small96_float_meta.tflite", board.model)
        assert board.reload(more_model=", quantize: true") == ("model: opened anew (its file)",)
        other = vec(heard, lambda vec: vec.space_id != after.space_id)
        assert other.run == before.run
        assert not heard.gaps.total()
    assert [thread.name for thread in threading.enumerate()].count("inference") == 1


def test_a_wrong_configuration_changes_nothing_and_is_reported_until_it_is_right(
    board: Board, caplog: pytest.LogCaptureFixture
) -> None:
    pipeline = board.running_stages.pipeline
    with Subscriber(board.address, kinds=("status",)) as heard:
        before = status(heard, lambda status: status.config_problem is None)
        with pytest.raises(ConfigFileError) as caught:
            board.reload(front=", fpss: 9", picture="/gone.jpg", level="loud")
        assert len(caught.value.problems) == 2
        told = status(heard, lambda status: status.config_problem is not None)
        assert told.config_problem == str(caught.value)
        assert told.config_hash == before.config_hash
        assert "cameras.front.fpss: unknown key" in caplog.text
        assert "nothing was changed" in caplog.text

        board.model.write_text("no model")
        with pytest.raises(ConfigFileError) as caught:
            board.reload(picture="/gone.jpg")
        assert [problem.path for problem in caught.value.problems] == ["model.path", "references.here.images[0]"]
        assert board.running_stages.pipeline is pipeline


def test_files_that_a_configuration_names_are_checked_before_anything_changes(board: Board, tmp_path: Path) -> None:
    keys = Keys(tmp_path, "board")
    keys.secret("board").chmod(0o644)
    with Subscriber(board.address) as heard:
        vec(heard, lambda vec: True)
        with pytest.raises(ConfigFileError) as caught:
            board.reload(
                front=", fps: 20, rotation: 90",
                places="}, two: {images: [/gone.jpg]",
                endpoints=f'["pub+bind:tcp://127.0.0.1:{free_port()}", "pub+bind:{board.address}"], {SERVER}',
            )
        assert {problem.path for problem in caught.value.problems} == {"publish.server_key", "references.two.images[0]"}
        board.file.write_text(board.file.read_text().replace('"pattern:120x80"', '"file:gone.mp4"'))
        keys.secret("board").chmod(0o600)
        with pytest.raises(ConfigFileError) as caught:
            board.reloader.request_reload().result(60)
        assert "cameras.front.source" in [problem.path for problem in caught.value.problems]
        for _ in range(10):
            assert vec(heard, lambda vec: vec.camera == "front").rotation == 0
        assert not heard.gaps.total()


def test_an_endpoint_that_is_taken_changes_nothing_at_all(board: Board) -> None:
    with (
        socket.socket() as other,
        Subscriber(board.address, kinds=("vec", "status")) as heard,
    ):
        other.bind(("127.0.0.1", 0))
        other.listen()
        taken = f"tcp://127.0.0.1:{other.getsockname()[1]}"
        vec(heard, lambda vec: True)
        inference = board.running_stages.pipeline.inference
        with pytest.raises(PublishError, match=taken):
            board.reload(
                endpoints=f'["pub+bind:{taken}"]', more_model=", quantize: true", front=", rotation: 90", second="side"
            )
        told = status(heard, lambda status: status.config_problem is not None)
        assert taken in str(told.config_problem)
        for _ in range(10):
            after = vec(heard, lambda vec: True)
            assert (after.rotation, after.dtype) == (0, "<f4")
        assert board.strays() == []
        assert board.running_stages.pipeline.inference is inference

        free = f"tcp://127.0.0.1:{free_port()}"
        assert board.reload(endpoints=f'["pub+bind:{free}", "pub+bind:{board.address}"]') == ("publish: changed",)
        assert status(heard, lambda status: status.config_problem is None).run == told.run
        with Subscriber(free) as elsewhere:
            vec(elsewhere, lambda vec: True)
        assert not heard.gaps.total()


def test_a_model_that_needs_the_device_of_the_old_one_takes_its_place_or_the_old_one_comes_back(
    board: Board, monkeypatch: pytest.MonkeyPatch
) -> None:
    """No Coral is there: that both cannot be open at a time is claimed."""
    monkeypatch.setattr(reload_model, "_can_open_beside", lambda old, new: False)
    with Subscriber(board.address, kinds=("vec", "status")) as heard:
        before = vec(heard, lambda vec: True)
        board.reload(more_model=", quantize: true")
        assert vec(heard, lambda vec: vec.dtype == "|i1").run == before.run
        with pytest.raises(ConfigFileError, match=r"model\.delegate"):
            board.reload(more_model=", delegate: {library: /gone.so}")
        board.picture.unlink()  # the old references are needed, and not read again
        told = status(heard, lambda status: status.config_problem is not None)
        after = vec(heard, lambda vec: vec.t_wall_us > told.t_wall_us)
        assert after.dtype == "|i1"
        with socket.socket() as other:
            other.bind(("127.0.0.1", 0))
            other.listen()
            with pytest.raises((PublishError, ConfigFileError)):
                board.reload(endpoints=f'["pub+bind:tcp://127.0.0.1:{other.getsockname()[1]}"]')
        assert vec(heard, lambda vec: vec.seq > after.seq).dtype == "|i1"
        assert vec(heard, lambda vec: bool(vec.sims))


def test_signs_of_life_go_on_during_a_reload_and_a_stop_wins(
    tmp_path: Path, cases: Path, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opening = threading.Event()

    def open_for_ever(loaded: object, embedder: object, go_on: Callable[[], None]) -> None:
        while True:
            go_on()
            opening.set()

    manager = Manager(str(tmp_path / "notify"))
    board = Board(tmp_path, cases, demo, manager)
    with closing(manager), board.running():
        monkeypatch.setattr("edged.pipeline.build.open_references", open_for_ever)
        board.write(more_model=", quantize: true")
        manager.wait_for("READY=1")
        board.daemon.reload()
        manager.wait_for("RELOADING=1")
        assert opening.wait(30)
        manager.wait_for("WATCHDOG=1")  # which goes on,
        manager.wait_for("WATCHDOG=1")
        answer = board.reloader.request_reload()
        board.daemon.stop("now")
        board._thread.join(5)
        assert not board._thread.is_alive()
        assert answer.cancelled()
    assert not [thread for thread in threading.enumerate() if thread.name in ("inference", "reload", "publisher")]


def test_the_service_manager_gets_no_ready_before_the_reload_has_ended(
    tmp_path: Path, cases: Path, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    begun, go_on = threading.Event(), threading.Event()
    prepare = reload_change.Change.prepare

    def prepare_when_told(change: reload_change.Change) -> None:
        begun.set()
        assert go_on.wait(30)
        prepare(change)

    monkeypatch.setattr(reload_change.Change, "prepare", prepare_when_told)
    with closing(Manager(str(tmp_path / "notify"))) as manager:
        board = Board(tmp_path, cases, demo, manager)
        with board.running():
            manager.wait_for("READY=1")
            answer = board.reloader.request_reload()
            assert begun.wait(30)
            manager.wait_for("RELOADING=1")
            for _ in range(3):  # signs of life, each after a look at the reload
                manager.wait_for("WATCHDOG=1")
            assert manager.heard.count("READY=1") == 1
            go_on.set()
            assert answer.result(60) == ()
            manager.wait_for("READY=1")


def test_no_count_goes_back_while_a_camera_is_captured_anew(board: Board, monkeypatch: pytest.MonkeyPatch) -> None:
    reader = board.running_stages.pipeline.cameras["back"].capture.reader
    assert reader is not None
    source = reader._source
    close, pause = source.close, threading.Event()

    def close_slowly() -> None:
        pause.wait(0.3)
        close()

    inference, before = board.running_stages.pipeline.inference, board.running_stages.pipeline.all_stats[1]
    use = inference.use

    def use_late(**settings: Any) -> Future[None]:
        published = before.published
        eventually(lambda: before.published > published, "a message while the pipeline is changed")
        return use(**settings)

    monkeypatch.setattr(source, "close", close_slowly)
    monkeypatch.setattr(inference, "use", use_late)
    eventually(lambda: board.running_stages.pipeline.all_stats[1].published > 3, "some messages")
    board.write(size="200x100")
    answer, counts = board.reloader.request_reload(), list[tuple[int, int]]()
    while not answer.done():
        stats = board.running_stages.pipeline.all_stats[1]  # as Prometheus would ask, at any moment
        counts.append((stats.captured, stats.published))
        pause.wait(0.002)
    assert answer.result(0) == ("camera back: restarted (source)",)
    for earlier, later in pairwise(counts):
        assert later[0] >= earlier[0]
        assert later[1] >= earlier[1]


def test_a_camera_that_does_not_end_is_left_behind_and_captured_anew(
    board: Board, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(reload_change, "END_SECONDS", 0.3)
    hangs, go_on = threading.Event(), threading.Event()
    capture = board.running_stages.pipeline.cameras["back"].capture

    def grab(timeout: float) -> None:
        hangs.set()
        go_on.wait(20)

    assert capture.reader is not None
    monkeypatch.setattr(capture.reader._source, "grab", grab)
    assert hangs.wait(10)
    try:
        with Subscriber(board.address, camera="back") as heard:
            assert board.reload(size="200x100") == ("camera back: restarted (source)",)
            assert "capture back has not ended within 0.3 s and is left behind" in caplog.text
            assert board.strays() == [capture]
            vec(heard, lambda vec: True)
    finally:
        go_on.set()
    eventually(lambda: not board.strays(), "the end of the old capture")
    assert board.running_stages.pipeline.all_stats[1].condition.state == "running", (
        "the old one's end is not told of the new one"
    )


def test_a_reload_that_breaks_off_where_nothing_can_be_undone_ends_the_daemon(
    tmp_path: Path, cases: Path, demo: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def break_off(change: object) -> None:
        raise ReloadError("inference does not answer")

    monkeypatch.setattr(reload_change.Change, "commit", break_off)
    board = Board(tmp_path, cases, demo)
    board._thread.start()
    answer = board.reloader.request_reload()  # before everything is open: it is remembered
    board._thread.join(30)
    assert "could not be completed: inference does not answer" in str(board.error)
    assert answer.cancelled()


def test_several_requests_at_a_time_are_one_reload(board: Board) -> None:
    board.reloader.request_reload().cancel()  # who gives up is no trouble
    answers = [board.reloader.request_reload() for _ in range(50)]
    assert {tuple(answer.result(30)) for answer in answers} == {()}


@pytest.mark.skipif("EDGED_RELOADS" not in os.environ, reason="many rounds: by hand, EDGED_RELOADS=50")
def test_many_reloads_by_hand(board: Board) -> None:
    rounds(board, int(os.environ["EDGED_RELOADS"]))


def test_reloads_leave_no_thread_and_no_file_open(board: Board) -> None:
    rounds(board, 3)


def rounds(board: Board, count: int) -> None:
    port = free_port()

    def once() -> None:
        board.reload(
            more_model=", quantize: true",
            second="side",
            front=", fps: 5",
            endpoints=f'["pub+bind:tcp://127.0.0.1:{port}"]',
        )
        with pytest.raises(ConfigFileError):
            board.reload(front=", nonsense: 1")
        board.reload()

    once()
    threads, files = settled_threads(board), open_files()
    for _ in range(count):
        once()
        assert settled_threads(board) == threads
    eventually(lambda: open_files() <= files, "as many open files as before")


def settled_threads(board: Board) -> list[str]:
    """The names of all threads, once each camera has a thread that reads it: a reload does not wait for these."""
    captures = board.running_stages.pipeline.captures
    eventually(
        lambda: all(capture.reader is not None and capture.reader.running for capture in captures),
        "cameras that are read",
    )
    return sorted(thread.name for thread in threading.enumerate())


def open_files() -> int:
    return len(list(Path("/proc/self/fd").iterdir()))
