"""HTML by construction: what is put into an element is escaped, unless it is an element itself."""

from collections.abc import Iterable
from html import escape
from urllib.parse import quote

from lineage.formats.text import number, printable

#: A text is shown up to so many characters.
_LONGEST = 2_000
_VOID = {"input", "meta"}
#: What may stand in a URL as it is (RFC 3986); an apostrophe may too, and is left out for those who paste it.
_IN_URL = "/:?#[]@!$&()*+,;=%~"


class Markup(str):
    """Text that is markup already."""

    __slots__ = ()


def tag(name: str, /, *content: str, **attributes: str | int | None) -> Markup:
    """An element. An attribute of None is left out; `class_` and `aria_label` stand for `class` and `aria-label`.

    Raises ValueError for a link to anything but an https address or a place on the page.
    """
    given = {key.rstrip("_").replace("_", "-"): str(value) for key, value in attributes.items() if value is not None}
    if not given.get("href", "#").startswith(("#", "https://")):
        raise ValueError(f"no such link: {given['href'][:100]!r}")
    words = "".join(f' {key}="{escape(printable(value), quote=True)}"' for key, value in given.items())
    return Markup(f"<{name}{words}>" if name in _VOID else f"<{name}{words}>{joined(content)}</{name}>")


def joined(content: Iterable[str]) -> Markup:
    """Elements and texts, one after the other."""
    return Markup("".join(piece if isinstance(piece, Markup) else _escaped(piece) for piece in content))


def link(text: str, url: str | None = None, **attributes: str | int | None) -> Markup:
    """A link, which tells the other side nothing; `url` is the text unless given. What is no https address stays text.

    >>> link("javascript:alert(1)")
    'javascript:alert(1)'
    """
    target = text if url is None else url
    if not target.startswith("https://") or any(c.isspace() for c in target):
        return joined([text])
    href = quote(target, safe=_IN_URL, errors="replace")
    return tag("a", text, href=href, rel="noopener noreferrer nofollow", **attributes)


def clipped(text: str, longest: int = 120) -> str:
    """The text, cut where it is longer."""
    return text if len(text) <= longest else f"{text[: longest - 1]}…"


def _escaped(text: str) -> str:
    shown = text if len(text) <= _LONGEST else f"{text[:_LONGEST]}… ({number(len(text))} characters)"
    return escape(printable(shown), quote=True)
