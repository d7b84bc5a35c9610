"""Numbers with their definitions: how large a family is depends on what one counts."""

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from typing import ClassVar

from sqlalchemy import Engine

from lineage.family import Edge, Family, Member, descendants
from registry import read
from registry.database import reading
from registry.records import HUB_EVIDENCE, RECOVERED, Relation, State


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
    family = descendants(engine, *roots)
    with reading(engine) as connection:
        date = read.data_date(connection)
    return FamilyCount(family.asked, len(family.roots), date, tuple(_counts(family)))


def family_statistics(engine: Engine, *roots: str, limit: int | None = 10) -> Statistics:
    """A family by relation, depth, licence, author, month (`YYYY-MM`) and branch; `limit` rows a section.

    Raises UnknownModel for a name that means no model.
    """
    family = descendants(engine, *roots)
    with reading(engine) as connection:
        date = read.data_date(connection)
    below = _derivatives(family)
    relations = Counter(m.relation or Relation.UNKNOWN for m in below)
    licenses = Counter(license_label(m.licenses, m.license_name) for m in below)
    authors = Counter(m.author or "not known" for m in below)
    months = Counter(m.created_at[:7] for m in below if m.created_at)
    depths = Counter(m.depth for m in below)
    sections = (
        _section("totals", "models below the roots, roots not counted", _totals(family), None),
        _section("relations", "derivatives by how they were made", _ranked(relations), limit),
        _section("depth", "derivatives by steps from the nearest root", _steps(depths), limit),
        _section("licenses", "derivatives by declared licence", _ranked(licenses), limit),
        _section("authors", "derivatives by author", _ranked(authors), limit),
        _section(
            "months", "derivatives by month of creation, latest first", sorted(months.items(), reverse=True), limit
        ),
        _section("branches", "direct derivatives by models below them", _branches(family), limit),
    )
    return Statistics(family.asked, len(family.roots), date, sections)


def registry_statistics(engine: Engine, *, limit: int | None = 10) -> Statistics:
    """The whole registry by state, relation, depth, licence, author, month and largest families."""
    with reading(engine) as connection:
        held = read.totals(connection)
        edges = read.all_steps(connection)
        relations = Counter(read.edges_by_relation(connection))
        licenses: Counter[str] = Counter()
        for value, name, number in read.license_counts(connection):
            licenses[license_label(value, name)] += number
        authors = Counter({name or "not known": number for name, number in read.author_counts(connection).items()})
        months = read.months(connection)
        largest = read.most_children(connection)
    models = [(f"models {state}", n) for state, n in held.models.items()]
    sections = (
        _section("totals", "all that the registry holds", [*models, ("edges", len(edges))], None),
        _section("relations", "edges by how the child was made", _ranked(relations), limit),
        _section(
            "depth", "models by steps from the nearest root above", _steps(Counter(_depths(edges).values())), limit
        ),
        _section("licenses", "models by declared licence", _ranked(licenses), limit),
        _section("authors", "models by author", _ranked(authors), limit),
        _section("months", "models by month of creation, latest first", months[::-1], limit),
        _section("families", "models by direct derivatives", largest, limit),
    )
    return Statistics((), 0, held.data_date, sections)


def license_label(licenses: tuple[str, ...] | None, name: str | None) -> str:
    """The declared licence as people write it: labels joined by `+`; `other (name)`; or why there is none."""
    if licenses is None:
        return "not known"
    if not licenses:
        return "none declared"
    return " + ".join(f"other ({name})" if label == "other" and name else label for label in licenses)


def _derivatives(family: Family) -> tuple[Member, ...]:
    return tuple(member for member in family.members if member.depth > 0)


def _counts(family: Family) -> Iterable[Count]:
    below = _derivatives(family)
    first = [member for member in family.members if member.depth == 0]
    roots, owners = {member.id for member in first}, {member.author for member in first}
    unseen = sum(member.state == State.PLACEHOLDER for member in first)
    yield Count("roots", len(roots), f"models that were asked for (here {unseen} only named as parents, never seen)")
    direct = [m for m in below if m.depth == 1]
    yield Count("transitive", len(below), "models made from the roots in any number of steps; roots not counted")
    yield Count("direct", len(direct), "models that name a root as their base_model")
    for relation in Relation:
        number = sum(m.relation == relation for m in below)
        label = "in a way nobody states" if relation == Relation.UNKNOWN else f"as {relation}"
        yield Count(f"transitive, {relation}", number, f"of the transitive ones, made {label}")
    plain = [m for m in below if m.relation != Relation.QUANTIZED]
    yield Count(
        "without quantizations", len(plain), "transitive, leaving out quantized copies but not what they led to"
    )
    yield Count("by others", sum(m.author not in owners for m in below), "transitive, by authors other than the roots'")
    yield Count("authors", len({m.author for m in below}), "distinct authors of the transitive ones")
    links = [edge for edge in family.edges if edge.child not in roots]
    more = len(links) - len(below)
    yield Count("edges", len(links), f"links of these models to the family; merges have several (here {more} more)")
    vouched = _reached(family, [e for e in family.edges if e.evidence in HUB_EVIDENCE])
    yield Count("by the Hub's tags", vouched, "transitive, over links that the Hub itself resolved")
    declared = _reached(family, [e for e in family.edges if e.evidence not in RECOVERED])
    yield Count("as declared", declared, "the same and links by a card or a library's tag, letter for letter")
    yield Count("recovered", len(below) - declared, "reached only by mending letter case, renames or legacy ids")
    yield Count("gone", sum(m.state == State.GONE for m in below), "of the transitive ones, no longer public")


def _reached(family: Family, edges: list[Edge]) -> int:
    onward: dict[str, list[str]] = defaultdict(list)
    for edge in edges:
        onward[edge.parent].append(edge.child)
    roots = [member.id for member in family.members if member.depth == 0]
    met = set(roots)
    todo = list(roots)
    while todo:
        fresh = set(onward[todo.pop()]) - met
        met |= fresh
        todo += fresh
    return len(met) - len(roots)


def _totals(family: Family) -> list[tuple[str, int]]:
    roots = sum(member.depth == 0 for member in family.members)
    return [("roots", roots), ("derivatives", family.total), ("edges", len(family.edges))]


def _branches(family: Family) -> list[tuple[str, int]]:
    """Direct derivatives by the models below them; each model counts in the branch that reached it first."""
    below: Counter[str] = Counter()
    for member in reversed(family.members):
        if member.depth > 1 and member.via is not None:
            below[member.via] += 1 + below[member.id]
    return _ranked(Counter({m.id: below[m.id] for m in family.members if m.depth == 1 and below[m.id]}))


def _depths(edges: list[tuple[int, int]]) -> dict[int, int]:
    """Steps from the nearest model without parents, for every model with parents; cycles without a root left out."""
    children: dict[int, list[int]] = defaultdict(list)
    derived = set()
    for child, parent in edges:
        children[parent].append(child)
        derived.add(child)
    level = [node for node in children if node not in derived]
    depths: dict[int, int] = {}
    depth = 0
    while level:
        depth += 1
        fresh = {child for node in level for child in children.get(node, ())} - depths.keys()
        depths.update(dict.fromkeys(fresh, depth))
        level = list(fresh)
    return depths


def _steps(depths: Counter[int]) -> list[tuple[str, int]]:
    return [(f"{depth} {'step' if depth == 1 else 'steps'}", number) for depth, number in sorted(depths.items())]


def _ranked(counts: Counter[str]) -> list[tuple[str, int]]:
    return sorted(counts.items(), key=lambda row: (-row[1], row[0]))


def _section(name: str, definition: str, rows: list[tuple[str, int]], limit: int | None) -> Section:
    shown = rows if limit is None else rows[:limit]
    return Section(name, definition, tuple(shown), len(rows) - len(shown))
