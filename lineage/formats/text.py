"""Text for people: what a terminal may show, and numbers as they are read."""

import json
import unicodedata
from typing import Any

#: Cc: control characters (ANSI escapes begin with one), Cf: bidi marks and other invisible formatting, Cs: surrogates,
#: Zl and Zp: line and paragraph separators. Text from the Hub may hold any of them.
_HARMFUL = {"Cc", "Cf", "Cs", "Zl", "Zp"}


def printable(text: str) -> str:
    r"""The text with everything that could steer a terminal written as an escape, such as `\x1b`."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(_escaped(c) if unicodedata.category(c) in _HARMFUL else c for c in text)


def json_text(value: Any, *, indent: int | None = None) -> str:
    """JSON in which everything that could steer a terminal is written as a JSON escape; it reads back unchanged."""
    text = json.dumps(value, ensure_ascii=False, indent=indent)
    if text.isascii():
        return text.replace("\x7f", "\\u007f")
    return "".join(json.dumps(c)[1:-1] if c != "\n" and unicodedata.category(c) in _HARMFUL else c for c in text)


def number(value: int | None) -> str:
    """A count with thousands separated, or `?` where it is not known."""
    return "?" if value is None else f"{value:,}"


def columns_wide(text: str) -> int:
    """How many columns of a terminal the text takes: East Asian characters take two, combining marks none."""
    if text.isascii():
        return len(text)
    return sum(0 if unicodedata.combining(c) else 2 if unicodedata.east_asian_width(c) in "WF" else 1 for c in text)


def _escaped(character: str) -> str:
    return character.encode("unicode_escape").decode()
