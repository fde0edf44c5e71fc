"""Imports point down the floors of the house, and there are walls between its rooms."""

from __future__ import annotations

import ast
import subprocess
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path

import pytest

PACKAGE = Path(__file__).parent.parent / "edged"

FLOORS = {
    "__main__": 8,
    "cli": 7,
    "service": 6,
    "bench": 6,
    "pipeline": 5,
    "camera": 4,
    "references": 4,
    "enrolled": 4,
    "events": 4,
    "states": 4,
    "bridge": 4,
    "page": 4,
    "recording": 4,
    "task": 4,
    "vision": 3,
    "config": 3,
    "client": 3,
    "transport": 2,
    "wire": 2,
    "values": 1,
    "board": 1,
    "memory_left": 1,
    "whole_files": 1,
    "bell": 1,
    "label_text": 1,
    "peer_text": 1,
    "errors": 1,
    "regions": 0,
    "__init__": 0,
}

ROOMS = {
    "yaml": {"config"},
    "pydantic": {"config"},
    "cv2": {"vision", "camera", "cli"},
    "av": {"camera"},
    "picamera2": {"camera"},
    "libcamera": {"camera"},
    "ai_edge_litert": {"vision"},
    "tflite_runtime": {"vision"},
    "rich": {"cli"},
    "prometheus_client": {"service"},
    "paho": {"bridge"},
    "websockets": {"page"},
    "matplotlib": {"cli"},
}


ZMQ = ("transport/", "client/", "pipeline/publisher/")

STAGES = ("pipeline.capture", "pipeline.inference", "pipeline.publisher")


def modules() -> list[Path]:
    return sorted(PACKAGE.rglob("*.py"))


def room(module: Path) -> str:
    """The top-level package or module that *module* belongs to."""
    return module.relative_to(PACKAGE).parts[0].removesuffix(".py")


def imported(module: Path) -> Iterator[str]:
    """Every dotted name that *module* imports, also inside functions; imports for the type checker count too."""
    for node in ast.walk(ast.parse(module.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"{module}: relative import"
            assert node.module is not None
            if node.module == "edged":
                yield from (f"edged.{alias.name}" for alias in node.names)
            else:
                yield node.module


def test_every_module_has_a_floor() -> None:
    assert {room(module) for module in modules()} <= set(FLOORS)


@pytest.mark.parametrize("module", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_imports_point_down(module: Path) -> None:
    here = room(module)
    for name in imported(module):
        top, _, rest = name.partition(".")
        if top != "edged":
            continue
        there = rest.partition(".")[0]
        if there == "__version__" or there == here:
            continue
        assert FLOORS[there] < FLOORS[here], f"{here} imports {name}, which is not below it"


@pytest.mark.parametrize("module", modules(), ids=lambda path: str(path.relative_to(PACKAGE)))
def test_libraries_stay_in_their_rooms(module: Path) -> None:
    for name in imported(module):
        allowed = ROOMS.get(name.partition(".")[0])
        assert allowed is None or room(module) in allowed, f"{room(module)} imports {name}"


def imported_parts(package: str) -> set[str]:
    """Every part of edged that modules of *package* import, such as ``pipeline.ring``."""
    return {
        name.removeprefix("edged.")
        for module in PACKAGE.joinpath(*package.split(".")).rglob("*.py")
        for name in imported(module)
        if name.startswith("edged.")
    }


def parts_below(parts: set[str], *packages: str) -> set[str]:
    """Those of *parts* that are one of *packages* or lie in it."""
    return {part for part in parts if part.startswith(packages)}


@pytest.mark.parametrize("stage", STAGES)
def test_the_stages_of_the_pipeline_do_not_import_each_other(stage: str) -> None:
    others = [other for other in STAGES if other != stage]
    assert parts_below(imported_parts(stage), *others) == set()


def test_zmq_is_imported_in_a_few_places_only() -> None:
    importing = [
        str(module.relative_to(PACKAGE))
        for module in modules()
        if "zmq" in {name.partition(".")[0] for name in imported(module)}
    ]
    assert [module for module in importing if not module.startswith(ZMQ)] == []


def test_the_commands_make_no_stages() -> None:
    """The stages that a command runs are built in `service`."""
    stages = {
        str(module.relative_to(PACKAGE).with_suffix("")).replace("/", ".")
        for module in modules()
        if any(isinstance(node, ast.ClassDef) and is_stage(node) for node in ast.walk(ast.parse(module.read_text())))
    }
    assert {f"{stage}.stage" for stage in STAGES} | {"service.control.server", "service.reload.stage"} <= stages
    assert imported_parts("cli") & {"pipeline.build", *stages} == set()


def test_the_name_of_a_class_stands_for_one_thing() -> None:
    names = [
        node.name
        for module in modules()
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ClassDef)
    ]
    public = {name for name in names if not name.startswith("_")}
    count = Counter(name.lstrip("_") for name in names)
    assert public
    assert {name for name in public if count[name] > 1} == set()


def is_stage(node: ast.ClassDef) -> bool:
    """Whether that class is a `Stage`."""
    return any(isinstance(base, ast.Name) and base.id == "Stage" for base in node.bases)


def test_what_frames_are_compared_with_and_what_follows_do_not_import_each_other() -> None:
    rooms = {"references", "enrolled", "events", "states"}
    for room in rooms:
        others = rooms - {room}
        assert parts_below(imported_parts(room), *others) == set()


def test_no_video_is_read_with_opencv() -> None:
    """What it does by itself differs from version to version: transport, rotation, times."""
    reading = {"VideoCapture", "VideoCapture_waitAny", "videoio_registry"}
    used = {
        (str(module.relative_to(PACKAGE)), node.attr)
        for module in modules()
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.Attribute) and node.attr in reading
    }
    assert used == set()


def test_states_are_decided_by_numbers_and_pixels_alone() -> None:
    """No configuration, messages, files or models: a program that has vectors can use them."""
    assert imported_parts("states")
    assert parts_below(imported_parts("states"), "states", "values", "vision.pixels") == imported_parts("states")


def test_picture_files_are_read_without_the_embedder() -> None:
    parts = parts_below(imported_parts("vision.pictures"), "vision")
    assert parts
    assert parts_below(parts, "vision.pictures.", "vision.pixels.") == parts


def test_the_tflite_runtimes_are_imported_in_one_file_only() -> None:
    naming = [
        module.relative_to(PACKAGE)
        for module in modules()
        if any(
            text in module.read_text()
            for text in ("import ai_edge_litert", "import tflite_runtime", "tflite_runtime.interpreter")
        )
    ]
    assert naming in ([], [Path("vision/runtime/loader.py")])


@pytest.mark.parametrize(
    ("module", "unwanted"),
    [
        ("edged", {"numpy", "cv2", "zmq", "yaml", "pydantic"}),
        ("edged.cli", {"numpy", "cv2", "zmq", "yaml", "pydantic", "rich"}),
        ("edged.wire", {"numpy", "zmq", "yaml", "pydantic"}),
        ("edged.client", {"numpy", "cv2", "ai_edge_litert", "tflite_runtime", "yaml", "pydantic", "rich"}),
        ("edged.config.environment", {"yaml", "pydantic"}),
        ("edged.page.server", {"numpy", "cv2", "ai_edge_litert", "tflite_runtime", "yaml", "pydantic", "rich"}),
        ("edged.states", {"ai_edge_litert", "tflite_runtime", "zmq", "yaml", "pydantic", "rich"}),
        ("edged.vision", {"ai_edge_litert", "tflite_runtime", "zmq", "yaml", "pydantic", "rich"}),
        ("edged.service.daemon", {"av", "picamera2", "rich", "prometheus_client"}),
        ("edged.camera.web, edged.camera.usb, edged.camera.folder, edged.camera.pattern", {"av", "picamera2"}),
    ],
)
def test_importing_a_package_does_not_load_what_it_does_not_need(module: str, unwanted: set[str]) -> None:
    code = f"import sys, {module}; print(*sorted(set(sys.modules) & {unwanted!r}))"
    loaded = subprocess.run([sys.executable, "-c", code], check=True, capture_output=True, text=True, timeout=60)
    assert loaded.stdout.strip() == ""
