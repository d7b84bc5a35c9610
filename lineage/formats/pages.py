"""What our HTML pages share: the files that come with the product, and what a page may do."""

from base64 import b64encode
from functools import cache
from hashlib import sha256
from importlib.resources import files

from lineage.formats.markup import Markup


@cache
def own(name: str) -> Markup:
    """A style sheet, script or piece of a page that comes with the product."""
    return Markup(files("lineage").joinpath("data", name).read_text("utf-8"))


def content_policy(style: str, script: str) -> str:
    """The Content-Security-Policy of a page with this style and script: no others, and no request."""
    hashes = (b64encode(sha256(text.encode()).digest()).decode() for text in (style, script))
    style_hash, script_hash = (f"'sha256-{sum_}'" for sum_ in hashes)
    return f"default-src 'none'; style-src {style_hash}; script-src {script_hash}; base-uri 'none'; form-action 'none'"
