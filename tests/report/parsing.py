"""A page as a tree, read as strictly as can be: each element is closed where it should be."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from html.parser import HTMLParser

import attrs

_EMPTY = {"meta", "link", "img", "br", "input"}


@attrs.define
class Element:
    """An element with its attributes, its parts (elements and texts), and what it stands in."""

    name: str
    attributes: Mapping[str, str]
    parent: Element | None = attrs.field(default=None, repr=False)
    parts: list[Element | str] = attrs.Factory(list)

    def every(self, *names: str) -> Iterator[Element]:
        """Yield every element below this one, of these names only if any are given."""
        for part in self.parts:
            if isinstance(part, Element):
                if not names or part.name in names:
                    yield part
                yield from part.every(*names)

    def of_class(self, name: str) -> Iterator[Element]:
        """Yield every element below this one that is of a class."""
        return (one for one in self.every() if name in one.attributes.get("class", "").split())

    def one_of(self, name: str) -> str:
        """Return the text of the first part of a name; empty where there is none."""
        return next((one.text for one in self.every(name)), "")

    def one(self, name: str) -> Element:
        """Return the only element of a name below this one."""
        (found,) = self.every(name)
        return found

    @property
    def text(self) -> str:
        """All texts in it, as they are read."""
        told = "".join(part if isinstance(part, str) else part.text for part in self.parts)
        return " ".join(told.split()) if self.parent is None else told

    @property
    def path(self) -> tuple[str, ...]:
        """The names of all that it stands in."""
        return (*self.parent.path, self.parent.name) if self.parent else ()


class _Reader(HTMLParser):
    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("document", {})
        self._at = self.root

    def handle_starttag(self, tag: str, given: list[tuple[str, str | None]]) -> None:
        names = [name for name, _ in given]
        assert len(names) == len(set(names)), (tag, names)
        element = Element(tag, {name: value or "" for name, value in given}, self._at)
        self._at.parts.append(element)
        if tag not in _EMPTY:
            self._at = element

    def handle_endtag(self, tag: str) -> None:
        assert self._at.name == tag, (self._at.path, self._at.name, tag)
        assert self._at.parent is not None
        self._at = self._at.parent

    def handle_data(self, data: str) -> None:
        self._at.parts.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(data)

    def ended(self) -> Element:
        self.close()
        assert self._at is self.root, self._at
        return self.root


def parsed(page: str) -> Element:
    """Return a page as a tree."""
    reader = _Reader()
    reader.feed(page)
    return reader.ended()
