"""What the Hub answers, and what to make of it: read to a limit, and told apart from what only looks like an answer."""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin

import httpx2
from huggingface_hub.utils._http import parse_ratelimit_headers

from crawler.dumps import read_json
from registry.records import RegistryError

_RETRIED = (408, 500, 502, 503, 504)
#: Seconds that nobody should wait.
TOO_LONG = 3_600
LATER = "try again later, a crawl that broke off by `lineage crawl resume`"
#: Bytes of an answer, unpacked. A page of a thousand models with their cards has some ten millions.
LONGEST = 256_000_000
#: Of an answer that is an error, its words are enough.
WORDS = 10_000


class CrawlError(RegistryError):
    """The Hub did not answer, or not as it should; what came before is saved."""


class Elsewhere(CrawlError):
    """The Hub sent us to another origin, which was not asked."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the URL asked, its status, decoded body, headers and size in bytes."""

    url: str
    status: int
    body: Any
    headers: Mapping[str, str]
    size: int
    next_url: str | None

    @property
    def said(self) -> str:
        """What the Hub says in an answer that is an error, in one line."""
        said = self.body.get("error", self.body) if isinstance(self.body, dict) else self.body
        return " ".join(str(self.headers.get("x-error-message") or said).split())[:200]


#: How a response, whose body is still to come, becomes an answer; None where it is none that can be used.
Reader = Callable[[httpx2.Response], Answer | None]
#: What kept an answer from coming, and for how many seconds the Hub wants to be left alone, where it says so.
Failure = tuple[str, float | None]


def judged(response: httpx2.Response, read: Reader) -> Answer | Failure:
    """An answer, or what kept it from being one; CrawlError where it is of no use to ask again."""
    if response.status_code == 429:
        return "allows no more requests", _pause(response, first_bytes(response.iter_bytes(), WORDS))
    if response.status_code in _RETRIED:
        return f"fails ({response.status_code})", _retry_after(response)
    return read(response) or ("gave no usable answer", None)  # cut off, or HTML: something in between


@dataclass(frozen=True, slots=True)
class JsonBody:
    """Reads whole bodies: JSON, of which `decode` makes something (it raises ValueError where it is none)."""

    decode: Callable[[bytes], object] = read_json

    def __call__(self, response: httpx2.Response) -> Answer | None:
        """The response as an answer; None where it is no JSON and should be. CrawlError where it is larger than any."""
        content = first_bytes(response.iter_bytes(), LONGEST + 1)
        url = str(response.request.url)
        if len(content) > LONGEST:
            raise CrawlError(f"an answer is larger than {LONGEST:,} bytes ({url[:200]}): is the mirror set up right?")
        try:
            body = (self.decode if response.status_code == 200 else read_json)(content) if content else None
        except ValueError:
            body = None if response.status_code == 200 else content[:WORDS].decode("utf-8", "replace")
        if response.status_code == 200 and body is None:
            return None
        next_url = response.links.get("next", {}).get("url")
        next_url = joined(url, next_url) if next_url is not None else None
        return Answer(url, response.status_code, body, response.headers, len(content), next_url)


def first_bytes(chunks: Iterable[bytes], most: int) -> bytes:
    """So many bytes of a body at most; the rest is left where it is."""
    content = bytearray()
    for chunk in chunks:
        content += chunk
        if len(content) >= most:
            break
    return bytes(content[:most])


def _pause(response: httpx2.Response, words: bytes) -> float | None:
    """Seconds to wait after a 429; CrawlError if it is not about the quota of requests."""
    info = parse_ratelimit_headers(response.headers)
    if info is not None and info.remaining == 0:
        return 0.0  # the quota is noted, and waited for before the next request
    after = _retry_after(response)
    if after is not None:
        return after
    if info is not None:
        said = " ".join(words.decode("utf-8", "replace").split())[:200]
        raise CrawlError(f"the Hub set another limit than that of requests ({said}): {LATER}")
    return 30.0


def _retry_after(response: httpx2.Response) -> float | None:
    """The seconds of a Retry-After header, and one more; None where it is missing, or a date."""
    after = response.headers.get("retry-after", "").strip()
    return min(int(after), 10 * TOO_LONG) + 1.0 if after.isascii() and after.isdigit() and len(after) < 20 else None


def joined(url: str, where: str) -> str:
    """The address to which a page leads; CrawlError where that is none."""
    try:
        return urljoin(url, where)
    except ValueError as error:
        raise CrawlError(f"the Hub sent us to {where[:200]!r}, which is no URL: is the mirror set up right?") from error
