"""``docs/architecture.md`` is the map of the code: held here against the tree."""

from __future__ import annotations

import ast
import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

from edged.pipeline.stage import Stage
from tests.test_imports import FLOORS, PACKAGE, is_stage, modules

ROOT = PACKAGE.parent
PAGE = (ROOT / "docs" / "architecture.md").read_text()
FOLDERS = ("edged/", "config/", "docs/", "tests/", "README.md")


def section(title: str) -> str:
    """The text below that title, up to the next one."""
    [text] = re.findall(rf"^## {re.escape(title)}\n(.*?)(?=^## |\Z)", PAGE, re.DOTALL | re.MULTILINE)
    return str(text)


def code(text: str) -> list[str]:
    """Everything between backticks in *text*."""
    return re.findall(r"`([^`\n]+)`", text)


def rows(text: str) -> Iterator[list[str]]:
    """The cells of each row of the table in *text*, without its heading."""
    lines = [line for line in text.splitlines() if line.startswith("|")]
    for line in lines[2:]:
        yield [cell.strip() for cell in line.strip("|").split("|")]


def threads() -> dict[str, Path]:
    """The class of each paragraph about a thread, and its file."""
    found = re.findall(r"^\*\*`(\w+)`\*\* in `([\w/.]+)`", section("Threads"), re.MULTILINE)
    return {name: ROOT / path for name, path in found}


def test_every_file_of_the_pipeline_has_one_line() -> None:
    listed = [code(file)[0] for file, _ in rows(section("The files of `pipeline/`"))]
    pipeline = PACKAGE / "pipeline"
    there = [str(path.relative_to(pipeline)) for path in pipeline.rglob("*.py") if path.name != "__init__.py"]
    assert sorted(listed) == sorted(there)


def test_every_place_is_listed_on_its_floor() -> None:
    listed = {name.rstrip("/"): int(floor) for floor, names, _ in rows(section("Places")) for name in code(names)}
    assert listed == {name: floor for name, floor in FLOORS.items() if not name.startswith("__")}


def test_every_stage_has_a_paragraph() -> None:
    stages = {
        node.name: module
        for module in modules()
        for node in ast.walk(ast.parse(module.read_text()))
        if isinstance(node, ast.ClassDef) and is_stage(node)
    }
    assert len(stages) >= 6
    assert stages.items() <= threads().items()
    for name, module in stages.items():
        path = ".".join(module.relative_to(ROOT).with_suffix("").parts)
        assert issubclass(getattr(import_module(path), name), Stage)


def test_every_other_thread_has_a_paragraph() -> None:
    starting = {module for module in modules() if "threading.Thread(" in module.read_text()}
    stage = PACKAGE / "pipeline" / "stage.py"
    assert stage in starting
    assert starting - {stage} <= set(threads().values())


def test_every_class_of_a_thread_is_in_its_file() -> None:
    for name, module in threads().items():
        tree = ast.parse(module.read_text())
        assert name in {node.name for node in tree.body if isinstance(node, ast.ClassDef)}


def test_every_path_exists() -> None:
    paths = [path for path in code(PAGE) if path.startswith(FOLDERS)]
    assert len(paths) > 50
    assert [path for path in paths if not (ROOT / path).exists()] == []


def test_every_name_in_brackets_is_in_the_file_before_it() -> None:
    pairs = re.findall(r"`([\w/]+\.py)` \(((?:`\w+`(?:, )?)+)\)", PAGE)
    assert len(pairs) > 15
    for path, names in pairs:
        words = set(re.findall(r"\w+", (ROOT / path).read_text()))
        assert set(code(names)) <= words, path


def test_ten_common_changes_have_a_line() -> None:
    changes = list(rows(section("Where do I change …?")))
    assert len(changes) >= 10
    for change, places in changes:
        assert any(path.startswith("edged/") for path in code(places)), change
