"""Numbers with their definitions: how large a family is depends on what one counts."""

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass
from itertools import chain
from operator import itemgetter
from typing import TYPE_CHECKING, ClassVar

from sqlalchemy import Connection, Engine

from lineage.outline import Outline, outline
from registry import numbers
from registry.database import reading
from registry.families import FACTS, FAR, ID, NEAR, Link, links
from registry.names import find_roots
from registry.read import Brief, data_date, labels
from registry.records import HUB_EVIDENCE, RECOVERED, Relation, State

if TYPE_CHECKING:
    from registry.columns import Ints


@dataclass(frozen=True, slots=True)
class Count:
    """One number and what exactly it counts."""

    name: str
    value: int
    definition: str


@dataclass(frozen=True, slots=True)
class FamilyCount:
    """The size of a family under several definitions. `data_date` is the date of the newest data it rests on,
    `roots` the number of models that `asked` means."""

    SCHEMA: ClassVar[str] = "finetune-lineage/count/1"

    asked: tuple[str, ...]
    roots: int
    data_date: str | None
    counts: tuple[Count, ...]


@dataclass(frozen=True, slots=True)
class Section:
    """One group of numbers: `rows` of (label, count), cut to a limit; `more` says how many were left out."""

    name: str
    definition: str
    rows: tuple[tuple[str, int], ...]
    more: int


@dataclass(frozen=True, slots=True)
class Statistics:
    """Numbers about a family of so many `roots`, or about the whole registry where `asked` is empty."""

    SCHEMA: ClassVar[str] = "finetune-lineage/statistics/1"

    asked: tuple[str, ...]
    roots: int
    data_date: str | None
    sections: tuple[Section, ...]


def count_family(engine: Engine, *roots: str) -> FamilyCount:
    """How many models were made from `roots` (names or `author:NAME`), under each common definition.

    Raises UnknownModel for a name that means no model.
    """
    with reading(engine) as connection:
        asked, found = find_roots(connection, roots)
        start = [root.key for root in found]
        edges = links(connection, start, up=False, facts=("relation", "evidence", "author", "gone"))
        first = {root.key: root.brief for root in found}
        date = data_date(connection)
    return FamilyCount(asked, len(start), date, tuple(_counts(first, edges, outline(start, edges, up=False))))


def family_statistics(engine: Engine, *roots: str, limit: int | None = 10) -> Statistics:
    """A family by relation, depth, licence, author, month (`YYYY-MM`) and branch; `limit` rows a section.

    Raises UnknownModel for a name that means no model.
    """
    facts = ("relation", "author", "licenses", "license_name", "created_at")
    with reading(engine) as connection:
        asked, found = find_roots(connection, roots)
        start = [root.key for root in found]
        edges = links(connection, start, up=False, facts=facts)
        date = data_date(connection)
    shape = outline(start, edges, up=False)
    below = shape.reached
    relation, author, stored, name, created = range(FACTS, FACTS + len(facts))
    licenses: Counter[str] = Counter()
    for (said, named), number in Counter(map(itemgetter(stored, name), below)).items():
        licenses[license_label(labels(said), named)] += number
    authors = Counter(link[author] or "not known" for link in below)
    months = Counter(link[created][:7] for link in below if link[created])
    depths = Counter({depth: len(level) for depth, level in enumerate(shape.levels, 1)})
    totals = [("roots", len(start)), ("derivatives", len(below)), ("edges", len(edges))]
    sections = (
        _section("totals", "models below the roots, roots not counted", totals, None),
        _section(
            "relations", "derivatives by how they were made", _ranked(Counter(map(itemgetter(relation), below))), limit
        ),
        _section("depth", "derivatives by steps from the nearest root", _steps(depths), limit),
        _section("licenses", "derivatives by declared licence", _ranked(licenses), limit),
        _section("authors", "derivatives by author", _ranked(authors), limit),
        _section(
            "months", "derivatives by month of creation, latest first", sorted(months.items(), reverse=True), limit
        ),
        _section("branches", "direct derivatives by models below them", _branches(shape), limit),
    )
    return Statistics(asked, len(start), date, sections)


def registry_statistics(engine: Engine, *, limit: int | None = 10) -> Statistics:
    """The whole registry by state, relation, depth, licence, author, month and largest families."""
    with reading(engine) as connection:
        alike = numbers.models_alike(connection)
        edges = _by_parent(connection)
        relations = Counter(numbers.edges_by_relation(connection))
        authors, all_authors = numbers.models_by_author(connection, limit)
        largest, all_parents = numbers.most_children(connection, edges, limit)
        date = data_date(connection)
    states: Counter[str] = Counter()
    licenses: Counter[str] = Counter()
    months: Counter[str] = Counter()
    for state, declared, name, month, number in alike:
        states[f"models {state}"] += number
        if state != State.PLACEHOLDER:
            licenses[license_label(declared, name)] += number
            if month:
                months[month] += number
    sections = (
        _section("totals", "all that the registry holds", [*sorted(states.items()), ("edges", len(edges))], None),
        _section("relations", "edges by how the child was made", _ranked(relations), limit),
        _section("depth", "models by steps from the nearest root above", _steps(_depths(edges)), limit),
        _section("licenses", "models by declared licence", _ranked(licenses), limit),
        _section("authors", "models by author", authors, limit, all_authors),
        _section("months", "models by month of creation, latest first", sorted(months.items(), reverse=True), limit),
        _section("families", "models by direct derivatives", largest, limit, all_parents),
    )
    return Statistics((), 0, date, sections)


def license_label(licenses: tuple[str, ...] | None, name: str | None) -> str:
    """The declared licence as people write it: labels joined by `+`; `other (name)`; or why there is none."""
    if licenses is None:
        return "not known"
    if not licenses:
        return "none declared"
    return " + ".join(f"other ({name})" if label == "other" and name else label for label in licenses)


def _counts(first: dict[int, Brief], edges: Sequence[Link], shape: Outline) -> Iterable[Count]:
    """The numbers of a family from its roots (`first`) and edges, which have relation, evidence, author and gone."""
    below = shape.reached
    relation, evidence, author, gone = range(FACTS, FACTS + 4)
    relations, authors = (Counter(map(itemgetter(fact), below)) for fact in (relation, author))
    owners = {brief.author for brief in first.values()}
    unseen = sum(brief.state == State.PLACEHOLDER for brief in first.values())
    yield Count("roots", len(first), f"models that were asked for (here {unseen} only named as parents, never seen)")
    yield Count("transitive", len(below), "models made from the roots in any number of steps; roots not counted")
    direct = len(shape.levels[0]) if shape.levels else 0
    yield Count("direct", direct, "models that name a root as their base_model")
    for kind in Relation:
        label = "in a way nobody states" if kind == Relation.UNKNOWN else f"as {kind}"
        yield Count(f"transitive, {kind}", relations[kind], f"of the transitive ones, made {label}")
    plain = len(below) - relations[Relation.QUANTIZED]
    yield Count("without quantizations", plain, "transitive, leaving out quantized copies but not what they led to")
    others = sum(number for owner, number in authors.items() if owner not in owners)
    yield Count("by others", others, "transitive, by authors other than the roots'")
    yield Count("authors", len(authors), "distinct authors of the transitive ones")
    inner = sum(link[FAR] not in first for link in edges)
    more = inner - len(below)
    yield Count("edges", inner, f"links of these models to the family; merges have several (here {more} more)")
    kinds = set(map(itemgetter(evidence), edges))
    vouched = len(below) - _lost(shape, edges, evidence, kinds.difference(HUB_EVIDENCE))
    yield Count("by the Hub's tags", vouched, "transitive, over links that the Hub itself resolved")
    recovered = _lost(shape, edges, evidence, kinds & RECOVERED)
    declared = len(below) - recovered
    yield Count("as declared", declared, "the same and links by a card or a library's tag, letter for letter")
    yield Count("recovered", recovered, "reached only by mending letter case, renames or legacy ids")
    yield Count("gone", sum(map(itemgetter(gone), below)), "of the transitive ones, no longer public")


def _lost(shape: Outline, edges: Iterable[Link], evidence: int, weak: Collection[str]) -> int:
    """How many models would not be reached without the edges of `weak` evidence.

    These are few, and only what is below them is looked at: of that, what other edges lead to is not lost.
    """
    doubtful = _below((link[FAR] for link in edges if link[evidence] in weak), shape.onward).difference(shape.roots)
    firm: dict[int, list[Link]] = defaultdict(list)
    for link in edges:
        if link[FAR] in doubtful and link[evidence] not in weak:
            firm[link[NEAR]].append(link)
    entries = chain.from_iterable(links for near, links in firm.items() if near not in doubtful)
    return len(doubtful - _below((link[FAR] for link in entries), firm))


def _below(start: Iterable[int], onward: Mapping[int, Sequence[Link]]) -> set[int]:
    """`start`, and all that edges lead to from there."""
    met = set(start)
    level = set(met)
    while level:
        level = {link[FAR] for near in level for link in onward.get(near, ())} - met
        met |= level
    return met


def _branches(shape: Outline) -> list[tuple[str, int]]:
    """Direct derivatives by the models below them; each model counts in the branch that reached it first."""
    below: Counter[int] = Counter()
    for link in reversed(list(chain.from_iterable(shape.levels[1:]))):
        below[link[NEAR]] += 1 + below[link[FAR]]
    direct = shape.levels[0] if shape.levels else []
    return _ranked(Counter({link[ID]: below[link[FAR]] for link in direct if below[link[FAR]]}))


def _by_parent(connection: Connection) -> "Ints":
    """All edges as rows of child and parent, in the order of parents. (Sorting a million took a server 0.3 s more.)"""
    import numpy as np  # noqa: PLC0415 - 100 ms that other numbers need not pay, and a second that it saves here

    from registry.columns import all_edges  # noqa: PLC0415 - it needs numpy

    edges = all_edges(connection)
    return edges[np.argsort(edges[:, 1].copy(), kind="stable")]  # 0.09 s; of what lies apart in memory 0.24 s


def _depths(edges: "Ints") -> Counter[int]:
    """How many models are so many steps below the nearest model without parents; cycles without such a one left out.

    `edges` are rows of child and parent, in the order of parents.
    """
    import numpy as np  # noqa: PLC0415

    from registry.columns import beginnings, distinct, places_of, rows_of  # noqa: PLC0415

    keys = distinct(edges.ravel())
    child, parent = places_of(edges.T, keys)
    begin = beginnings(np.bincount(parent, minlength=keys.size))
    met = np.zeros(keys.size, bool)
    met[child] = True
    level = np.flatnonzero(~met)
    met[:] = False
    seat = np.zeros(keys.size, np.int64)
    numbers: Counter[int] = Counter()
    while level.size:
        fresh = child[rows_of(level, begin)]
        fresh = fresh[~met[fresh]]
        seat[fresh] = np.arange(fresh.size)  # of a child that is met twice the last keeps the seat
        level = fresh[seat[fresh] == np.arange(fresh.size)]
        met[level] = True
        numbers[len(numbers) + 1] = level.size
    return +numbers


def _steps(depths: Counter[int]) -> list[tuple[str, int]]:
    return [(f"{depth} {'step' if depth == 1 else 'steps'}", number) for depth, number in sorted(depths.items())]


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda row: (-row[1], row[0]))


def _section(
    name: str, definition: str, rows: list[tuple[str, int]], limit: int | None, total: int | None = None
) -> Section:
    """`rows` are all, or the first of `total`."""
    shown = rows if limit is None else rows[:limit]
    return Section(name, definition, tuple(shown), (len(rows) if total is None else total) - len(shown))
