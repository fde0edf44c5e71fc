"""``config/edged.yaml`` is the manual of every option: held here against the code."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import pairwise
from pathlib import Path

import pytest

from edged.config import Config, StateSetConfig, load, load_text
from edged.config.reader.pydantic_errors import section_at
from edged.config.sections.camera_kinds import CAMERA_KINDS, CameraKind
from edged.config.sections.fields import Section
from edged.references import picture_files

FILE = Path(__file__).parents[3] / "config" / "edged.yaml"

# An option is a line `key:`, or `#key:` where it is commented out. Prose has a space after its #.
OPTION = re.compile(r"(?P<indent> *)#?(?P<key>[a-z0-9_-]+):")

NAMES = {"cameras": "street", "references": "path-empty", "states": "path", "regions": "full"}


def told() -> list[str]:
    """The path of every option in the file, from top to bottom."""
    found = []
    path: list[str] = []
    for line in FILE.read_text().splitlines():
        option = OPTION.match(line)
        if option:
            path = [*path[: len(option["indent"]) // 2], option["key"]]
            found.append(".".join(path))
    return found


def known(path: tuple[str, ...] = (), section: type[Section] = Config) -> Iterator[str]:
    """The path of every option in the code, in the order of the code."""
    for name, field in section.model_fields.items():
        here = (*path, field.alias or name)
        yield ".".join(here)
        if name in NAMES:
            here = (*here, NAMES[name])
            yield ".".join(here)
        inner = section_at(here)
        if inner is not section and name != "delegate":  # a word in the file; its mapping is told in the text
            yield from known(here, inner)


def test_every_option_is_listed_once_and_in_order() -> None:
    assert told() == list(known())


@pytest.mark.parametrize("kind", CAMERA_KINDS, ids=lambda kind: kind.name)
def test_every_kind_of_camera_is_in_the_list_of_sources(kind: CameraKind) -> None:
    assert re.search(rf"(?m)^    #   ([a-z:/]+, )*{kind.prefix}", FILE.read_text())


def test_every_option_has_its_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("XDG_RUNTIME_DIR", "/run/user/1000")
    least = """
version: 2
cameras: {street: {source: "file:demo/street.mp4"}}
references: {path-empty: {images: ["demo/path-empty.jpg"]}}
"""
    assert load(FILE).config == load_text(least, FILE).config


def test_what_is_commented_out_is_right_too() -> None:
    text = (
        FILE.read_text()
        .replace("  name: efficientnet-lite0-int8\n", "")
        .replace("    #name: efficientnet-lite0-int8\n", "")
    )
    text = text.replace("on_failure: refuse", "on_failure: fallback")
    text = text.replace('    images: ["demo/path-empty.jpg"]\n', "")
    config = load_text(re.sub(r"(?m)^( *)#(?=[a-z_]+:)", r"\1", text), FILE).config
    assert config.node == "porch"
    assert config.model.path == FILE.parent / "my_model.tflite"
    assert config.model.std == (128.0,)
    assert config.model.fallback is not None
    assert config.model.fallback.path == FILE.parent / "my_cpu_model.tflite"
    assert config.references["path-empty"].places == ("street/full",)
    assert config.references["path-empty"].catalogue == FILE.parent / "parts.npz"
    usual = StateSetConfig.model_validate({"for": ["street/full"], "of": ["empty", "busy"]})
    assert config.states == {"path": usual}, "what is commented out are the defaults"
    assert config.publish.authorized_clients == FILE.parent / "keys" / "authorized_clients"


def test_the_text_explains_keys_by_endpoint() -> None:
    text = re.sub(r"\n *# ", " ", FILE.read_text())
    keys = re.search(r"server_key: \{.*?\}", text)
    assert keys is not None
    publish = f'endpoints: ["pub+bind:tcp://*:5556", "pub+bind:tcp://*:5557"], authorized_clients: a, {keys[0]}'
    config = load_text(f"cameras: {{a: {{source: 'file:a'}}}}\npublish: {{{publish}}}", FILE).config
    new = config.publish.key_of(config.publish.endpoints[1])
    assert new == (("server_key", "pub+bind:tcp://*:5557"), FILE.parent / "new.secret")


def test_the_text_explains_a_delegate_library() -> None:
    assert "delegate: {library: /usr/lib/libmy_delegate.so, options: {" in FILE.read_text()


def test_each_option_follows_a_comment() -> None:
    lines = FILE.read_text().splitlines()
    bare = [line.strip() for before, line in pairwise(lines) if OPTION.match(line) and "#" not in before]
    # Names come first in what they name; pairs and the edges are explained together.
    edges = ["left: 0.0", "top: 0.0", "right: 1.0", "bottom: 1.0"]
    assert bare == ["street:", "height: null", "vflip: false", "full:", *edges, "path-empty:", "#path:"]


def test_the_demo_is_right(demo: Path) -> None:
    config = load(demo / "edged.yaml").config
    camera = config.cameras["street"]
    assert (camera.source.target, camera.loop, camera.policy) == (str(demo / "street.mp4"), True, "block")
    assert list(config.references) == ["path-empty", "path-busy"]
    assert all(reference.images for reference in config.references.values())
    assert all(path.is_file() for reference in config.references.values() for path in reference.images or ())
    assert (config.version, config.model.name) == (2, "efficientnet-lite0-int8")
    assert config.states["path"].states == ("empty", "people")
    counts = {state: len(picture_files(folder, print)) for state, (folder,) in config.states["path"].images.items()}
    assert counts == {"empty": 5, "people": 5}
    assert [str(endpoint) for endpoint in config.publish.endpoints] == ["pub+bind:tcp://127.0.0.1:5556"]
