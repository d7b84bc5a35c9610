"""What our HTML pages share: the files that come with the product, and what a page may do."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from lineage.formats.markup import Markup, tag


@cache
def own(name: str) -> Markup:
    """A style sheet, script or piece of a page that comes with the product."""
    return Markup(files("lineage").joinpath("data", name).read_text("utf-8"))


def page(title: str, style: Markup, script: Markup, *body: str) -> str:
    """A whole page. Its Content-Security-Policy allows this style and script, no others, and no request."""
    head = tag(
        "head",
        tag("meta", charset="utf-8"),
        tag("meta", http_equiv="Content-Security-Policy", content=_policy(style, script)),
        tag("meta", name="viewport", content="width=device-width, initial-scale=1"),
        tag("meta", name="referrer", content="no-referrer"),
        tag("title", title),
        tag("style", style),
    )
    return f"<!DOCTYPE html>\n{tag('html', head, tag('body', *body, tag('script', script)), lang='en')}"


def _policy(style: str, script: str) -> str:
    hashes = (b64encode(sha256(text.encode()).digest()).decode() for text in (style, script))
    style_hash, script_hash = (f"'sha256-{sum_}'" for sum_ in hashes)
    return f"default-src 'none'; style-src {style_hash}; script-src {script_hash}; base-uri 'none'; form-action 'none'"
