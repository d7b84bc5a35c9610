"""Crawls: pages of the Hub into the registry, each page and its checkpoint one transaction."""

from collections.abc import Callable
from dataclasses import dataclass

from sqlalchemy import Engine, select, update

from crawler.hub import EXPAND, PAGE_SIZE, CrawlError, Hub
from crawler.load import begin_run, now, save_rows
from registry.database import reading
from registry.resolve import resolve_names
from registry.tables import RUNS
from registry.write import Saved, writing

#: Ascending by creation: a key that never changes, so nothing is missed or met twice while the Hub goes on, and new
#: models stand at the end. https://github.com/aikian/hf-model-supply-chain swept the whole Hub this way in 2026.
SWEEP = {"limit": PAGE_SIZE, "sort": "createdAt", "direction": 1, "expand": list(EXPAND)}
_COMMAND = "crawl hub"
#: The checkpoint after the last page: only the names are left to be led to models.
_NOTHING_LEFT = ""


@dataclass(frozen=True, slots=True)
class Crawled:
    """What a crawl did: models saved, pages, requests, and seconds that it waited for quota."""

    saved: Saved
    pages: int
    requests: int
    waited: float


#: Called after each page with what was crawled so far, and the hub with its quota.
Progress = Callable[[Crawled, Hub], None]


def crawl_hub(engine: Engine, hub: Hub, progress: Progress) -> Crawled:
    """Sweep the whole Hub from its oldest model on.

    Raises CrawlError where the Hub fails for good; what came before is saved, and `resume` goes on from there.
    """
    return _sweep(engine, hub, None, progress)


def resume(engine: Engine, hub: Hub, progress: Progress) -> Crawled:
    """Go on with the crawl of this hub that broke off last.

    Raises CrawlError if none did, or one of another hub: a registry does not decide to whom a token goes.
    """
    latest = select(RUNS.c.key, RUNS.c.source, RUNS.c.finished_at).where(RUNS.c.command == _COMMAND)
    with reading(engine) as connection:
        run = connection.execute(latest.order_by(RUNS.c.key.desc()).limit(1)).one_or_none()
    if run is None or run.finished_at is not None:
        raise CrawlError(f"no crawl of {hub.endpoint} broke off: start one with `lineage crawl hub`")
    if run.source != hub.endpoint:
        raise CrawlError(f"no crawl of {hub.endpoint} broke off, but one of {run.source}: name that with --endpoint")
    return _sweep(engine, hub, run.key, progress)


def _sweep(engine: Engine, hub: Hub, key: int | None, progress: Progress) -> Crawled:
    """Sweep from the checkpoint of the run `key`, or from the beginning, as a run that begins with the first page."""
    seen, cursor = now(), None
    if key is not None:
        with reading(engine) as connection:
            seen, cursor = connection.execute(select(RUNS.c.seen, RUNS.c.cursor).where(RUNS.c.key == key)).one()
    saved = Saved()
    pages = 0
    left = iter(()) if cursor == _NOTHING_LEFT else hub.pages(SWEEP, start=cursor)
    for pages, page in enumerate(left, 1):
        with writing(engine) as connection:
            key = begin_run(connection, _COMMAND, hub.endpoint, seen) if key is None else key
            fresh = save_rows(connection, page.body, seen=seen, source=hub.endpoint)
            counts = {"models": RUNS.c.models + fresh.models, "new": RUNS.c.new + fresh.new}
            counts["changed"] = RUNS.c.changed + fresh.changed
            connection.execute(
                update(RUNS).where(RUNS.c.key == key).values(cursor=page.next_url or _NOTHING_LEFT, **counts)
            )
        saved.add(fresh)
        progress(_so_far(saved, pages, hub), hub)
    with writing(engine) as connection:
        resolve_names(connection)
        connection.execute(update(RUNS).where(RUNS.c.key == key).values(finished_at=now()))
    return _so_far(saved, pages, hub)


def _so_far(saved: Saved, pages: int, hub: Hub) -> Crawled:
    return Crawled(saved, pages, hub.requests, hub.quota.waited)
