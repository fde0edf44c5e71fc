"""The bridge as a service beside the daemon, in a plain Debian with its own systemd and its own mosquitto."""

from __future__ import annotations

import os
import time

import pytest

from tests.service.debian import Debian, lacking

SUITE = os.environ.get("EDGED_SERVICE_RIG_SUITE", "bookworm")

pytestmark = [
    pytest.mark.board,
    pytest.mark.timeout(900),
    pytest.mark.skipif(
        "EDGED_RIG" not in os.environ or bool(lacking(to_boot=True)),
        reason=lacking(to_boot=True) or "only by hand, with scripts/service-rig",
    ),
]

SET_UP = """
set -eu
scripts/install
/opt/edged/bin/pip install --quiet 'paho-mqtt>=2.1,<3'
apt-get update -qq
DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends mosquitto mosquitto-clients
mosquitto_passwd -b -c /etc/mosquitto/passwords edged geheim
chown mosquitto /etc/mosquitto/passwords
printf 'listener 1883 127.0.0.1\\npassword_file /etc/mosquitto/passwords\\n' >/etc/mosquitto/conf.d/rig.conf
install -m 0600 /dev/null /etc/edged/mqtt-password
echo geheim >/etc/edged/mqtt-password
cp systemd/edged-bridge.service /etc/systemd/system/
mkdir -p /etc/systemd/system/edged-bridge.service.d
cat >/etc/systemd/system/edged-bridge.service.d/override.conf <<'END'
[Service]
Environment=EDGED_MQTT_URL=mqtt://edged@127.0.0.1
Environment="EDGED_BRIDGE_ARGUMENTS=--name rig --score-seconds 1"
LoadCredential=mqtt-password:/etc/edged/mqtt-password
END
systemctl enable edged-bridge mosquitto
"""

HEAR = "mosquitto_sub -h 127.0.0.1 -u edged -P geheim -W 4 -v -t edged/#"


def test_the_confined_service_runs_with_a_password_from_systemd() -> None:
    debian = Debian(SUITE)
    try:
        debian.run("sh", "-c", SET_UP)
        assert debian.run("systemd-analyze", "--man=no", "verify", "edged-bridge.service") == ""
        with debian.booted():
            wait_until_online(debian)
            heard = hear(debian)
            assert "/test/availability online" in heard
            assert "/test/state running" in heard
            assert "geheim" not in debian.ask("journalctl", "-u", "edged-bridge")
            debian.ask("systemctl", "restart", "mosquitto")
            wait_until_online(debian)
            debian.ask("systemctl", "stop", "edged-bridge")
            assert "_bridge/rig/availability offline" in hear(debian)
            assert debian.ask("systemctl", "show", "-P", "Result", "edged-bridge").strip() == "success"
    finally:
        debian.remove()


def wait_until_online(debian: Debian) -> None:
    deadline = time.monotonic() + 60
    while "_bridge/rig/availability online" not in hear(debian):
        journal = debian.ask("journalctl", "--no-pager", "-n", "40", check=False)
        assert time.monotonic() < deadline, journal


def hear(debian: Debian) -> str:
    """Return what is retained or published at the broker within some seconds."""
    return debian.ask(*HEAR.split(), check=False)
