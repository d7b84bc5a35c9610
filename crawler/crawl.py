"""The crawls: which stages each has, and how one that broke off goes on."""

from collections.abc import Callable, Sequence

from sqlalchemy import Engine

from crawler.absent import absent_models
from crawler.answers import CrawlError
from crawler.hub import Hub
from crawler.listings import changed_models, new_models, sweep
from crawler.run import Crawl, Crawled, Progress
from crawler.walk import tasks_for, walk
from registry.database import reading
from registry.runs import Position, last_broken_off, last_complete

_STAGES: dict[str, Callable[[Crawl], None]] = {
    "sweep": sweep,
    "new": new_models,
    "changed": changed_models,
    "absent": absent_models,
    "walk": walk,
}
_COMMANDS = {
    "crawl hub": ("sweep",),
    "crawl update": ("new", "changed"),
    "crawl reconcile": ("sweep", "absent"),
    "crawl family": ("walk",),
}


def crawl_hub(engine: Engine, hub: Hub, progress: Progress) -> Crawled:
    """Sweep the whole Hub from its oldest model on.

    Raises CrawlError where the Hub fails for good; what came before is saved, and `resume` goes on from there. So it is
    with all crawls.
    """
    return _run(engine, hub, progress, "crawl hub")


def update(engine: Engine, hub: Hub, progress: Progress) -> Crawled:
    """Fetch what is new and what was changed since the last whole crawl of this hub, or the last update after it.

    What the Hub changes without a commit (names, gating, privacy, deletion) is seen by `reconcile` only. CrawlError
    where the registry holds no whole crawl of it.
    """
    return _run(engine, hub, progress, "crawl update")


def reconcile(engine: Engine, hub: Hub, progress: Progress) -> Crawled:
    """Sweep the whole Hub, then ask for each model of the registry that it did not list.

    CrawlError where the registry was crawled from another hub only: what a mirror leaves out is not gone. The same
    where more than a quarter of the models is absent; `resume` goes on even so.
    """
    with reading(engine) as connection:
        other = last_complete(connection)
        if other is not None and last_complete(connection, hub.endpoint) is None:
            raise CrawlError(f"this registry was crawled from {other.source}, not from {hub.endpoint}: name that one")
    return _run(engine, hub, progress, "crawl reconcile")


def crawl_family(
    engine: Engine, hub: Hub, progress: Progress, roots: Sequence[str], *, up: bool = False, insist: bool = False
) -> Crawled:
    """Fetch the ancestors of the roots, and unless only these are wanted (`up`) all that was made from the roots.

    A root is a model's id, or `author:NAME` for all models of an author. CrawlError where the Hub has no such model,
    and where the whole Hub would take fewer requests, unless we `insist`.
    """
    tasks = tasks_for(roots, up=up)
    crawl = Crawl(engine, hub, progress, "crawl family", _COMMANDS["crawl family"], None)
    walk(crawl, tasks, insist=insist)
    return crawl.finish()


def resume(engine: Engine, hub: Hub, progress: Progress) -> Crawled:
    """Go on with the crawl of this hub that broke off last; CrawlError if none did.

    One of another hub has to be named: a registry does not decide to whom a token goes.
    """
    with reading(engine) as connection:
        at = last_broken_off(connection, hub.endpoint)
        other = last_broken_off(connection)
    if at is None and other is not None:
        raise CrawlError(f"no crawl of {hub.endpoint} broke off, but one of {other.source}: name that with --endpoint")
    if at is None:
        raise CrawlError(f"no crawl of {hub.endpoint} broke off: start one with `lineage crawl hub`")
    return _run(engine, hub, progress, at.command, at)


def _run(engine: Engine, hub: Hub, progress: Progress, command: str, at: Position | None = None) -> Crawled:
    crawl = Crawl(engine, hub, progress, command, _COMMANDS[command], at)
    try:
        for stage in crawl.stages:
            _STAGES[stage](crawl)
            crawl.next_stage()
    except CrawlError:
        crawl.break_off()
        raise
    return crawl.finish()
