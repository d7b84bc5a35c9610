"""A crawl at work: what a page brought and where to go on are saved in one transaction."""

from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from typing import NoReturn

from sqlalchemy import Connection, Engine

from crawler.answers import CrawlError
from crawler.hub import Hub
from crawler.load import save_read
from registry.database import analyze, reading
from registry.indexes import complete_indexes, leave_indexes
from registry.records import Defect, ModelRecord, RegistryError
from registry.resolve import resolve_names
from registry.runs import Position, begin_run, crawl_time, end_run, now, save_position
from registry.write import Saved, writing


@dataclass(frozen=True, slots=True)
class Crawled:
    """What a crawl did so far: models saved, pages of a listing (or rounds of questions), requests, seconds that it
    waited, models about which the Hub said nothing clear; how many requests are left to do, where that can be told; and
    how many of those that were made were in vain, by what kept an answer from coming.
    """

    saved: Saved
    pages: int
    requests: int
    waited: float
    left: int | None
    unclear: int = 0
    in_vain: Mapping[str, int] = field(default_factory=dict)


#: Called after each page with what was crawled so far, and the hub with its quota.
Progress = Callable[[Crawled, Hub], None]


@dataclass(slots=True)
class Page:
    """A transaction of a run, what it saved, models about which the Hub said nothing clear, and how many requests are
    to be done after it, where that is known."""

    connection: Connection
    run: int
    seen: str
    source: str
    saved: Saved = field(default_factory=Saved)
    unclear: int = 0
    left: int | None = None

    def save(self, records: Iterable[ModelRecord], loose: Sequence[Defect] = ()) -> None:
        """Save what was read in rows of the Hub, or found out about models otherwise."""
        self.saved.add(save_read(self.connection, records, loose, seen=self.seen, source=self.source))


class Crawl:
    """One run of a command, stage by stage. It is noted with its first page: a Hub that refuses leaves no trace."""

    def __init__(
        self, engine: Engine, hub: Hub, progress: Progress, command: str, stages: tuple[str, ...], at: Position | None
    ) -> None:
        """Begin a run, or go on with the one that stands `at` a position."""
        self.engine = engine
        self.hub = hub
        self.command = command
        self.stages = stages
        self.cursor: str | None = None
        self.watermark: str | None = None
        self.key: int | None = None
        self.models = 0
        self.resumed = at is not None
        if at is None:
            with reading(engine) as connection:
                self.seen = crawl_time(connection)
        else:
            self.key, self.seen, self.watermark, self.models = at.key, at.seen, at.watermark, at.models
            self.stages = stages[stages.index(at.stage) :] if at.stage else ()
            self.cursor = at.cursor
        self._progress = progress
        self._saved = Saved()
        self._pages = self._unclear = 0

    @contextmanager
    def saving(
        self, pages: int = 1, *, over: bool = False, cursor: str | None = None, tail: str | None = None
    ) -> Iterator[Page]:
        """A transaction for what so many pages, or other answers, say.

        It ends with where the run stands then: at the page `cursor` of its stage, or after the stage if that is `over`.
        """
        stage = self.stages[0] if not over else self.stages[1] if len(self.stages) > 1 else None
        position = {"stage": stage, "cursor": cursor} | ({} if tail is None else {"tail": tail})
        with writing(self.engine) as connection:
            run = self.key or self._begin(connection)
            # What is seen now is newer than what others saw since the run began.
            page = Page(connection, run, max(self.seen, now()), self.hub.endpoint)
            yield page
            save_position(connection, run, page.saved, **position)
        self.key = run
        self.models += page.saved.models
        self._saved.add(page.saved)
        self._pages += pages
        self._unclear += page.unclear
        self._progress(self.so_far(page.left), self.hub)

    def _begin(self, connection: Connection) -> int:
        if self.stages[0] == "sweep":
            leave_indexes(connection)
        return begin_run(connection, self.command, self.hub.endpoint, self.seen, watermark=self.watermark)

    def next_stage(self) -> None:
        """Leave a stage that is over."""
        self.stages, self.cursor = self.stages[1:], None

    def finish(self) -> Crawled:
        """Lead all names to models; the run is over."""
        self._complete()
        with writing(self.engine) as connection:
            resolve_names(connection)
            if self.key is not None:
                end_run(connection, self.key)
            analyze(connection)
        return self.so_far(0)

    def break_off(self) -> None:
        """Let questions to what was saved be as fast as to a whole registry, where that can be done."""
        if self.key is not None:
            with suppress(RegistryError):  # why the crawl breaks off is what somebody has to know
                self._complete()

    def _complete(self) -> None:
        with writing(self.engine) as connection:
            complete_indexes(connection)

    def refuse(self, why: str) -> NoReturn:
        """Go no further unless somebody resumes the run; what there is of it can be used."""
        self._complete()
        with writing(self.engine) as connection:
            resolve_names(connection)
        raise CrawlError(f"{why}, or go on with `lineage crawl resume`")

    def so_far(self, left: int | None) -> Crawled:
        """What was crawled in this process."""
        hub, in_vain = self.hub, dict(self.hub.in_vain)
        return Crawled(self._saved, self._pages, hub.requests, hub.quota.waited, left, self._unclear, in_vain)
