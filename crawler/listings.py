"""Stages of a crawl that read a listing of the Hub page by page: the sweep, what is new, what was changed."""

from collections.abc import Iterator, Mapping
from datetime import datetime, timedelta
from math import ceil
from typing import Any

from crawler.hub import EXPAND, PAGE_SIZE, Answer, CrawlError, Hub
from crawler.load import read_rows
from crawler.run import Crawl
from registry.database import reading
from registry.presence import count_listed
from registry.records import Defect, ModelRecord, iso_time
from registry.runs import Position, last_complete, now

_Read = tuple[list[ModelRecord], list[Defect]]
#: Ascending by creation: a key that never changes, so nothing is missed or met twice while the Hub goes on, and new
#: models stand at the end. https://github.com/aikian/hf-model-supply-chain swept the whole Hub this way in 2026.
SWEEP = {"limit": PAGE_SIZE, "sort": "createdAt", "direction": 1, "expand": list(EXPAND)}
#: The Hub sorts by change in descending order only (huggingface_hub, pull request 3630). What is changed while this is
#: read jumps ahead of it; the next update finds it, since it goes down to the time before this one began.
_CHANGES = {"limit": PAGE_SIZE, "sort": "lastModified", "expand": list(EXPAND)}
#: How far below the watermark an update reads on, for servers that are not all of the same age.
_MARGIN = timedelta(hours=1)
#: The Hub itself held 3,094,856 models on 2026-09-25 (hf-model-supply-chain) and grew by 2,857 a day.
_HUB, _HUB_MODELS, _HUB_DAY, _HUB_GROWTH = "https://huggingface.co", 3_094_856, datetime(2026, 9, 25), 2_857


def sweep(crawl: Crawl) -> None:
    """All models, oldest first."""
    crawl.watermark = crawl.watermark or _newest_change(crawl.hub)
    _by_creation(crawl, crawl.cursor, listed=models_listed(crawl))


def new_models(crawl: Crawl) -> None:
    """What was created since the last page of the crawl before."""
    before = _crawl_before(crawl)
    crawl.watermark = crawl.watermark or _newest_change(crawl.hub)
    _by_creation(crawl, crawl.cursor or before.tail, listed=None)


def changed_models(crawl: Crawl) -> None:
    """What was changed since shortly before the crawl before began."""
    since = _crawl_before(crawl).watermark
    floor = iso_time(datetime.fromisoformat(since) - _MARGIN) if since else ""
    for page, read in _read(crawl, _CHANGES, crawl.cursor):
        oldest = _changed_at(read)
        cursor = page.next_url if oldest is not None and oldest >= floor else None
        with crawl.saving(over=cursor is None, cursor=cursor) as transaction:
            transaction.read(*read)
        if cursor is None:
            return


def models_listed(crawl: Crawl) -> int | None:
    """About how many models the Hub lists: as many as after the last whole crawl of it; None where nothing tells."""
    with reading(crawl.engine) as connection:
        if last_complete(connection, crawl.hub.endpoint) is not None:
            return count_listed(connection)
    if crawl.hub.endpoint == _HUB:
        return _HUB_MODELS + _HUB_GROWTH * max((datetime.now() - _HUB_DAY).days, 0)
    return None


def _by_creation(crawl: Crawl, start: str | None, listed: int | None) -> None:
    for page, read in _read(crawl, SWEEP, start):
        total = page.headers.get("x-total-count", "")
        expected = int(total) if total.isascii() and total.isdigit() else listed
        rest = None if expected is None else ceil(max(expected - crawl.models - len(page.body), 0) / PAGE_SIZE)
        over = page.next_url is None
        with crawl.saving(over=over, cursor=page.next_url, tail=page.url) as transaction:
            transaction.read(*read)
            transaction.left = rest


def _read(crawl: Crawl, params: Mapping[str, Any], start: str | None) -> Iterator[tuple[Answer, _Read]]:
    """Pages with what is read in their rows. The next one is fetched and parsed while one is saved."""
    return crawl.hub.ahead((page, read_rows(page.body)) for page in crawl.hub.pages(params, start=start))


def _crawl_before(crawl: Crawl) -> Position:
    with reading(crawl.engine) as connection:
        before = last_complete(connection, crawl.hub.endpoint)
    if before is None:
        raise CrawlError(f"this registry holds no whole crawl of {crawl.hub.endpoint}: start with `lineage crawl hub`")
    return before


def _newest_change(hub: Hub) -> str:
    """The Hub's latest `lastModified`, but no time that is still to come; ISO 8601."""
    page = hub.page_of(hub.get(hub.models_url, {"limit": 1, "sort": "lastModified", "expand": "lastModified"}))
    return min(_changed_at(read_rows(page.body)) or now(), now())


def _changed_at(read: _Read) -> str | None:
    """When the last model of a page was changed; None where it does not say."""
    records, _ = read
    return records[-1].last_modified if records else None
