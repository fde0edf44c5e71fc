"""Whatever the text is, the outcome is a configuration or a list of complaints, and it comes at once."""

from __future__ import annotations

import contextlib
import time
from pathlib import Path

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from edged.config import CameraConfig, ConfigFileError, dump, load, load_text
from edged.config.reader.variables import FilledValue, Variables, escaped

FOLDER = Path(__file__).parents[3] / "config"
EXAMPLES = [(FOLDER / "edged.yaml").read_text(), (FOLDER / "demo" / "edged.yaml").read_text()]
KEYS = "cameras references model publish log node source regions left right for images endpoints delegate"
SOURCES = "file: usb: dir: pattern: picamera:0 rtsp://host http://me:secret@host ***"
VALUES_OF_KEYS = "pub+bind:tcp:// 127.0.0.1 street full null true .nan .inf -1 0 1e999 0x1 1_0 12:30 é \U0001f600"
SIGNS = ": - ? & * ! | > ' \" { } [ ] , # % @ ` ~ << !!int &a *a --- ..."
VARIABLES = "$ $$ ${ } ${FPS:-10} ${FUZZ} ${FUZZ_TOKEN} ${CREDENTIAL:fuzz} http://me:${FUZZ_TOKEN}@h/?token="
BLANKS = ["\t", "\r", "\n", "\x00", "\x85", "\u2028", "\ufeff"]
WORDS = [*KEYS.split(), *SOURCES.split(), *VALUES_OF_KEYS.split(), *SIGNS.split(), *VARIABLES.split(), *BLANKS]
CAMERA_KEYS = (*CameraConfig.model_fields, "rotaton")

SECRET = "s3cr3t@/:%?&=#\u00e9"  # with all that could end it early in a URL

# A text that is slow to refuse is a fault: 5000 milliseconds. The fixtures set nothing that a first text could spoil.
at_once = settings(deadline=5000, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow])


@pytest.fixture(autouse=True)
def _variables(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    folder = tmp_path_factory.mktemp("credentials")
    (folder / "fuzz").write_text(SECRET)
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    monkeypatch.setenv("FUZZ_TOKEN", SECRET)
    monkeypatch.setenv("FUZZ", "${FUZZ_TOKEN}: [x")


def outcome(text: str) -> None:
    try:
        loaded = load_text(text, "edged.yaml")
    except ConfigFileError as error:
        lines = str(error).splitlines()
        assert lines
        assert all(line.startswith("edged.yaml:") and len(line) < 2000 for line in lines)
        assert not [line for line in lines if "Input should" in line], "that is how pydantic talks, not we"
        assert not [line for line in lines if "s3cr3t" in line]
        for problem in error.problems:
            assert problem.line <= text.count("\n") + text.count("\r") + 1
    else:
        assert "s3cr3t" not in dump(loaded.config) + repr(loaded.config) + loaded.config.model_dump_json()
        if not any("***" in str(camera.source) for camera in loaded.config.cameras.values()):
            assert load_text(dump(loaded.config), "edged.yaml").config == loaded.config


@pytest.mark.usefixtures("parser")
@at_once
@given(st.text())
def test_any_text(text: str) -> None:
    outcome(text)


@pytest.mark.usefixtures("parser")
@at_once
@given(st.lists(st.sampled_from([*WORDS, " ", "  ", "\n", ": ", "- "]), max_size=60))
def test_any_jumble_of_what_configurations_are_made_of(parts: list[str]) -> None:
    outcome("".join(parts))


@at_once
@given(parts=st.lists(st.sampled_from([*VARIABLES.split(), "http://", "rtsp://", *"@/?&=:#%;", "h", "token="])))
@example(parts=["http://", "?user=", "${FUZZ_TOKEN}", "@"])
def test_a_secret_in_any_source_is_printed_nowhere(parts: list[str]) -> None:
    source = "".join(parts)
    outcome(f"cameras: {{street: {{source: '{source}', loop: true, width: 1, verify_tls: false}}}}")
    outcome(f"cameras: {{street: {{source: 'http://{source}'}}}}")


@at_once
@given(st.text())
def test_any_text_survives_with_its_dollars_escaped(text: str) -> None:
    assert Variables().fill(escaped(text)) == FilledValue(text)
    for shown in ("$$".join(text), "${".join(text)):
        assert Variables().fill(escaped(shown)) == FilledValue(shown)


@pytest.mark.usefixtures("parser")
@at_once
@given(
    text=st.sampled_from(EXAMPLES),
    cuts=st.lists(st.tuples(st.integers(0, 6000), st.integers(0, 40), st.sampled_from(WORDS)), max_size=4),
)
def test_examples_with_pieces_cut_out_and_put_in(text: str, cuts: list[tuple[int, int, str]]) -> None:
    for at, length, put_in in cuts:
        at %= len(text) + 1
        text = text[:at] + put_in + text[at + length :]
    outcome(text)


@pytest.mark.parametrize("piece", ["://", "?", "?user", "&pass", "@", "=", "rtsp://a@", "?user="])
def test_a_long_text_that_looks_like_passwords_is_shown_at_once(piece: str) -> None:
    begin = time.process_time()
    outcome(f"node: 'x://{piece * (900_000 // len(piece))}'")
    assert time.process_time() - begin < 30, "a second, where one is usual; with a careless pattern it is hours"


VALUES = st.recursive(
    st.none()
    | st.booleans()
    | st.integers()
    | st.floats()
    | st.text(max_size=20)
    | st.sampled_from(
        [
            "file:a.mp4",
            "usb:/dev/video0",
            "picamera:0",
            "rtsp://h/",
            "pattern:",
            "auto",
            "latest",
            "block",
            "coral:usb",
            "street",
            "street/full",
        ]
    ),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from(WORDS) | st.text(max_size=8), inner, max_size=4)
    ),
    max_leaves=12,
)

CAMERA = st.fixed_dictionaries({}, optional=dict.fromkeys(CAMERA_KEYS, VALUES))


@at_once
@given(
    st.fixed_dictionaries(
        {"cameras": st.dictionaries(st.sampled_from(["street", "On", "1"]), CAMERA | VALUES, max_size=3)},
        optional=dict.fromkeys(("node", "model", "references", "publish", "log", "modell"), VALUES),
    )
)
def test_any_values_in_the_right_places(values: dict[str, object]) -> None:
    outcome(as_yaml(values))


def as_yaml(value: object) -> str:
    """*value* in YAML's flow style, without the help of what is tested."""
    match value:
        case dict():
            return "{" + ", ".join(f"{as_yaml(key)}: {as_yaml(item)}" for key, item in value.items()) + "}"
        case list():
            return "[" + ", ".join(map(as_yaml, value)) + "]"
        case str():
            return '"' + "".join(f"\\U{ord(character):08x}" for character in value) + '"'
        case None:
            return "null"
        case bool():
            return str(value).lower()
        case float() if value != value or value in (float("inf"), float("-inf")):
            return {"nan": ".nan", "inf": ".inf", "-inf": "-.inf"}[str(value)]
        case _:
            return str(value)


@at_once
@given(st.binary())
def test_any_bytes(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "edged.yaml"
    path.write_bytes(content)
    with contextlib.suppress(ConfigFileError):
        load(path)
