"""Answers of the Hub's API: raw JSON, paced, with timeouts, and never asked of anyone but the endpoint."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from importlib.metadata import version
from threading import Event, Lock
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urljoin, urlsplit

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.errors import HfHubHTTPError
from huggingface_hub.utils._http import http_backoff, parse_ratelimit_headers

from registry.records import RegistryError

T = TypeVar("T")

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
#: Requests in flight at once, all under one pace. Pages of one listing come one after the other in any case.
_AT_ONCE = 8
_REDIRECTS = (301, 302, 307, 308)
_MOST_REDIRECTS = 5
#: Seconds of silence that somebody who looks on should be told of.
_LONG = 3


class CrawlError(RegistryError):
    """The Hub did not answer, or not as it should; what came before is saved."""


@dataclass(frozen=True, slots=True)
class Answer:
    """One answer: the URL asked, its status, decoded body, headers and size in bytes."""

    url: str
    status: int
    body: Any
    headers: Mapping[str, str]
    size: int
    next_url: str | None


@dataclass(slots=True)
class Quota:
    """What the Hub said last of the requests that are left of how many in a window of how many seconds; and how long we
    waited for more (seconds)."""

    left: int | None = None
    limit: int | None = None
    window: int | None = None
    waited: float = 0.0

    def seconds_for(self, requests: int) -> float:
        """How long the quota makes that many more requests take, at least."""
        if self.left is None or not self.limit or not self.window:
            return 0.0
        return max(0, requests - self.left) / self.limit * self.window


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
        self.models_url = f"{self.endpoint}/api/models"
        self.quota = Quota()
        #: Called with the seconds, when a pause of more than a few begins.
        self.on_pause: Callable[[float], None] = lambda seconds: None
        self.requests = 0
        self._reset_at = self._waited_until = self._pause_until = 0.0
        self._in_flight = 0
        self._lock = Lock()
        self._closed = Event()
        self._pool = ThreadPoolExecutor(_AT_ONCE, thread_name_prefix="hub")
        self._headers = {"user-agent": f"finetune-lineage/{version('finetune-lineage')}"}
        if secret := token or get_token():
            self._headers["authorization"] = f"Bearer {secret}"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Wait for nothing more, neither answers nor quota."""
        self._closed.set()
        self._pool.shutdown(wait=False, cancel_futures=True)

    def pages(self, params: Mapping[str, Any], *, start: str | None = None) -> Iterator[Answer]:
        """Pages of `GET /api/models`, from the first, or from the URL `start` that an earlier page gave as its next.

        Raises CrawlError where a page cannot be had, is no list of models, or sends us to another origin.
        """
        page = self.page_of(self.get(start or self.models_url, None if start else params, follow=True))
        yield page
        while page.next_url is not None:
            page = self.page_of(self.get(page.next_url, follow=True))
            yield page

    def ahead(self, items: Iterable[T]) -> Iterator[T]:
        """The items, each of which is made while its predecessor is worked on."""
        iterator = iter(items)
        coming = self._pool.submit(next, iterator, None)
        while (item := coming.result()) is not None:
            coming = self._pool.submit(next, iterator, None)
            yield item

    def page_of(self, answer: Answer) -> Answer:
        """The answer, if it is a page of models whose next one is of the same origin; else CrawlError."""
        if answer.status != 200 or not isinstance(answer.body, list):
            raise CrawlError(f"{self.endpoint} answered {answer.status}, not a page of models: {_said(answer)}")
        if answer.next_url is not None:
            self._own(answer.next_url)
        return answer

    def gather(self, requests: Iterable[tuple[str, Mapping[str, Any] | None]]) -> list[Answer]:
        """The answers to several requests (URL, parameters), in their order; several are in flight at once."""
        asked = [self._pool.submit(self.get, url, params, follow=True) for url, params in requests]
        return [answer.result() for answer in asked]

    def model_url(self, name: str) -> str:
        """Where a model is asked for."""
        return f"{self.models_url}/{quote(name)}"

    def get(self, url: str, params: Mapping[str, Any] | None = None, *, follow: bool = False) -> Answer:
        """One answer, after the pauses that the quota asks for; redirects within the origin only if `follow`."""
        for _ in range(_MOST_REDIRECTS):
            answer = self._answer(url, params)
            where = answer.headers.get("location")
            if not follow or answer.status not in _REDIRECTS or where is None:
                return answer
            url = urljoin(url, where)
        raise CrawlError(f"{self.endpoint} redirects in circles: is the mirror set up right?")

    def _answer(self, url: str, params: Mapping[str, Any] | None) -> Answer:
        self._own(url)
        for attempt in range(_TRIES):
            self._wait_for_quota()
            response = self._request(url, params)
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
            asked = str(response.request.url)
            return Answer(asked, response.status_code, body, response.headers, len(response.content), next_url)
        raise CrawlError(f"{self.endpoint} gave no usable answer in {_TRIES} tries: {_LATER}")

    def _request(self, url: str, params: Mapping[str, Any] | None) -> httpx2.Response:
        with self._lock:
            self.requests += 1
            self._in_flight += 1
        try:
            response = http_backoff(
                "GET",
                url,
                params=params,
                headers=self._headers,
                timeout=_TIMEOUT,
                follow_redirects=False,
                retry_on_status_codes=_RETRIED,
            )
            self._note_quota(response)
        except HfHubHTTPError as error:
            raise CrawlError(f"{self.endpoint} fails ({error.response.status_code}): {_LATER}") from error
        except httpx2.HTTPError as error:
            raise CrawlError(f"{self.endpoint} cannot be reached ({type(error).__name__}): {_LATER}") from error
        finally:
            with self._lock:
                self._in_flight -= 1
        return response

    def _own(self, url: str) -> None:
        """The token, and our trust, go to one origin."""
        if _origin(url) != self.origin:
            raise CrawlError(
                f"{self.endpoint} sent us to another origin ({_origin(url)[:200]}): is the mirror set up right?"
            )

    def _note_quota(self, response: httpx2.Response) -> None:
        info = parse_ratelimit_headers(response.headers)
        if info is not None:
            with self._lock:
                # The other requests that are under way will have been counted when their answers come.
                self.quota.left = max(0, info.remaining - (self._in_flight - 1))
                self.quota.limit, self.quota.window = info.limit, info.window_seconds
                self._reset_at = time.monotonic() + info.reset_in_seconds

    def _wait_for_quota(self) -> None:
        """Take one request of the quota; wait out the window where none is left, before the Hub has to refuse."""
        while True:
            with self._lock:
                pause = self._reset_at + 1 - time.monotonic()  # the reset is told in whole seconds
                if self.quota.left != 0 or pause <= 0:
                    self.quota.left = self.quota.left - 1 if self.quota.left else None
                    return
            self._sleep(pause)

    def _sleep(self, seconds: float) -> None:
        if seconds > 0:
            start = time.monotonic()
            with self._lock:
                first = start + seconds > self._pause_until + 1
                self._pause_until = max(self._pause_until, start + seconds)
            if first and seconds > _LONG:
                self.on_pause(seconds)
            if self._closed.wait(seconds):
                raise CrawlError("the crawl was ended while it waited")
            with self._lock:  # what several requests waited for together is waited for once
                end = time.monotonic()
                self.quota.waited += end - min(max(start, self._waited_until), end)
                self._waited_until = end


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
