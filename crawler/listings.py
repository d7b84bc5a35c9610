"""Stages of a crawl that read a listing of the Hub page by page: the sweep, what is new, what was changed."""

from collections.abc import Iterable, Iterator, Sequence
from datetime import datetime, timedelta
from email.utils import parsedate_to_datetime
from math import ceil
from time import monotonic
from typing import NamedTuple
from urllib.parse import parse_qs, urlsplit

from crawler.answers import Answer, CrawlError
from crawler.hub import EXPAND, PAGE_SIZE, Hub
from crawler.pages import PageReader
from crawler.reading import PageRead, read_page
from crawler.run import Crawl
from registry.database import reading
from registry.presence import count_listed
from registry.records import Defect, Records, iso_time
from registry.runs import Position, last_complete, now


class _Paged(NamedTuple):
    """What is known of a page until it is saved, and where it stands."""

    read: PageRead
    url: str
    next_url: str | None
    total: str
    over: bool


class _Group(NamedTuple):
    """Some pages that are saved together: the last one, how many they are, of how many rows, and what these say."""

    last: _Paged
    pages: int
    rows: int
    records: Records
    loose: list[Defect]


#: Ascending by creation: a key that never changes, so nothing is missed or met twice while the Hub goes on, and new
#: models stand at the end. https://github.com/aikian/hf-model-supply-chain swept the whole Hub this way in 2026.
SWEEP = {"limit": PAGE_SIZE, "sort": "createdAt", "direction": 1, "expand": list(EXPAND)}
#: The Hub sorts by change in descending order only (huggingface_hub, pull request 3630). What is changed while this is
#: read jumps ahead of it; the next update finds it, since it goes down to the time before this one began.
_CHANGES = {"limit": PAGE_SIZE, "sort": "lastModified", "expand": list(EXPAND)}
#: Pages are saved together until they hold so many models, or so many seconds are over.
_MOST, _PATIENCE = 50_000, 2.0
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
    with PageReader() as reader:
        for group in crawl.hub.ahead(_in_groups(crawl, reader, _changed_pages(crawl, reader, _below(since)))):
            last = group.last
            with crawl.saving(group.pages, over=last.over, cursor=None if last.over else last.next_url) as transaction:
                transaction.save(group.records, group.loose)


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
    with PageReader() as reader:
        answers = crawl.hub.pages(params, start=start, decode=reader.read)
        pages = (_paged(page, over=page.next_url is None) for page in answers)
        for group in crawl.hub.ahead(_in_groups(crawl, reader, pages)):
            last = group.last
            known = last.total.isascii() and last.total.isdigit() and len(last.total) < 12
            expected = int(last.total) if known else listed
            with crawl.saving(group.pages, over=last.over, cursor=last.next_url, tail=last.url) as transaction:
                transaction.save(group.records, group.loose)
                if expected is not None:
                    left = expected - crawl.models - group.rows
                    transaction.left = ceil(max(left, 0) / PAGE_SIZE)


def _paged(page: Answer, *, over: bool) -> _Paged:
    total = page.headers.get("x-total-count", "")
    return _Paged(page.body, page.url, page.next_url, total, over)


def _in_groups(crawl: Crawl, reader: PageReader, pages: Iterable[_Paged]) -> Iterator[_Group]:
    """Pages that are saved together: as many as come in two seconds, but no more than a tenth of those before.

    The larger a registry is, the more pages of its indexes are written for each page of models: see `crawler.load`.
    """
    group: list[_Paged] = []
    try:
        for page in pages:
            group.append(page)
            if len(group) == 1:
                began = monotonic()
            if len(group) * PAGE_SIZE >= min(crawl.models / 10, _MOST) or monotonic() - began > _PATIENCE:
                yield _group(reader, group)
                group = []
    except CrawlError:
        if group:
            yield _group(reader, group)
        raise
    if group:
        yield _group(reader, group)


def _group(reader: PageReader, pages: Sequence[_Paged]) -> _Group:
    return _Group(pages[-1], len(pages), sum(page.read.rows for page in pages), *reader.take(len(pages)))


def _changed_pages(crawl: Crawl, reader: PageReader, floor: str) -> Iterator[_Paged]:
    """Pages by change, latest first, until one that reaches below `floor`."""
    for answer in crawl.hub.pages(_CHANGES, start=crawl.cursor, decode=reader.read):
        page = _paged(answer, over=answer.next_url is None)
        oldest = reader.oldest()  # models that have no date stand at the end
        over = page.over or oldest is None or oldest < floor
        yield page._replace(over=over)
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
    records, _ = read_page(page.body)
    return min([*(record.last_modified for record in records if record.last_modified is not None), present])
