"""``edged embed``: its output for people and programs, and that no finished work is lost."""

from __future__ import annotations

import json
import os
import pty
import select
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import pytest

from edged.cli import main
from edged.label_text import unescaped
from edged.vision import BaseOptions, EmbeddingOptions, ImageEmbedder, ImageEmbedderOptions, Orientation, Region
from edged.vision.image import read_picture
from tests.vision.pool_models import pool_model
from tests.vision.stub import build_stub

EMBED = [sys.executable, "-m", "edged", "embed"]
SOON = 30.0


@pytest.fixture
def model(cases: Path) -> str:
    """A small model, because it is quick."""
    return str(cases / "small96_uint8_meta.tflite")


@pytest.fixture
def busy(demo: Path) -> str:
    return str(demo / "path-busy.jpg")


@pytest.fixture
def empty(demo: Path) -> str:
    return str(demo / "path-empty.jpg")


def as_json(capsys: pytest.CaptureFixture[str], *arguments: str) -> dict[str, Any]:
    assert main(["embed", "--json", *arguments]) == 0
    told: dict[str, Any] = json.loads(capsys.readouterr().out)
    return told


def with_exif_orientation(jpeg: bytes, orientation: int) -> bytes:
    """*jpeg* with the orientation written into an EXIF segment right after its beginning."""
    entry = b"\x12\x01\x03\x00\x01\x00\x00\x00" + orientation.to_bytes(4, "little")
    tiff = b"II*\x00\x08\x00\x00\x00\x01\x00" + entry + b"\x00\x00\x00\x00"
    segment = b"Exif\x00\x00" + tiff
    return jpeg[:2] + b"\xff\xe1" + (len(segment) + 2).to_bytes(2, "big") + segment + jpeg[2:]


def test_two_pictures_give_one_number(busy: str, empty: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["embed", busy, empty]) == 0
    first, *pictures, last = capsys.readouterr().out.splitlines()
    assert first.startswith("efficientnet-lite0, head 0 (feature): 1280 dimensions, space ")
    assert [line.split() for line in pictures] == [["1", busy, "284", "x", "138"], ["2", empty, "284", "x", "138"]]
    with ImageEmbedder.create_from_file(
        Path(sys.modules["edged.vision"].__path__[0], "models/efficientnet-lite0.tflite")
    ) as made:
        vectors = [made.embed(read_picture(file)).embeddings[0].feature_vector for file in (busy, empty)]
        assert last == f"Cosine similarity: {made.cosine_similarity(*vectors):.6f}"


def test_one_picture_gives_its_dimensions(busy: str, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["embed", busy, "--model", model]) == 0
    out = capsys.readouterr().out
    assert "40 dimensions" in out
    assert "similarity" not in out


def test_more_pictures_give_a_matrix(busy: str, empty: str, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["embed", busy, empty, busy, "--model", model]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert lines[4] == "Cosine similarity:"
    assert lines[5].split() == ["1", "2", "3"]
    number, *cosines = zip(*(line.split() for line in lines[6:]), strict=True)
    assert number == ("1", "2", "3")
    assert cosines[0] == ("1.000000", cosines[1][0], "1.000000")
    assert cosines[0] == cosines[2]


def test_a_folder_stands_for_its_pictures(
    demo: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    for name in ("b.JPG", "a.jpg", "readme.txt"):
        shutil.copy(demo / "path-busy.jpg", tmp_path / name)
    told = as_json(capsys, str(tmp_path), "--model", model)
    assert [picture["path"] for picture in told["pictures"]] == [f"{tmp_path}/a.jpg", f"{tmp_path}/b.JPG"]


def test_the_name_of_a_file_can_be_got_back_from_json(
    demo: Path, tmp_path: Path, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    names = [os.fsdecode(b"a\xff.jpg"), "a?.jpg", "b\\n.jpg", "c\n.jpg", "d\u202fe.jpg"]
    for name in names:
        shutil.copy(demo / "path-busy.jpg", tmp_path / name)
    told = as_json(capsys, str(tmp_path), "--model", model)
    paths = [picture["path"] for picture in told["pictures"]]
    assert sorted(map(unescaped, paths)) == sorted(f"{tmp_path}/{name}" for name in names)
    assert f"{tmp_path}/d\u202fe.jpg" in paths


def test_an_unusable_picture_is_reported_and_the_rest_is_embedded(
    busy: str, empty: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    text, missing, folder = tmp_path / "text.jpg", tmp_path / "missing.jpg", tmp_path / "nothing"
    text.write_text("this is no picture")
    folder.mkdir()
    out = tmp_path / "vectors.npy"
    arguments = [busy, str(text), str(missing), str(folder), empty, "--model", model, "--out", str(out)]
    assert main(["embed", *arguments]) == 1
    told = capsys.readouterr()
    assert sorted(line.split(": ")[1] for line in told.err.splitlines()) == sorted(map(str, (text, missing, folder)))
    assert "Traceback" not in told.err
    assert told.out.splitlines()[-1].startswith("Cosine similarity: 0.")
    assert np.load(out).shape == (2, 40)


def test_without_a_usable_picture_it_fails_without_numbers(
    model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "vectors.npy"
    assert main(["embed", str(tmp_path / "missing.jpg"), "--model", model, "--out", str(out)]) == 1
    assert "similarity" not in capsys.readouterr().out
    assert not out.exists()


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--model", "efficientnet-lite"],
            "there is no bundled model 'efficientnet-lite' (did you mean efficientnet-lite0",
        ),
        (["--model", "/nonexistent/model.tflite"], "Unable to open file at /nonexistent/model.tflite"),
        (["--model", "pyproject.toml"], "is not a valid Flatbuffer buffer"),
        (["--head", "7"], "it has no head 7, but 0 (feature)"),
        (["--delegate", "coral"], "delegate coral: cannot load libedgetpu.so.1"),
        (["--delegate", "/nonexistent/lib.so"], "delegate external:lib.so: cannot load /nonexistent/lib.so"),
        (["--delegate", "none", "--delegate-option", "a=b"], "--delegate-option: the delegate none has no options"),
        (["--mean", "127", "--std", "128"], "--mean and --std are for model files"),
        (["--mean", "127"], "--mean and --std go together"),
        (["--mean", "1", "--std", "1,2,3"], "--mean and --std: NormalizationOptions: expected mean and std of same"),
    ],
)
def test_model_trouble_is_one_sentence_and_78(
    busy: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["embed", busy, *arguments]) == 78
    told = capsys.readouterr()
    assert told.out == ""
    assert said in told.err
    assert len(told.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ["--roi", "0,0,1"],
            "argument --roi: must be left,top,right,bottom, each a number in 0…1 or pixels such as 320px (got '0,0,1')",
        ),
        (["--roi", "0.9,0,0.4,1"], "argument --roi: left must be less than right (got 0.9 and 0.4)"),
        (["--roi", "0,0,320,1"], "argument --roi: 320 is not in 0…1; for pixels write 320px"),
        (["--roi", "0,0,320px,2"], "argument --roi: 2 is not in 0…1; for pixels write 2px"),
        (["--roi", "0,0,nan,1"], "argument --roi: right must be in 0…1 (got nan)"),
        (["--rotation", "45"], "argument --rotation: invalid choice: 45"),
        (["--threads", "0"], "argument --threads: must be a whole number from 1 on (got '0')"),
        (["--delegate", "gpu"], "argument --delegate: must be auto, none, xnnpack"),
        (["--delegate-option", "a"], "argument --delegate-option: must be KEY=VALUE (got 'a')"),
        (["--mean", "a"], "argument --mean: must be a number, or three"),
    ],
)
def test_wrong_arguments_are_reported_with_the_rule(
    busy: str, arguments: list[str], said: str, capsys: pytest.CaptureFixture[str]
) -> None:
    with pytest.raises(SystemExit) as caught:
        main(["embed", busy, *arguments])
    assert caught.value.code == 2
    assert said in capsys.readouterr().err


def test_json_has_everything(busy: str, empty: str, model: str, capsys: pytest.CaptureFixture[str]) -> None:
    told = as_json(capsys, busy, empty, "--model", model, "--l2-normalize", "--quantize")
    assert (told["model"], told["dimension"], told["dtype"], told["norm"]) == ("small96_uint8_meta", 40, "|i1", "l2")
    assert told["scale"] == 1 / 128
    assert [(picture["width"], picture["height"]) for picture in told["pictures"]] == [(284, 138)] * 2
    options = ImageEmbedderOptions(BaseOptions(model), EmbeddingOptions(l2_normalize=True, quantize=True))
    with ImageEmbedder.create_from_options(options) as made:
        assert told["space_id"] == made.space_id
        embedding = made.embed(read_picture(busy)).embeddings[0]
    assert told["pictures"][0]["vector"] == embedding.feature_vector.value.view(np.int8).tolist()
    one, other = (np.array(picture["vector"], np.float64) for picture in told["pictures"])
    cosine = one @ other / np.linalg.norm(one) / np.linalg.norm(other)
    assert np.allclose(told["similarity"], [[1, cosine], [cosine, 1]], atol=1e-8)
    assert told["failed"] == []


def test_out_holds_the_vectors_in_the_order_of_the_list(
    busy: str, empty: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "vectors"
    told = as_json(capsys, busy, empty, "--model", model, "--out", str(out))
    vectors = np.load(out)
    assert vectors.dtype == np.float32
    assert np.array_equal(vectors, np.array([picture["vector"] for picture in told["pictures"]], np.float32))


@pytest.mark.parametrize("out", ["", "missing/vectors.npy"])
def test_an_out_that_cannot_be_written_is_reported_before_the_work(
    busy: str, model: str, tmp_path: Path, out: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["embed", busy, "--model", model, "--out", str(tmp_path / out)]) == 1
    told = capsys.readouterr()
    assert told.out == ""
    assert "the file cannot be written" in told.err


def test_a_region_and_a_rotation_act_as_in_the_library(
    busy: str, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    told = as_json(capsys, busy, "--model", model, "--roi", "0.1,0.2,0.6,0.9", "--rotation", "90")
    with ImageEmbedder.create_from_file(model) as made:
        result = made.embed(read_picture(busy), Region(0.1, 0.2, 0.6, 0.9), rotation=90)
    assert told["pictures"][0]["vector"] == pytest.approx(result.embeddings[0].feature_vector.value.tolist())


def test_exif_orientation_is_applied(busy: str, model: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    turned, upright = tmp_path / "turned.jpg", tmp_path / "upright.png"
    turned.write_bytes(with_exif_orientation(Path(busy).read_bytes(), Orientation.RIGHT_TOP))
    cv2.imwrite(str(upright), np.ascontiguousarray(np.rot90(cv2.imread(busy), -1)))
    told = as_json(capsys, str(turned), str(upright), "--model", model)
    assert [(picture["width"], picture["height"]) for picture in told["pictures"]] == [(138, 284)] * 2
    assert told["similarity"][0][1] == pytest.approx(1.0, abs=1e-6)


@pytest.mark.parametrize("name", ["small96_uint8_meta", "small96_float_meta_3ch_norm"])
def test_save_input_is_the_exact_model_input(
    busy: str, empty: str, cases: Path, name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """Embedded again, such a picture needs no resize and gives the same vector to the last bit."""
    model, folder = str(cases / f"{name}.tflite"), tmp_path / "seen" / "here"
    told = as_json(capsys, busy, empty, "--model", model, "--roi", "0.1,0,0.9,1", "--save-input", str(folder))
    assert sorted(file.name for file in folder.iterdir()) == ["0001-path-busy.png", "0002-path-empty.png"]
    assert read_picture(folder / "0001-path-busy.png").shape == (96, 96, 3)
    again = as_json(capsys, str(folder), "--model", model)
    assert [picture["vector"] for picture in again["pictures"]] == [picture["vector"] for picture in told["pictures"]]


def test_a_folder_for_inputs_that_cannot_be_made_is_reported(
    busy: str, model: str, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["embed", busy, "--model", model, "--save-input", f"{busy}/seen"]) == 1
    assert f"--save-input {busy}/seen: Not a directory" in capsys.readouterr().err


def test_a_file_name_that_is_not_text_does_no_harm(busy: str, model: str, tmp_path: Path) -> None:
    name = os.fsdecode(os.fsencode(tmp_path) + b"/caf\xe9\x1b[2J.jpg")
    shutil.copy(busy, name)
    for form in ([], ["--json"]):
        done = subprocess.run([*EMBED, name, "--model", model, *form], capture_output=True, check=True, timeout=SOON)
        assert b"\x1b" not in done.stdout
        assert "caf" in done.stdout.decode()


def test_ctrl_c_keeps_the_vectors_so_far(busy: str, tmp_path: Path) -> None:
    seen, out = tmp_path / "seen", tmp_path / "vectors.npy"
    arguments = [*[busy] * 2000, "--save-input", str(seen), "--out", str(out)]
    with subprocess.Popen([*EMBED, *arguments], stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        try:
            deadline = time.monotonic() + SOON
            while not (seen / "0003-path-busy.png").exists():
                assert time.monotonic() < deadline, "no picture was embedded"
                select.select([], [], [], 0.005)
            process.send_signal(signal.SIGINT)
            printed, err = process.communicate(timeout=SOON)
        finally:
            process.kill()
    assert process.returncode == 130
    assert "Traceback" not in err
    rows = len(np.load(out))
    assert 2 <= rows < 2000
    assert f"edged embed: interrupted (after {rows} of 2000 pictures)" in err
    assert "Cosine similarity" in printed


def test_a_bar_shows_the_progress_only_on_a_terminal(busy: str, model: str) -> None:
    arguments = [*EMBED, *[busy] * 40, "--model", model]
    quiet = subprocess.run(arguments, capture_output=True, text=True, check=True, timeout=SOON)
    assert "embedding" not in quiet.stderr
    ours, theirs = pty.openpty()
    shown = bytearray()
    environment = os.environ | {"TERM": "xterm", "COLUMNS": "80"}
    with subprocess.Popen(arguments, stdout=subprocess.DEVNULL, stderr=theirs, env=environment) as process:
        os.close(theirs)
        try:
            while select.select([ours], [], [], SOON)[0]:
                shown += os.read(ours, 4096)
        except OSError:
            pass  # EIO: the last one who had the terminal open is gone
        finally:
            os.close(ours)
        assert process.wait(SOON) == 0
    assert b"embedding" in shown
    assert b"100%" in shown


def test_a_lost_device_keeps_the_vectors_so_far(
    busy: str, empty: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    """Two pictures of the self-test, the same two brighter, and one of ours go through before it is gone.

    The brighter ones are embedded at the first start only, so the cache is empty.
    """
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    model, out = tmp_path / "tpu.tflite", tmp_path / "vectors.npy"
    model.write_bytes(pool_model(compiled=True).content)
    options = [
        "--delegate",
        str(build_stub(tmp_path)),
        "--delegate-option",
        "fail=invoke",
        "--delegate-option",
        "after=5",
    ]
    assert main(["embed", busy, empty, busy, "--model", str(model), *options, "--out", str(out)]) == 1
    told = capsys.readouterr()
    assert "edged embed: model tpu: failed while running on " in told.err
    assert "the device is gone" in told.err
    assert "(after 1 of 3 pictures)" in told.err
    assert np.load(out).shape == (1, 3)


def test_a_model_that_crashes_the_process_is_refused_unless_it_is_trusted(
    busy: str, model: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    begun = "import os, signal; print('edged trial: begun', flush=True); "
    monkeypatch.setattr("edged.vision.runtime.trial_process._CHILD", f"{begun}os.kill(os.getpid(), signal.SIGSEGV)")
    assert main(["embed", busy, "--model", model]) == 78
    assert "edged: model small96_uint8_meta: ai-edge-litert died of SIGSEGV in a trial run" in capsys.readouterr().err
    assert main(["embed", busy, "--model", model, "--trusted"]) == 0


def test_what_libraries_print_is_not_on_stderr(model: str, busy: str, tmp_path: Path) -> None:
    whole = Path(busy).read_bytes()
    damaged = tmp_path / "damaged.jpg"
    damaged.write_bytes(whole[:4000] + whole[8000:])
    ran = subprocess.run([*EMBED, "--model", model, str(damaged), busy], capture_output=True, text=True, check=False)
    assert ran.returncode == 1
    lines = ran.stderr.splitlines()
    assert len(lines) == 1
    assert lines[0].startswith(f"edged embed: {damaged}: ")
