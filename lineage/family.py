"""A family: ancestors, descendants, paths, common ancestors.

Every function takes an engine from `registry.database.open_registry` and names of models as people write them: an id
in any letter case, an old name, a URL of the Hub, or any of these with `@sha`. They raise
`registry.names.UnknownModel` where a name means no model, and `registry.records.RegistryError` where the database
fails.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import chain, repeat
from typing import ClassVar

from sqlalchemy import Connection, Engine

from lineage.outline import Outline, hidden_beyond, outline
from lineage.routes import paths_between
from registry.database import reading
from registry.families import FACTS, FAR, ID, NEAR, POSITION, Link, links
from registry.names import find_model, find_roots
from registry.read import BRIEF, Brief, Step, brief_of, briefs, steps_of, walk

#: Steps that are counted in the database; the deepest chain of the Hub is a fraction of it.
_DEEPEST = 64


@dataclass(frozen=True, slots=True)
class Member:
    """A model of a family. `depth` counts steps from the nearest root; `relation` and `evidence` belong to the
    edge by which it was reached first; `via` is the model at that edge's other end. `downloads`: last 30 days;
    `created_at`: ISO 8601 in UTC; `licenses`: raw labels, None where no source said."""

    id: str
    depth: int
    state: str
    author: str | None
    licenses: tuple[str, ...] | None
    license_name: str | None
    downloads: int | None
    created_at: str | None
    relation: str | None = None
    evidence: str | None = None
    via: str | None = None


@dataclass(frozen=True, slots=True)
class Edge:
    """`child` was made from `parent`; `declared` is the parent's name as the child's metadata has it."""

    child: str
    parent: str
    relation: str
    evidence: str
    declared: str


@dataclass(frozen=True, slots=True)
class Family:
    """Models around `roots`. `members` begin with the roots and go outwards, nearest first; `edges` link them.

    `total` counts the members beyond the roots, shown or not; `hidden` says how many are left out below (or above)
    each member that is shown. `asked` holds what was asked for (ids with their revisions, `author:NAME`), `roots` the
    ids that means.
    """

    SCHEMA: ClassVar[str] = "finetune-lineage/family/1"

    direction: str
    asked: tuple[str, ...]
    roots: tuple[str, ...]
    total: int
    members: tuple[Member, ...]
    edges: tuple[Edge, ...]
    hidden: dict[str, int]


@dataclass(frozen=True, slots=True)
class Paths:
    """The ways from a model up to an ancestor, shortest first. `total` is None where a cycle makes them uncountable."""

    SCHEMA: ClassVar[str] = "finetune-lineage/paths/1"

    model: str
    ancestor: str
    total: int | None
    paths: tuple[tuple[Edge, ...], ...]


@dataclass(frozen=True, slots=True)
class CommonAncestor:
    """An ancestor that all models asked for share; `depths` in the order they were asked, 0 for the model itself.

    `nearest` where no other common ancestor stands between.
    """

    id: str
    nearest: bool
    depths: tuple[int, ...]
    state: str
    licenses: tuple[str, ...] | None
    license_name: str | None
    downloads: int | None


@dataclass(frozen=True, slots=True)
class Common:
    """What several models have in common."""

    SCHEMA: ClassVar[str] = "finetune-lineage/common/1"

    models: tuple[str, ...]
    ancestors: tuple[CommonAncestor, ...]


def ancestors(
    engine: Engine,
    model: str,
    *,
    depth: int | None = None,
    relations: Sequence[str] = (),
    limit: int | None = None,
) -> Family:
    """What `model` was made from, up to the roots.

    `depth` bounds the steps, `relations` (finetune, adapter, quantized, merge, unknown) the edges followed, `limit`
    the members shown. Members stand nearest first, parents in the order the metadata declares them.

    >>> [m.id for m in ancestors(engine, "qwen/qwen3-8b").members]  # doctest: +SKIP
    ['Qwen/Qwen3-8B', 'Qwen/Qwen3-8B-Base']
    """
    return family_of(engine, (model,), up=True, depth=depth, relations=relations, limit=limit)


def descendants(
    engine: Engine,
    *roots: str,
    depth: int | None = None,
    relations: Sequence[str] = (),
    limit: int | None = None,
) -> Family:
    """What was made from `roots` (names, or `author:NAME` for all models of an author), however many steps below.

    Parameters as in `ancestors`. Members stand nearest first, then by downloads.
    """
    return family_of(engine, roots, up=False, depth=depth, relations=relations, limit=limit)


def paths(engine: Engine, model: str, ancestor: str, *, limit: int | None = 10) -> Paths:
    """The paths by which `ancestor` reaches `model`, shortest first, each from the model upwards.

    Raises UnknownModel for a name that means no model; no path at all is an empty answer.
    """
    with reading(engine) as connection:
        start, end = find_model(connection, model), find_model(connection, ancestor)
        steps, names = walk(connection, [start.key], up=True)
    total, found = paths_between(start.key, end.key, steps, limit)
    shown = tuple(tuple(_edge(step, names) for step in path) for path in found)
    return Paths(start.label, end.label, total, shown)


def common_ancestors(engine: Engine, *models: str) -> Common:
    """The ancestors that all of `models` share, the nearest first; a model counts as its own ancestor here."""
    families = [ancestors(engine, model) for model in models]
    depths = [{member.id: member.depth for member in family.members} for family in families]
    shared = set(depths[0]).intersection(*depths[1:]) if depths else set()
    edges = {(edge.child, edge.parent) for family in families for edge in family.edges}
    passed = {parent for child, parent in edges if child in shared}
    facts = {member.id: member for family in families for member in family.members}
    found = [
        CommonAncestor(
            id=name,
            nearest=name not in passed,
            depths=tuple(depth[name] for depth in depths),
            state=facts[name].state,
            licenses=facts[name].licenses,
            license_name=facts[name].license_name,
            downloads=facts[name].downloads,
        )
        for name in shared
    ]
    if found and not any(ancestor.nearest for ancestor in found):  # each stands above the others: a cycle
        closest = min(sum(ancestor.depths) for ancestor in found)
        found = [replace(ancestor, nearest=sum(ancestor.depths) == closest) for ancestor in found]
    ordered = sorted(found, key=lambda a: (not a.nearest, sum(a.depths), a.id))
    return Common(tuple(family.asked[0] for family in families), tuple(ordered))


def family_of(
    engine: Engine,
    roots: Sequence[str],
    *,
    up: bool,
    depth: int | None = None,
    relations: Sequence[str] = (),
    limit: int | None = None,
) -> Family:
    """The family of `roots` in one direction: what `ancestors` and `descendants` are made of."""
    # A depth that no family has is left to the outline: the database would go round a cycle so many times.
    bound = depth if depth is not None and depth <= _DEEPEST else None
    with reading(engine) as connection:
        asked, found = find_roots(connection, roots)
        start = [root.key for root in found]
        edges = links(connection, start, up=up, depth=bound, relations=relations, facts=_FACTS_UP if up else ())
        shape = outline(start, edges, up=up, depth=depth)
        reached = shape.reached
        shown = reached if limit is None else reached[:limit]
        keys = [*start, *(link[FAR] for link in shown)]
        edges = shape.between(keys)
        met = map(_brief, shown) if up else briefs(connection, [link[FAR] for link in shown]).values()
        names = {model.key: model for model in (*(root.brief for root in found), *met)}
        steps = _steps(connection, edges, up=up)
    hidden = hidden_beyond(reached[len(shown) :])
    return Family(
        direction="ancestors" if up else "descendants",
        asked=asked,
        roots=tuple(root.label for root in found),
        total=len(reached),
        members=(*(_member(names[key], 0) for key in start), *_members(shape, shown, names, steps)),
        edges=tuple(_edge(steps[link], names) for link in edges),
        hidden={names[key].id: hidden[key] for key in keys if key in hidden},
    )


#: What an edge rests on, and the short facts of the model that it leads to but for key and id, which every edge has:
#: asked for with the edges up, which are few, but for those down only where they are shown.
_FACTS_UP = ("relation", "evidence", "declared", *(column.name for column in BRIEF[2:]))
_BRIEF = FACTS + 3


def _brief(link: Link) -> Brief:
    """Of the model that an edge up leads to."""
    return brief_of((link[FAR], link[ID], *link[_BRIEF:]))


def _steps(connection: Connection, links: Sequence[Link], *, up: bool) -> dict[Link, Step]:
    if up:
        return {link: Step(link[NEAR], link[FAR], link[POSITION], *link[FACTS:_BRIEF]) for link in links}
    children = dict.fromkeys(link[FAR] for link in links)
    known = {(step.child, step.position): step for step in steps_of(connection, children)} if links else {}
    return {link: known[link[FAR], link[POSITION]] for link in links}


def _members(
    shape: Outline, shown: Sequence[Link], names: dict[int, Brief], steps: dict[Link, Step]
) -> Iterator[Member]:
    """What is shown of the models beyond the roots."""
    depths = chain.from_iterable(repeat(depth, len(level)) for depth, level in enumerate(shape.levels, 1))
    for depth, link in zip(depths, shown, strict=False):
        yield _member(names[link[FAR]], depth, steps[link], names[link[NEAR]].id)


def _member(brief: Brief, depth: int, step: Step | None = None, via: str | None = None) -> Member:
    return Member(
        id=brief.id,
        depth=depth,
        state=brief.state,
        author=brief.author,
        licenses=brief.licenses,
        license_name=brief.license_name,
        downloads=brief.downloads,
        created_at=brief.created_at,
        relation=step.relation if step else None,
        evidence=step.evidence if step else None,
        via=via,
    )


def _edge(step: Step, names: dict[int, Brief]) -> Edge:
    return Edge(names[step.child].id, names[step.parent].id, step.relation, step.evidence, step.declared)
