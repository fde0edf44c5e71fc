"""The tests most likely to notice a change of a module, found from names and imports."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from functools import cache
from pathlib import Path

__all__ = ["TestMap"]

MOST_OTHERS = 10


class TestMap:
    """The tests of the tree at *root* that concern each module of ``edged``.

    A module's own tests are those in the mirrored file, ``tests/a/test_b.py`` of ``edged/a/b.py``, or in a file named
    after a folder that the module is in. Next come those that import it, those first that import little else, then the
    own tests of the modules that import it.
    """

    __test__ = False  # pytest takes it for tests

    def __init__(self, root: Path) -> None:
        self._root = root
        self._files = sorted((root / "tests").rglob("test_*.py"))
        self._imports = {file: _imported(file) for file in self._files}
        self._uses = {file: _imported(file) for file in sorted((root / "edged").rglob("*.py"))}

    def steps(self, module: Path) -> list[list[str]]:
        """Return the files and folders of tests to run, step after step, relative to the root.

        *module* is relative to the root, too. The first step has the module's own tests and some of those that import
        it, the second all others of its folder.
        """
        own = self._own(module)
        others = [file for file in (*self._importers(module), *self._tests_of_users(module)) if file not in own]
        likely = [*own, *list(dict.fromkeys(others))[:MOST_OTHERS]]
        rest = [file for file in self._files if file.is_relative_to(self._room(module)) and file not in likely]
        return [[str(file.relative_to(self._root)) for file in step] for step in (likely, rest) if step]

    def _own(self, module: Path) -> list[Path]:
        found = []
        parts = module.with_suffix("").parts[1:]
        for length in range(len(parts), 0, -1):
            name = f"test_{parts[length - 1]}.py"
            for folder in (parts[: length - 1], parts[:length]):
                file = self._root.joinpath("tests", *folder, name)
                if file in self._imports and file not in found:
                    found.append(file)
        return found

    def _importers(self, module: Path) -> list[Path]:
        found = [file for file, imports in self._imports.items() if _dotted(module) in imports]
        return sorted(found, key=lambda file: (not file.is_relative_to(self._room(module)), len(self._imports[file])))

    def _tests_of_users(self, module: Path) -> list[Path]:
        users = [file.relative_to(self._root) for file, imports in self._uses.items() if _dotted(module) in imports]
        return [file for user in users for file in self._own(user)]

    def _room(self, module: Path) -> Path:
        """Return the deepest folder of tests that mirrors the module's."""
        folders = [self._root.joinpath("tests", *folder.parts[1:]) for folder in module.parents]
        return next(folder for folder in folders if folder.is_dir())


@cache
def _imported(file: Path) -> frozenset[str]:
    return frozenset(_names(ast.parse(file.read_bytes())))


def _dotted(module: Path) -> str:
    return ".".join(module.with_suffix("").parts).removesuffix(".__init__")


def _names(tree: ast.AST) -> Iterator[str]:
    """Yield the modules that *tree* imports, and ``a.b`` of ``from a import b``, which may be one."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom) and node.module:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
