"""Problems of key files in the configuration: ``check`` and ``run`` report the same, with status 78."""

from __future__ import annotations

from pathlib import Path

import pytest

from edged.cli import main
from tests.keyed import Keys

CONFIG = """\
model: {name: efficientnet-lite0-int8}
cameras: {street: {source: "file:street.mp4"}}
publish:
  endpoints: ["pub+bind:tcp://127.0.0.1:*", "pub+connect:tcp://127.0.0.1:1"]
  server_key: board.secret
  authorized_clients: authorized
  hub_key: hub.public
  client_key: board.secret
"""


@pytest.fixture
def keys(tmp_path: Path, demo: Path) -> Keys:
    (tmp_path / "street.mp4").symlink_to(demo / "street.mp4")
    (tmp_path / "edged.yaml").write_text(CONFIG)
    keys = Keys(tmp_path, "board", "hub", "phone")
    keys.authorize("phone")
    return keys


def test_check_prints_only_the_file_names_of_good_keys(keys: Keys, capfd: pytest.CaptureFixture[str]) -> None:
    assert main(["check", "-c", str(keys.folder / "edged.yaml")]) == 0
    printed = capfd.readouterr()
    assert f"server_key: {keys.folder}/board.secret\n" in printed.out
    assert f"hub_key: {keys.folder}/hub.public\n" in printed.out
    for name in ("board", "hub", "phone"):
        for part in keys.secret(name).read_text().split('"')[1::2]:
            assert part not in printed.out + printed.err


@pytest.mark.parametrize("command", ["check", "run"])
def test_all_problems_of_key_files_are_reported_at_once(
    keys: Keys, command: str, capfd: pytest.CaptureFixture[str]
) -> None:
    keys.secret("board").chmod(0o644)
    keys.public("hub").write_text("garbage")
    (keys.folder / "authorized" / "bad.public").symlink_to("nowhere")
    assert main([command, "-c", str(keys.folder / "edged.yaml")]) == 78
    printed = capfd.readouterr().err.replace(str(keys.folder), "DIR")
    told = [line for line in printed.splitlines() if line.startswith("DIR/edged.yaml:")]
    expected = [
        (
            "5:15: publish.server_key: DIR/board.secret: ",
            "others than its owner have access to it (mode 0644): run 'chmod",
        ),
        ("6:23: publish.authorized_clients: DIR/authorized/bad.public: ", "cannot be read: No such file"),
        ("7:12: publish.hub_key: DIR/hub.public: ", "holds no CURVE key"),
        (
            "8:15: publish.client_key: DIR/board.secret: ",
            "others than its owner have access to it (mode 0644): run 'chmod",
        ),
    ]
    assert len(told) == len(expected), told
    for line, (place, gist) in zip(told, expected, strict=True):
        assert line.startswith(f"DIR/edged.yaml:{place}")
        assert gist in line
    assert "Traceback" not in printed


def test_check_warns_of_an_endpoint_in_clear_text(keys: Keys, capfd: pytest.CaptureFixture[str]) -> None:
    config = keys.folder / "edged.yaml"
    config.write_text(CONFIG.partition("publish")[0] + "publish: {endpoints: ['pub+bind:tcp://*:1'], insecure: true}\n")
    assert main(["check", "-c", str(config)]) == 0
    warning = (
        f"warning: {config}:3:23: publish.endpoints[0]: is in clear text: everybody on the network can read along\n"
    )
    assert warning in capfd.readouterr().err
