"""XML from the network, read within limits: no document type, so no entity that could grow, and few elements."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from xml.parsers import expat

__all__ = ["LONGEST_XML", "Element", "read_xml"]

LONGEST_XML = 1 << 18
MOST_ELEMENTS = 10_000
DEEPEST = 50


@dataclass(slots=True, eq=False)
class Element:
    """An element: its name and attributes without namespaces, its text if nothing else is in it, and what is in it."""

    name: str
    attributes: dict[str, str]
    text: str = ""
    children: list[Element] = field(default_factory=list)

    def all(self, name: str) -> Iterator[Element]:
        """Yield the elements *name* at any depth, in their order."""
        for child in self.children:
            if child.name == name:
                yield child
            yield from child.all(name)

    def get(self, *names: str) -> str:
        """Return the text of the first of these: an element, within it the next, and so on; empty if there is none."""
        found: Element | None = self
        for name in names:
            found = None if found is None else next(found.all(name), None)
        return "" if found is None else found.text.strip()


def read_xml(content: bytes) -> Element:
    """Return the root element of *content*.

    Raises:
        ValueError: it is no XML, has a document type, or is too much.
    """
    if len(content) > LONGEST_XML:
        raise ValueError(f"its answer has more than {LONGEST_XML} bytes")
    builder = _Builder()
    parser = expat.ParserCreate(namespace_separator=" ")
    parser.buffer_text = True
    parser.StartDoctypeDeclHandler = builder.refuse
    parser.StartElementHandler = builder.start
    parser.EndElementHandler = builder.end
    parser.CharacterDataHandler = builder.characters
    try:
        parser.Parse(content, True)
    except (expat.ExpatError, LookupError) as exc:  # the second: of an encoding that is none of a text
        raise ValueError(f"its answer is no XML ({exc})") from exc
    return builder.root.children[0]


class _Builder:
    def __init__(self) -> None:
        self.root = Element("", {})
        self._open = [self.root]
        self._texts: list[str] = []
        self._count = 0

    def refuse(self, *_: object) -> None:
        raise ValueError("its answer has a document type, which edged does not read")

    def start(self, name: str, attributes: dict[str, str]) -> None:
        self._count += 1
        if self._count > MOST_ELEMENTS or len(self._open) > DEEPEST:
            raise ValueError(f"its answer has more than {MOST_ELEMENTS} elements, or {DEEPEST} within each other")
        element = Element(_local(name), {_local(key): value for key, value in attributes.items()})
        self._open[-1].children.append(element)
        self._texts.clear()
        self._open.append(element)

    def end(self, _: str) -> None:
        element = self._open.pop()
        if not element.children:
            element.text = "".join(self._texts)
        self._texts.clear()

    def characters(self, text: str) -> None:
        self._texts.append(text)


def _local(name: str) -> str:
    return name.rpartition(" ")[2]
