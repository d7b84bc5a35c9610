"""Answers of the Hub: paced by its quotas, with timeouts, and never asked of anyone but the endpoint."""

import logging
import time
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from concurrent.futures import Future
from dataclasses import dataclass
from importlib.metadata import version
from threading import Event, Lock, Semaphore, Thread
from types import TracebackType
from typing import Any, Self, TypeVar
from urllib.parse import quote, urlsplit

import httpx2
from huggingface_hub import constants, get_token
from huggingface_hub.utils._http import http_stream_backoff, parse_ratelimit_headers

from crawler.answers import (
    LATER,
    TOO_LONG,
    Answer,
    CrawlError,
    Elsewhere,
    Failure,
    JsonBody,
    Reader,
    joined,
    judged,
)
from crawler.dumps import read_json
from crawler.reading import PageRead

Params = Mapping[str, Any] | None
_JSON = JsonBody()
R = TypeVar("R")
T = TypeVar("T")

#: The Hub's largest page, and its default.
PAGE_SIZE = 1_000
#: What the registry holds of a model, by the names that `expand` has for it. `tags` hold the lineage that the Hub
#: resolved (and `baseModels` would say again), `cardData` what it could not.
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
_TRIES = 6
#: Requests in flight at once, all under one pace. Pages of one listing come one after the other in any case.
_AT_ONCE = 8
_REDIRECTS = (301, 302, 307, 308)
_MOST_REDIRECTS = 5
#: Seconds of silence that somebody who looks on should be told of.
_LONG = 3


@dataclass(slots=True)
class Quota:
    """What the Hub said last of the requests that are left of how many in a window of how many seconds; and how long we
    waited for more, or for it to recover (seconds)."""

    left: int | None = None
    limit: int | None = None
    window: int | None = None
    waited: float = 0.0
    #: When the window ends, by `time.monotonic`; and the requests that were taken of it and are not answered yet.
    reset_at: float = 0.0
    under_way: int = 0

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
        self.origin = _endpoint_origin(self.endpoint)
        self.models_url = f"{self.endpoint}/api/models"
        #: The quota of the API, which `waited` of all waiting is kept with. The Hub counts files apart from it (plans:
        #: https://huggingface.co/docs/hub/rate-limits); how it counts its cache of files, nothing says.
        self.quota, self._files, self._cache = Quota(), Quota(), Quota()
        #: Called with the seconds, when a pause of more than a few begins.
        self.on_pause: Callable[[float], None] = lambda seconds: None
        self.requests = 0
        #: How many requests got no answer that can be used, by what kept it from coming.
        self.in_vain: Counter[str] = Counter()
        self._waited_until = self._pause_until = 0.0
        self._lock = Lock()
        self._closed = Event()
        self._slots = Semaphore(_AT_ONCE)
        self._headers = {"user-agent": f"finetune-lineage/{version('finetune-lineage')}"}
        if secret := token or get_token():
            self._headers["authorization"] = f"Bearer {secret}"
        logging.getLogger("huggingface_hub").setLevel(logging.ERROR)  # what fails is said once, and by us

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, at: TracebackType | None) -> None:
        """Ask and wait for nothing more; answers that are under way are left alone, in threads that end with us."""
        self._closed.set()

    def pages(
        self, params: Mapping[str, Any], *, start: str | None = None, decode: Callable[[bytes], object] = read_json
    ) -> Iterator[Answer]:
        """Pages of `GET /api/models`, from the first, or from the URL `start` that an earlier page gave as its next.

        `decode` makes a body of what came: a list of models, or PageRead.
        Raises CrawlError where a page cannot be had, is no list of models, leads to one that we had, or sends us to
        another origin.
        """
        read = JsonBody(decode)
        page = self.page_of(self.get(start or self.models_url, None if start else params, follow=True, read=read))
        met = {page.url}
        yield page
        while page.next_url is not None:
            if page.next_url in met:
                raise CrawlError(f"{self.endpoint} leads in circles from page to page: is the mirror set up right?")
            met.add(page.next_url)
            page = self.page_of(self.get(page.next_url, follow=True, read=read))
            yield page

    def ahead(self, items: Iterable[T]) -> Iterator[T]:
        """The items, each of which is made while its predecessor is worked on."""
        iterator = iter(items)
        coming = self._start(next, iterator, None)
        while (item := coming.result()) is not None:
            coming = self._start(next, iterator, None)
            yield item

    def page_of(self, answer: Answer) -> Answer:
        """The answer, if it is a page of models whose next one is of the same origin; else CrawlError."""
        if answer.status != 200 or not isinstance(answer.body, (list, PageRead)):
            raise CrawlError(f"{self.endpoint} answered {answer.status}, not a page of models: {answer.said}")
        if answer.next_url is not None:
            self._own(answer.next_url)
        return answer

    def gather(self, requests: Iterable[tuple[str, Params]]) -> list[Answer | CrawlError]:
        """The answers to several requests (URL, parameters), in their order; several are in flight at once.

        An error stands in place of its answer. If nothing but errors came, the first is raised.
        """
        answers = self.each(lambda request: self.get(*request, follow=True), requests)
        if answers and all(isinstance(answer, CrawlError) for answer in answers):
            raise next(answer for answer in answers if isinstance(answer, CrawlError))
        return answers

    def each(self, ask: Callable[[R], T], items: Iterable[R]) -> list[T | CrawlError]:
        """What `ask` gives for each of the items, or its error, in their order; several are asked for at once."""

        def ask_or_error(item: R) -> T | CrawlError:
            try:
                return ask(item)
            except CrawlError as error:
                return error

        return [coming.result() for coming in [self._start(ask_or_error, item) for item in items]]

    def model_url(self, name: str) -> str:
        """Where a model is asked for."""
        return f"{self.models_url}/{quote(name)}"

    def get(self, url: str, params: Params = None, *, follow: bool = False, read: Reader = _JSON) -> Answer:
        """One answer, after the pauses that the quota asks for; redirects within the origin only if `follow`.

        It is JSON, unless there is another way to `read` it. Elsewhere is raised where it is to be had of others.
        """
        for _ in range(_MOST_REDIRECTS):
            answer = self._answer(url, params, read)
            where = answer.headers.get("location")
            if not follow or answer.status not in _REDIRECTS or where is None:
                return answer
            url = joined(url, where)
        raise CrawlError(f"{self.endpoint} redirects in circles ({url[:200]}): is the mirror set up right?")

    def _start(self, work: Callable[..., T], *arguments: Any) -> Future[T]:
        """Work in a thread of its own. Not in a pool: the interpreter would wait for that at its end."""
        future: Future[T] = Future()

        def run() -> None:
            try:
                future.set_result(work(*arguments))
            except BaseException as error:
                future.set_exception(error)

        Thread(target=run, name="hub", daemon=True).start()
        return future

    def _answer(self, url: str, params: Params, read: Reader) -> Answer:
        self._own(url)
        problem = ""
        for attempt in range(_TRIES):
            try:
                answer = self._paced(url, params, read)
            except CrawlError:
                self._note_in_vain("failed for good")
                raise
            if isinstance(answer, Answer):
                return answer
            problem, pause = answer
            self._note_in_vain(problem)
            if attempt + 1 < _TRIES:
                self._sleep(min(2.0**attempt, 8.0) if pause is None else pause)
        raise CrawlError(f"{self.endpoint} {problem}, in {_TRIES} tries: {LATER}")

    def _paced(self, url: str, params: Params, read: Reader) -> Answer | Failure:
        """One try, as soon as its quota allows it; what waits keeps no request of another quota waiting."""
        quota = self._quota_of(url)
        while True:
            with self._slots:
                pause = self._take(quota)
                if pause <= 0:
                    return self._request(quota, url, params, read)
            self._sleep(pause)

    def _request(self, quota: Quota, url: str, params: Params, read: Reader) -> Answer | Failure:
        """The answer, or what kept it from coming."""
        try:
            with http_stream_backoff(
                "GET",
                url,
                max_retries=0,  # we try again ourselves: within the quota, and so that Ctrl-C ends it
                params=params,
                # Who bounds what is read must not be sent something small that unpacks to something large.
                headers=self._headers | ({} if isinstance(read, JsonBody) else {"accept-encoding": "identity"}),
                timeout=_TIMEOUT,
                follow_redirects=False,
                retry_on_status_codes=(),
            ) as response:
                answer = judged(response, read)
                self._note_quota(quota, response)
                return answer
        except httpx2.HTTPError as error:
            return f"cannot be reached ({type(error).__name__})", None
        except RuntimeError:  # another request failed, and with it huggingface_hub closed the client that all share
            return "cannot be reached (the connection was closed)", None
        except (ValueError, OverflowError, OSError, httpx2.InvalidURL) as error:  # a URL, proxy or token that is none
            kind = type(error).__name__
            raise CrawlError(f"{self.endpoint} cannot be asked ({kind}): check endpoint, proxy and token") from error
        finally:
            with self._lock:
                quota.under_way -= 1

    def _own(self, url: str) -> None:
        """The token, and our trust, go to one origin."""
        if _origin(url) != self.origin:
            raise Elsewhere(
                f"{self.endpoint} sent us to another origin ({_origin(url)[:200]}): is the mirror set up right?"
            )

    def _quota_of(self, url: str) -> Quota:
        place = url.removeprefix(self.endpoint)
        if place.startswith("/api/resolve-cache/"):  # where the Hub redirects requests for small files to
            return self._cache
        return self.quota if place.startswith("/api/") else self._files

    def _note_in_vain(self, problem: str) -> None:
        with self._lock:
            self.in_vain[problem] += 1

    def _note_quota(self, quota: Quota, response: httpx2.Response) -> None:
        info = parse_ratelimit_headers(response.headers)
        if info is not None:
            with self._lock:
                # The other requests that are under way will have been counted when their answers come.
                quota.left = max(0, info.remaining - (quota.under_way - 1))
                quota.limit, quota.window = info.limit, info.window_seconds
                quota.reset_at = time.monotonic() + info.reset_in_seconds

    def _take(self, quota: Quota) -> float:
        """Take one request of a quota; the seconds to wait first where none is left, before the Hub has to refuse."""
        if self._closed.is_set():
            raise CrawlError("the crawl was ended")
        with self._lock:
            pause = quota.reset_at + 1 - time.monotonic()  # the reset is told in whole seconds
            if quota.left == 0 and pause > 0:
                return pause
            quota.left = quota.left - 1 if quota.left else None
            quota.under_way += 1
            self.requests += 1
        return 0.0

    def _sleep(self, seconds: float) -> None:
        if seconds > TOO_LONG:
            raise CrawlError(f"{self.endpoint} wants us to wait {seconds:,.0f} seconds: {LATER}")
        if seconds <= 0:
            return
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


def _endpoint_origin(endpoint: str) -> str:
    try:
        place = urlsplit(endpoint)
        plain = place.port is None or place.port > 0
    except ValueError:
        plain = False
    if not plain or place.scheme not in {"http", "https"} or not place.hostname or place.username is not None:
        raise CrawlError("not an endpoint: name one like https://host, and put the token into HF_TOKEN")
    if place.query or place.fragment:
        raise CrawlError("not an endpoint: leave out what stands behind ? or #, and put the token into HF_TOKEN")
    return _origin(endpoint)


def _origin(url: str) -> str:
    try:
        parts = urlsplit(url)
    except ValueError:
        return "no URL"
    return f"{parts.scheme}://{parts.netloc}".lower()
