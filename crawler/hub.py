"""Answers of the Hub's API: raw JSON, paced, with timeouts, and never asked of anyone but the endpoint."""

import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from importlib.metadata import version
from typing import Any
from urllib.parse import urlsplit

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils._http import http_backoff, parse_ratelimit_headers

from registry.records import RegistryError

#: The Hub's largest page, and its default.
PAGE_SIZE = 1_000
#: What the registry holds of a model, by the names that `expand` has for it. `tags` hold the lineage that the Hub
#: resolved, `cardData` what it could not.
EXPAND = (
    "author",
    "cardData",
    "createdAt",
    "disabled",
    "downloads",
    "gated",
    "lastModified",
    "library_name",
    "likes",
    "pipeline_tag",
    "private",
    "sha",
    "tags",
)
_TIMEOUT = httpx2.Timeout(60.0, connect=15.0)
#: Retried by huggingface_hub's own back-off; 429 is not among them, since it has meanings of its own.
_RETRIED = (408, 500, 502, 503, 504)
_TRIES = 6


class CrawlError(RegistryError):
    """The Hub did not answer, or not as it should; what came before is saved."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: its status, decoded body, headers and size in bytes."""

    status: int
    body: Any
    headers: Mapping[str, str]
    size: int
    next_url: str | None


@dataclass(slots=True)
class Quota:
    """What the Hub said last of the requests that are left, and how long we waited for more (seconds)."""

    left: int | None = None
    limit: int | None = None
    waited: float = 0.0


class Hub:
    """An endpoint that speaks the Hub's API.

    The token is found where huggingface_hub finds it (HF_TOKEN, the file that `hf auth login` writes); it goes to the
    endpoint's own origin only, and is neither stored nor shown.
    """

    def __init__(self, endpoint: str | None = None, *, token: str | None = None) -> None:
        """Talk to `endpoint` (default: HF_ENDPOINT, else the Hub itself)."""
        self.endpoint = (endpoint or constants.ENDPOINT).rstrip("/")
        place = urlsplit(self.endpoint)
        if place.scheme not in {"http", "https"} or not place.hostname or place.username is not None:
            raise CrawlError("not an endpoint: name one like https://host, and put the token into HF_TOKEN")
        self.origin = _origin(self.endpoint)
        self.quota = Quota()
        self.requests = 0
        self._reset_at = 0.0
        self._headers = {"user-agent": f"finetune-lineage/{version('finetune-lineage')}"}
        if secret := token or get_token():
            self._headers["authorization"] = f"Bearer {secret}"

    def pages(self, params: Mapping[str, Any], *, start: str | None = None) -> Iterator[Answer]:
        """Pages of `GET /api/models`, from the first, or from the URL `start` that an earlier page gave as its next.

        Raises CrawlError where a page cannot be had, is no list of models, or sends us to another origin.
        """
        url: str | None = start or f"{self.endpoint}/api/models"
        asked: Mapping[str, Any] | None = None if start else params
        while url is not None:
            answer = self.get(url, asked)
            if answer.status != 200 or not isinstance(answer.body, list):
                raise CrawlError(f"{self.endpoint} answered {answer.status}, not a page of models: {_said(answer)}")
            if answer.next_url is not None:
                self._own(answer.next_url)
            yield answer
            url, asked = answer.next_url, None

    def get(self, url: str, params: Mapping[str, Any] | None = None) -> Answer:
        """One answer, after the pauses that the quota asks for; redirects are not followed."""
        self._own(url)
        for attempt in range(_TRIES):
            self._wait_for_quota()
            response = self._request(url, params)
            self._note_quota(response)
            if response.status_code == 429:
                self._sleep(_pause(response))
                continue
            try:
                body = response.json() if response.content else None
            except ValueError:  # cut off, or HTML: what stands between us and the Hub had a bad moment
                if response.status_code == 200:
                    self._sleep(min(2.0**attempt, 8.0))
                    continue
                body = response.text
            next_url = response.links.get("next", {}).get("url")
            return Answer(response.status_code, body, response.headers, len(response.content), next_url)
        raise CrawlError(f"{self.endpoint} gave no usable answer in {_TRIES} tries: {_LATER}")

    def _request(self, url: str, params: Mapping[str, Any] | None) -> httpx2.Response:
        self.requests += 1
        try:
            return http_backoff(
                "GET",
                url,
                params=params,
                headers=self._headers,
                timeout=_TIMEOUT,
                follow_redirects=False,
                retry_on_status_codes=_RETRIED,
            )
        except HfHubHTTPError as error:
            raise CrawlError(f"{self.endpoint} fails ({error.response.status_code}): {_LATER}") from error
        except httpx2.HTTPError as error:
            raise CrawlError(f"{self.endpoint} cannot be reached ({type(error).__name__}): {_LATER}") from error

    def _own(self, url: str) -> None:
        """The token, and our trust, go to one origin."""
        if _origin(url) != self.origin:
            raise CrawlError(
                f"{self.endpoint} sent us to another origin ({_origin(url)[:200]}): is the mirror set up right?"
            )

    def _note_quota(self, response: httpx2.Response) -> None:
        info = parse_ratelimit_headers(response.headers)
        if info is not None:
            self.quota.left, self.quota.limit = info.remaining, info.limit
            self._reset_at = time.monotonic() + info.reset_in_seconds

    def _wait_for_quota(self) -> None:
        """Wait out the window before the Hub has to refuse."""
        if self.quota.left == 0:
            self._sleep(self._reset_at - time.monotonic() + 1)  # the reset is told in whole seconds
            self.quota.left = None

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            time.sleep(seconds)
            self.quota.waited += seconds


_LATER = "try again later, a crawl that broke off by `lineage crawl resume`"


def _pause(response: httpx2.Response) -> float:
    """Seconds to wait after a 429; CrawlError if it is not about the quota of requests."""
    info = parse_ratelimit_headers(response.headers)
    if info is not None and info.remaining == 0:
        return 0.0  # the quota is noted, and waited for before the next request
    after = response.headers.get("retry-after", "").strip()
    if after.isdigit():
        return float(after) + 1
    if info is not None:
        said = " ".join(response.text.split())[:200]
        raise CrawlError(f"the Hub set another limit than that of requests ({said}): {_LATER}")
    return 30.0


def _said(answer: Answer) -> str:
    said = answer.body.get("error", answer.body) if isinstance(answer.body, dict) else answer.body
    return " ".join(str(said).split())[:200]


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}".lower()
