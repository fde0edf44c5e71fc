"""What the browser loads: its size, that it needs no more than ``default-src 'self'``, its words and its licences."""

from __future__ import annotations

import gzip
import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
STATIC = ROOT / "edged" / "page" / "static"
OWN = sorted(path for path in STATIC.rglob("*.js") if "vendor" not in path.parts)
LANGUAGES = sorted((STATIC / "languages").glob("*.js"))
SERVED = sorted(path for path in STATIC.rglob("*") if path.suffix in {".html", ".css", ".js", ".svg"})

STATIC_IMPORT = re.compile(r"""(?:^|[;}\s])(?:import|export)\b[^"';]*?from\s*["']([^"']+)["']""")
WORD = re.compile(r'^ *(?:"([^"]+)"|(\w+)): "|(?<=", )(?:"([a-z][^"]*)"|(\w+)): "', re.MULTILINE)


def packed(path: Path) -> int:
    """Size as it is sent."""
    return len(gzip.compress(path.read_bytes(), mtime=0))


def imported(path: Path) -> set[Path]:
    """The modules that a module loads before it runs, and theirs."""
    found, open_ = {path}, [path]
    while open_:
        module = open_.pop()
        for name in STATIC_IMPORT.findall(module.read_text()):
            target = (module.parent / name).resolve()
            if target not in found:
                found.add(target)
                open_.append(target)
    return found


def words(language: Path) -> set[str]:
    return {next(filter(None, groups)) for groups in WORD.findall(language.read_text())}


def test_the_first_view_is_at_most_60_kilobytes() -> None:
    first = imported(STATIC / "main.js") | {STATIC / name for name in ("index.html", "page.css", "icon.svg")}
    largest_language = max(packed(language) for language in LANGUAGES)
    assert STATIC / "vendor" / "preact.js" in first
    assert STATIC / "vendor" / "uplot.js" not in first
    assert sum(map(packed, first)) + largest_language <= 60_000


def test_all_that_can_be_loaded_is_at_most_110_kilobytes() -> None:
    assert sum(map(packed, SERVED)) <= 110_000


@pytest.mark.parametrize("path", SERVED, ids=lambda path: str(path.relative_to(STATIC)))
def test_a_file_needs_no_more_than_the_policy_allows(path: Path) -> None:
    text = path.read_text()
    assert not re.search(
        r"\beval\(|new Function\b|https?://(?!www\.w3\.org)(?!github\.com/leeoniya)|\bdata:[a-z]+/", text
    )
    if path.suffix == ".html":
        assert not re.search(r"<script(?![^>]*\bsrc=)|<style|\sstyle=|\son\w+=", text)
    if path.suffix == ".css":
        assert not re.search(r"@import|url\(", text)


@pytest.mark.parametrize("path", OWN, ids=lambda path: str(path.relative_to(STATIC)))
def test_imports_are_paths_of_files_that_exist(path: Path) -> None:
    for name in re.findall(r"""(?:from|import)\s*\(?["']([^"']+)["']""", path.read_text()):
        assert name.startswith(("./", "../")), name
        assert (path.parent / name).is_file(), name


@pytest.mark.parametrize("language", LANGUAGES, ids=lambda path: path.stem)
def test_a_language_has_the_words_of_english_with_the_same_places(language: Path) -> None:
    english = (STATIC / "languages" / "en.js").read_text()
    assert words(language) == words(STATIC / "languages" / "en.js")
    entry = re.compile(r'(?:"([\w.-]+)"|\b(\w+)): "((?:[^"\\]|\\.)*)"')
    places = {
        text: {(a or b): set(re.findall(r"\{\w+\}", value)) for a, b, value in entry.findall(text)}
        for text in (english, language.read_text())
    }
    assert places[language.read_text()] == places[english]


def test_every_word_that_is_used_exists_and_every_one_that_exists_is_used() -> None:
    code = "\n".join(path.read_text() for path in OWN if path.parent.name != "languages")
    known = words(STATIC / "languages" / "en.js")
    assert len(known) > 150
    assert set(re.findall(r'\bt\("([^"]+)"', code)) <= known
    stems = set(re.findall(r"`([a-z.]+)\.\$\{", code))
    unused = {
        word for word in known if f'"{word}"' not in code and not any(word.startswith(f"{stem}.") for stem in stems)
    }
    assert unused == set()


def test_every_library_comes_with_its_licence_and_stands_in_notice() -> None:
    notice = (ROOT / "NOTICE").read_text()
    vendored = sorted((STATIC / "vendor").iterdir())
    for path in vendored:
        if path.suffix == ".LICENSE":
            assert path.name in notice
        else:
            assert f"edged/page/static/vendor/{path.name}" in notice


def test_an_installed_edged_has_every_file_of_the_page() -> None:
    patterns = tomllib.loads((ROOT / "pyproject.toml").read_text())["tool"]["setuptools"]["package-data"]["edged.page"]
    packaged = {path for pattern in patterns for path in (ROOT / "edged" / "page").glob(pattern)}
    assert {path for path in STATIC.rglob("*") if path.is_file()} <= packaged
