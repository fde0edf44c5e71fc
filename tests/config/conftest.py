"""Reads configurations as texts, the way a person sees the outcome: a value, or lines of complaint."""

from __future__ import annotations

import textwrap
from collections.abc import Callable
from pathlib import Path

import pytest
import yaml

from edged.config import Config, ConfigFileError, load_text

Read = Callable[[str], Config]
Told = Callable[[str], list[str]]


@pytest.fixture(autouse=True)
def _plain_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    """No runtime folder from outside: what the tests see depends on the texts alone."""
    monkeypatch.delenv("RUNTIME_DIRECTORY", raising=False)
    monkeypatch.delenv("XDG_RUNTIME_DIR", raising=False)


@pytest.fixture
def read(tmp_path: Path) -> Read:
    """Read a text as if it stood in ``edged.yaml`` in the test's own folder."""

    def read_text(text: str) -> Config:
        return load_text(textwrap.dedent(text), tmp_path / "edged.yaml").config

    return read_text


@pytest.fixture
def told() -> Told:
    """The problems of a wrong text, line by line, without the file's name: ``1:7: node: must be text (got 12)``."""

    def problems(text: str) -> list[str]:
        with pytest.raises(ConfigFileError) as caught:
            load_text(textwrap.dedent(text), "edged.yaml")
        lines = str(caught.value).splitlines()
        assert all(line.startswith("edged.yaml:") for line in lines)
        return [line.removeprefix("edged.yaml:").strip() for line in lines]

    return problems


@pytest.fixture(params=["libyaml", "python"])
def parser(request: pytest.FixtureRequest, monkeypatch: pytest.MonkeyPatch) -> str:
    """Both parsers of PyYAML: boards without libyaml have only the slow one."""
    if request.param == "python":
        monkeypatch.delattr(yaml, "CSafeLoader", raising=False)
    elif not yaml.__with_libyaml__:
        pytest.skip("PyYAML was built without libyaml here")
    return str(request.param)
