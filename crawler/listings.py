"""Stages of a crawl that read a listing of the Hub page by page: the sweep, what is new, what was changed."""

from collections.abc import Iterator
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from math import ceil
from urllib.parse import parse_qs, urlsplit

from crawler.hub import EXPAND, PAGE_SIZE, Answer, CrawlError, Hub
from crawler.run import Crawl, read_page
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
    _by_creation(crawl, crawl.cursor, listed=None, after=_cursor(before.tail))


def changed_models(crawl: Crawl) -> None:
    """What was changed since shortly before the crawl before began."""
    since = _crawl_before(crawl).watermark
    for page, read, over in crawl.hub.ahead(_changed_pages(crawl, _below(since))):
        with crawl.saving(over=over, cursor=None if over else page.next_url) as transaction:
            transaction.save(*read)


def models_listed(crawl: Crawl) -> int | None:
    """About how many models the Hub lists: as many as after the last whole crawl of it; None where nothing tells."""
    with reading(crawl.engine) as connection:
        if last_complete(connection, crawl.hub.endpoint) is not None:
            return count_listed(connection)
    if crawl.hub.endpoint == _HUB:
        return _HUB_MODELS + _HUB_GROWTH * max((datetime.now() - _HUB_DAY).days, 0)
    return None


def _by_creation(crawl: Crawl, start: str | None, listed: int | None, after: str | None = None) -> None:
    """Save the pages by creation: from the URL `start`, else from the cursor `after`, else from the oldest model on."""
    params = SWEEP if after is None else SWEEP | {"cursor": after}
    for page, read in crawl.hub.ahead((page, read_page(page.body)) for page in crawl.hub.pages(params, start=start)):
        total = page.headers.get("x-total-count", "")
        expected = int(total) if total.isascii() and total.isdigit() and len(total) < 12 else listed
        over = page.next_url is None
        with crawl.saving(over=over, cursor=page.next_url, tail=page.url) as transaction:
            transaction.save(*read)
            if expected is not None:
                transaction.left = ceil(max(expected - crawl.models - len(page.body), 0) / PAGE_SIZE)


def _changed_pages(crawl: Crawl, floor: str) -> Iterator[tuple[Answer, _Read, bool]]:
    """Pages by change, latest first, with what is read in them, until one that reaches below `floor`."""
    for page in crawl.hub.pages(_CHANGES, start=crawl.cursor):
        read = read_page(page.body)
        oldest = min(_dates(read), default=None)  # models that have no date stand at the end
        over = page.next_url is None or oldest is None or oldest < floor
        yield page, read, over
        if over:
            return


def _crawl_before(crawl: Crawl) -> Position:
    with reading(crawl.engine) as connection:
        before = last_complete(connection, crawl.hub.endpoint)
    if before is None:
        raise CrawlError(f"this registry holds no whole crawl of {crawl.hub.endpoint}: start with `lineage crawl hub`")
    return before


def _cursor(tail: str | None) -> str | None:
    """The cursor in the URL of a page; None in that of a first one."""
    return parse_qs(urlsplit(tail or "").query).get("cursor", [None])[0]


def _below(watermark: str | None) -> str:
    try:
        return iso_time(datetime.fromisoformat(watermark or "") - _MARGIN)
    except (ValueError, OverflowError):
        return ""  # all of it


def _newest_change(hub: Hub) -> str:
    """The Hub's latest `lastModified`, but no time that by the Hub's own clock is still to come; ISO 8601."""
    page = hub.page_of(hub.get(hub.models_url, {"limit": 1, "sort": "lastModified", "expand": "lastModified"}))
    try:
        present = iso_time(parsedate_to_datetime(page.headers["date"]))
    except (KeyError, ValueError):
        present = now()
    return min([*_dates(read_page(page.body)), present])


def _dates(read: _Read) -> list[str]:
    """When the models of a page were changed, as far as they say."""
    return [record.last_modified for record in read[0] if record.last_modified is not None]
