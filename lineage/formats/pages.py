"""What our HTML pages share: the files that come with the product, and what a page may do."""

from base64 import b64encode
from collections.abc import Iterable, Sequence
from functools import cache
from hashlib import sha256
from importlib.resources import files

from lineage.formats.markup import Markup, tag


@cache
def own(name: str) -> Markup:
    """A style sheet, script or piece of a page that comes with the product."""
    return Markup(files("lineage").joinpath("data", name).read_text("utf-8"))


def page(title: str, style: Markup, script: Markup | None, *body: str) -> str:
    """A whole page. Its Content-Security-Policy allows this style and script, no others, and no request;
    without a script it allows none."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", style),
    )
    scripts = [] if script is None else [tag("script", script)]
    return f"<!DOCTYPE html>\n{tag('html', head, tag('body', *body, *scripts), lang='en')}"


def section(id_: str, title: str, content: Iterable[str]) -> Markup:
    """A part of a page under a heading."""
    heading = tag("h2", title, id=f"{id_}-title")
    return tag("section", heading, *content, id=id_, aria_labelledby=f"{id_}-title")


def table(name: str, columns: Sequence[str], rows: Iterable[Sequence[str]], *, texts: set[int]) -> Markup:
    """A table that the keyboard can scroll sideways. The first cell of a row is its heading; the others are numbers,
    but for the columns in `texts`."""
    kinds = ["text" if i in texts else "number" for i in range(1, len(columns))]
    head = [tag("th", words, scope="col", class_=kind) for words, kind in zip(columns, [None, *kinds], strict=True)]
    lines = []
    for first, *cells in rows:
        filled = (tag("td", cell, class_=kind) for cell, kind in zip(cells, kinds, strict=True))
        lines.append(tag("tr", tag("th", first, scope="row"), *filled))
    table = tag("table", tag("thead", tag("tr", *head)), tag("tbody", *lines))
    return tag("div", table, class_="scroll", role="region", aria_label=name, tabindex=0)


def definitions(facts: dict[str, str | None]) -> Markup:
    """Names and what is known of each; what is None or empty is left out."""
    told = (tag("div", tag("dt", name), tag("dd", fact)) for name, fact in facts.items() if fact)
    return tag("dl", *told, class_="terms")


def _policy(style: Markup, script: Markup | None) -> str:
    scripts = "" if script is None else f" script-src {_hash(script)};"
    return f"default-src 'none'; style-src {_hash(style)};{scripts} base-uri 'none'; form-action 'none'"


def _hash(text: str) -> str:
    return f"'sha256-{b64encode(sha256(text.encode()).digest()).decode()}'"
