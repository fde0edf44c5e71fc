"""Files as they are found, and the whole of what is said about a wrong one."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from edged.config import Config, ConfigFileError, load, load_text
from edged.errors import ConfigError

Told = Callable[[str], list[str]]
Read = Callable[[str], Config]

GOOD = "cameras: {street: {source: 'file:street.mp4'}}\n"


def told_of(path: Path) -> str:
    with pytest.raises(ConfigFileError) as caught:
        load(path)
    return str(caught.value)


def test_a_file_is_read(tmp_path: Path) -> None:
    path = tmp_path / "edged.yaml"
    path.write_text(GOOD)
    assert list(load(path).config.cameras) == ["street"]
    assert load(str(path)).config == load(path).config


def test_paths_in_a_file_start_at_its_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "etc").mkdir()
    (tmp_path / "etc" / "edged.yaml").write_text(GOOD + "model: {path: ../models/a.tflite}\n")
    monkeypatch.chdir(tmp_path)
    config = load("etc/edged.yaml").config
    assert config.cameras["street"].source.target == str(tmp_path / "etc" / "street.mp4")
    assert config.model.path == tmp_path / "etc" / ".." / "models" / "a.tflite"


def test_the_home_of_the_user_is_known(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOME", "/home/ada")
    config = read("cameras: {a: {source: 'file:~/a.mp4'}}\nreferences: {r: {images: [~/pictures]}}")
    assert config.cameras["a"].source.target == "/home/ada/a.mp4"
    assert config.references["r"].images == (Path("/home/ada/pictures"),)


def test_a_missing_file_is_reported(tmp_path: Path) -> None:
    assert told_of(tmp_path / "gone.yaml") == f"{tmp_path}/gone.yaml: there is no such file"


def test_a_folder_and_a_device_are_not_a_configuration(tmp_path: Path) -> None:
    assert told_of(tmp_path) == f"{tmp_path}: is not a file of text"
    assert told_of(Path("/dev/zero")) == "/dev/zero: is not a file of text"


def test_a_path_through_a_file_is_reported(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    assert told_of(tmp_path / "file" / "edged.yaml") == f"{tmp_path}/file/edged.yaml: cannot be read: Not a directory"


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_without_permission_is_reported(tmp_path: Path) -> None:
    path = tmp_path / "edged.yaml"
    path.touch(mode=0)
    assert told_of(path) == f"{path}: cannot be read: Permission denied"


def test_bytes_that_are_not_text_are_reported_with_their_place(tmp_path: Path) -> None:
    path = tmp_path / "edged.yaml"
    path.write_bytes("node: é\nlog: ".encode() + b"\xff")
    assert told_of(path) == f"{path}:2:6: is not UTF-8 text (got the byte 0xff)"
    path.write_bytes(GOOD.encode("utf-16"))
    assert told_of(path) == f"{path}:1:1: is not UTF-8 text (got the byte 0xff)"


def test_a_huge_file_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "edged.yaml"
    path.write_bytes(b"#" * (1 << 20) + b"\n")
    assert told_of(path) == f"{path}: is too large for a configuration: more than 1 MiB"


def test_the_error_is_a_config_error_that_holds_each_problem(told: Told) -> None:
    with pytest.raises(ConfigError) as caught:
        load_text("cameras: 1\nnode: A\n", "edged.yaml")
    assert isinstance(caught.value, ConfigFileError)
    second = caught.value.problems[1]
    assert (second.file, second.line, second.column, second.path) == ("edged.yaml", 2, 7, "node")


def test_every_problem_of_a_file_is_reported_in_the_order_of_its_lines(told: Told) -> None:
    assert told(
        """\
        node: Front Porch
        model: {name: a, path: b.tflite, head: true, delegate: {options: {a: 1.5}, zz: 1}, num_threads: 0}
        cameras:
          street:
            source: carrier-pigeon:1
            rotaton: 90
            fps: 10
            fps: ten
          live:
            source: usb:/dev/video0
            loop: true
            policy: block
            regions:
              door: {left: 0.9, right: 0.4, top: ten}
              "no": {bottom: 1.5}
        references:
          a: {images: [], for: [stret, street/full, live/dor]}
          b:
        log: {level: loud}
        colour: red
        """
    ) == [
        (
            "1:7: node: must start with a letter a-z or a digit and go on with at most 63 of a-z, 0-9, '_' and '-' "
            "(got 'Front Porch')"
        ),
        "2:24: model.path: must not be given beside name (name is 'a'); remove one of the two",
        "2:40: model.head: must be a number from 0, or a head's name (got true)",
        "2:46: model.delegate.library: is missing",
        "2:70: model.delegate.options.a: must be text or a whole number (got 1.5); put it in quotes",
        "2:76: model.delegate.zz: unknown key; known are library, options",
        "2:97: model.num_threads: must be at least 1 (got 0)",
        (
            "5:13: cameras.street.source: must begin with file:, dir:, usb:, picamera:, pattern:, rtsp://, rtsps://, "
            "http:// or https:// (got 'carrier-pigeon:1')"
        ),
        "6:5: cameras.street.rotaton: unknown key; did you mean 'rotation'?",
        "8:5: cameras.street.fps: is given twice; the first is in line 7",
        "11:11: cameras.live.loop: must be false for a live camera (source is 'usb:/dev/video0')",
        "12:13: cameras.live.policy: must be latest for a live camera, which cannot wait (source is 'usb:/dev/video0')",
        "14:20: cameras.live.regions.door.left: must be less than right (got 0.9 and 0.4)",
        "14:42: cameras.live.regions.door.top: must be a number in 0…1, or whole pixels such as 320px (got 'ten')",
        "15:22: cameras.live.regions.no.bottom: 1.5 is not in 0…1",
        "17:15: references.a.images: must name at least one (got none)",
        "17:25: references.a.for[0]: names no camera (got 'stret'); did you mean 'street'?",
        "17:45: references.a.for[2]: names no region of camera live (got 'live/dor'); did you mean 'door'?",
        "18:5: references.b: must have images or a catalogue",
        "19:14: log.level: must be one of debug, info, warning, error (got 'loud')",
        (
            "20:1: colour: unknown key; known are version, node, model, cameras, references, states, max_pixels, "
            "background, slow_when_hot, publish, control, metrics, log"
        ),
    ]


def test_a_problem_that_is_found_later_is_reported_in_the_same_way(tmp_path: Path) -> None:
    loaded = load_text("cameras:\n  street:\n    source: 'file:gone.mp4'\n", "edged.yaml")
    problem = loaded.problem(("cameras", "street", "source"), "there is no such file")
    assert str(problem) == "edged.yaml:3:13: cameras.street.source: there is no such file"
    default = loaded.problem(("model", "name"), "cannot be loaded")
    assert str(default) == "edged.yaml:1:1: model.name: cannot be loaded"
    assert loaded.where(("cameras", "street")) == "edged.yaml:3:5"


def test_thousands_of_problems_are_reported_in_a_hundred_lines(told: Told) -> None:
    lines = told("".join(f"key{number}: 1\n" for number in range(5000)))
    assert len(lines) == 101
    assert "more like these" in lines[-1]


def test_no_password_is_printed(told: Told) -> None:
    secret = "rtmp://admin:s3cret@10.0.0.7/live"
    lines = told(
        f"node: '{secret}'\ncameras: {{a: {{source: '{secret}', '{secret}': 1}}}}\nmodel: {{delegate: '{secret}'}}\n"
    )
    assert len(lines) == 4
    assert not [line for line in lines if "s3cret" in line]
    assert [line for line in lines if "rtmp://***@10.0.0.7/live" in line]


@pytest.mark.parametrize(
    "slip", ["rtsp:/me:s3cret@host/", "rtsp//me:s3/cr@s3cret@host", "me:s3cret@host", "RTSP:me:s3 cret@h"]
)
def test_no_password_of_a_mistyped_url_is_printed(told: Told, slip: str) -> None:
    lines = told(f"node: '{slip}'\ncameras: {{a: {{source: '{slip}', '{slip}': 1}}}}\n")
    assert len(lines) == 3
    assert not [line for line in lines if "s3" in line]
    assert [line for line in lines if "***@h" in line]


def test_text_with_an_at_sign_and_without_a_password_is_printed(told: Told) -> None:
    assert (
        "(got '/base/axi/pcie@120000/imx708@1a')"
        in told("cameras: {a: {source: '/base/axi/pcie@120000/imx708@1a'}}")[0]
    )


def test_long_and_unprintable_values_are_shown_short_and_on_one_line(told: Told) -> None:
    (line, _) = told("node: '" + "N" * 10_000 + '\'\ncameras: "\\u200B\\n"')
    assert len(line) < 250
    assert "N…N" in line
