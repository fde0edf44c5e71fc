"""A file of YAML → a ``Config`` that remembers where everything stood, or all problems of the file at once."""

from __future__ import annotations

import stat
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from itertools import chain, islice
from pathlib import Path

from pydantic import ValidationError

from edged.config.problems import MOST_SHOWN, ConfigFileError, KeyPath, Problem
from edged.config.reader.compose import LARGEST, compose, position
from edged.config.reader.document import Document
from edged.config.reader.pydantic_errors import problems_of
from edged.config.reader.variables import where_secrets_go
from edged.config.sections.places import mapping_in, misplaced, places_in
from edged.config.sections.root import Config
from edged.config.sections.states import names_taken

__all__ = ["Loaded", "load", "load_text", "read_text", "with_camera"]


@dataclass(frozen=True, slots=True)
class Loaded:
    """A configuration that is right in itself, and the places that its values came from."""

    config: Config
    document: Document

    def problem(self, path: KeyPath, rule: str) -> Problem:
        """*rule* as a problem of the value at *path*, such as ``("cameras", "street", "source")``.

        A value that is not in the file, because its default holds, is a problem of the section around it.
        """
        return self.document.problem(path, rule)

    def where(self, path: KeyPath) -> str:
        """``file:line:column`` of the value at *path*."""
        line, column = self.document.value_at(path)
        return f"{self.document.file}:{line}:{column}"


def load(path: str | Path) -> Loaded:
    """Read the configuration at *path*.

    Raises:
        ConfigFileError: it cannot be read, or something in it is wrong; the error holds all that is wrong.
    """
    return load_text(read_text(Path(path)), path)


def load_text(text: str, path: str | Path) -> Loaded:
    """Read a configuration that stands, or could stand, at *path*: relative paths in it start at that folder.

    Raises:
        ConfigFileError: something in it is wrong; the error holds all that is wrong.
    """
    document = compose(text, str(path))
    return Loaded(_checked(document, Path(path).absolute().parent), document)


def with_camera(loaded: Loaded, name: str, settings: Mapping[str, object]) -> Loaded:
    """Return *loaded* with these *settings* of the camera *name* in place of those that stand in its file.

    Everything but that camera is the same object as before. Nothing is read or written.

    Raises:
        ConfigFileError: something is wrong with them, in the words of `load`, without a place in the file.
    """
    root, config = loaded.document.root, loaded.config
    assert isinstance(root.plain, dict), "it was read as one"
    sections = mapping_in(root.plain, "cameras")
    plain = {**root.plain, "cameras": {**sections, name: {**mapping_in(sections, name), **settings}}}
    document = replace(loaded.document, root=replace(root, plain=plain))
    try:
        checked = _checked(document, Path(document.file).absolute().parent)
    except ConfigFileError as exc:
        raise ConfigFileError(replace(each, file="", line=0, column=0) for each in exc.problems) from exc
    cameras = {**config.cameras, name: checked.cameras[name]}
    return Loaded(config.model_copy(update={"cameras": cameras}), document)


def _checked(document: Document, folder: Path) -> Config:
    """Return the configuration in *document*, whose relative paths start at *folder*."""
    found = [*document.problems, *_secrets_shown(document)]
    if len(found) > len(document.problems):
        raise ConfigFileError(_once(found))  # and no other message can then quote them
    plain = document.root.plain
    taken = names_taken(mapping_in(plain, "states"), mapping_in(plain, "references"))
    for place, rule in islice(chain(misplaced(*places_in(plain)), taken), MOST_SHOWN):
        found.append(document.problem(place, rule))
    try:
        config = Config.model_validate(document.root.plain, context={"folder": folder})
    except ValidationError as exc:
        raise ConfigFileError(_once([*found, *problems_of(exc, document)])) from exc
    if found:
        raise ConfigFileError(_once(found))
    return config


def _secrets_shown(document: Document) -> Iterator[Problem]:
    """Secrets that are not in the source of a camera: an alias can carry them anywhere."""
    for path, spelled in document.secrets():
        if not (len(path) == 3 and path[0] == "cameras" and path[2] == "source"):
            yield document.problem(path, where_secrets_go(spelled))


def _once(problems: Iterable[Problem]) -> list[Problem]:
    """Return the first problem of each value: a second problem mostly follows from it."""
    return list({(p.line, p.column, p.path): p for p in reversed(list(problems))}.values())


def read_text(path: Path) -> str:
    """Read the text of the configuration at *path*.

    Raises:
        ConfigFileError: it cannot be read, is not text, or too large.
    """

    def fail(rule: str, mark: tuple[int, int] = (0, 0)) -> ConfigFileError:
        return ConfigFileError([Problem(str(path), *mark, "", rule)])

    try:
        if not stat.S_ISREG(path.stat().st_mode):
            raise fail("is not a file of text")
        with path.open("rb") as file:
            content = file.read(LARGEST + 1)
    except FileNotFoundError as exc:
        raise fail("there is no such file") from exc
    except OSError as exc:
        raise fail(f"cannot be read: {exc.strerror}") from exc
    if len(content) > LARGEST:
        raise fail("is too large for a configuration: more than 1 MiB")
    try:
        return content.decode()
    except UnicodeDecodeError as exc:
        mark = position(content[: exc.start].decode(), exc.start)
        raise fail(f"is not UTF-8 text (got the byte 0x{content[exc.start]:02x})", mark) from exc
