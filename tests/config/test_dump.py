"""A configuration written out loads again to the same one."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from edged.config import Config, ConfigFileError, config_hash, dump, load, load_text
from edged.values import NAME_PATTERN

Read = Callable[[str], Config]

EVERYTHING = """\
node: "1e3"
model:
  path: models/a.tflite
  head: "0"
  l2_normalize: true
  quantize: true
  engine: tflite-runtime
  delegate: {library: libone.so, options: {"on": "yes", n: 1}}
  on_failure: fallback
  fallback: {path: models/cpu.tflite}
  num_threads: 3
  resize: area
  fit: letterbox
  mean: [1, 2.5, 1e-7]
  std: [1, 2, 3]
cameras:
  on: {source: "usb:/dev/video0", fps: 1e-3, rotation: 270, regions: {"null": {left: 0.1}, "08": {}}, retry_seconds: 9}
  "12": {source: "file:~/a # b.mp4", loop: true, policy: latest}
  pi:
    source: "picamera:/base/soc/i2c0mux/i2c@1/imx708@1a"
    width: 800
    hflip: true
    vflip: true
    controls: {exposure_us: 9000, gain: 2, white_balance: [2, 1.5], focus: 0.5}
    scaler_crop: true
    settle_frames: 9
    stall_seconds: 0
    frozen_seconds: 1e-3
    max_reopens: 1
    retry_max_seconds: 99
  net: {source: "https://[::1]:8443/a:b", verify_tls: false, rotation: 90, mask: [[[0, 0], [0.3, 0], [0, 1e-3]]]}
  cam: {source: "usb:HD Pro: Webcam", pixel_format: yuyv, width: 640, height: 480}
  bars: {source: "pattern:"}
  "off": {source: "dir:pictures", loop: true}
references:
  "true": {images: ["a.jpg", "\\u00e9: [x].jpg", "- y"], for: [on/null, "12"]}
publish:
  endpoints: ["pub+bind:ipc://a.sock", "pub+connect:tcp://[::1]:1"]
log: {level: debug}
"""


def test_every_setting_survives_the_way_out_and_in(read: Read) -> None:
    config = read(EVERYTHING)
    text = dump(config)
    again = load_text(text, "/somewhere/else.yaml").config
    assert again == config
    assert dump(again) == text


def test_defaults_are_written_out_and_paths_are_whole(read: Read, tmp_path: Path) -> None:
    text = dump(read("cameras: {street: {source: 'file:a.mp4'}}\nnode: porch"))
    assert text.startswith("version: 1\nnode: porch\nmodel:\n  name: efficientnet-lite0\n")
    assert f"source: file:{tmp_path}/a.mp4" in text
    assert "    policy: block\n" in text
    assert "      full:\n" in text


def test_the_shipped_files_survive_too() -> None:
    folder = Path(__file__).parent.parent.parent / "config"
    for path in (folder / "edged.yaml", folder / "demo" / "edged.yaml"):
        config = load(path).config
        assert load_text(dump(config), "edged.yaml").config == config


@given(
    names=st.lists(st.from_regex(NAME_PATTERN, fullmatch=True), min_size=1, max_size=4, unique=True),
    edge=st.floats(0, 1, exclude_max=True),
    fps=st.floats(0, 1000, exclude_min=True),
    file=st.text(st.characters(exclude_categories=["Cc", "Cs", "Zl", "Zp"], exclude_characters="\ufeff\ufffe\uffff")),
)
def test_any_name_number_and_path_survives(names: list[str], edge: float, fps: float, file: str) -> None:
    camera = {"source": f"file:/{'x' if file.startswith('/') else ''}{file}", "fps": fps, "regions": {}}
    camera["regions"] = {name: {"left": edge} for name in names}
    references = {name: {"images": [f"/{file}"], "for": [f"{name}/{name}"]} for name in names}
    config = Config.model_validate(
        {"node": names[0], "cameras": dict.fromkeys(names, camera), "references": references}
    )
    assert load_text(dump(config), "/edged.yaml").config == config


def test_different_configurations_have_different_hashes(read: Read) -> None:
    text = "cameras: {street: {source: 'file:a.mp4'}}\n"
    config = read(text)
    assert config_hash(config) == config_hash(read("# the same\n" + text)) == config_hash(read(dump(config)))
    assert config_hash(config) != config_hash(read(text + "model: {resize: area}"))
    assert len(config_hash(config)) == 12
    assert int(config_hash(config), 16) >= 0


def test_a_password_is_in_neither_text_nor_hash_and_has_to_be_written_in_again(read: Read) -> None:
    config, other = (read(f"cameras: {{a: {{source: 'rtsp://me:{word}@host/live?pwd={word}'}}}}") for word in "xy")
    text = dump(config)
    assert "source: rtsp://***@host/live?pwd=***" in text
    assert text == dump(other)
    assert config_hash(config) == config_hash(other), "or a word could be tried against the hash, which all may hear"
    assert config != other
    with pytest.raises(ConfigFileError, match=r"cameras\.a\.source: has \*\*\* where edged hid a user and password"):
        load_text(text, "edged.yaml")


@pytest.mark.parametrize("setting", ["fps: 5", "loop: true", "rotation: 90", "regions: {a: {}}", "settle_frames: 1"])
def test_the_hash_sees_each_setting(read: Read, setting: str) -> None:
    before = read("cameras: {street: {source: 'file:a.mp4'}}")
    after = read(f"cameras: {{street: {{source: 'file:a.mp4', {setting}}}}}")
    assert config_hash(before) != config_hash(after)
