"""Every command under locales that are not UTF-8: no traceback, and JSON and YAML in UTF-8."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import cv2
import numpy as np
import pytest

from edged.cli import COMMANDS
from tests.vision.pool_models import pool_model

pytestmark = pytest.mark.once

ROOT = Path(__file__).parents[2]
ASCII = {"LC_ALL": "C", "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
NAMES = ("Füße…中", "at 9\u202fAM", "می\u200cروم")


@pytest.fixture(scope="module")
def latin_1(tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """The environment of ISO-8859-1, for which a locale is made where the system can do that."""
    folder = tmp_path_factory.mktemp("locales")
    name = "en_US.ISO-8859-1"
    maker = shutil.which("localedef")
    if maker is not None:
        made = subprocess.run(
            [maker, "-i", "en_US", "-f", "ISO-8859-1", str(folder / name)], capture_output=True, check=False, timeout=60
        )
        if made.returncode == 0:
            return {"LC_ALL": name, "LOCPATH": str(folder), "PYTHONUTF8": "0", "PYTHONCOERCECLOCALE": "0"}
    return {**ASCII, "PYTHONIOENCODING": "iso-8859-1:strict"}


@pytest.fixture(params=["ascii", "latin-1"])
def locale(request: pytest.FixtureRequest, latin_1: dict[str, str]) -> Mapping[str, str]:
    return ASCII if request.param == "ascii" else latin_1


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A configuration with names of several scripts, and pictures that have them."""
    pictures = tmp_path / "größe…"
    pictures.mkdir()
    for number, name in enumerate(NAMES):
        made = cv2.imencode(".png", np.full((9, 9, 3), 40 + 50 * number, np.uint8))[1].tobytes()
        (pictures / f"{name}.png").write_bytes(made)
    (tmp_path / "model.tflite").write_bytes(pool_model().content)
    (tmp_path / "edged.yaml").write_text(
        "model: {path: model.tflite}\ncameras: {a: {source: 'dir:größe…'}}\nreferences: {r: {images: ['größe…']}}\n",
        encoding="utf-8",
    )
    return tmp_path


def run(locale: Mapping[str, str], folder: Path, *arguments: str) -> subprocess.CompletedProcess[bytes]:
    done = subprocess.run(
        [sys.executable, "-m", "edged", *arguments],
        cwd=folder,
        env={**os.environ, **locale, "PYTHONPATH": str(ROOT), "XDG_RUNTIME_DIR": str(folder), "HOME": str(folder)},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert b"Traceback" not in done.stderr + done.stdout, done.stderr.decode(errors="replace")
    assert b"Error:" not in done.stderr, done.stderr.decode(errors="replace")
    return done


def test_every_command_explains_itself(locale: Mapping[str, str], tmp_path: Path) -> None:
    code = "from edged.cli import COMMANDS, _parser\nfor name in ('', *COMMANDS):\n    "
    code += "try:\n        _parser().parse_args([*name.split(), '--help'])\n    except SystemExit: pass"
    start = "import edged.cli; edged.cli._open_standard_streams()\n"
    done = subprocess.run(
        [sys.executable, "-c", start + code],
        env={**os.environ, **locale, "PYTHONPATH": str(ROOT)},
        capture_output=True,
        check=False,
        timeout=100,
    )
    assert not done.stderr, done.stderr.decode()
    assert done.stdout.count(b"usage: edged") == 1 + len(COMMANDS)


@pytest.mark.parametrize(
    "arguments",
    [
        ("check", "-c", "edged.yaml"),
        ("check", "-c", "größe….yaml"),
        ("embed", "größe…", "--model", "model.tflite"),
        ("embed", "größe…", "--model", "model.tflite", "--out", "größe.npz"),
        ("embed", "fehlt…", "--model", "model.tflite"),
        ("embed", "größe…", "-c", "edged.yaml", "--search", "größe….npz"),
        ("doctor", "-c", "edged.yaml"),
        ("devices",),
        ("devices", "--onvif", "größe…中"),
        ("keygen", "server", "größe…/schlüssel"),
        ("reload", "-c", "edged.yaml"),
        ("references", "-c", "edged.yaml"),
        ("snapshot", "-c", "edged.yaml", "größe…", "größe….png"),
        ("tail", "größe…"),
        ("replay", "größe…"),
        ("tune", "größe…", "--ref", "größe…"),
        ("enroll", "größe…", "--camera", "größe…"),
        ("run", "-c", "größe….yaml"),
    ],
    ids=" ".join,
)
def test_no_command_ends_in_a_traceback(arguments: tuple[str, ...], locale: Mapping[str, str], folder: Path) -> None:
    run(locale, folder, *arguments)


def test_text_is_in_the_encoding_of_the_locale(latin_1: Mapping[str, str], folder: Path) -> None:
    done = run(latin_1, folder, "embed", "größe…", "--model", "model.tflite")
    shown = done.stdout.decode("utf-8" if latin_1["LC_ALL"] == "C" else "iso-8859-1")
    assert "Füße" in shown


def test_json_is_utf_8(locale: Mapping[str, str], folder: Path) -> None:
    done = run(locale, folder, "embed", "größe…", "--model", "model.tflite", "--json")
    printed = json.loads(done.stdout.decode("utf-8"))
    assert sorted(Path(picture["path"]).stem for picture in printed["pictures"]) == sorted(NAMES)
    for arguments in (("schema",), ("doctor", "-c", "edged.yaml", "--json"), ("devices", "--json")):
        json.loads(run(locale, folder, *arguments).stdout.decode("utf-8"))


def test_a_checked_configuration_is_utf_8(locale: Mapping[str, str], folder: Path) -> None:
    assert "größe…" in run(locale, folder, "check", "-c", "edged.yaml").stdout.decode("utf-8")
