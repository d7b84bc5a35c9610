"""How the tests of crawls call them, the worlds that they share, and worlds that change at random."""

from collections.abc import Callable
from datetime import datetime, timedelta
from random import Random

import pytest
from sqlalchemy import Engine, select

from crawler import listings
from crawler.crawl import crawl_hub
from crawler.hub import Hub
from crawler.run import Crawled, Progress
from registry.database import reading
from registry.tables import DERIVATIONS, MODELS
from registry.transfer import check, digest
from tests.fakehub.rows import stamp
from tests.fakehub.server import FakeHub
from tests.fakehub.world import World
from tests.families import Row, api_row

TOKEN = "hf_not_a_real_token"
#: When the first model of a world was created; the others follow minute by minute.
START = datetime(2025, 1, 1)

Command = Callable[[Engine, Hub, Progress], Crawled]
#: Child, parent, relation.
Edge = tuple[str, str, str]


def token_of_the_tests(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no token of the machine's user be found."""
    monkeypatch.setenv("HF_TOKEN", TOKEN)


def minute(number: int) -> str:
    """The time of a world's model, as the Hub writes it."""
    return stamp(START + timedelta(minutes=number))


def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Ask for a hundred models a page: what is about several pages then takes hundreds of models, not thousands."""
    monkeypatch.setattr(listings, "PAGE_SIZE", 100)
    for asked in (listings.SWEEP, listings._CHANGES):
        monkeypatch.setitem(asked, "limit", 100)


def stopped_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no command take so long that it tells how far it is."""
    monkeypatch.setattr("lineage.cli.crawl.monotonic", lambda: 0.0)


def small_world(size: int = 250) -> list[Row]:
    """Some pages of models, each made from the one before."""
    return [
        api_row(f"me/M{n}", [f"me/M{n - 1}"] if n else [], createdAt=minute(n), lastModified=minute(n), _id=f"{n:024x}")
        for n in range(size)
    ]


def silent(_done: Crawled, _hub: Hub) -> None:
    """No progress."""


def crawled(engine: Engine, hub: FakeHub, command: Command = crawl_hub, progress: Progress = silent) -> Crawled:
    """What a crawl does with a Hub of its own, which is closed behind it."""
    with Hub(hub.url) as asked:
        return command(engine, asked, progress)


def lineage_digest(engine: Engine) -> str:
    """Of a registry that is whole."""
    with reading(engine) as connection:
        assert check(connection) == []
        return digest(connection, "lineage")


def whole_digest(engine: Engine) -> str:
    """Facts and defects too, of a registry that is whole."""
    with reading(engine) as connection:
        assert check(connection) == []
        return digest(connection, "all")


def break_off_after(pages: int) -> Callable[[Crawled, Hub], None]:
    """Progress that ends the crawl as Ctrl-C does."""

    def progress(done: Crawled, _hub: Hub) -> None:
        if done.pages == pages:
            raise KeyboardInterrupt

    return progress


def pages_asked(hub: FakeHub, sort: str, since: int = 0) -> list[str]:
    """The cursors of all pages of a listing that were asked for, in order; "" for its first page."""
    asked = [seen.parameters for seen in hub.requests[since:] if seen.path == "/api/models"]
    return [said.get("cursor", [""])[0] for said in asked if said["sort"] == [sort] and said["limit"] != ["1"]]


def models_asked(hub: FakeHub) -> list[str]:
    """The names of all models that were asked for one by one."""
    place = "/api/models/"
    return [seen.path.removeprefix(place) for seen in hub.requests if seen.path.startswith(place)]


def lineage_edges(engine: Engine) -> set[Edge]:
    """Every edge of a registry, with its relation."""
    child, parent, d = MODELS.alias(), MODELS.alias(), DERIVATIONS.c
    joined = DERIVATIONS.join(child, child.c.key == d.child_key).join(parent, parent.c.key == d.parent_key)
    with engine.connect() as connection:
        rows = connection.execute(select(child.c.repo_id, parent.c.repo_id, d.relation).select_from(joined))
        return {(row[0], row[1], row[2]) for row in rows}


class Chance:
    """A world of families that grows and changes at random, the same way for a seed. The Hub derives all its tags."""

    def __init__(self, seed: int, size: int) -> None:
        self._random = Random(seed)
        self._made = 0
        self.world = World([])
        #: Names that models had, or have in another letter case, and names that no model ever had.
        self.other_names = [f"nobody/Ghost{n}" for n in range(20)]
        for n in range(size):
            self._insert(createdAt=minute(n), lastModified=minute(n))

    def change(self, times: int, *kinds: str) -> None:
        """Do so many things of these kinds: insert, edit, delete, rename, again (delete and make again), hide."""
        acts: dict[str, Callable[[], object]] = {
            "insert": self._insert,
            "edit": lambda: self.world.edit(self._any(), cardData=self._card()),
            "delete": lambda: self.world.delete(self._left(self._any())),
            "rename": lambda: self.world.rename(self._left(self._any()), self._name()),
            "again": self._delete_and_make_again,
            "hide": lambda: self.world.set_private(self._any()),
        }
        for _ in range(times):
            acts[self._random.choice(kinds)]()

    def _insert(self, **dates: str) -> None:
        self.world.insert({"id": self._name(), "cardData": self._card(), "downloads": self._made, **dates})

    def _delete_and_make_again(self) -> None:
        name = self._any()
        self.world.delete(name)
        self.world.insert({"id": name, "cardData": self._card()})

    def _card(self) -> Row:
        """Some parents: of one name or another, several (a merge), with a relation said or not."""
        card: Row = {"license": self._random.choice(["mit", "apache-2.0", "other"])}
        parents = [self._parent() for _ in range(self._random.choice([0, 1, 1, 1, 1, 2, 3]))]
        if parents and len(self.world):
            card["base_model"] = parents if len(parents) > 1 else parents[0]
            if self._random.random() < 0.3:
                card["base_model_relation"] = self._random.choice(["quantized", "adapter", "finetune"])
        return card

    def _parent(self) -> str:
        if self._random.random() < 0.15 or not len(self.world):
            return self._random.choice(self.other_names)
        name = self._any()
        return name.swapcase() if self._random.random() < 0.05 else name

    def _any(self) -> str:
        return self._random.choice(self.world.ids())

    def _left(self, name: str) -> str:
        self.other_names.append(name)
        return name

    def _name(self) -> str:
        self._made += 1
        return f"{self._random.choice(['me', 'you', 'they'])}/Model{self._made}"
