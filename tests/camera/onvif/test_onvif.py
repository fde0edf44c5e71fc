"""ONVIF cameras: found on a network, asked for their addresses, and mistrusted."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest

from edged.camera.onvif.camera import OnvifCamera, OnvifProfile, ask_camera, ask_cameras, device_at
from edged.camera.onvif.discovery import MOST_ANSWERS, _device, _devices
from edged.camera.onvif.xml import MOST_ELEMENTS, read_xml
from edged.cli import main
from edged.config import load_text
from tests.allocated import allocated
from tests.camera.onvif.onvif_device import OnvifDevice
from tests.camera.servers import free_port

ROOT = Path(__file__).parents[3]


@pytest.fixture
def device() -> Iterator[Callable[..., OnvifDevice]]:
    """Makes stand-ins, which end with the test."""
    with ExitStack() as undo:

        def make(quirk: str = "", password: str = "s3cret") -> OnvifDevice:
            made = OnvifDevice(quirk=quirk, password=password)
            undo.callback(made.close)
            return made

        yield make


def asked(made: OnvifDevice, user: str | None = "admin", password: str = "s3cret") -> OnvifCamera:
    return ask_camera(device_at(f"{made.host}:{made.port}"), user, password)


@pytest.mark.parametrize("quirk", ["", "digest", "clock"])
def test_a_camera_gives_the_addresses_of_its_streams_and_snapshots(
    quirk: str, device: Callable[..., OnvifDevice]
) -> None:
    made = device(quirk)
    assert asked(made) == OnvifCamera(
        "ACME X1",
        made.service,
        (
            OnvifProfile(
                "mainStream",
                "H264",
                1920,
                1080,
                25.0,
                "rtsp://127.0.0.1/ch1?a=1&b=$2",
                f"http://127.0.0.1:{made.port}/snapshot.jpg",
            ),
        ),
    )
    assert not any("s3cret" in text for text in made.authorizations)


@pytest.mark.parametrize(("user", "password"), [(None, ""), ("admin", "wrong"), ("other", "s3cret")])
@pytest.mark.parametrize("quirk", ["", "basic"])
def test_a_wrong_user_is_reported_with_the_cure(
    quirk: str, user: str | None, password: str, device: Callable[..., OnvifDevice]
) -> None:
    made = device(quirk)
    camera = asked(made, user, password)
    assert camera.problem == "it asks for a user and password that it knows: give it with --user"
    assert not camera.profiles
    assert not any(text.startswith("Basic") for text in made.authorizations)


def test_a_camera_that_asks_nobody_is_asked_without_a_user(device: Callable[..., OnvifDevice]) -> None:
    assert asked(device(password=""), None).profiles[0].snapshot


def test_a_camera_without_snapshots_has_its_stream(device: Callable[..., OnvifDevice]) -> None:
    (profile,) = asked(device("nosnapshot")).profiles
    assert (profile.stream, profile.snapshot) == ("rtsp://127.0.0.1/ch1?a=1&b=$2", "")


def test_no_address_of_another_host_is_asked_or_printed(device: Callable[..., OnvifDevice]) -> None:
    made = device("elsewhere")
    camera = asked(made)
    (profile,) = camera.profiles
    assert (profile.stream, profile.snapshot) == ("", "")
    assert camera.problem.startswith("the addresses that it gives for its pictures are none of this host")
    assert made.asked.count("GetProfiles") == 1  # at its own host, though it has named another


@pytest.mark.parametrize(
    ("quirk", "reason"),
    [
        ("bomb", "its answer has a document type, which edged does not read"),
        ("garbage", "its answer is no XML"),
        ("long", "its answer is said to have 524291 bytes, and 262144 are permitted"),
        ("hang", "no answer within 10 s"),
    ],
)
def test_a_camera_that_misbehaves_is_named_with_the_reason(
    quirk: str, reason: str, device: Callable[..., OnvifDevice], monkeypatch: pytest.MonkeyPatch
) -> None:
    if quirk == "hang":
        monkeypatch.setattr("edged.camera.onvif.camera.SECONDS", 0.5)
        reason = "no answer within 0.5 s"
    assert reason in asked(device(quirk)).problem


def test_nobody_at_a_host_is_a_problem() -> None:
    assert ask_camera(device_at(f"127.0.0.1:{free_port()}"), None, "").problem == "nobody listens there"


def test_an_answer_counts_for_its_sender_only(device: Callable[..., OnvifDevice]) -> None:
    made = device()
    answer = made.match(b"<w:MessageID>uuid:one-probe</w:MessageID>")
    found = _device(answer, "127.0.0.1", "one-probe")
    assert found is not None
    assert (found.service.url, found.name) == (made.service, "Front door?")
    assert _device(answer, "127.0.0.2", "one-probe") is None
    assert _device(answer, "127.0.0.1", "another-probe") is None
    assert _device(b"one-probe, no XML", "127.0.0.1", "one-probe") is None


def test_a_flood_of_answers_hides_no_other_device(device: Callable[..., OnvifDevice]) -> None:
    answer = device().match(b"<w:MessageID>uuid:one-probe</w:MessageID>")
    flood = itertools.repeat((b"one-probe, no XML", "127.0.0.9"), 10_000)
    (found,) = _devices(itertools.chain(flood, [(answer, "127.0.0.1")]), "one-probe")
    assert found.name == "Front door?"


def test_of_one_sender_only_so_many_answers_are_read(device: Callable[..., OnvifDevice]) -> None:
    answer = device().match(b"<w:MessageID>uuid:one-probe</w:MessageID>")
    flood = itertools.repeat((b"one-probe, no XML", "127.0.0.1"), MOST_ANSWERS)
    assert not _devices(itertools.chain(flood, [(answer, "127.0.0.1")]), "one-probe")


def test_answers_of_many_senders_take_little_memory() -> None:
    def answers() -> Iterator[tuple[bytes, str]]:
        return ((b"nothing", f"10.{n >> 16}.{n >> 8 & 255}.{n & 255}") for n in range(100_000))

    assert allocated(lambda: _devices(answers(), "one-probe")).peak < 2 << 20


def test_devices_that_are_silent_are_asked_at_the_same_time(
    device: Callable[..., OnvifDevice], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("edged.camera.onvif.camera.SECONDS", 1.0)
    silent = device("hang")
    devices = [device_at(f"{silent.host}:{silent.port}")] * 20
    begin = time.monotonic()
    assert all(camera.problem for camera in ask_cameras(devices, None, ""))
    assert time.monotonic() - begin < 10


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"<a>",
        b"<a><b></a>",
        b'<!DOCTYPE a SYSTEM "file:///etc/passwd"><a/>',
        b"<a>&b;</a>",
        b'<?xml version="1.0" encoding="rot13"?><a/>',
        b'<?xml version="1.0" encoding="none"?><a/>',
        b"<a>" * 60 + b"</a>" * 60,
        b"<a>" + b"<b/>" * MOST_ELEMENTS + b"</a>",
        b"<a>" + b" " * (1 << 18) + b"</a>",
    ],
)
def test_xml_that_is_wrong_or_too_much_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="its answer"):
        read_xml(content)


def test_names_of_xml_have_no_namespace() -> None:
    root = read_xml(b'<x:a xmlns:x="urn:x" x:k="v"> <x:b>one</x:b><c><x:b> t<!-- -->wo </x:b></c></x:a>')
    assert (root.name, root.attributes, root.get("b"), root.get("c", "b"), root.get("d", "b")) == (
        "a",
        {"k": "v"},
        "one",
        "two",
        "",
    )


def test_the_command_prints_lines_for_a_configuration(
    device: Callable[..., OnvifDevice], capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    made, closed = device(), device()
    monkeypatch.setenv("EDGED_ONVIF_PASSWORD", "s3cret")
    closed.quirk = "garbage"
    hosts = [f"127.0.0.1:{each.port}" for each in (made, closed)]
    assert main(["devices", "--onvif", *hosts, "--user", "admin"]) == 0
    printed = capsys.readouterr().out
    assert "s3cret" not in printed
    assert "its answer is no XML" in printed
    monkeypatch.setenv("CAM_PASSWORD", "s3c/ret")
    loaded = load_text(printed, Path("edged.yaml"))
    (camera,) = loaded.config.cameras.values()
    assert camera.source.target == "rtsp://admin:s3c%2Fret@127.0.0.1/ch1?a=1&b=$2"
    assert f'#source: "http://admin:${{CAM_PASSWORD}}@127.0.0.1:{made.port}/snapshot.jpg"' in printed
    assert main(["devices", "--onvif", hosts[0], "--user", "admin", "--json"]) == 0
    (found,) = json.loads(capsys.readouterr().out)
    assert found["profiles"][0]["snapshot"] == f"http://127.0.0.1:{made.port}/snapshot.jpg"


def test_nothing_about_a_password_is_printed_for_a_camera_that_cannot_be_used(
    device: Callable[..., OnvifDevice], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("EDGED_ONVIF_PASSWORD", "s3cret")
    made = device("elsewhere")
    assert main(["devices", "--onvif", f"127.0.0.1:{made.port}", "--user", "admin"]) == 1
    *_, last = capsys.readouterr().out.splitlines()
    assert last.startswith("  # the addresses that it gives for its pictures are none of this host")


def test_a_camera_that_does_not_answer_is_a_failure_for_scripts(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "--onvif", f"127.0.0.1:{free_port()}"]) == 1
    assert "# " in capsys.readouterr().out


def test_wrong_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["devices", "--user", "admin"]) == 2
    assert "--user goes with --onvif" in capsys.readouterr().err
    assert main(["devices", "--onvif", "a/b@c"]) == 2
    assert "--onvif: must be HOST or HOST:PORT" in capsys.readouterr().err


IN_NAMESPACE = """
ip link set lo up
ip link add cam0 type veth peer name net0
ip addr add 10.77.0.1/24 dev net0
ip link set net0 up multicast on
ip link set cam0 up
exec "$@"
"""


@pytest.mark.skipif(
    os.geteuid() != 0 or shutil.which("unshare") is None or shutil.which("ip") is None,
    reason="makes a network of its own, for which it has to be root",
)
def test_a_camera_of_the_network_is_found(tmp_path: Path) -> None:
    script = tmp_path / "find.py"
    script.write_text(
        "import sys\n"
        "from edged.cli import main\n"
        "from tests.camera.onvif.onvif_device import OnvifDevice\n"
        "device = OnvifDevice('10.77.0.1', 0)\n"
        "device.listen('net0')\n"
        "try:\n"
        "    status = main(['devices', '--onvif', '--user', 'admin', '--json'])\n"
        "finally:\n"
        "    device.close()\n"
        "sys.exit(status)\n"
    )
    done = subprocess.run(
        ["unshare", "--net", "sh", "-ec", IN_NAMESPACE, "sh", sys.executable, str(script)],
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
        env={**os.environ, "PYTHONPATH": str(ROOT), "EDGED_ONVIF_PASSWORD": "s3cret"},
    )
    assert done.returncode == 0, done.stderr
    (camera,) = json.loads(done.stdout)
    assert camera["name"] == "Front door?"
    assert camera["profiles"][0]["stream"] == "rtsp://10.77.0.1/ch1?a=1&b=$2"
    assert camera["problem"] == ""
