"""The findings of each check: on made-up machines in a folder, and on this one."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from edged.board import Board
from edged.config import Endpoint
from edged.service.doctor.configuration import configuration
from edged.service.doctor.delegates import corals
from edged.service.doctor.endpoints import control_finding, endpoint_finding, port_finding
from edged.service.doctor.finding import Finding
from edged.service.doctor.folders import folder_findings
from edged.service.doctor.holder import holder_of_port
from edged.service.doctor.machine import board_findings
from tests.keyed import SERVER, Keys

Write = Callable[[str, str], Path]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Write a file below the root of a made-up machine."""

    def write(path: str, text: str = "") -> Path:
        file = tmp_path / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
        return file

    return write


def levels(findings: Iterator[Finding]) -> dict[str, str]:
    return {finding.topic: finding.level for finding in findings}


# -- the board --------------------------------------------------------------------------------------------------------


def test_a_board_that_is_well(write: Write, tmp_path: Path) -> None:
    write("sys/class/thermal/thermal_zone0/temp", "51200")
    write("sys/devices/platform/soc/soc:firmware/get_throttled", "0")
    write("proc/meminfo", "MemTotal: 948000 kB\nMemAvailable: 600000 kB\nCmaTotal: 65536 kB\nCmaFree: 30720 kB\n")
    write("proc/device-tree/model", "Raspberry Pi 4 Model B\0")
    assert [finding.text for finding in board_findings(Board(tmp_path))] == [
        "Raspberry Pi 4 Model B is at 51 °C",
        "nothing holds the board back",
        "30 of 64 MiB (CMA) are free",
        "585 of 925 MiB are available",
    ]
    assert set(levels(board_findings(Board(tmp_path))).values()) == {"ok"}


def test_a_board_in_trouble_gets_a_finding_with_its_cure(write: Write, tmp_path: Path) -> None:
    write("sys/class/thermal/thermal_zone0/temp", "83000")
    write("sys/devices/platform/soc/soc:firmware/get_throttled", "50005")
    write("proc/meminfo", "MemTotal: 400000 kB\nMemAvailable: 90000 kB\n")
    found = list(board_findings(Board(tmp_path)))
    assert [finding.level for finding in found] == ["warning"] * 3
    assert found[1].text == "under-voltage now, throttled now"
    assert "power supply" in found[1].cure
    assert all(finding.cure for finding in found)


def test_a_machine_without_figures_is_well(tmp_path: Path) -> None:
    assert levels(board_findings(Board(tmp_path))) == {"temperature": "ok"}


# -- delegates --------------------------------------------------------------------------------------------------------


@pytest.mark.parametrize("identity", ["1a6e:089a", "18d1:9302"])
def test_a_coral_on_usb_is_found_before_and_after_its_firmware_is_loaded(
    write: Write, tmp_path: Path, identity: str
) -> None:
    vendor, product = identity.split(":")
    for file, text in {"idVendor": vendor, "idProduct": product, "busnum": "2", "devnum": "7"}.items():
        write(f"sys/bus/usb/devices/2-1/{file}", f"{text}\n")
    write("sys/bus/usb/devices/usb1/idVendor", "1d6b\n")
    [finding] = corals(tmp_path)
    assert finding.level == "warning"
    assert "plugdev" in finding.cure
    write("dev/bus/usb/002/007", "")
    [finding] = corals(tmp_path)
    assert (finding.level, finding.text) == ("ok", f"a Coral on USB ({tmp_path}/dev/bus/usb/002/007)")


def test_a_coral_on_pcie_needs_its_driver(write: Write, tmp_path: Path) -> None:
    write("sys/bus/pci/devices/0000:01:00.0/vendor", "0x1ac1\n")
    write("sys/bus/pci/devices/0000:01:00.0/device", "0x089a\n")
    [finding] = corals(tmp_path)
    assert (finding.level, finding.text) == ("warning", "a Coral on PCIe has no driver")
    write("dev/apex_0", "")
    assert [finding.level for finding in corals(tmp_path)] == ["ok"]


def test_without_a_coral_there_is_no_finding(write: Write, tmp_path: Path) -> None:
    write("sys/bus/usb/devices/1-1/idVendor", "046d\n")
    assert list(corals(tmp_path)) == []


# -- folders ----------------------------------------------------------------------------------------------------------


def test_a_folder_that_does_not_exist_yet_is_checked_by_its_parent(tmp_path: Path) -> None:
    assert levels(folder_findings(tmp_path / "state/edged")) == {"state": "ok", "disk": "ok"}
    assert levels(folder_findings(None)) == {"state": "warning"}


# -- endpoints --------------------------------------------------------------------------------------------------------


def endpoint(text: str) -> Endpoint:
    return Endpoint.parse(text, Path("/"))


@pytest.fixture
def taken() -> Iterator[int]:
    """A port on which this process listens."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        port: int = server.getsockname()[1]
        yield port


def test_the_process_that_listens_on_a_port_is_found(taken: int) -> None:
    found = holder_of_port(taken)
    assert found is not None
    assert found[1] == os.getpid()
    assert holder_of_port(1) is None


def test_a_process_of_edged_is_known_however_it_was_started(write: Write, tmp_path: Path) -> None:
    local = "0: 0100007F:15B4 00000000:0000"
    write(
        "proc/net/tcp",
        f"  sl  local_address\n   {local} 0A 0:0 00:0 0 0 0 4711 1\n   1: {local[3:]} 01 0 0 0 0 0 4712\n",
    )
    (tmp_path / "proc/77/fd").mkdir(parents=True)
    (tmp_path / "proc/77/fd/3").symlink_to("socket:[4711]")
    write("proc/77/comm", "python3\n")
    for command, name in (
        ("/opt/edged/bin/python\0/opt/edged/bin/edged\0run\0", "edged"),
        ("edged\0run\0", "edged"),
        ("python3\0-m\0edged\0run\0", "edged"),
        ("python3\0server.py\0", "python3"),
    ):
        write("proc/77/cmdline", command)
        assert holder_of_port(0x15B4, tmp_path) == (name, 77)


def test_a_free_endpoint_is_free(tmp_path: Path, taken: int) -> None:
    for text in (f"pub+bind:ipc://{tmp_path}/pub.sock", f"pub+bind:ipc://{tmp_path}/new/pub.sock"):
        assert endpoint_finding(endpoint(text)).text == f"{text} is free"
    assert port_finding("it", "127.0.0.2", taken).text == "it is free"
    assert endpoint_finding(endpoint("pub+bind:tcp://127.0.0.1:*")).level == "ok"
    control = control_finding(endpoint(f"pub+bind:ipc://{tmp_path}/control.sock"))
    assert control.text == f"control.endpoint ipc://{tmp_path}/control.sock is free"


def test_an_endpoint_that_another_program_has_is_bad_and_that_one_is_named(taken: int) -> None:
    finding = port_finding("it", "127.0.0.1", taken)
    assert (finding.level, finding.cure) == ("bad", f"end it (kill {os.getpid()}), or choose another port")
    assert f"(pid {os.getpid()})" in finding.text


def test_an_endpoint_that_a_running_daemon_has_is_well(tmp_path: Path) -> None:
    address = f"ipc://{tmp_path}/pub.sock"
    command = [sys.executable, "-m", "tests.publishing", address]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as daemon:
        try:
            assert daemon.stdout is not None
            daemon.stdout.readline()  # the address, once it listens: the file is there a moment before
            finding = endpoint_finding(endpoint(f"pub+bind:{address}"))
        finally:
            daemon.terminate()
    assert finding.level == "ok"
    assert f"{address} is held by a running edged: node " in finding.text


def test_endpoints_that_cannot_be_bound_are_bad(tmp_path: Path) -> None:
    finding = endpoint_finding(endpoint(f"pub+bind:ipc://{tmp_path}/a/b/pub.sock"))
    assert (finding.level, finding.cure) == ("bad", f"mkdir -p {tmp_path}/a/b")
    finding = endpoint_finding(endpoint("pub+bind:tcp://192.0.2.1:5557"))
    assert (finding.level, finding.text.rpartition(": ")[2]) == ("bad", "192.0.2.1 is not an address of this machine")


def test_a_hub_that_does_not_answer_is_a_warning(tmp_path: Path) -> None:
    finding = endpoint_finding(endpoint(f"pub+connect:ipc://{tmp_path}/hub.sock"))
    assert finding.level == "warning"
    assert os.strerror(errno.ENOENT) in finding.text


# -- the configuration ------------------------------------------------------------------------------------------------


def test_every_problem_of_a_configuration_is_a_bad_line_with_its_cure(tmp_path: Path) -> None:
    file = tmp_path / "edged.yaml"
    file.write_text("cameras: {a: {source: 'file:a.mp4', fps: fast}}\nlog: {level: loud}\n")
    found = list(configuration(str(file)))
    assert [finding.level for finding in found] == ["bad", "bad"]
    assert found[1].text.startswith(f"{file}:2:14: log.level: must be one of")
    assert found[1].cure.startswith("correct line 2;")
    [finding] = configuration(str(tmp_path / "none.yaml"))
    assert (finding.level, finding.cure) == ("bad", "name a file that can be read")


def test_a_key_that_others_can_read_is_cured_by_a_command_and_not_in_the_file(tmp_path: Path) -> None:
    keys = Keys(tmp_path, "board")
    keys.secret("board").chmod(0o644)
    file = tmp_path / "edged.yaml"
    file.write_text(f"cameras: {{a: {{source: 'pattern:'}}}}\npublish: {{{SERVER}}}\n")
    [finding] = configuration(str(file))
    assert (finding.level, finding.cure) == ("bad", f"chmod 600 {keys.secret('board')}")
