"""The page as a service: in a plain Debian under its systemd, reached by tabs of another process."""

from __future__ import annotations

import os
import re
import time
from collections.abc import Iterator
from typing import Any

import pytest
from websockets.exceptions import ConnectionClosed

from edged.cli.page.arguments import IDLE_SECONDS
from tests.namespaces import connected_from
from tests.page.serving import Browser, Site
from tests.service.board import CONFIG, UNITS, Board
from tests.service.debian import Debian, lacking
from tests.service.test_unit import MOST_EXPOSURE

SUITE = os.environ.get("EDGED_SERVICE_RIG_SUITE", "bookworm")
HOST, PORT = "127.0.0.1", 8080
DROP_IN = f"{UNITS}/edged-page.service.d/test.conf"
BAY = {"left": 0.25, "top": 0.25, "right": 0.75, "bottom": 0.75}
WRITTEN = "bay: {left: 0.25, top: 0.25, right: 0.75, bottom: 0.75}"

CONFIGURED = """\
version: 2
cameras:
  test:  # the one that is there
    source: "pattern:"
    fps: 2
    regions:
      path: {left: 64px, top: 0.1, right: 0.5, bottom: 0.9}  # in pixels
  front: {source: "http://me:${CREDENTIAL:front}@127.0.0.1:9/"}
"""

pytestmark = [
    pytest.mark.board,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        "EDGED_RIG" not in os.environ or bool(lacking(to_boot=True)),
        reason=lacking(to_boot=True) or "only by hand, with scripts/service-rig",
    ),
]


@pytest.fixture(scope="module")
def board() -> Iterator[Board]:
    debian = Debian(SUITE)
    try:
        debian.run("scripts/install")
        with debian.booted():
            yield Board(debian)
    finally:
        debian.remove()


@pytest.fixture
def site(board: Board) -> Iterator[Site]:
    """The page, as docs/page.md has it started: its daemon runs as it is installed."""
    config = board.sh(f"cat {CONFIG}")
    board.set_up()
    board.sh("systemctl enable --now edged-page.socket")
    site = Site(f"{HOST}:{PORT}", lambda: connected_from(board.network, HOST, PORT))
    status, _, _ = site.get("/")
    assert status == 200
    yield site
    board.sh(f"systemctl stop edged-page.socket edged-page.service || true; rm -f {DROP_IN}; systemctl daemon-reload")
    board.write(CONFIG, config)


def cookie(board: Board, site: Site) -> str:
    """The cookie of a browser that has opened the URL that may change something."""
    urls = board.sh("edged page --show-url --token-file /var/lib/edged-page/tokens").splitlines()
    url = next(line.split()[0] for line in urls if line.endswith("to see and change"))
    assert url.startswith(f"http://{HOST}:{PORT}/#token=")
    return site.session(url.partition("#token=")[2])


def keep(browser: Browser, **regions: dict[str, float]) -> dict[str, Any]:
    """The reply to a request to keep these regions."""
    browser.send("request", id="keep", op="keep", camera="test", regions=regions)
    return browser.wait_for(lambda message: message.get("id") == "keep", 60)


def knows(browser: Browser) -> dict[str, Any]:
    """The hello of a page that knows the daemon."""
    return browser.wait_for(lambda message: message.get("type") == "hello" and message["node"] is not None)


def is_active(board: Board) -> bool:
    return board.show("ActiveState", "edged-page.service") == "active"


def test_nobody_can_connect_until_its_socket_is_enabled(board: Board) -> None:
    assert board.ask("systemctl", "is-enabled", "edged-page.socket", check=False).strip() == "disabled"
    assert not is_active(board)
    with pytest.raises(ConnectionRefusedError):
        connected_from(board.network, HOST, PORT)


def test_a_browser_starts_it_and_it_ends_a_minute_after_the_last_one(board: Board, site: Site) -> None:
    shown = cookie(board, site)
    with Browser(site, shown) as browser:
        browser.send("look", cameras=[{"camera": "test", "width": 320, "fps": 5}], inputs=[], scores=[])
        picture = browser.wait_for(lambda message: "number" in message)
        assert (picture["width"], picture["body"][:3]) == (320, b"\xff\xd8\xff")
    seconds = board.wait(lambda: not is_active(board), "its end", IDLE_SECONDS + 30)
    print(f"it ended {seconds:.1f} s after its last viewer")
    assert seconds > IDLE_SECONDS - 1
    assert board.show("Result", "edged-page.service") == "success"
    assert board.sh("journalctl --unit=edged-page --priority=warning --output=cat --quiet") == ""

    begin = time.monotonic()
    with Browser(site, shown) as browser:
        assert browser.message("hello")["role"] == "change", "its keys are those of before"
    print(f"the socket started it again in {time.monotonic() - begin:.1f} s")


def test_without_the_right_to_write_it_gives_the_lines_to_paste(board: Board, site: Site) -> None:
    before = board.sh(f"cat {CONFIG}")
    with Browser(site, cookie(board, site)) as browser:
        assert knows(browser)["writable"] is False
        reply = keep(browser, bay=BAY)
    assert reply["ok"] is False
    assert reply["error"] == {
        "code": "not-writable",
        "text": f"{CONFIG}: cannot be replaced: Read-only file system",
        "yaml": f"cameras:\n  test:\n    regions:\n      {WRITTEN}\n",
    }
    assert board.sh(f"cat {CONFIG}; ls /etc/edged") == f"{before}edged.yaml\n"


def test_the_fence_leaves_it_its_own_folder_and_the_sockets_of_the_daemon(board: Board, site: Site) -> None:
    board.sh(f"mkdir -p {UNITS}/edged-page.service.d")
    attempts = {
        "own folder": "touch /var/lib/edged-page/x",
        "sockets": "test -S /run/edged/control.sock",
        "configuration": "test -r /etc/edged/edged.yaml",
        "changed configuration": "touch /etc/edged/x",
        "state of the daemon": "touch /var/lib/edged/x",
        "program": "touch /opt/edged/x",
        "home": "ls /root",
        "others": "test -d /proc/1",
        "network": "bash -c '</dev/tcp/127.0.0.1/5556'",
        "more rights": "unshare --user true",
    }
    tries = "\n".join(f"if {what} >/dev/null 2>&1; then echo '{name}'; fi" for name, what in attempts.items())
    board.write("/opt/edged/attempts.sh", f"{tries}\n")
    board.write(DROP_IN, "[Service]\nExecStartPre=/bin/sh /opt/edged/attempts.sh\n")
    board.sh("systemctl daemon-reload; systemctl restart edged-page.service")
    allowed = [line for line in board.journal("edged-page").splitlines() if line in attempts]
    assert allowed == ["own folder", "sockets", "configuration"]


def test_systemd_itself_rates_its_fence(board: Board, site: Site) -> None:
    assert is_active(board)
    rated = board.ask("systemd-analyze", "--no-pager", "security", "edged-page")
    exposure = re.search(r"exposure level for edged-page.service: ([\d.]+)", rated)
    assert exposure is not None
    print(f"systemd-analyze security: {exposure[1]}")
    assert float(exposure[1]) <= MOST_EXPOSURE


def test_with_page_an_open_tab_is_served_by_a_page_that_may_keep(board: Board, site: Site) -> None:
    shown = cookie(board, site)
    with Browser(site, shown) as browser:
        assert knows(browser)["writable"] is False
        board.sh("cd /edged && scripts/install --with page")
        with pytest.raises(ConnectionClosed):
            browser.wait_for(lambda _: False)
    with Browser(site, shown) as browser:
        assert knows(browser)["writable"] is True


def test_what_it_keeps_is_in_the_file_and_in_the_daemon_at_once(board: Board, site: Site) -> None:
    """With a password that only the daemon gets, and what the page does not touch as it was."""
    board.sh("umask 077; mkdir -p /etc/edged/secrets; echo s3cr3t >/etc/edged/secrets/front")
    board.set_up("LoadCredential=front:/etc/edged/secrets/front", config=CONFIGURED)
    board.wait(lambda: "test is running" in board.show("StatusText"), "its status")
    with Browser(site, cookie(board, site)) as browser:
        knows(browser)
        reply = keep(browser, path={"left": 0.1, "top": 0.1, "right": 0.5, "bottom": 0.9}, bay=BAY)
        browser.wait_for(
            lambda message: (
                message.get("type") == "status"
                and any("bay" in camera["regions"] for camera in message["status"]["cameras"])
            )
        )
    assert reply["ok"] is True, reply
    assert board.sh(f"cat {CONFIG}.bak") == CONFIGURED
    # The left edge is where it was: 64 of 640 pixels.
    assert board.sh(f"cat {CONFIG}") == CONFIGURED.replace("  front:", f"      {WRITTEN}\n  front:")

    board.sh("systemctl restart edged")
    with Browser(site, cookie(board, site)) as browser:
        camera = browser.message("status")["status"]["cameras"][0]
    assert camera["regions_at"]["bay"] == [0.25, 0.25, 0.75, 0.75]
    assert "s3cr3t" not in board.journal() + board.journal("edged-page")


def test_who_has_taken_over_a_page_that_keeps_gets_no_secret_of_others(board: Board, site: Site) -> None:
    """systemd reads the files of LoadCredential= as root: through a link that the page has put there, any."""
    board.sh(f"umask 077; mkdir -p /etc/edged/secrets; echo x >/etc/edged/secrets/front; touch {CONFIG}.bak")
    board.sh("systemctl restart edged")  # which makes the folder anew
    steps = "mv /etc/edged/secrets /etc/edged/others; ln -s /etc/shadow /etc/edged/secrets; ls -d /etc/edged/others"
    board.write("/opt/edged/steps.sh", steps)
    board.write(DROP_IN, "[Service]\nExecStartPre=-/bin/sh /opt/edged/steps.sh\n")
    board.sh("systemctl daemon-reload; systemctl restart edged-page.service")
    assert board.sh("ls /etc/edged").split() == ["edged.yaml", "edged.yaml.bak", "secrets"]
    assert board.sh("cat /etc/edged/secrets/front") == "x\n"


def test_when_edged_is_removed_the_configuration_is_of_root_again(board: Board, site: Site) -> None:
    board.sh("cd /edged && scripts/uninstall")
    for file, access in (("", "drwxr-x---"), ("/edged.yaml", "-rw-r-----"), ("/edged.yaml.bak", "-rw-r-----")):
        assert board.sh(f"stat -c '%A %U:%G' /etc/edged{file}").strip() == f"{access} root:edged"
    with pytest.raises(ConnectionRefusedError):
        connected_from(board.network, HOST, PORT)
