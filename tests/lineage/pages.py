"""A page of HTML as a tree, read strictly."""

from html.parser import HTMLParser
from typing import Any

from lineage.audit import Audit
from lineage.formats.audit_page import audit_page


class Element:
    """An element of a page: its name, attributes, and what is in it."""

    def __init__(self, name: str, attributes: dict[str, str]) -> None:
        self.name, self.attributes = name, attributes
        self.content: list[Element | str] = []

    @property
    def text(self) -> str:
        """All text in it, elements apart by a space."""
        pieces = (piece if isinstance(piece, str) else piece.text for piece in self.content)
        return " ".join(" ".join(pieces).split())

    @property
    def classes(self) -> list[str]:
        return self.attributes.get("class", "").split()

    def all(self, name: str | None = None, class_: str | None = None) -> "list[Element]":
        """The elements in it of this name and class, in their order."""
        found = []
        for piece in self.content:
            if isinstance(piece, Element):
                fits = name in {None, piece.name} and (class_ is None or class_ in piece.classes)
                found += [piece] * fits + piece.all(name, class_)
        return found

    def one(self, name: str | None = None, class_: str | None = None) -> "Element":
        (found,) = self.all(name, class_)
        return found

    def by_id(self, id_: str) -> "Element":
        (found,) = [element for element in self.all() if element.attributes.get("id") == id_]
        return found


class Reader(HTMLParser):
    """Reads a page as a tree, and is strict: what is opened is closed, in order."""

    def __init__(self, page: str) -> None:
        super().__init__(convert_charrefs=True)
        self.root = Element("", {})
        self.open = [self.root]
        self.feed(page)
        self.close()
        assert self.open == [self.root]

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        assert len({name for name, _ in attrs}) == len(attrs)
        element = Element(tag, {name: value or "" for name, value in attrs})
        self.open[-1].content.append(element)
        if tag not in {"meta", "input"}:
            self.open.append(element)

    def handle_endtag(self, tag: str) -> None:
        assert self.open.pop().name == tag

    def handle_data(self, data: str) -> None:
        self.open[-1].content.append(data)

    def handle_comment(self, data: str) -> None:
        raise AssertionError(f"a comment: {data}")

    def handle_pi(self, data: str) -> None:
        raise AssertionError(f"an instruction: {data}")


def read(found: Audit) -> Element:
    """The page of an audit as a tree."""
    return tree(audit_page(found))


def tree(page: str) -> Element:
    """A page as a tree."""
    assert page.startswith("<!DOCTYPE html>\n<html lang=")
    page.encode()
    return Reader(page).root.one("html")


def shape(element: Element) -> list[Any]:
    """The elements with the names of their attributes; no text and no values."""
    return [(e.name, sorted(e.attributes)) for e in element.all()]


def rows(section: Element) -> list[list[str]]:
    return [[cell.text for cell in row.all() if cell.name in {"th", "td"}] for row in section.one("tbody").all("tr")]
