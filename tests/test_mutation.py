"""What ``scripts/mutate`` changes, which tests it runs, and what it reports of a small tree with good and bad tests."""

from __future__ import annotations

import ast
import subprocess
from pathlib import Path

import pytest

from scripts.mutation.__main__ import EQUIVALENT, ROOT, cases, modules
from scripts.mutation.mutants import Mutant, mutants
from scripts.mutation.report import FateRecord, equivalents, lines
from scripts.mutation.selection import TestMap
from scripts.mutation.trials import Case, Fate, Trials

SOURCE = '''"""A module."""
import logging

log = logging.getLogger(__name__)


def clamp(x: int, most: int = 9) -> int:
    """Return x, or *most* if it is less: \u00e4."""
    if x < most and not x == -1:
        log.info("%d", x + 1)
        x += 1
    return x
'''


SUMS = """
def double(x):
    return x + x

def forever(x):
    while x > 0:
        x -= 1

def untested(x):
    return x > 3
"""
OTHER = """
from edged.room import sums

def test_end():
    sums.forever(2)

def test_that_fails_here():
    assert False
"""


def changes(source: str) -> set[str]:
    return {mutant.change for mutant in mutants(source)}


def test_every_kind_of_change_is_made_and_words_are_left_alone() -> None:
    assert changes(SOURCE) == {
        "9 -> 10",
        "x < most and not x == -1 -> (x < most or not x == -1)",
        "x < most and not x == -1 -> (not x == -1)",
        "x < most and not x == -1 -> (x < most)",
        "x < most and not x == -1 -> (not (x < most and (not x == -1)))",
        "x < most -> (x <= most)",
        "x < most -> (x >= most)",
        "not x == -1 -> (x == -1)",
        "x == -1 -> (x != -1)",
        "-1 -> (1)",
        "1 -> 2",
        "x += 1 -> x -= 1",
        "x += 1 -> pass",
        "x -> None",
    }


def test_a_mutant_is_one_change_in_a_valid_module() -> None:
    for mutant in mutants(SOURCE):
        changed = mutant.apply(SOURCE)
        assert ast.dump(ast.parse(changed)) != ast.dump(ast.parse(SOURCE))
        differing = [
            number
            for number, pair in enumerate(zip(SOURCE.splitlines(), changed.splitlines(), strict=True), 1)
            if pair[0] != pair[1]
        ]
        assert differing == [mutant.line]
        assert mutant.place in ("clamp", "")


def test_mutants_of_edged_are_valid_modules() -> None:
    sample = cases(modules(["bridge", "events"]), 300, seed=5)
    assert len(sample) == 300
    for case in sample:
        compile(case.mutant.apply(case.source), str(case.module), "exec")


def test_the_same_seed_chooses_the_same_mutants() -> None:
    paths = modules(["events"])
    assert cases(paths, 5, 1) == cases(paths, 5, 1) != cases(paths, 5, 2)
    with pytest.raises(SystemExit, match="nowhere: there is no module"):
        modules(["nowhere"])


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    """A checkout with a module, a test of its own, one that imports it and one of the room."""
    files = {
        "edged/__init__.py": "",
        "edged/room/__init__.py": "",
        "edged/room/sums.py": SUMS,
        "tests/room/test_sums.py": "from edged.room.sums import double\ndef test(): assert double(2) == 4",
        "tests/room/test_other.py": OTHER,
        "tests/test_wide.py": "import os\nimport edged.room.sums\ndef test(): pass",
        "tests/room/test_rest.py": "def test(): pass",
    }
    for name, text in files.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    subprocess.run(["git", "-C", str(tmp_path), "init", "-q"], check=True, timeout=60)
    return tmp_path


def test_a_modules_own_tests_come_first_then_those_that_import_it_then_its_room(tree: Path) -> None:
    assert TestMap(tree).steps(Path("edged/room/sums.py")) == [
        ["tests/room/test_sums.py", "tests/room/test_other.py", "tests/test_wide.py"],
        ["tests/room/test_rest.py"],
    ]


def test_tests_of_what_imports_a_module_are_likely_to_notice(tree: Path) -> None:
    (tree / "edged/room/inner.py").write_text("")
    (tree / "edged/room/sums.py").write_text("from edged.room import inner")
    assert TestMap(tree).steps(Path("edged/room/inner.py"))[0] == ["tests/room/test_sums.py"]


def test_a_test_named_after_a_folder_belongs_to_what_is_in_it(tree: Path) -> None:
    (tree / "tests/room/test_box.py").write_text("")
    assert TestMap(tree).steps(Path("edged/room/box/lid.py"))[0] == ["tests/room/test_box.py"]


def test_killed_hanging_and_surviving_mutants_are_distinguished_and_the_tree_is_not_touched(
    tree: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr("scripts.mutation.trials.LEAST_SECONDS", 2.0)
    module = Path("edged/room/sums.py")
    source = (tree / module).read_text()
    wanted = {"x + x -> (x - x)", "x -= 1 -> x += 1", "x > 3 -> (x >= 3)", "x > 3 -> (x <= 3)"}
    chosen = [Case(module, source, mutant) for mutant in mutants(source) if mutant.change in wanted]
    fates: dict[str, Fate] = {}
    Trials(tree, lambda case, fate: fates.update({case.mutant.change: fate})).run(chosen, jobs=2)
    assert fates == {
        "x + x -> (x - x)": "killed",
        "x -= 1 -> x += 1": "timed out",
        "x > 3 -> (x >= 3)": "survived",
        "x > 3 -> (x <= 3)": "survived",
    }
    assert (tree / module).read_text() == source
    assert "is left out: tests/room/test_other.py::test_that_fails_here" in capsys.readouterr().err


def test_ctrl_c_ends_what_runs_and_keeps_what_is_known(tree: Path) -> None:
    module = Path("edged/room/sums.py")
    source = (tree / module).read_text()
    fates: list[Fate] = []

    def interrupt(case: Case, fate: Fate) -> None:
        fates.append(fate)
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        Trials(tree, interrupt).run([Case(module, source, mutant) for mutant in mutants(source)], jobs=2)
    assert len(fates) == 1


def test_what_is_recorded_is_known_to_the_next_run(tmp_path: Path) -> None:
    case = Case(Path("edged/a/b.py"), "x = 1\n", Mutant(1, "", 4, "1", "2"))
    FateRecord(tmp_path / "record").add(case, "survived")
    assert FateRecord(tmp_path / "record").fates == {case.key: "survived"}
    assert FateRecord(None).fates == {}


def test_the_report_counts_by_folder_and_lists_equivalent_mutants_apart() -> None:
    def case(room: str, change: str) -> Case:
        return Case(Path(f"edged/{room}/b.py"), "", Mutant(7, "f", 0, "1", change))

    results: dict[Case, Fate] = {
        case("a", "2"): "killed",
        case("a", "3"): "timed out",
        case("a", "4"): "survived",
        case("b", "5"): "survived",
    }
    text = list(lines(results, {("f", "1 -> 5"): "nobody looks"}))
    assert [line.split() for line in text[1:4]] == [
        ["a", "3", "1", "1", "1", "0", "67%"],
        ["b", "1", "0", "0", "0", "1", "-"],
        ["all", "4", "1", "1", "1", "1", "67%"],
    ]
    assert text[4:] == [
        "survived: edged/a/b.py:7: f: 1 -> 4",
        "equivalent: edged/b/b.py:7: f: 1 -> 5  # nobody looks",
    ]


def test_every_equivalent_mutant_exists_and_has_a_reason() -> None:
    reasons = equivalents(EQUIVALENT)
    names = {place.split(".")[0] for place, _ in reasons}
    paths = [path for path in modules([]) if any(name in (ROOT / path).read_text() for name in names)]
    every = {(case.mutant.place, case.mutant.change) for case in cases(paths, None, 0)}
    assert [mutant for mutant, reason in reasons.items() if mutant not in every or not reason] == []
