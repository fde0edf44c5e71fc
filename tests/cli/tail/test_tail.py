"""``edged tail`` as a program, beside a publisher with real sockets."""

from __future__ import annotations

import json
import os
import pty
import re
import select
import signal
import subprocess
import sys
import termios
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from edged.cli import main
from edged.cli.tail import state_lines
from edged.cli.tail.event_lines import sentence
from edged.cli.text import time_of_day
from edged.wire import Message, encode
from tests.publishing import Publisher, event, state, status, vec

pytestmark = pytest.mark.once

SOON = 20.0
TAIL = [sys.executable, "-m", "edged", "tail"]


@pytest.fixture
def publisher(tmp_path: Path) -> Iterator[Publisher]:
    with Publisher(f"ipc://{tmp_path}/pub.sock") as publisher:
        yield publisher


@contextmanager
def tail(publisher: Publisher, *arguments: str, **other: Any) -> Iterator[subprocess.Popen[str]]:
    """A running ``edged tail`` that has subscribed."""
    with subprocess.Popen(
        [*TAIL, publisher.address, *arguments],
        **{"stdout": subprocess.PIPE, "stderr": subprocess.PIPE, "text": True} | other,
    ) as process:
        try:
            kinds = 1 if "--kinds" in arguments else 4 - arguments.count("--events") * (1 + arguments.count("--json"))
            publisher.wait_for_subscription(kinds)
            yield process
        finally:
            process.kill()


def test_json_prints_every_header_unchanged(publisher: Publisher) -> None:
    messages: list[Message] = [vec(0), status(0), vec(1, region="door", model="größe")]
    with tail(publisher, "--json", "--count", "3") as process:
        publisher.send(*messages)
        out, err = process.communicate(timeout=SOON)
    assert out.encode() == b"".join(bytes(encode(message)[1]) + b"\n" for message in messages)
    assert process.returncode == 0
    assert err.startswith("edged tail: 3 messages in ")
    assert "0 lost, 0 restarts" in err


def test_a_header_of_several_lines_is_printed_on_one(publisher: Publisher) -> None:
    topic, header, payload = encode(vec(0))
    with tail(publisher, "--json", "--count", "1") as process:
        publisher.socket.send_multipart([topic, json.dumps(json.loads(header), indent=1).encode(), payload])
        out, _ = process.communicate(timeout=SOON)
    assert json.loads(out) == json.loads(header)
    assert out.count("\n") == 1


def test_json_is_flushed_line_by_line(publisher: Publisher) -> None:
    with tail(publisher, "--json") as process:
        assert process.stdout is not None
        for seq in range(3):
            publisher.send(vec(seq))
            assert json.loads(process.stdout.readline())["seq"] == seq


def test_kinds_cameras_and_regions_are_chosen(publisher: Publisher) -> None:
    chosen = ("--json", "--kinds", "vec", "--camera", "street", "--region", "path", "--count", "1")
    with tail(publisher, *chosen) as process:
        publisher.send(status(0), vec(0, camera="yard"), vec(1, region="door"), vec(2))
        out, _ = process.communicate(timeout=SOON)
    assert json.loads(out)["seq"] == 2


def test_events_are_printed_as_sentences(publisher: Publisher) -> None:
    with tail(publisher, "--events", "--count", "3") as process:
        publisher.send(status(0), event("begin"), event("update"), event("end", s=0.1))
        publisher.send(event("update", event_id="5f3c-2"))  # the begin of which nobody here has heard
        out, err = process.communicate(timeout=SOON)
    begin, end, update = out.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d  street/path: path-empty began \(0\.90\)", begin)
    assert re.fullmatch(r"\d\d:\d\d:\d\d  street/path: path-empty ended after 12\.4 s, peak 0\.97: left", end)
    assert re.fullmatch(r"[0-9:]{8}  street/path: path-empty goes on after 12\.4 s \(0\.90, peak 0\.97\)", update)
    assert err.startswith("edged tail: 5 messages in ")


def test_sentences_name_the_node_if_there_are_several_and_accept_any_time() -> None:
    begin = sentence(event("begin", t_begin_us=1 << 62), with_node=True)
    assert begin.endswith("  porch/street/path: path-empty began (0.90)")
    assert sentence(event("end", reason="camera-lost")).endswith("ended after 12.4 s, peak 0.97: camera lost")
    assert time_of_day(10**30) == "--:--:--"


def test_changes_of_states_are_printed_as_sentences(publisher: Publisher) -> None:
    with tail(publisher, "--events", "--count", "4") as process:
        publisher.send(state(), state("repeat"), event("begin", ref="bay", state="truck"))
        publisher.send(state("repeat", set="door", state="open"))  # the change of which nobody here has heard
        publisher.send(state("camera-lost", state="unknown", was="truck"), state("repeat", state="unknown"))
        out, _ = process.communicate(timeout=SOON)
    change, began, repeat, lost = out.splitlines()
    assert re.fullmatch(r"\d\d:\d\d:\d\d  street/path: bay is truck \(0\.97\), was empty", change)
    assert re.fullmatch(r"[0-9:]{8}  street/path: bay truck began \(0\.90\)", began)
    assert re.fullmatch(r"[0-9:]{8}  street/path: door is still open after 12\.4 s \(0\.97\)", repeat)
    assert re.fullmatch(r"[0-9:]{8}  street/path: bay is unknown, was truck: camera lost", lost)


def test_a_sentence_of_a_state_names_the_node_if_there_are_several_and_cuts_any_text() -> None:
    text = state_lines.sentence(state(set="\x1b[2J", state="x" * 1000, was="\n"), with_node=True)
    assert text.isprintable()
    assert text[8:].startswith("  porch/street/path: ?[2J is xxx")
    assert len(text) < 300


def test_events_in_json_are_events_and_states(publisher: Publisher) -> None:
    with tail(publisher, "--events", "--json", "--count", "2") as process:
        publisher.send(status(0), vec(0), event("begin"), state())
        out, _ = process.communicate(timeout=SOON)
    assert [json.loads(line)["kind"] for line in out.splitlines()] == ["event", "state"]


def test_into_a_pipe_it_prints_one_plain_line_a_second(publisher: Publisher) -> None:
    with tail(publisher) as process:
        assert process.stdout is not None
        publisher.send(status(0), vec(0), vec(1, region="door"), vec(3))
        first, second = process.stdout.readline(), process.stdout.readline()
        start = time.monotonic()
        process.stdout.readline()
        assert 0.5 < time.monotonic() - start < SOON
    assert "  porch/street/door  running  path-busy 0.500  path-empty 0.750  " in first
    assert "  porch/street/path  running  path-busy 0.500  path-empty 0.750  " in second
    assert first.endswith("drops 0  gaps 0\n")
    assert second.endswith("drops 0  gaps 2\n")


def test_it_ends_after_its_seconds_without_a_message_too(publisher: Publisher) -> None:
    assert subprocess.run([*TAIL, publisher.address, "--seconds", "0.5"], stdout=subprocess.PIPE).returncode == 0


def test_it_ends_after_its_seconds_with_status_1_if_the_count_is_not_met(publisher: Publisher) -> None:
    with tail(publisher, "--seconds", "4", "--count", "2") as process:
        publisher.send(vec(0))
        out, err = process.communicate(timeout=SOON)
        assert process.returncode == 1
        assert "porch/street/path" in out  # what came last is shown
        assert "1 message in" in err


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
@pytest.mark.parametrize("form", ["--json", "--plain"])
def test_ctrl_c_and_sigterm_end_it_with_a_summary(publisher: Publisher, number: int, form: str) -> None:
    with tail(publisher, form) as process:
        assert process.stdout is not None
        publisher.send(vec(0))
        process.stdout.readline()
        process.send_signal(number)
        _, err = process.communicate(timeout=SOON)
        assert process.returncode == 0
        assert err.startswith("edged tail: 1 message in ")
        assert err.count("\n") == 1


def test_a_closed_pipe_ends_it_quietly(publisher: Publisher) -> None:
    with tail(publisher, "--json") as process:
        assert process.stdout is not None
        publisher.send(vec(0))
        process.stdout.readline()
        process.stdout.close()
        publisher.send(vec(1), vec(2))
        assert process.wait(timeout=SOON) in (0, 1)
        assert process.stderr is not None
        assert process.stderr.read() == ""


def test_without_messages_it_prints_a_hint_on_stderr(publisher: Publisher) -> None:
    with tail(publisher) as process:
        assert process.stderr is not None
        assert process.stderr.readline() == f"edged tail: waiting for {publisher.address} …\n"
        assert process.stderr.readline().startswith("edged tail: no message yet: is a daemon running")


def test_it_waits_for_a_daemon_that_starts_later(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/late.sock"
    command = [*TAIL, address, "--json", "--count", "1"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process, Publisher(address) as publisher:
        publisher.wait_for_subscription(4)
        publisher.send(vec(5))
        out, _ = process.communicate(timeout=SOON)
    assert json.loads(out)["seq"] == 5


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["tcp://127.0.0.1"], "must be tcp://HOST:PORT or ipc://PATH"),
        (["pub+bind:tcp://127.0.0.1:5556"], "must be tcp://HOST:PORT or ipc://PATH"),
        (["--kinds", "vec,frames"], "must be one or more of vec, event, state, status"),
        (["--camera", "Street"], "must start with a letter"),
        (["--count", "0"], "must be a whole number from 1 on"),
        (["--seconds", "nan"], "must be a number greater than 0"),
        (["--json", "--plain"], "not allowed with"),
        (["--events", "--kinds", "vec"], "not allowed with"),
    ],
)
def test_wrong_arguments_are_reported_with_status_2(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["tail", *arguments])
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


# -- on a terminal ----------------------------------------------------------------------------------------------------


class Terminal:
    """The other end of a pseudo-terminal, with the output so far."""

    def __init__(self, columns: int) -> None:
        self.ours, self.theirs = pty.openpty()
        termios.tcsetwinsize(self.theirs, (24, columns))
        self.text = ""

    def wait_for(self, *words: str) -> None:
        """Read until all *words* were written since the last call."""
        deadline = time.monotonic() + SOON
        while not all(word in self.text for word in words):
            assert time.monotonic() < deadline, f"{words} not in {self.text!r}"
            if select.select([self.ours], [], [], 0.1)[0]:
                self.text += os.read(self.ours, 65536).decode()
        self.text = ""

    def close(self) -> None:
        os.close(self.ours)
        os.close(self.theirs)


@pytest.fixture
def terminal() -> Iterator[Terminal]:
    terminal = Terminal(columns=100)
    yield terminal
    terminal.close()


def test_on_a_terminal_there_is_a_live_view_until_ctrl_c(publisher: Publisher, terminal: Terminal) -> None:
    environment = {**os.environ, "TERM": "xterm-256color", "COLUMNS": "", "LINES": "", "PYTHONUTF8": "1"}
    screen = {"stdin": terminal.theirs, "stdout": terminal.theirs, "stderr": terminal.theirs, "env": environment}
    with tail(publisher, **screen) as process:
        terminal.wait_for("waiting for", publisher.address)
        publisher.send(status(0), vec(0), event("begin"))
        terminal.wait_for("street/path", "running", "path-empty", "█", "0.750", "●", "efficientnet-lite0")
        publisher.send(status(1, state="lost", reason="unplugged"))
        terminal.wait_for("lost", "unplugged")
        publisher.send(status(2, state="stopped", bye=True))
        terminal.wait_for("bye", "the daemon has stopped")
        process.send_signal(signal.SIGINT)
        terminal.wait_for("edged tail: 5 messages")
        assert process.wait(timeout=SOON) == 0


def test_plain_lines_work_on_a_terminal_too(publisher: Publisher, terminal: Terminal) -> None:
    with tail(publisher, "--plain", stdout=terminal.theirs):
        publisher.send(vec(0))
        terminal.wait_for("porch/street/path  -  path-busy 0.500")


def test_the_signal_handlers_of_the_calling_program_are_restored(
    publisher: Publisher, capsys: pytest.CaptureFixture[str]
) -> None:
    def send() -> None:
        publisher.wait_for_subscription(4)
        publisher.send(vec(0))

    sender = threading.Thread(target=send)
    sender.start()
    before = signal.getsignal(signal.SIGTERM)
    try:
        assert main(["tail", publisher.address, "--count", "1"]) == 0
    finally:
        sender.join()
    assert "porch/street/path" in capsys.readouterr().out
    assert signal.getsignal(signal.SIGTERM) is before
