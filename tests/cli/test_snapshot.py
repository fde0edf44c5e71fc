"""``edged snapshot``: the frame with its regions, and the exact model input."""

from __future__ import annotations

from pathlib import Path

import cv2
import numpy as np
import pytest
import zmq

from edged.cli import main
from edged.regions import Region
from edged.values import PixelFormat
from edged.vision.bundled import bundled_model
from edged.vision.pixels.view import ModelView

CONFIG = """\
cameras:
  street:
    source: "file:{demo}/street.mp4"
    rotation: 90
    regions:
      path: {{left: 0.05, top: 0.32, right: 0.42, bottom: 0.56}}
      sky: {{bottom: 0.2}}
  absent:
    source: "usb:/dev/video99"
publish:
  endpoints: ["pub+bind:ipc://pub.sock"]
"""


@pytest.fixture
def config(tmp_path: Path, demo: Path) -> Path:
    path = tmp_path / "edged.yaml"
    path.write_text(CONFIG.format(demo=demo))
    return path


def first_frame(demo: Path) -> np.ndarray[tuple[int, ...], np.dtype[np.uint8]]:
    _, frame = cv2.VideoCapture(str(demo / "street.mp4")).read()
    return np.asarray(frame, np.uint8)


def test_it_writes_the_frame_and_the_exact_model_input(
    config: Path, tmp_path: Path, demo: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    out = tmp_path / "new" / "folder"
    assert main(["snapshot", "-c", str(config), "street", "-o", str(out)]) == 0
    assert {path.name for path in out.iterdir()} == {"street.png", "street.path.png", "street.sky.png"}
    assert capsys.readouterr().out.splitlines()[0] == str(out / "street.png")

    frame = first_frame(demo)
    drawn = cv2.imread(str(out / "street.png"))
    assert drawn is not None
    assert drawn.shape == frame.shape
    changed = (drawn != frame).any(axis=2)
    assert 0.001 < changed.mean() < 0.05  # the rectangles and names, and nothing else
    box = Region(0.05, 0.32, 0.42, 0.56).to_box(768, 576)
    assert changed[box.y, box.x : box.x + box.width].all()

    seen = cv2.imread(str(out / "street.path.png"))
    assert seen is not None
    view = ModelView(bundled_model("efficientnet-lite0").input)
    assert np.array_equal(seen[..., ::-1], view.of(frame, PixelFormat.BGR, box, 90))


def test_a_grid_is_drawn_on_the_frame_and_on_nothing_that_the_model_gets(config: Path, tmp_path: Path) -> None:
    plain, gridded = tmp_path / "plain", tmp_path / "gridded"
    assert main(["snapshot", "-c", str(config), "street", "-o", str(plain)]) == 0
    assert main(["snapshot", "-c", str(config), "street", "-o", str(gridded), "--grid"]) == 0
    before, after = (cv2.imread(str(folder / "street.png")) for folder in (plain, gridded))
    assert before is not None
    assert after is not None
    changed = (before != after).any(axis=2)
    assert all(changed[:, round(76.8 * tenth)].mean() > 0.9 for tenth in range(1, 10))
    assert all(changed[round(57.6 * tenth)].mean() > 0.9 for tenth in range(1, 10))
    assert 0.05 < changed.mean() < 0.25  # the lines and their numbers, and nothing else
    assert (plain / "street.path.png").read_bytes() == (gridded / "street.path.png").read_bytes()


def test_a_region_in_pixels_is_the_same_as_one_in_tenths(config: Path, tmp_path: Path) -> None:
    tenths, pixels = tmp_path / "tenths", tmp_path / "pixels"
    config.write_text(config.read_text().replace("bottom: 0.2", "left: 0.25, bottom: 0.5"))
    assert main(["snapshot", "-c", str(config), "street", "-o", str(tenths)]) == 0
    config.write_text(config.read_text().replace("left: 0.25, bottom: 0.5", "left: 192px, bottom: 288px"))
    assert main(["snapshot", "-c", str(config), "street", "-o", str(pixels)]) == 0
    assert all(
        (tenths / name).read_bytes() == (pixels / name).read_bytes() for name in ("street.png", "street.sky.png")
    )


def test_a_region_outside_the_frame_is_reported_with_what_to_write(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    config.write_text(config.read_text().replace("bottom: 0.2", "bottom: 577px"))
    rule = "577px is outside the frame of 768×576 pixels; write at most 576px, or a number in 0…1"
    assert main(["snapshot", "-c", str(config), "street", "-o", str(tmp_path)]) == 1
    assert capsys.readouterr().err == f"edged snapshot: camera street: regions.sky.bottom: {rule}\n"
    assert main(["check", "-c", str(config)]) == 78
    assert f"{config}:7:21: cameras.street.regions.sky.bottom: {rule}\n" in capsys.readouterr().err


def test_the_first_frames_are_skipped_while_exposure_settles(config: Path, tmp_path: Path, demo: Path) -> None:
    config.write_text(config.read_text().replace("rotation: 90", "settle_frames: 2"))
    assert main(["snapshot", "-c", str(config), "street", "-o", str(tmp_path)]) == 0
    clip = cv2.VideoCapture(str(demo / "street.mp4"))
    third = [np.asarray(clip.read()[1], np.uint8) for _ in range(3)][-1]
    seen = cv2.imread(str(tmp_path / "street.path.png"))
    assert seen is not None
    view = ModelView(bundled_model("efficientnet-lite0").input)
    box = Region(0.05, 0.32, 0.42, 0.56).to_box(768, 576)
    assert np.array_equal(seen[..., ::-1], view.of(third, PixelFormat.BGR, box))


def test_a_missing_camera_is_reported_and_the_others_are_taken(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["snapshot", "-c", str(config), "-o", str(tmp_path)]) == 1
    assert "edged snapshot: camera absent: /dev/video99" in capsys.readouterr().err
    assert (tmp_path / "street.png").exists()


def test_a_camera_outside_the_configuration_is_refused(config: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["snapshot", "-c", str(config), "garden"]) == 78
    assert "there is no camera 'garden'; the cameras are street, absent" in capsys.readouterr().err


def test_a_running_daemon_that_does_not_answer_is_reported(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    with zmq.Context() as context, context.socket(zmq.XPUB) as daemon:
        daemon.bind(f"ipc://{tmp_path}/pub.sock")
        assert main(["snapshot", "-c", str(config), "-o", str(tmp_path / "out")]) == 1
    printed = capsys.readouterr().err
    assert f"a daemon publishes on ipc://{tmp_path}/pub.sock and has the cameras open" in printed
    assert not (tmp_path / "out").exists()


def test_a_folder_that_cannot_be_written_is_reported(
    config: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "file").touch()
    assert main(["snapshot", "-c", str(config), "street", "-o", str(tmp_path / "file")]) == 1
    assert "--out" in capsys.readouterr().err


def test_a_snapshot_shows_nothing_of_what_is_under_a_mask(tmp_path: Path) -> None:
    """The mask and the regions are in the frame as it is mirrored; only the model's pictures are rotated."""
    rng = np.random.default_rng(1)
    picture = rng.integers(0, 256, (96, 128, 3), np.uint8)
    mask = "[[[0, 0], [0.5, 0], [0.5, 0.5], [0, 0.5]]]"
    camera = f"mirror: horizontal, rotation: 90, mask: {mask}, regions: {{low: {{top: 0.25}}}}"
    written = []
    for number in range(2):
        folder, out = tmp_path / f"{number}", tmp_path / f"out{number}"
        folder.mkdir()
        picture[:48, 64:] = rng.integers(0, 256, (48, 64, 3), np.uint8)  # on the left, once it is mirrored
        cv2.imwrite(str(folder / "a.png"), picture)
        file = tmp_path / f"{number}.yaml"
        publish = f"publish: {{endpoints: ['pub+bind:ipc://{tmp_path}/pub']}}"  # no other daemon is there
        file.write_text(f"cameras: {{porch: {{source: 'dir:{folder}', {camera}}}}}\n{publish}")
        assert main(["snapshot", "-c", str(file), "porch", "-o", str(out)]) == 0
        written.append([(out / name).read_bytes() for name in ("porch.png", "porch.low.png")])
    assert written[0] == written[1]
    whole = cv2.imread(str(tmp_path / "out0" / "porch.png"))
    assert whole is not None
    assert (whole[2:20, 2:60] == 128).all()
    assert np.array_equal(whole[2:20, 66:], picture[:, ::-1][2:20, 66:])
