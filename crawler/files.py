"""One text file of a model's repository: read to a limit, and only where the Hub keeps it itself."""

import hashlib
import re
from dataclasses import dataclass
from urllib.parse import quote

import httpx2

from crawler.absent import is_missing
from crawler.answers import WORDS, Answer, Elsewhere, first_bytes
from crawler.hub import Hub

#: Bytes that are read of a file. Licences have some ten thousand, the largest model cards some hundred thousand.
LIMIT = 1_000_000
#: The ETag of a file that is small is the name that git gives its content (huggingface_hub, `HfFileMetadata.etag`);
#: a mirror's may be the plain hash.
_SHA1 = re.compile(r'"([0-9a-f]{40})"')


@dataclass(frozen=True, slots=True)
class File:
    """What the Hub gave of a file: its text and the SHA-256 of the bytes read, or a problem, in words.

    `closed`: the Hub gives us no file of this repository. `stays`: what is said holds for this commit for good.
    """

    path: str
    text: str | None = None
    sha256: str = ""
    truncated: bool = False
    problem: str | None = None
    closed: bool = False
    stays: bool = True


def read_file(hub: Hub, model: str, path: str, revision: str = "main") -> File:
    """A file of a model at a revision: a branch, or a commit.

    Of a large file the first `LIMIT` bytes are read. What the Hub keeps elsewhere (it redirects to a CDN, for LFS and
    Xet files) is not followed. CrawlError where the Hub does not answer.
    """
    url = f"{hub.endpoint}/{quote(model)}/resolve/{quote(revision, safe='')}/{quote(path, safe='')}"
    try:
        answer = hub.get(url, follow=True, read=_read)
    except Elsewhere:
        return File(path, problem="kept elsewhere, not as text")
    if answer.status != 200:
        return _refused(hub, model, path, answer)
    content: bytes = answer.body[:LIMIT]
    if b"\0" in content:
        return File(path, problem="no text")
    # A byte order mark is no text; half a character at the cut is no error.
    text = content.decode("utf-8-sig", errors="replace")
    return File(path, text, hashlib.sha256(content).hexdigest(), truncated=len(answer.body) > LIMIT)


def _refused(hub: Hub, model: str, path: str, answer: Answer) -> File:
    if answer.headers.get("x-error-code") == "GatedRepo":
        problem = f"gated: ask for access at {hub.endpoint}/{model}, and log in with `hf auth login`"
        return File(path, problem=problem, closed=True, stays=False)
    if is_missing(answer):
        return File(path, problem="not on the Hub, or private", closed=True, stays=False)
    return File(path, problem=f"refused ({answer.status}: {answer.said})", closed=answer.status == 403, stays=False)


def _read(response: httpx2.Response) -> Answer | None:
    """The response as an answer whose body is bytes, of more than `LIMIT` one too many; None for what is no file."""
    url, status, headers = str(response.request.url), response.status_code, response.headers
    if status != 200:
        words = first_bytes(response.iter_raw(), WORDS).decode("utf-8", errors="replace")
        return Answer(url, status, words, headers, len(words), None)
    # The Hub gives any text as text/plain, and plain where it is asked so: this is something in between.
    if (
        headers.get("content-type", "").startswith("text/html")
        or headers.get("content-encoding", "identity") != "identity"
    ):
        return None
    content = first_bytes(response.iter_raw(), LIMIT + 1)
    whole = len(content) <= LIMIT
    return (
        None
        if whole and not _fits(headers.get("etag", ""), content)
        else Answer(url, status, content, headers, len(content), None)
    )


def _fits(etag: str, content: bytes) -> bool:
    """Whether a file may be the one that an ETag names: one that was cut off on its way is not."""
    said = _SHA1.fullmatch(etag)
    hashes = (hashlib.sha1(start + content, usedforsecurity=False) for start in (b"blob %d\0" % len(content), b""))
    return said is None or any(digest.hexdigest() == said[1] for digest in hashes)
