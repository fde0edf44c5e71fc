"""``${NAME}`` in the values of a configuration, and that a secret among them is told nowhere."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path

import pytest

from edged.config import Config, ConfigFileError, config_hash, dump, load_text
from edged.config.environment import LONGEST_CREDENTIAL
from edged.config.reader.variables import MOST_FILLED_IN

Read = Callable[[str], Config]
Told = Callable[[str], list[str]]
Credentials = Callable[..., Path]

CAMERA = "cameras: {street: {source: 'file:a.mp4'}}\n"


@pytest.fixture(autouse=True)
def _bare_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("CREDENTIALS_DIRECTORY", "GONE"):
        monkeypatch.delenv(name, raising=False)


@pytest.fixture
def credentials(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Credentials:
    """Make the folder that systemd gives a service."""

    def make(**contents: str | bytes) -> Path:
        folder = tmp_path / "credentials"
        folder.mkdir()
        for name, content in contents.items():
            (folder / name).write_bytes(content.encode() if isinstance(content, str) else content)
        monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
        return folder

    return make


def camera(source: str, more: str = "") -> str:
    return f"cameras:\n  front:\n    source: {source}\n{more}"


def target(config: Config) -> str:
    return config.cameras["front"].source.target


def test_a_variable_is_put_in_wherever_a_value_has_it(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HOST", "10.0.0.7")
    monkeypatch.setenv("CLIPS", "clips")
    config = read("""
        node: board-${GONE:-7}
        cameras:
          front: {source: "http://${HOST}:${PORT:-8080}/${GONE:-}mjpg"}
          clip: {source: 'file:${CLIPS}/a.mp4'}
        references:
          empty:
            images: ["${CLIPS}/empty.jpg", "${GONE:-/srv/b.jpg}"]
        model:
          delegate:
            library: libone.so
            options: {path: "${CLIPS}"}
    """)
    assert config.node == "board-7"
    assert target(config) == "http://10.0.0.7:8080/mjpg"
    folder = Path(config.cameras["clip"].source.target).parent
    assert folder.name == "clips"
    assert folder.is_absolute(), "a relative path still starts at the folder of the file"
    assert [str(path) for path in config.references["empty"].images or ()] == [f"{folder}/empty.jpg", "/srv/b.jpg"]
    assert config.model.delegate.options == (("path", "clips"),)


@pytest.mark.parametrize(
    ("held", "value"), [("12.5", 12.5), ("12", 12.0), ("010", 10.0), ("1e1", 10.0), ("null", None), ("", None)]
)
def test_without_quotes_it_is_read_as_if_it_stood_there(
    read: Read, monkeypatch: pytest.MonkeyPatch, held: str, value: float | None
) -> None:
    monkeypatch.setenv("FPS", held)
    assert read(camera("'pattern:'", "    fps: ${FPS}")).cameras["front"].fps == value


def test_a_default_counts_where_a_variable_is_missing_or_empty(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    text = camera("'pattern:'", "    fps: ${GONE:-10}\n    rotation: ${EMPTY:-90}\nmodel:\n  quantize: ${YES:-false}")
    monkeypatch.setenv("EMPTY", "")
    monkeypatch.setenv("YES", "true")
    config = read(text)
    assert (config.cameras["front"].fps, config.cameras["front"].rotation, config.model.quantize) == (10, 90, True)


def test_in_quotes_it_is_text(read: Read, told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE", "12")
    assert read(CAMERA + 'node: "${NODE}"').node == "12"
    assert told(CAMERA + "node: ${NODE}") == ["2:7: node: must be text (got 12)"]


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("a$b", "a$b"),
        ("$NODE", "$NODE"),
        ("$", "$"),
        ("a$$b", "a$b"),
        ("$${NODE}", "${NODE}"),
        ("$$$${NODE}", "$${NODE}"),
        ("$${", "${"),
        ("${GONE:-a$b}", "a$b"),
        ("${GONE:-a b: {c}", "a b: {c"),
    ],
)
def test_a_dollar_is_a_dollar(read: Read, written: str, meant: str) -> None:
    config = read(CAMERA + f"references: {{r: {{images: ['/{written}']}}}}")
    assert str((config.references["r"].images or ())[0]) == f"/{meant}"
    assert load_text(dump(config), "edged.yaml").config == config


def test_what_is_put_in_is_not_looked_at_again(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("ONE", "${ONE}${TWO}$$")
    config = read(CAMERA + "references: {r: {images: ['/${ONE}']}}")
    assert str((config.references["r"].images or ())[0]) == "/${ONE}${TWO}$$"
    assert load_text(dump(config), "edged.yaml").config == config


def test_keys_are_as_they_are_written(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NODE", "node")
    assert told(CAMERA + '"${NODE}": porch')[0].startswith("2:1: ${NODE}: unknown key")


def test_a_missing_variable_is_reported_with_its_line_and_the_cure(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("RATE", "ten")
    monkeypatch.setenv("BELL", "a\x07")
    lines = told(camera("http://${GONE}/", "    fps: ${RATE}\n    rotation: ${GONE}\nnode: ${A B}\nlog: {level: a}"))
    lines += told(CAMERA + "node: ${BELL}\nmodel:\n  name: a${\n  head: ${A:-${B:-c}}\n")
    assert lines == [
        (
            "3:13: cameras.front.source: needs ${GONE}: it is not set; set it, in the unit with EnvironmentFile=, or "
            "give it a default"
        ),
        "4:10: cameras.front.fps: must be a number (got 'ten')",
        (
            "5:15: cameras.front.rotation: needs ${GONE}: it is not set; set it, in the unit with EnvironmentFile=, or "
            "give it a default"
        ),
        f"6:7: node: {MALFORMED}",
        "7:14: log.level: must be one of debug, info, warning, error (got 'a')",
        "2:7: node: must not hold control characters (${BELL} has U+0007)",
        f"4:9: model.name: {MALFORMED}",
        f"5:9: model.head: {MALFORMED}",
    ]


MALFORMED = (
    "has ${ without being ${NAME}, ${NAME:-default} or ${CREDENTIAL:name}; a plain ${ is written $${, and a default "
    "cannot hold ${ or }"
)


@pytest.mark.usefixtures("parser")
def test_between_brackets_the_quotes_are_missed(told: Told) -> None:
    (line,) = told("cameras: {street: {source: 'file:a.mp4', fps: ${FPS}}}")
    assert line.startswith("1:")
    assert line.endswith(
        "; between [ ] or { } a ${NAME} must be in quotes, as text; for a number give it a line of its own"
    )


def test_a_bomb_of_variables_does_not_burst(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BIG", "x" * 100_000)
    begin = time.process_time()
    lines = told(CAMERA + "log:\n" + "".join(f"  a{n}: ${{BIG}}{'${BIG}' * 9}\n" for n in range(9_000)))
    assert time.process_time() - begin < 60, "seconds, where one is usual; without limits it is 9 GB"
    assert any("would be more than 1 MiB, with what other variables hold" in line for line in lines)
    assert MOST_FILLED_IN == 1 << 20


@pytest.mark.parametrize("piece", ["$", "$$", "${A:-", "${A:-$", "${CREDENTIAL:", "http://${A}@", "${A:-}"])
def test_a_long_text_of_dollars_is_read_at_once(piece: str) -> None:
    begin = time.process_time()
    with suppress(ConfigFileError):
        load_text(f"node: 'http://{piece * (200_000 // len(piece))}'", "edged.yaml")
    assert time.process_time() - begin < 30, "a second or two, where hours show a careless pattern"


PASSWORD = "p@ss/w:o?r#d%2F&=$ é"
ENCODED = "p%40ss%2Fw:o%3Fr%23d%252F%26%3D%24%20%C3%A9"


@pytest.mark.parametrize("kind", ["variable", "credential"])
def test_a_password_works_as_it_is_and_is_printed_nowhere(
    read: Read, credentials: Credentials, monkeypatch: pytest.MonkeyPatch, kind: str
) -> None:
    if kind == "variable":
        monkeypatch.setenv("CAM_PASSWORD", PASSWORD)
        text = camera("rtsp://cam:${CAM_PASSWORD}@h/live")
    else:
        credentials(front=f"{PASSWORD}\n")
        text = camera("rtsp://cam:${CREDENTIAL:front}@h/live")
    config = read(text)
    assert target(config) == f"rtsp://cam:{ENCODED}@h/live"
    assert "rtsp://***@h/live" in dump(config)
    for shown in (dump(config), repr(config), str(config), config.model_dump_json(), repr(load_text(text, "x.yaml"))):
        assert "ss%2F" not in shown
        assert "ss/w" not in shown


def test_the_hash_does_not_depend_on_a_secret(read: Read, monkeypatch: pytest.MonkeyPatch) -> None:
    hashes = set()
    for secret in ("one", "two"):
        monkeypatch.setenv("CAM_PASSWORD", secret)
        config = read(camera("http://${CAM_PASSWORD}:${CAM_PASSWORD}@h/?x=1&token=${CAM_PASSWORD}&y=2"))
        assert target(config) == f"http://{secret}:{secret}@h/?x=1&token={secret}&y=2"
        hashes.add(config_hash(config))
    assert len(hashes) == 1
    monkeypatch.setenv("HOST", "h1")
    other = read(camera("http://${HOST}/"))
    monkeypatch.setenv("HOST", "h2")
    assert config_hash(other) != config_hash(read(camera("http://${HOST}/")))


def test_user_and_password_may_come_as_one(read: Read, credentials: Credentials) -> None:
    credentials(login="me:s3cr@t\r\n")
    assert target(read(camera("https://${CREDENTIAL:login}@h:8443/"))) == "https://me:s3cr%40t@h:8443/"


def test_a_secret_parameter_is_one_parameter(read: Read, credentials: Credentials) -> None:
    credentials(token="a&b=c#/?")
    config = read(camera("http://h/jpg?token=${CREDENTIAL:token}&size=1"))
    assert target(config) == "http://h/jpg?token=a%26b%3Dc%23%2F%3F&size=1"
    assert str(config.cameras["front"].source) == "http://h/jpg?token=***&size=1"


@pytest.mark.parametrize(
    "source",
    [
        "${CREDENTIAL:cam}",
        "${CAM_PASSWORD}",
        "http://h/${CREDENTIAL:cam}/",
        "http://${CREDENTIAL:cam}/",
        "http://h/?size=${CAM_PASSWORD}",
        "http://h/?${CAM_PASSWORD}=1",
        "http://me:x@h/${CAM_PASSWORD}",
        "file:${CAM_PASSWORD}.mp4",
        "usb:${CREDENTIAL:cam}",
        "rtmp://me:${CREDENTIAL:cam}@h/",
        "${GONE:-rtsp}://me:${CREDENTIAL:cam}@h/",
    ],
)
def test_a_secret_that_would_be_shown_is_refused(
    told: Told, credentials: Credentials, monkeypatch: pytest.MonkeyPatch, source: str
) -> None:
    credentials(cam="s3cr3t")
    monkeypatch.setenv("CAM_PASSWORD", "s3cr3t")
    text = "\n".join(told(camera(source, "    loop: true\n    verify_tls: false\n")))
    assert "3:13: cameras.front.source: must not have ${C" in text
    assert "s3cr3t" not in text


def test_a_secret_is_refused_in_every_other_setting(
    told: Told, credentials: Credentials, monkeypatch: pytest.MonkeyPatch
) -> None:
    credentials(cam="s3cr3t")
    monkeypatch.setenv("API_TOKEN", "s3cr3t")
    lines = told(
        camera("&it http://me:${CREDENTIAL:cam}@h/")
        + "node: ${API_TOKEN}\n"
        + "references:\n  r: {images: [*it], for: ['${CREDENTIAL:cam}']}\n"
        + "model: {delegate: {library: *it, options: {url: 'http://u:${API_TOKEN}@h/'}}}\n"
        + "log: {level: *it}\n"
    )
    assert len(lines) == 6
    assert "s3cr3t" not in "".join(lines)
    assert all(" must not have ${" in line for line in lines)
    assert ["a variable that holds none must have another name" in line for line in lines].count(True) == 2


def test_an_alias_may_carry_a_secret_to_another_camera(read: Read, credentials: Credentials) -> None:
    credentials(cam="s3cr3t")
    text = "cameras:\n  a: &a\n    source: &s http://me:${CREDENTIAL:cam}@h/\n  b: *a\n  c: {source: *s}\n"
    config = read(text)
    assert len({config.cameras[name].source.target for name in "abc"}) == 1


@pytest.mark.parametrize("name", ["CAM_PW", "PASSWORD2", "campassword", "Unifi_Token_1", "PASS_OF_FRONT", "MY_PWD"])
def test_a_secret_is_recognised_by_its_name(told: Told, monkeypatch: pytest.MonkeyPatch, name: str) -> None:
    monkeypatch.setenv(name, "s3cr3t")
    (line,) = told(CAMERA + f'node: "${{{name}}}"')
    assert line.startswith(f"2:7: node: must not have ${{{name}}}, because it would be shown here")


@pytest.mark.parametrize("name", ["KEY_DIR", "SECRET_DIR", "PASSWORD_FILE", "COMPASS", "PWD", "USER", "TOKENS"])
def test_a_name_that_only_resembles_a_secret_is_fine_anywhere(
    read: Read, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    monkeypatch.setenv(name, "x")
    assert read(CAMERA + f'node: "${{{name}}}"').node == "x"


@pytest.mark.parametrize(
    ("content", "rule"),
    [
        (b"\xff\xfe", "it is not UTF-8 text"),
        (b"", "it is empty"),
        (b"\n", "it is empty"),
        (b"x" * (LONGEST_CREDENTIAL + 1), "it is too long: more than 4096 bytes"),
        (None, "it cannot be read: Is a directory"),
    ],
)
def test_a_credential_that_cannot_be_used_is_reported(
    told: Told, credentials: Credentials, content: bytes | None, rule: str
) -> None:
    folder = credentials()
    if content is None:
        (folder / "cam").mkdir()
    else:
        (folder / "cam").write_bytes(content)
    (line,) = told(camera("http://me:${CREDENTIAL:cam}@h/"))
    assert line == f"3:13: cameras.front.source: needs ${{CREDENTIAL:cam}}: {rule}"
    (line,) = told(camera("http://me:${CREDENTIAL:cam:-x}@h/"))
    assert line.endswith(rule), "a default stands in for what is missing, not for what is broken"


@pytest.mark.timeout(60)
@pytest.mark.parametrize("kind", ["pipe", "device"])
def test_a_credential_that_is_no_file_is_refused_and_not_waited_for(
    told: Told, credentials: Credentials, kind: str
) -> None:
    path = credentials() / "cam"
    if kind == "pipe":
        os.mkfifo(path)
    else:
        path.symlink_to("/dev/zero")
    (line,) = told(camera("http://me:${CREDENTIAL:cam}@h/"))
    assert line.endswith("needs ${CREDENTIAL:cam}: it must be a file, and is a device or a pipe")


def test_a_missing_credential_is_reported_with_the_cure(told: Told, read: Read, credentials: Credentials) -> None:
    source = camera("http://me:${CREDENTIAL:cam}@h/")
    (line,) = told(source)
    assert "there are no credentials here; the unit gets it by LoadCredential=cam:FILE; if you start edged" in line
    folder = credentials()
    (line,) = told(source)
    assert line.endswith(f"{folder} has none of that name; the unit gets it by LoadCredential=cam:FILE")
    assert target(read(camera("http://me:${CREDENTIAL:cam:-guest}@h/"))) == "http://me:guest@h/"


@pytest.mark.parametrize("name", ["../cam", "/etc/shadow", "", "..", ".", "a/b", "a b"])
def test_a_credential_cannot_be_a_file_elsewhere(told: Told, credentials: Credentials, name: str) -> None:
    folder = credentials()
    (folder.parent / "cam").write_text("s3cr3t")
    text = "\n".join(told(camera(f"'http://me:${{CREDENTIAL:{name}}}@h/'")))
    assert MALFORMED in text or "cannot be read" in text
    assert "s3cr3t" not in text


def test_a_variable_that_is_not_text_is_reported(told: Told, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("BYTES", os.fsdecode(b"\xff"))
    (line,) = told(CAMERA + "node: ${BYTES}")
    assert line == "2:7: node: must not hold control characters (${BYTES} has U+DCFF)"
