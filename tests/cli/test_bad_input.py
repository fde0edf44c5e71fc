"""Wrong configurations, models, references and clips: one clear sentence each and status 78, in check and run alike."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path

import pytest

from edged.cli import main

GOOD = """\
node: porch
model: {name: efficientnet-lite0-int8}
cameras:
  street:
    source: "file:street.mp4"
    loop: false
    fps: 500
    regions:
      path: {left: 0.05, top: 0.32, right: 0.42, bottom: 0.56}
references:
  path-empty: {images: ["path-empty.jpg"]}
publish:
  endpoints: ["pub+bind:ipc://pub.sock"]
"""

Run = Callable[..., tuple[int, str]]


@pytest.fixture
def folder(tmp_path: Path, demo: Path, cases: Path) -> Path:
    """A folder with a good configuration's files, and some wrong ones."""
    for name in ("street.mp4", "path-empty.jpg"):
        (tmp_path / name).symlink_to(demo / name)
    for case in cases.glob("*.tflite"):
        (tmp_path / case.name).symlink_to(case)
    (tmp_path / "empty.tflite").touch()
    (tmp_path / "text.tflite").write_text("This is not a model, it is a letter to a model.\n")
    (tmp_path / "empty.jpg").touch()
    (tmp_path / "text.jpg").write_text("no picture")
    (tmp_path / "text.mp4").write_text("no video" * 100)
    (tmp_path / "no-pictures").mkdir()
    return tmp_path


@pytest.fixture(params=["check", "run"])
def run(request: pytest.FixtureRequest, folder: Path, capfd: pytest.CaptureFixture[str]) -> Run:
    def run_command(text: str | bytes, name: str = "edged.yaml") -> tuple[int, str]:
        path = folder / name
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        status = main([request.param, "-c", str(path)])
        output = capfd.readouterr()
        assert "Traceback" not in output.err
        return status, output.err.replace(str(folder), "DIR")

    return run_command


def changed(old: str, new: str) -> str:
    assert old in GOOD
    return GOOD.replace(old, new)


@pytest.mark.parametrize("command", ["check", "run"])
def test_the_good_file_that_the_wrong_ones_are_made_from_is_good(folder: Path, command: str) -> None:
    """In a process of its own, because a daemon that has stopped ends its process at once."""
    (folder / "edged.yaml").write_text(GOOD)
    arguments = [sys.executable, "-m", "edged", command, "-c", "edged.yaml"]
    done = subprocess.run(arguments, cwd=folder, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize(
    ("text", "place", "sentence"),
    [
        ("", "edged.yaml", "empty"),
        ("# only a comment\n", "edged.yaml", "empty"),
        ("node: porch\n\tmodel: {}\n", "edged.yaml:2:1", "tab"),
        ("- one\n- two\n", "edged.yaml:1:1", "mapping"),
        ("just text", "edged.yaml:1:1", "mapping"),
        ("cameras: {street: {source: 'file:x'\n", "edged.yaml:2:1", ""),
        (b"node: \xff\xfe\n", "edged.yaml:1:7", "UTF-8"),
        (changed("fps: 500", "fps: fast"), "edged.yaml:7:10: cameras.street.fps", "number"),
        (changed("fps: 500", "fps: '10'"), "edged.yaml:7:10: cameras.street.fps", "number"),
        (changed("fps: 500", "fps: .nan"), "edged.yaml:7:10: cameras.street.fps", "number"),
        (changed("fps: 500", "fps: -1"), "edged.yaml:7:10: cameras.street.fps", "greater than 0"),
        (changed("loop: false", "loop: maybe"), "edged.yaml:6:11: cameras.street.loop", "true or false"),
        (changed("node: porch", "node: !!python/object:os.system {}"), "edged.yaml:1:7", "tag"),
        (changed("fps: 500", "rotaton: 90"), "edged.yaml:7:5: cameras.street.rotaton", "did you mean 'rotation'"),
        (changed("fps: 500", "loop: true"), "edged.yaml:7:5: cameras.street.loop", "twice"),
        (changed("left: 0.05", "left: 0.9"), "edged.yaml:9:20: cameras.street.regions.path.left", "less than right"),
        (changed("right: 0.42", "right: 1.5"), "cameras.street.regions.path.right", "1"),
        (changed("fps: 500", "rotation: 45"), "edged.yaml:7:15: cameras.street.rotation", "0, 90, 180"),
        (changed("node: porch", "node: Front Porch"), "edged.yaml:1:7: node", "a-z"),
        (changed("  street:", "  Straße:"), "edged.yaml:4:3", "a-z"),
        (changed("      path:", "      a/b:"), "edged.yaml:9:7", "a-z"),
        (
            changed("file:street.mp4", "usb:/dev/video0").replace("loop: false", "policy: block"),
            "edged.yaml:6:13: cameras.street.policy",
            "must be latest",
        ),
        (
            changed("file:street.mp4", "usb:/dev/video0").replace("loop: false", "loop: true"),
            "edged.yaml:6:11: cameras.street.loop",
            "must be false",
        ),
        (changed("file:street.mp4", "carrier-pigeon:1"), "edged.yaml:5:13: cameras.street.source", "file:"),
        (changed("file:street.mp4", "file:gone.mp4"), "edged.yaml:5:13: cameras.street.source", "no such file"),
        (changed("file:street.mp4", "file:text.mp4"), "edged.yaml:5:13: cameras.street.source", "not a video"),
        (changed("file:street.mp4", "file:" + "a" * 300), "cameras.street.source", "File name too long"),
        (changed("file:street.mp4", "file:no-pictures"), "cameras.street.source", "is not a file"),
        (changed("file:street.mp4", "dir:gone"), "edged.yaml:5:13: cameras.street.source", "No such file"),
        (changed("file:street.mp4", "dir:no-pictures"), "edged.yaml:5:13: cameras.street.source", "no picture"),
        (changed("file:street.mp4", "file:rtsp://me:s3cret@c/"), "cameras.street.source", "without file: before it"),
        (changed("fps: 500", "hflip: true"), "edged.yaml:7:12: cameras.street.hflip", "is only for picamera:"),
        (changed("fps: 500", "stall_seconds: 5"), "edged.yaml:7:20: cameras.street.stall_seconds", "must be 0"),
        (changed("lite0-int8", "lite0-int8, decode: reduced"), "edged.yaml:2:48: model.decode", "must be full"),
        (changed("lite0-int8", "lite0, on_failure: fallback"), "edged.yaml:2:1: model.fallback", "must be given"),
        (
            changed("lite0-int8", "lite0, on_failure: fallback, fallback: {path: text.tflite}"),
            "edged.yaml:2:74: model.fallback.path",
            "text file",
        ),
        (changed("path-empty.jpg", "a" * 300 + ".jpg"), "references.path-empty.images[0]", "File name too long"),
        (changed("path-empty.jpg", "gone.jpg"), "edged.yaml:11:25: references.path-empty.images[0]", "gone.jpg"),
        (changed("path-empty.jpg", "text.jpg"), "edged.yaml:11:25: references.path-empty.images[0]", "text.jpg"),
        (changed("path-empty.jpg", "empty.jpg"), "edged.yaml:11:25: references.path-empty.images[0]", "empty.jpg"),
        (changed("path-empty.jpg", "no-pictures"), "edged.yaml:11:25: references.path-empty.images[0]", "no picture"),
        (changed("lite0-int8", "lite9"), "edged.yaml:2:15: model.name", "did you mean"),
        (changed("ipc://pub.sock", "tcp://0.0.0.0:5556"), "edged.yaml:13:15: publish.endpoints[0]", "this machine"),
        (changed("pub+bind:ipc://pub.sock", "5556"), "edged.yaml:13:15: publish.endpoints[0]", "pub+bind:"),
    ],
)
def test_the_error_of_a_wrong_file_has_the_place_and_the_rule(
    run: Run, text: str | bytes, place: str, sentence: str
) -> None:
    status, stderr = run(text)
    assert status == 78
    assert place in stderr
    assert sentence in stderr
    assert "s3cret" not in stderr


@pytest.mark.parametrize(
    ("model", "sentence"),
    [
        ("gone.tflite", "No such file"),
        ("empty.tflite", "empty"),
        ("text.tflite", "text file"),
        ("truncated.tflite", "not a valid Flatbuffer"),
        ("gray_uint8.tflite", "1 x height x width x 3"),
        ("batch2_uint8.tflite", "1 x height x width x 3"),
        ("spatial_map_uint8.tflite", "expected 1x1"),
        ("small96_float_nometa.tflite", "NormalizationOptions"),
        ("bad_norm_std0.tflite", "std"),
    ],
)
def test_the_error_of_a_wrong_model_has_the_place_and_the_rule(run: Run, model: str, sentence: str) -> None:
    status, stderr = run(changed("name: efficientnet-lite0-int8", f"path: {model}"))
    assert status == 78
    assert "edged.yaml:2:15: model.path: " in stderr
    assert model in stderr
    assert sentence in stderr


def test_a_missing_configuration_is_reported(capfd: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    for command in ("check", "run"):
        assert main([command, "-c", str(tmp_path / "gone.yaml")]) == 78
        assert "gone.yaml: there is no such file" in capfd.readouterr().err


WITHOUT_RIGHTS = [
    "setpriv",
    "--bounding-set=-dac_override,-dac_read_search",
    "--inh-caps=-dac_override,-dac_read_search",
]


@pytest.mark.parametrize(
    ("text", "hidden"), [("", "edged.yaml"), ("street.mp4", "clips"), ("path-empty.jpg", "pictures")]
)
def test_a_file_that_the_user_may_not_read_is_reported(folder: Path, text: str, hidden: str) -> None:
    """Root may read everything, so root gives that up first."""
    if os.geteuid() == 0 and shutil.which("setpriv") is None:
        pytest.skip("this is root, and setpriv (package util-linux) is not there to give its rights up")
    (folder / "edged.yaml").write_text(changed(text, f"{hidden}/{text}") if text else GOOD)
    locked = folder / hidden
    locked.mkdir(exist_ok=True) if text else None
    locked.chmod(0)
    command = [*(WITHOUT_RIGHTS if os.geteuid() == 0 else []), sys.executable, "-m", "edged", "check"]
    try:
        done = subprocess.run(
            [*command, "-c", str(folder / "edged.yaml")], capture_output=True, text=True, timeout=60, check=False
        )
    finally:
        locked.chmod(0o700)
    assert done.returncode == 78
    assert "Permission denied" in done.stderr
    assert "Traceback" not in done.stderr


def test_an_alias_bomb_is_refused_at_once(run: Run) -> None:
    bomb = "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    bomb += "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 30))
    status, stderr = run(bomb)
    assert status == 78
    assert "edged.yaml:" in stderr


def test_all_problems_of_a_file_are_reported_at_once(run: Run) -> None:
    text = changed("fps: 500", "rotation: 45").replace("porch", "PORCH").replace("left: 0.05", "left: 2")
    status, stderr = run(text)
    assert status == 78
    assert [line.split(": ")[1] for line in stderr.splitlines()] == [
        "node",
        "cameras.street.rotation",
        "cameras.street.regions.path.left",
    ]


def test_check_reports_all_problems_outside_the_file_at_once(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = changed("path-empty.jpg", "text.jpg").replace("street.mp4", "gone.mp4").replace("lite0-int8", "lite9")
    (folder / "edged.yaml").write_text(text)
    assert main(["check", "-c", str(folder / "edged.yaml")]) == 78
    printed = capfd.readouterr().err
    assert [line.split(": ")[1] for line in printed.splitlines()] == [
        "model.name",
        "cameras.street.source",
        "references.path-empty.images[0]",
    ]


def test_check_prints_the_resolved_configuration(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = folder / "edged.yaml"
    path.write_text(GOOD)
    assert main(["check", "-c", str(path)]) == 0
    resolved = capfd.readouterr().out
    assert f"file:{folder}/street.mp4" in resolved
    path.write_text(resolved)
    assert main(["check", "-c", str(path)]) == 0
    assert capfd.readouterr().out == resolved


def test_check_warns_of_a_missing_live_camera(folder: Path, capfd: pytest.CaptureFixture[str]) -> None:
    text = changed('"file:street.mp4"', '"usb:/dev/video99"').replace("    fps: 500\n", "")
    (folder / "edged.yaml").write_text(text)
    assert main(["check", "-c", str(folder / "edged.yaml")]) == 0
    printed = capfd.readouterr().err
    assert "warning: " in printed
    assert "cameras.street.source: /dev/video99" in printed


def test_a_damaged_copy_does_not_hide_a_problem_outside_the_file(folder: Path, run: Run, demo: Path) -> None:
    whole = (demo / "street.mp4").read_bytes()
    (folder / "cut.mp4").write_bytes(whole[:2000])
    shutil.copy(demo / "path-empty.jpg", folder / "cut.jpg")
    os.truncate(folder / "cut.jpg", 300)
    status, stderr = run(changed("street.mp4", "cut.mp4"))
    assert status == 78
    assert "cut.mp4" in stderr
    status, stderr = run(changed("path-empty.jpg", "cut.jpg"))
    assert status == 78
    assert "cut.jpg" in stderr


@pytest.mark.parametrize("command", ["check", "schema"])
def test_a_full_stdout_is_reported_in_one_sentence(folder: Path, command: str) -> None:
    (folder / "edged.yaml").write_text(GOOD)
    arguments = ["-c", str(folder / "edged.yaml")] if command == "check" else []
    with Path("/dev/full").open("w") as full:
        done = subprocess.run(
            [sys.executable, "-m", "edged", command, *arguments],
            stdout=full,
            stderr=subprocess.PIPE,
            text=True,
            timeout=60,
            check=False,
        )
    assert done.returncode == 1
    assert "edged: cannot write to stdout: No space left on device" in done.stderr
    assert "Traceback" not in done.stderr


def test_opencv_prints_no_warnings_of_its_own(folder: Path) -> None:
    (folder / "edged.yaml").write_text(GOOD.replace("street.mp4", "text.mp4"))
    command = [sys.executable, "-m", "edged", "check", "-c", "edged.yaml"]
    ended = subprocess.run(command, check=False, cwd=folder, capture_output=True, text=True, timeout=60)
    assert ended.returncode == 78
    assert "not a video that FFmpeg can read" in ended.stderr
    assert "VIDEOIO" not in ended.stderr
