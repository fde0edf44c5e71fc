"""The version of a configuration, and the default that follows from it: the model."""

from __future__ import annotations

import platform
from collections.abc import Callable
from importlib.machinery import ModuleSpec
from pathlib import Path

import pytest

from edged.config import Config, dump, environment, load_text

Told = Callable[[str], list[str]]
Read = Callable[[str], Config]

CAMERA = "cameras: {street: {source: 'file:a.mp4'}}\n"
FLOAT16, INT8 = "efficientnet-lite0", "efficientnet-lite0-int8"


@pytest.fixture
def machine(monkeypatch: pytest.MonkeyPatch) -> Callable[..., None]:
    """Pretends to be a machine of another kind, with only these engines."""

    def pretend(kind: str, *engines: str) -> None:
        monkeypatch.setattr(platform, "machine", lambda: kind)
        monkeypatch.setattr(environment, "find_spec", lambda name: ModuleSpec(name, None) if name in engines else None)

    return pretend


@pytest.mark.parametrize("text", ["", "version: 1\n", "version: 1\nmodel:\n", "model: {resize: area}\n"])
def test_a_file_of_the_first_version_keeps_its_model(read: Read, text: str) -> None:
    config = read(CAMERA + text)
    assert (config.version, config.model.name) == (1, FLOAT16)


@pytest.mark.parametrize("text", ["", "model:\n", "model: {}\n", "model: {engine: ai-edge-litert, resize: area}\n"])
def test_the_default_model_of_version_2_is_the_quantised_one(
    read: Read, machine: Callable[..., None], text: str
) -> None:
    machine("x86_64", "tflite_runtime", "ai_edge_litert")
    config = read(f"version: 2\n{CAMERA}{text}")
    assert (config.version, config.model.name) == (2, INT8)
    assert config.model.resize == ("area" if "area" in text else "exact")


@pytest.mark.parametrize("version", [1, 2])
def test_a_model_that_is_named_is_the_same_in_every_version(read: Read, version: int, tmp_path: Path) -> None:
    for name in (FLOAT16, INT8):
        assert read(f"version: {version}\n{CAMERA}model: {{name: {name}}}").model.name == name
    own = read(f"version: {version}\n{CAMERA}model: {{path: own.tflite}}").model
    assert (own.name, own.path) == (None, tmp_path / "own.tflite")


@pytest.mark.parametrize(
    ("kind", "engine", "engines", "name"),
    [
        ("x86_64", "auto", ["tflite_runtime"], FLOAT16),
        ("x86_64", "tflite-runtime", ["tflite_runtime", "ai_edge_litert"], FLOAT16),
        ("x86_64", "auto", ["tflite_runtime", "ai_edge_litert"], INT8),
        ("armv7l", "auto", ["tflite_runtime"], INT8),
        ("aarch64", "tflite-runtime", ["tflite_runtime"], INT8),
    ],
)
def test_it_is_not_where_it_would_be_slow(
    read: Read, machine: Callable[..., None], kind: str, engine: str, engines: list[str], name: str
) -> None:
    machine(kind, *engines)
    assert read(f"version: 2\n{CAMERA}model: {{engine: {engine}}}").model.name == name


@pytest.mark.parametrize("version", [0, 3, -1, 10**9])
def test_an_unknown_version_is_refused_with_what_to_do(told: Told, version: int) -> None:
    [line] = told(f"version: {version}\n{CAMERA}")
    assert line == (
        f"1:10: version: is of another edged (got {version}); this one reads 1 to 2: write one of these, or install "
        "the edged that the file was written for"
    )


@pytest.mark.parametrize(("value", "shown"), [("'2'", "'2'"), ("true", "true"), ("2.0", "2.0"), ("", "nothing")])
def test_a_version_is_a_whole_number(told: Told, value: str, shown: str) -> None:
    [line] = told(f"version: {value}\n{CAMERA}")
    assert line.endswith(f"version: must be a whole number (got {shown})")


def test_what_is_wrong_in_the_model_is_found_in_version_2_too(told: Told) -> None:
    assert told(f"version: 2\n{CAMERA}model: 3") == ["3:8: model: must be a mapping (got 3)"]
    assert told(f"version: 2\n{CAMERA}model: {{name: null}}") == ["3:8: model: must have a name or a path"]
    [line] = told(f"version: 2\n{CAMERA}model: {{engine: [a]}}")
    assert "model.engine: must be one of" in line


@pytest.mark.parametrize("version", [1, 2])
def test_what_is_dumped_names_the_model_of_its_version(read: Read, version: int) -> None:
    config = read(f"version: {version}\n{CAMERA}")
    text = dump(config)
    assert text.startswith(f"version: {version}\n")
    assert f"\n  name: {config.model.name}\n" in text
    assert load_text(text, "edged.yaml").config == config
