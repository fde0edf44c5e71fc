"""Address of the broker: legal and refused URLs, and TLS that is checked."""

from __future__ import annotations

import argparse
import inspect
import os
import shutil
import ssl
import subprocess
import sys
from pathlib import Path

import pytest

from edged.bridge import Broker, Settings
from edged.bridge.bridge import Bridge
from edged.bridge.topics import Topics
from edged.cli import main
from edged.cli.bridge import add_parser


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("mqtt://broker", ("broker", 1883, None)),
        ("mqtt://me@broker:1884", ("broker", 1884, "me")),
        ("mqtt://m%40e@[::1]/", ("::1", 1883, "m@e")),
        ("mqtts://broker", ("broker", 8883, None)),
    ],
)
def test_a_url_names_host_port_and_user(url: str, expected: tuple[str, int, str | None]) -> None:
    broker = Broker.parse(url)
    assert (broker.host, broker.port, broker.username) == expected
    assert (broker.tls is not None) == url.startswith("mqtts")


@pytest.mark.parametrize(
    ("url", "why"),
    [
        ("broker", "must be mqtt://HOST"),
        ("http://broker", "must be mqtt://HOST"),
        ("mqtt://", "must be mqtt://HOST"),
        ("mqtt://broker/topic", "must be mqtt://HOST"),
        ("mqtt://broker?retain", "must be mqtt://HOST"),
        ("mqtt://broker#topic", "must be mqtt://HOST"),
        ("mqtt://broker:99999", "must be mqtt://HOST"),
        ("mqtt://me:ge/heim@broker", "must be mqtt://HOST(?!.*ge)"),
        ("mqtt://broker..home", "must be mqtt://HOST"),
        ("mqtt://[::1", "must be mqtt://HOST"),
    ],
)
def test_a_url_of_something_else_is_refused(url: str, why: str) -> None:
    with pytest.raises(ValueError, match=why):
        Broker.parse(url)


def test_a_password_on_the_command_line_is_refused_and_not_repeated(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["bridge", "mqtt://me:geheim@broker"]) == 2
    told = capsys.readouterr().err
    assert "must not hold a password" in told
    assert "EDGED_MQTT_PASSWORD" in told
    assert "geheim" not in told


def test_printing_a_broker_shows_no_secret() -> None:
    shown = repr(Broker.parse("mqtts://me@broker", password="geheim"))
    assert shown == "Broker(host='broker', port=8883, username='me')"
    assert str(Broker.parse("mqtt://me@[::1]:5", password="geheim")) == "mqtt://[::1]:5"


def test_a_broker_is_named_with_its_port_and_whether_it_is_over_tls() -> None:
    assert [str(Broker.parse(url)) for url in ("mqtt://me@broker", "mqtts://broker:1")] == [
        "mqtt://broker:1883",
        "mqtts://broker:1",
    ]
    assert Broker.parse("mqtt://me@broker", username="you", password="p").username == "you"


def test_over_tls_the_certificate_and_the_name_of_the_broker_are_checked() -> None:
    tls = Broker.parse("mqtts://broker").tls
    assert tls is not None
    assert (tls.verify_mode, tls.check_hostname) == (ssl.CERT_REQUIRED, True)


def test_the_defaults_of_the_command_are_those_of_the_library() -> None:
    parser = argparse.ArgumentParser()
    add_parser(parser.add_subparsers())
    args = parser.parse_args(["bridge", "mqtt://broker"])
    topics = Topics("rig")
    assert (args.topic, args.discovery_topic) == (topics.base, topics.discovery)
    settings = Settings(topics)
    assert (args.score_seconds, args.silent_seconds) == (settings.score_seconds, settings.silent_seconds)
    assert not args.no_discovery
    assert settings.discover
    assert args.queue == inspect.signature(Bridge).parameters["most_events"].default


def test_arguments_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    (tmp_path / "junk").write_text("junk")
    with pytest.raises(ValueError, match="go with mqtts"):
        Broker.parse("mqtt://broker", ca_file="ca.pem")
    with pytest.raises(ValueError, match="needs its certificate"):
        Broker.parse("mqtts://broker", key_file="key.pem")
    with pytest.raises(ValueError, match="needs a user"):
        Broker.parse("mqtt://broker", password="geheim")
    with pytest.raises(ValueError, match=r"none\.pem: holds no certificates that can be used: No such file"):
        Broker.parse("mqtts://broker", ca_file="none.pem")
    with pytest.raises(ValueError, match="junk: holds no certificates"):
        Broker.parse("mqtts://broker", ca_file=str(tmp_path / "junk"))
    with pytest.raises(ValueError, match="junk: cannot be used with the key in it"):
        Broker.parse("mqtts://broker", cert_file=str(tmp_path / "junk"))


@pytest.mark.parametrize(
    ("arguments", "why"),
    [
        (["mqtt://h", "--topic", "a/#"], "must be an MQTT topic without wildcards"),
        (["mqtt://h", "--name", "A b"], "must start with a letter"),
        (["mqtt://h", "--queue", "0"], "must be a whole number"),
    ],
)
def test_wrong_arguments_are_reported_with_status_2(
    arguments: list[str], why: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as ended:
        main(["bridge", *arguments])
    assert ended.value.code == 2
    assert why in capsys.readouterr().err


def test_without_paho_the_command_names_what_to_install(tmp_path: Path) -> None:
    code = "import sys; sys.modules['paho'] = None; from edged.cli import main; sys.exit(main(['bridge', 'mqtt://h']))"
    done = subprocess.run([sys.executable, "-c", code], check=False, capture_output=True, text=True, timeout=60)
    assert (done.returncode, done.stderr) == (78, "edged bridge: paho-mqtt is missing: pip install 'edged[mqtt]'\n")


@pytest.mark.skipif(shutil.which("openssl") is None, reason="openssl is not on this machine")
def test_over_tls_a_broker_with_the_certificate_of_another_is_refused(tmp_path: Path) -> None:
    from tests.bridge.conftest import MOSQUITTO, Mosquitto

    if MOSQUITTO is None:
        pytest.skip("mosquitto is not on this machine (scripts/subscribers-rig installs it)")
    certificate, key = tmp_path / "broker.pem", tmp_path / "broker.key"
    subject = ["-subj", "/CN=localhost", "-addext", "subjectAltName=DNS:localhost"]
    new = ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]
    subprocess.run([*new, *subject, "-keyout", key, "-out", certificate], check=True, capture_output=True, timeout=60)
    settings = ["allow_anonymous true", f"certfile {certificate}", f"keyfile {key}", "user root"]
    mosquitto = Mosquitto(tmp_path, *settings)
    try:
        for host, ca, expected in [
            ("localhost", certificate, "connected to mqtts://localhost"),
            ("localhost", None, "self-signed certificate"),
        ]:
            command = [sys.executable, "-m", "edged", "bridge", f"mqtts://{host}:{mosquitto.port}"]
            command += ["--connect", f"ipc://{tmp_path}/none", *(["--ca-file", str(ca)] if ca else [])]
            with subprocess.Popen(command, stderr=subprocess.PIPE, text=True, env=dict(os.environ)) as process:
                assert process.stderr is not None
                said = [process.stderr.readline() for _ in range(2)]
                process.terminate()
                process.communicate(timeout=20)
            assert expected in said[1].replace("self signed", "self-signed")
    finally:
        mosquitto.kill()
