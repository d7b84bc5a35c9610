"""The walk of a family: its roots, their ancestors, and all that was made from them, without the rest of the Hub.

What is asked is kept with the run, so that a walk that breaks off goes on. Derivatives are found as the Hub finds
them, by `filter=base_model:ID`: one whose card names its base in a way that the Hub cannot resolve is found by
`crawl hub` only.
"""

from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from math import ceil
from typing import Any

from crawler.absent import is_missing, save_answer
from crawler.answers import Answer, CrawlError
from crawler.hub import EXPAND, PAGE_SIZE, Hub
from crawler.listings import SWEEP, models_listed
from crawler.reading import read_page
from crawler.run import Crawl, Page
from registry.database import reading
from registry.ids import ID, split_url
from registry.presence import listed_among, was_seen
from registry.records import ModelRecord
from registry.runs import Asking, add_tasks, save_tasks, tasks_of

#: The kinds of tasks. `root`: a model, its ancestors and its derivatives; `model`: a model and its ancestors;
#: `children`: what names a model as its base; `roots by`, `models by`: the first two for all models of an author.
_ROOT, _MODEL, _CHILDREN, _ROOTS_BY, _MODELS_BY = "root", "model", "children", "roots by", "models by"
_OF_ONE = {_ROOT, _MODEL}
#: Asked for together, and saved in one transaction.
_BATCH = 32
#: Of the derivatives on the Hub, so many have derivatives of their own (30,383 edges of mid-2025,
#: https://github.com/hakanotal/hf-dep-network-analysis: 11.2 %).
_PARENTS = 0.112
#: A walk of fewer requests is never too large: the Hub allows a stranger 500 in five minutes.
_SMALL = 500
_COUNT = "childrenModelCount"


def tasks_for(roots: Sequence[str], *, up: bool) -> list[Asking]:
    """What to ask for these roots: ids, URLs of their pages, or `author:NAME`; with `up` for ancestors only.

    Raises CrawlError for what can be none of these.
    """
    tasks = {}
    for text in roots:
        author = text[7:] if text.casefold().startswith("author:") else None
        name = author or (split_url(text) or (text.partition("@")[0], None))[0]
        if not ID.fullmatch(name) or (author is not None and "/" in name):
            raise CrawlError(f"{text!r} is no model of the Hub: name one as OWNER/NAME, or an owner as author:NAME")
        kinds = (_MODEL, _ROOT) if author is None else (_MODELS_BY, _ROOTS_BY)
        tasks[author, name] = Asking(kinds[0 if up else 1], name)
    return list(tasks.values())


def walk(crawl: Crawl, tasks: Sequence[Asking] = (), *, insist: bool = True) -> None:
    """Walk from these tasks, or go on with those of the crawl, until nothing is left to ask.

    Raises CrawlError before it takes more requests than reading the whole Hub, unless we `insist`.
    """
    if crawl.key is None:
        known: list[Asking] = []
    else:
        with reading(crawl.engine) as connection:
            known = tasks_of(connection, crawl.key)
    counts = any(task.kind in {_ROOT, _ROOTS_BY, _CHILDREN} for task in (*tasks, *known)) and _lists_count(crawl.hub)
    listed = None if insist else models_listed(crawl)
    at_work = Walk(crawl, tasks, known, counts=counts)
    while at_work.todo:
        needed = at_work.estimate()
        if listed is not None and needed > max(_SMALL, ceil(listed / PAGE_SIZE)):
            crawl.refuse(
                f"this walk takes about {needed:,} requests, the whole Hub about {ceil(listed / PAGE_SIZE):,}: "
                "use `lineage crawl hub`, or insist with `lineage crawl family --walk`"
            )
        at_work.step()


class Walk:
    """A walk at work: `todo` is what is still to be asked."""

    def __init__(self, crawl: Crawl, tasks: Sequence[Asking], known: Sequence[Asking], *, counts: bool) -> None:
        """Begin with `tasks`, go on with those `known` to the registry; `counts` if the Hub's lists count children."""
        self.crawl = crawl
        self.todo = deque(task for task in (*known, *tasks) if not task.done)
        self._counts = counts
        self._given = {task.name for task in tasks}
        self._met = {(task.kind, task.name) for task in (*known, *tasks)}
        self._unsaved = list(tasks)
        self._pages: set[str | None] = set()
        #: How many children models have, where the Hub counts them.
        self._children: dict[str, int] = {}

    def estimate(self) -> int:
        """About how many requests the whole walk takes: at least so many, since what is not known yet counts little."""
        needed = float(self.crawl.hub.requests)
        for task in self.todo:
            children = self._children.get(task.name, 0) if task.kind == _CHILDREN else 0
            needed += max(1, ceil(children / PAGE_SIZE)) + children * (_PARENTS if self._counts else 1)
        return round(needed)

    def step(self) -> None:
        """Ask some of what is to be asked, several at once, and save what is answered."""
        # All roots at once: what is wrong with one is said before anything is saved.
        size = len(self._unsaved) or _BATCH
        batch = [self.todo.popleft() for _ in range(min(size, len(self.todo)))]
        answers = self.crawl.hub.gather(self._request(task) for task in batch)
        found: list[Asking] = []
        with self.crawl.saving() as page:
            for task, answer in zip(batch, answers, strict=True):
                for kind, name in self._take(page, task, answer):
                    if (kind, name) not in self._met:
                        self._met.add((kind, name))
                        found.append(Asking(kind, name))
            add_tasks(page.connection, page.run, [*self._unsaved, *found])
            save_tasks(page.connection, page.run, batch)
            self._unsaved = []
            self.todo.extend([task for task in batch if not task.done and task.kind not in _OF_ONE] + found)
            page.left = self.estimate() - self.crawl.hub.requests

    def _request(self, task: Asking) -> tuple[str, Mapping[str, Any] | None]:
        hub = self.crawl.hub
        expand = [*EXPAND, _COUNT] if self._counts or task.kind == _ROOT else list(EXPAND)
        if task.kind in _OF_ONE:
            return hub.model_url(task.name), {"expand": expand}
        if task.cursor is not None:
            return task.cursor, None
        which = {"filter": f"base_model:{task.name}"} if task.kind == _CHILDREN else {"author": task.name}
        return hub.models_url, SWEEP | {"expand": expand, **which}

    def _take(self, page: Page, task: Asking, answer: Answer | CrawlError) -> Iterator[tuple[str, str]]:
        """Save an answer; yields what is to be asked after it."""
        if task.kind in _OF_ONE:
            # One that cannot be asked for holds nothing up; but a walk that breaks off asks for it again.
            task.done = not isinstance(answer, CrawlError)
            record = self._save_model(page, task, answer)
            records, rows = ([], []) if record is None or isinstance(answer, CrawlError) else ([record], [answer.body])
        elif isinstance(answer, CrawlError):
            return  # asked again at the end; when nothing else is left, the error ends the walk
        else:
            rows = self.crawl.hub.page_of(answer).body
            if answer.next_url is not None and answer.next_url in self._pages:
                raise CrawlError(f"{self.crawl.hub.endpoint} leads in circles from page to page: is it set up right?")
            self._pages.add(answer.next_url)
            task.cursor, task.done = answer.next_url, answer.next_url is None
            records, loose = read_page(rows)
            page.save(records, loose)
        for row in rows:
            self._count_children(row)
        for record in records:
            yield from self._after(task.kind, record)

    def _after(self, kind: str, record: ModelRecord) -> Iterator[tuple[str, str]]:
        if kind != _CHILDREN:
            yield from ((_MODEL, parent.name) for parent in record.parents or ())
        if kind in {_ROOT, _ROOTS_BY} or (kind == _CHILDREN and self._children.get(record.repo_id) != 0):
            yield _CHILDREN, record.repo_id

    def _save_model(self, page: Page, task: Asking, answer: Answer | CrawlError) -> ModelRecord | None:
        held = listed_among(page.connection, [task.name]).get(task.name)
        missing = not isinstance(answer, CrawlError) and is_missing(answer)
        if missing and held is None:
            if task.name in self._given and not was_seen(page.connection, task.name):
                raise CrawlError(f"the Hub shows us no model {task.name}: is the name right, or the model private?")
            return None  # a word in a card that leads nowhere, or gone as we know
        record = save_answer(page, answer, held or ModelRecord(task.name))
        if record is None and task.name in self._given and not missing:
            said = str(answer) if isinstance(answer, CrawlError) else f"{answer.status}: {answer.said}"
            raise CrawlError(f"the Hub does not show us {task.name} ({said}): try again later, or ask for access")
        return record

    def _count_children(self, row: object) -> None:
        """Note how many children a row says that its model has: none, if it was asked for them and says nothing."""
        if isinstance(row, dict) and (self._counts or _COUNT in row):
            count = _children(row)
            if count is not None:
                self._children[str(row.get("id"))] = count


def _children(row: Mapping[str, Any]) -> int | None:
    """Direct derivatives by the Hub's count, `{"finetune": 328, "adapter": 716, …}`; None where it is no such thing."""
    counts = row.get(_COUNT)
    if counts is None:
        return 0
    if not isinstance(counts, dict):
        return None
    values = [value for value in counts.values() if isinstance(value, int) and value >= 0]
    return sum(values) if len(values) == len(counts) else None


def _lists_count(hub: Hub) -> bool:
    """Whether the Hub's lists count children: some of the best liked models must have any.

    The Hub refused it in June 2025 (huggingface_hub, pull request 3182); nothing newer is known of it.
    """
    answer = hub.get(hub.models_url, {"limit": PAGE_SIZE, "sort": "likes", "expand": _COUNT})
    rows = answer.body if answer.status == 200 and isinstance(answer.body, list) else []
    return any((_children(row) or 0) > 0 for row in rows if isinstance(row, dict))
