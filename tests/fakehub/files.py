"""The files of a repository, and how the Hub serves them.

A row holds them under `files`: a text, bytes, or `{"lfs": URL, "size": BYTES}` for one that the Hub keeps elsewhere.
The card is README.md, unless `files` has another.
"""

import hashlib
import json
from typing import Any
from urllib.parse import quote

from starlette.responses import Response

from tests.fakehub.world import Model

#: What a file holds, or where it is kept.
Content = bytes | dict[str, Any]

_TEXT = "text/plain; charset=utf-8"


def names_of(model: Model) -> list[str]:
    """The names of all files of a model."""
    files = model.row.get("files") or {}
    return sorted({*files, "README.md"} if "cardData" in model.row else files)


def content_of(model: Model, path: str) -> Content | None:
    """What a file of a model holds; None where there is no such file."""
    files = model.row.get("files") or {}
    if path in files:
        held = files[path]
        return held.encode() if isinstance(held, str) else held
    if path != "README.md" or "cardData" not in model.row:
        return None
    card = json.dumps(model.row["cardData"], ensure_ascii=True, indent=2)  # JSON is YAML too
    return f"---\n{card}\n---\n# {model.name}\n".encode()


def blob_id(content: bytes) -> str:
    """How git names a file of this content."""
    return hashlib.sha1(b"blob %d\0%b" % (len(content), content)).hexdigest()


def cached_at(name: str, sha: str | None, path: str) -> str:
    """Where `resolve` leads to for a file that the Hub keeps itself."""
    return f"/api/resolve-cache/models/{quote(name)}/{sha or 'main'}/{quote(path, safe='')}"


def served(content: Content, sha: str | None, *, raw: bool) -> Response:
    """A file, or the way to it: `raw` gives the pointer that git holds of one that is kept elsewhere."""
    headers = {"X-Repo-Commit": sha} if sha else {}
    if isinstance(content, dict):
        size, oid = content.get("size", 5_000_000_000), hashlib.sha256(content["lfs"].encode()).hexdigest()
        if not raw:
            headers |= {"Location": content["lfs"], "X-Linked-Size": str(size), "X-Linked-ETag": f'"{oid}"'}
            return Response(f"Found. Redirecting to {content['lfs']}", 302, headers, media_type=_TEXT)
        content = f"version https://git-lfs.github.com/spec/v1\noid sha256:{oid}\nsize {size}\n".encode()
    return Response(content, headers=headers | {"ETag": f'"{blob_id(content)}"'}, media_type=_TEXT)
