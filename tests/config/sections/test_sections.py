"""Settings of each section: accepted values, defaults, and refusals."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pydantic
import pytest

from edged.config import CameraConfig, Config, Endpoint, FallbackConfig, ReferenceConfig, SourceSpec
from edged.config.sections.camera_kinds import KINDS_BY_NAME
from edged.regions import FULL, Region
from edged.values import Delegate, applies_in

Told = Callable[[str], list[str]]
Read = Callable[[str], Config]

CAMERA = "cameras: {street: {source: 'file:a.mp4'}}\n"


def test_a_camera_with_a_source_is_all_that_is_needed(read: Read, tmp_path: Path) -> None:
    config = read(CAMERA)
    camera = config.cameras["street"]
    assert camera.source == SourceSpec(KINDS_BY_NAME["file"], str(tmp_path / "a.mp4"))
    assert (camera.loop, camera.policy, camera.fps, camera.rotation) == (False, "block", None, 0)
    assert {name: region.region for name, region in camera.regions.items()} == {"full": FULL}
    assert config.model.name == "efficientnet-lite0"
    assert config.model.delegate == Delegate()
    assert config.references == {}
    assert [str(endpoint) for endpoint in config.publish.endpoints] == ["pub+bind:tcp://127.0.0.1:5556"]
    assert config.log.level == "info"


def test_sections_that_are_left_empty_have_their_defaults(read: Read) -> None:
    config = read(f"{CAMERA}node: a\nmodel:\nreferences:\npublish:\nlog:\n")
    assert config == read(f"{CAMERA}node: a\n")


def test_a_configuration_cannot_change(read: Read) -> None:
    config = read(CAMERA)
    with pytest.raises(pydantic.ValidationError, match="frozen"):
        config.node = "other"


@pytest.mark.parametrize("text", ["{}", "cameras:", "cameras: {}", "node: a"])
def test_without_a_camera_there_is_nothing_to_do(told: Told, text: str) -> None:
    (line,) = told(text)
    assert "cameras: is missing" in line or "cameras: must name at least one (got none)" in line


@pytest.mark.parametrize("name", ["on", "no", "1", "a" * 64, "front_door-2"])
def test_names_fit_into_topics(read: Read, name: str) -> None:
    config = read(f"cameras: {{{name}: {{source: 'file:a', regions: {{{name}: {{}}}}}}}}")
    assert list(config.cameras) == list(config.cameras[name].regions) == [name]


@pytest.mark.parametrize("name", ["Front", "a/b", "-a", "straße", "a" * 65, "''", "a b"])
def test_names_that_do_not_are_reported_at_the_key(told: Told, name: str) -> None:
    lines = told(f"cameras:\n  {name}: {{source: 'file:a', regions: {{{name}: {{}}}}}}\n")
    assert lines[0].startswith("2:3: cameras.")
    assert all("a-z" in line for line in lines)
    assert len(lines) == 2


@pytest.mark.parametrize(
    ("setting", "rule"),
    [
        ("source: 12", "must be text (got 12)"),
        ("source: [a]", "must be text (got a list)"),
        ("loop: yes", "must be true or false (got 'yes')"),
        ("loop: 1", "must be true or false (got 1)"),
        ("fps: '10'", "must be a number (got '10')"),
        ("fps: true", "must be a number (got true)"),
        ("fps: 0", "must be greater than 0 (got 0)"),
        ("fps: .inf", "must be a finite number (got inf)"),
        ("fps: 1e4", "must be at most 1000 (got 10000.0)"),
        ("policy: newest", "must be one of block, latest (got 'newest')"),
        ("policy: false", "must be one of block, latest (got false)"),
        ("rotation: 45", "must be one of 0, 90, 180, 270 (got 45)"),
        ("rotation: 90.0", "must be a whole number (got 90.0)"),
        ("rotation: false", "must be a whole number (got false)"),
        ("rotation: '90'", "must be one of 0, 90, 180, 270 (got '90')"),
        ("retry_seconds: -1", "must be greater than 0 (got -1)"),
        ("regions: []", "must be a mapping (got a list)"),
        ("regions: full", "must be a mapping (got 'full')"),
        ("regions: {a: 1}", "must be a mapping (got 1)"),
        ("regions: {a: {left: -0.1}}", "-0.1 is not in 0…1"),
        ("regions: {a: {right: 320}}", "320 is not in 0…1; for pixels write 320px"),
        ("regions: {a: {right: 1.5}}", "1.5 is not in 0…1"),
        ("regions: {a: {right: true}}", "must be a number in 0…1, or whole pixels such as 320px (got true)"),
        ("regions: {a: {right: 320 px}}", "must be a number in 0…1, or whole pixels such as 320px (got '320 px')"),
        ("regions: {a: {right: .inf}}", "must be a number in 0…1, or whole pixels such as 320px (got inf)"),
        ("regions: {a: {left: 40px, right: 40px}}", "must be less than right (got 40px and 40px)"),
        ("regions: {a: {left: 1}}", "must be less than right (got 1.0 and 1.0)"),
        ("regions: {a: {top: 0.5, bottom: 0.5}}", "must be less than bottom (got 0.5 and 0.5)"),
        ("regions: {a: {wide: 0.5}}", "unknown key; known are left, top, right, bottom"),
    ],
)
def test_a_wrong_setting_of_a_camera_is_reported_in_a_sentence(told: Told, setting: str, rule: str) -> None:
    source = "" if setting.startswith("source") else "source: 'file:a.mp4', "
    (line,) = told(f"cameras: {{street: {{{source}{setting}}}}}")
    assert line.endswith(": " + rule)


def test_whole_numbers_are_numbers_too(read: Read) -> None:
    config = read("cameras: {a: {source: 'file:a', fps: 10, regions: {r: {left: 0, right: 1}}}}")
    assert config.cameras["a"].fps == 10.0
    assert config.cameras["a"].regions["r"].region == Region(0.0, 0.0, 1.0, 1.0)


def test_a_file_waits_and_a_live_camera_does_not(read: Read) -> None:
    config = read(
        """\
        cameras:
          clip: {source: "file:a.mp4"}
          hurried: {source: "file:a.mp4", policy: latest}
          live: {source: "usb:/dev/video0"}
        """
    )
    assert {name: camera.policy for name, camera in config.cameras.items()} == {
        "clip": "block",
        "hurried": "latest",
        "live": "latest",
    }
    assert [name for name, camera in config.cameras.items() if camera.is_live] == ["live"]


def test_a_live_camera_neither_loops_nor_blocks(told: Told) -> None:
    source = "source: 'usb:/dev/video0'"
    (line,) = told(f"cameras: {{a: {{{source}, loop: true}}}}")
    assert line.endswith("cameras.a.loop: must be false for a live camera (source is 'usb:/dev/video0')")
    (line,) = told(f"cameras: {{a: {{{source}, policy: block}}}}")
    assert "cameras.a.policy: must be latest for a live camera" in line


@pytest.mark.parametrize(
    ("setting", "rule"),
    [
        ("name: null", "must have a name or a path"),
        ("path: ''", "must be a path (got an empty text)"),
        ("head: -1", "must be a number from 0, or a head's name (got -1)"),
        ("head: ''", "must be a number from 0, or a head's name (got '')"),
        ("head: 1.0", "must be a number from 0, or a head's name (got 1.0)"),
        ("engine: tensorflow", "must be one of auto, ai-edge-litert, tflite-runtime (got 'tensorflow')"),
        ("delegate: 3", "must be a word such as auto or coral, or a mapping with a library (got 3)"),
        ("delegate: {library: a, options: {k: [1]}}", "must be text or a whole number (got a list); put it in quotes"),
        ("num_threads: 1.5", "must be a whole number (got 1.5)"),
        ("num_threads: true", "must be a whole number (got true)"),
        ("resize: bicubic", "must be one of exact, linear, area (got 'bicubic')"),
        ("fit: fill", "must be one of stretch, letterbox, crop (got 'fill')"),
        ("mean: 127", "must be a list (got 127)"),
        ("mean: [1, 2], std: [1, 2]", "must be 1 value or 3 (got 2)"),
        ("mean: [1], std: [1, 2, 3]", "must have as many values as mean (got 3 and 1)"),
        ("mean: [1], std: [0]", "must not hold 0, because pixels are divided by it"),
        ("mean: [.nan], std: [1]", "must be a finite number (got nan)"),
        ("mean: [1]", "must be given together: mean and std"),
        ("std: [1]", "must be given together: mean and std"),
        ("mean: [1], std: [1]", "model.mean: must not be given beside name: models that come with edged know theirs"),
        ("decode: half", "must be one of full, reduced (got 'half')"),
        ("on_failure: retry", "must be one of refuse, fallback (got 'retry')"),
        ("on_failure: fallback", "model.fallback: must be given with on_failure: fallback, such as fallback: {name: "),
        (
            "fallback: {name: a}",
            "model.fallback: is never used unless on_failure is fallback; set that, or remove this",
        ),
        ("on_failure: fallback, fallback: {}", "model.fallback: must have a name or a path"),
        ("on_failure: fallback, fallback: {name: a, path: b}", "model.fallback.path: must not be given beside name"),
        ("on_failure: fallback, fallback: {head: 1}", "model.fallback.head: unknown key; known are name, path"),
    ],
)
def test_a_wrong_setting_of_the_model_is_reported_in_a_sentence(told: Told, setting: str, rule: str) -> None:
    lines = told(f"{CAMERA}model: {{{setting}}}")
    assert rule in " ".join(lines)
    assert all(line.startswith("2:") and ": model" in line for line in lines)


def test_a_model_file_takes_the_place_of_the_bundled_one(read: Read, tmp_path: Path) -> None:
    model = read(f"{CAMERA}model: {{path: a.tflite, head: feature, mean: [127, 127.5, 128], std: [1, 2, 3]}}").model
    assert (model.name, model.path, model.head) == (None, tmp_path / "a.tflite", "feature")
    assert (model.mean, model.std) == ((127.0, 127.5, 128.0), (1.0, 2.0, 3.0))


def test_a_fallback_is_a_bundled_model_or_a_file(read: Read, tmp_path: Path) -> None:
    assert read(CAMERA).model.fallback is None
    bundled = read(f"{CAMERA}model: {{on_failure: fallback, fallback: {{name: efficientnet-lite0-int8}}}}").model
    assert bundled.fallback == FallbackConfig(name="efficientnet-lite0-int8")
    file = read(f"{CAMERA}model: {{path: tpu.tflite, on_failure: fallback, fallback: {{path: cpu.tflite}}}}").model
    assert file.fallback == FallbackConfig(path=str(tmp_path / "cpu.tflite"))  # type: ignore[arg-type]  # a text


@pytest.mark.parametrize(
    ("text", "delegate"),
    [
        ("auto", Delegate()),
        ("none", Delegate("none")),
        ("coral:usb:1", Delegate("coral", device="usb:1")),
        ("{library: libone.so}", Delegate("external", library="libone.so")),
        (
            "{library: /usr/lib/libone.so, options: {device: 1, name: 'x'}}",
            Delegate("external", library="/usr/lib/libone.so", options=(("device", "1"), ("name", "x"))),
        ),
    ],
)
def test_a_delegate_is_a_word_or_a_library(read: Read, text: str, delegate: Delegate) -> None:
    assert read(f"{CAMERA}model: {{delegate: {text}}}").model.delegate == delegate


def test_a_library_with_a_path_is_found_from_the_file(read: Read, tmp_path: Path) -> None:
    delegate = read(f"{CAMERA}model: {{delegate: {{library: ./libone.so}}}}").model.delegate
    assert delegate.library == str(tmp_path / "libone.so")


def test_an_unknown_delegate_is_reported_with_the_known_ones(told: Told) -> None:
    (line,) = told(f"{CAMERA}model: {{delegate: gpu}}")
    assert "2:19: model.delegate: must be auto, none, xnnpack, coral" in line
    assert line.endswith("(got 'gpu')")


def test_a_reference_applies_everywhere_or_in_the_places_that_it_names(read: Read) -> None:
    config = read(
        """\
        cameras:
          a: {source: "file:a", regions: {x: {}, y: {}}}
          b: {source: "file:b"}
        references:
          everywhere: {images: [a.jpg]}
          camera: {images: [a.jpg], for: [a]}
          region: {images: [a.jpg], for: [a/y, b/full]}
        """
    )
    places = [("a", "x"), ("a", "y"), ("b", "full")]
    applies = {
        name: [place for place in places if applies_in(reference.places or (), *place)]
        for name, reference in config.references.items()
    }
    assert applies == {"everywhere": places, "camera": places[:2], "region": places[1:]}


@pytest.mark.parametrize(
    ("setting", "rule"),
    [
        ("images: a.jpg", "must be a list (got 'a.jpg')"),
        ("images: ''", "must be a list (got '')"),
        ("images: [1]", "must be text (got 1)"),
        ("images: {a: b}", "must be a list (got a mapping)"),
        ("images: [a.jpg], for: []", "must name at least one (got none)"),
        ("images: [a.jpg], for: street", "must be a list (got 'street')"),
        ("images: [a.jpg], for: [strete]", "names no camera (got 'strete'); did you mean 'street'?"),
        ("images: [a.jpg], for: [x]", "names no camera (got 'x'); known are street"),
        ("images: [a.jpg], for: [street/path]", "names no region of camera street (got 'street/path'); known are full"),
        ("images: [a.jpg], for: [street/]", "names no region of camera street (got 'street/'); known are full"),
    ],
)
def test_a_wrong_setting_of_a_reference_is_reported_in_a_sentence(told: Told, setting: str, rule: str) -> None:
    (line,) = told(f"{CAMERA}references: {{r: {{{setting}}}}}")
    assert line.endswith(rule)


def test_places_are_looked_up_even_when_the_camera_itself_is_wrong(told: Told) -> None:
    lines = told("cameras: {a: {source: 3, regions: {x: {left: 2}}}}\nreferences: {r: {images: [p], for: [a/x, a/z]}}")
    assert [line for line in lines if "names no" in line] == [
        "2:42: references.r.for[1]: names no region of camera a (got 'a/z'); known are x"
    ]
    assert len(lines) == 3


def test_an_endpoint_is_given_once(told: Told, read: Read) -> None:
    (line,) = told(f"{CAMERA}publish: {{endpoints: ['pub+bind:tcp://localhost:1', 'pub+connect:tcp://127.0.0.1:1']}}")
    assert line == "2:53: publish.endpoints[1]: must not be given twice (got 'pub+connect:tcp://127.0.0.1:1')"
    any_port = "pub+bind:tcp://127.0.0.1:*"
    config = read(f"{CAMERA}publish: {{endpoints: ['{any_port}', '{any_port}']}}")
    assert config.publish.endpoints == (Endpoint("bind", "tcp://127.0.0.1:*"),) * 2


@pytest.mark.parametrize(
    ("setting", "rule"),
    [
        ("publish: {endpoints: []}", "publish.endpoints: must name at least one (got none)"),
        ("publish: {endpoints: tcp}", "publish.endpoints: must be a list (got 'tcp')"),
        ("publish: {endpoints: [5556]}", "publish.endpoints[0]: must be text (got 5556)"),
        ("publish: []", "publish: must be a mapping (got a list)"),
        ("log: debug", "log: must be a mapping (got 'debug')"),
        ("log: {level: 10}", "log.level: must be one of debug, info, warning, error (got 10)"),
        ("node: 12", "node: must be text (got 12)"),
        ("node:", "node: must be text (got nothing)"),
        (
            f"cameras: {{{', '.join(f'c{n}: {{}}' for n in range(1001))}}}",
            "cameras: must be at most 1000 cameras (got 1001)",
        ),
        ("cameras: [a]", "cameras: must be a mapping (got a list)"),
    ],
)
def test_a_wrong_setting_elsewhere_is_reported_in_a_sentence(told: Told, setting: str, rule: str) -> None:
    lines = told(f"{CAMERA if 'cameras' not in setting else ''}{setting}")
    assert [line.split(" ", 1)[1] for line in lines] == [rule]


@pytest.mark.parametrize("key", ["[key]", "<<file", "..", "__class__", "model_fields", "places", "<word>", "", "'"])
def test_keys_that_look_like_something_else_are_unknown_keys(told: Told, key: str) -> None:
    quoted = f'"{key}"'
    lines = told(
        f"""\
        cameras: {{street: {{source: 'file:a', {quoted}: 1}}}}
        references: {{r: {{images: [a], {quoted}: 1}}}}
        model: {{delegate: {{library: a, {quoted}: 1}}}}
        {quoted}: 1
        """
    )
    assert [line.split(":")[0] for line in lines if "unknown key; " in line] == ["1", "2", "3", "4"]


def test_sections_can_be_made_without_a_file(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.chdir(tmp_path)
    camera = CameraConfig.model_validate({"source": "file:a.mp4"})
    assert camera.source.target == str(tmp_path / "a.mp4")
    reference = ReferenceConfig.model_validate({"images": ["a.jpg"], "for": ["b"]})
    with pytest.raises(pydantic.ValidationError, match="names no camera"):
        Config(cameras={"a": camera}, references={"r": reference})
