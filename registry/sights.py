"""One look at a model: a record with its time, as the tables hold it, and which of two looks is the later one."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import lru_cache
from operator import itemgetter
from typing import Any, NamedTuple, Self

from registry.records import ModelRecord, Records, State

_FROM, _TO = ModelRecord._fields.index("author"), ModelRecord._fields.index("tools") + 1
#: Facts of a model that a newer sight replaces where it says anything, and an older one fills where nothing is known.
MODEL_FACTS = ModelRecord._fields[_FROM:_TO]
#: The same with the source, which is the sight's.
FACTS = (*MODEL_FACTS, "source")
_FACTS_IN = itemgetter(*FACTS)
_LISTS = tuple(map(FACTS.index, ("licenses", "datasets", "tools")))
_LAST_MODIFIED = FACTS.index("last_modified")
_GONE, _LISTED = str(State.GONE), str(State.LISTED)


class Sight(NamedTuple):
    """A record with its values as the tables hold them, in the order of FACTS; `seen` is None if no date is known."""

    record: ModelRecord
    seen: str | None
    values: tuple[Any, ...]

    @property
    def state(self) -> str:
        """Listed or gone."""
        return _GONE if self.record.gone else _LISTED

    @property
    def silent(self) -> bool:
        """Whether it says nothing of licence and parents."""
        return self.record.licenses is None and self.record.parents is None

    def rank(self) -> tuple[str, str, str, str]:
        """Orders sights by time; what they say breaks a tie, so that the order in which they come never matters."""
        return (*self.time(), _content(self.state, self.values), self.record.repo_id)

    def time(self) -> tuple[str, str]:
        """When the model was seen, then when it was changed."""
        return self.seen or "", self.values[_LAST_MODIFIED] or ""

    def compare(self, row: dict[str, Any]) -> int:
        """1 if this sight is later than what the table's row rests on, -1 if it is earlier, 0 if they say the same."""
        if row["state"] == State.PLACEHOLDER:
            return 1
        theirs = (row["last_seen"] or "", row["last_modified"] or "")
        if self.time() != theirs:
            return 1 if self.time() > theirs else -1
        facts = _FACTS_IN(row)
        if self.state == row["state"] and self.values == facts:
            return 0
        mine, held = _content(self.state, self.values), _content(row["state"], facts)
        return (mine > held) - (mine < held)

    def tells(self, row: dict[str, Any]) -> bool:
        """Whether licence and parents are as this sight says, if it says anything: none that said so was later."""
        if self.compare(row) >= 0 or not row["silent"]:
            return self.compare(row) >= 0
        return not self.silent and self.time() > (row["told"], row["last_modified"] or "")


@dataclass(frozen=True, slots=True)
class Sights:
    """Sights by columns; `lists` are the licences, datasets and tools as the tables hold them."""

    records: Records
    seen: Sequence[str | None]
    sources: Sequence[str]
    lists: Sequence[Sequence[str | None]]

    @classmethod
    def of(cls, sights: Sequence[Sight]) -> Self:
        """Sights by columns, at least one."""
        values = list(zip(*(sight.values for sight in sights), strict=True))
        records = Records.of(sight.record for sight in sights)
        return cls(records, [sight.seen for sight in sights], values[-1], [values[at] for at in _LISTS])

    def __len__(self) -> int:
        return len(self.records)

    def __iter__(self) -> Iterator[Sight]:
        values = zip(*self.facts(), self.sources, strict=True)
        return map(Sight._make, zip(self.records, self.seen, values, strict=True))

    def facts(self) -> list[Sequence[Any]]:
        """The columns of MODEL_FACTS, as the tables hold them."""
        facts: list[Sequence[Any]] = list(self.records.columns[_FROM:_TO])
        for at, texts in zip(_LISTS, self.lists, strict=True):
            facts[at] = texts
        return facts

    def states(self) -> list[str]:
        """Listed or gone."""
        return [_GONE if gone else _LISTED for gone in self.records.column("gone")]

    def silent(self) -> list[bool]:
        """Whether they say nothing of licence and parents."""
        said = zip(self.records.column("licenses"), self.records.column("parents"), strict=True)
        return [licenses is None and parents is None for licenses, parents in said]

    def take(self, places: Sequence[int]) -> Self:
        """Those at some places, in that order."""

        def taken(column: Sequence[Any]) -> tuple[Any, ...]:
            return tuple(map(column.__getitem__, places))

        records = Records(tuple(map(taken, self.records.columns)))
        return type(self)(records, taken(self.seen), taken(self.sources), [taken(column) for column in self.lists])


def sights_of(records: Records, *, seen: str, source: str) -> Sights:
    """Records as sights; `seen` and `source` hold where a record does not carry its own."""
    times = zip(records.column("seen"), records.column("dated"), strict=True)
    return Sights(
        records,
        [(own or seen) if dated else None for own, dated in times],
        [own or source for own in records.column("source")],
        [[None if labels is None else _listed(labels) for labels in records.columns[_FROM + at]] for at in _LISTS],
    )


def rounds(sights: Sights) -> list[Sights]:
    """The sights in groups to be saved one after the other; within a group no id and no name stands twice.

    Nearly always one group: a page holds a model twice only where rows move between pages while they are read.
    """
    names = sights.records.column("repo_id")
    hub_ids = [hub_id for hub_id in sights.records.column("hub_id") if hub_id is not None]
    if len(set(names)) == len(names) and len(set(hub_ids)) == len(hub_ids):
        return [sights]
    groups: list[Sights] = []
    rest = sorted(sights, key=Sight.rank)
    while rest:
        met: set[str | None] = set()
        group: list[Sight] = []
        later: list[Sight] = []
        for sight in rest:
            identity = {sight.record.repo_id, sight.record.hub_id} - {None}
            (later if met & identity else group).append(sight)
            met |= identity
        groups.append(Sights.of(group))
        rest = later
    return groups


@lru_cache(maxsize=4096)
def _listed(labels: tuple[str, ...]) -> str:
    return json.dumps(labels, ensure_ascii=False)


def _content(state: str, values: Sequence[Any]) -> str:
    return repr([str(state), *values])
