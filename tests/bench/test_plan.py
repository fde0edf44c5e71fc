"""The configuration that a bench writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from edged.bench.plan import BenchPlan
from edged.config import Config, load_text


def loaded(plan: BenchPlan, tmp_path: Path, invoke_ms: float | None = None, workers: int = 1) -> Config:
    return load_text(
        plan.configuration(f"ipc://{tmp_path}/pub.sock", invoke_ms, workers), tmp_path / "bench.yaml"
    ).config


def test_a_plan_sets_the_model_and_its_engine(tmp_path: Path) -> None:
    config = loaded(
        BenchPlan(model="efficientnet-lite0-int8", engine="ai-edge-litert", threads=3, resize="area"), tmp_path
    )
    assert (config.model.name, config.model.engine, config.model.num_threads, config.model.resize) == (
        "efficientnet-lite0-int8",
        "ai-edge-litert",
        3,
        "area",
    )


def test_without_threads_the_daemons_own_default_counts(tmp_path: Path) -> None:
    assert (
        loaded(BenchPlan(), tmp_path).model.num_threads
        == load_text("cameras: {a: {source: 'pattern:'}}", "x.yaml").config.model.num_threads
    )


def test_a_pattern_is_half_as_fast_again_as_the_workers_without_a_rate(tmp_path: Path) -> None:
    assert loaded(BenchPlan(), tmp_path, invoke_ms=10.0).cameras["bench1"].fps == pytest.approx(150)
    assert loaded(BenchPlan(), tmp_path, invoke_ms=10.0, workers=3).cameras["bench1"].fps == pytest.approx(450)
    assert loaded(BenchPlan(), tmp_path, invoke_ms=0.1).cameras["bench1"].fps == 1000
    assert loaded(BenchPlan(fps=7), tmp_path, invoke_ms=10.0).cameras["bench1"].fps == 7


def test_a_clip_waits_for_the_model_and_loops(tmp_path: Path, demo: Path) -> None:
    camera = loaded(BenchPlan(source=f"file:{demo / 'street.mp4'}"), tmp_path, invoke_ms=10.0).cameras["bench1"]
    assert (camera.policy, camera.loop, camera.fps) == ("block", True, 1000)


def test_a_path_is_relative_to_the_current_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    assert f'"path": "{tmp_path}/mine.tflite"' in BenchPlan(model="mine.tflite").configuration("ipc:///x")
    assert f'"source": "file:{tmp_path}/clip.mp4"' in BenchPlan(source="file:clip.mp4").configuration("ipc:///x")


def test_cameras_share_the_rate(tmp_path: Path) -> None:
    cameras = loaded(BenchPlan(cameras=4), tmp_path, invoke_ms=10.0).cameras
    assert [camera.fps for camera in cameras.values()] == [37.5] * 4
    assert loaded(BenchPlan(cameras=2, fps=7), tmp_path).cameras["bench2"].fps == 3.5
