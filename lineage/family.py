"""A family: ancestors, descendants, paths, common ancestors.

Every function takes an engine from `registry.database.open_registry` and names of models as people write them: an id
in any letter case, an old name, a URL of the Hub, or any of these with `@sha`. They raise
`registry.names.UnknownModel` where a name means no model, and `registry.records.RegistryError` where the database
fails.
"""

from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import ClassVar

from sqlalchemy import Engine

from lineage.routes import paths_between
from registry.database import reading
from registry.names import find_model, find_roots
from registry.read import Brief, Step, walk

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
    # A depth that no family has is left to the walk here: the database would go round a cycle so many times.
    bound = depth if depth is not None and depth <= _DEEPEST else None
    with reading(engine) as connection:
        asked, found = find_roots(connection, roots)
        steps, names = walk(connection, [f.key for f in found], up=up, depth=bound, relations=relations)
    onward = _adjacency(steps, names, up=up)
    order, reached = _outward([f.key for f in found], onward, names, up=up, depth=depth)
    shown = order if limit is None else order[: len(found) + limit]
    keep = set(shown)
    inner = [key for key in shown if depth is None or reached[key][0] < depth]
    edges = [step for here in inner for step in onward.get(here, ()) if step.child in keep and step.parent in keep]
    return Family(
        direction="ancestors" if up else "descendants",
        asked=asked,
        roots=tuple(root.label for root in found),
        total=len(order) - len(found),
        members=tuple(_member(names[key], *reached[key], names, up=up) for key in shown),
        edges=tuple(_edge(step, names) for step in edges),
        hidden=_hidden(order, keep, reached, names, up=up),
    )


_Reached = dict[int, tuple[int, Step | None]]


def _outward(
    roots: Sequence[int], onward: dict[int, list[Step]], names: dict[int, Brief], *, up: bool, depth: int | None
) -> tuple[list[int], _Reached]:
    """The models in the order in which one meets them, level by level, with the depth and edge of each."""
    reached: _Reached = dict.fromkeys(roots, (0, None))
    order, level = list(roots), list(roots)
    far = 0
    while level and (depth is None or far < depth):
        far += 1
        beyond: list[int] = []
        for here in level:
            for step in onward.get(here, ()):
                there = step.parent if up else step.child
                if there not in reached:
                    reached[there] = (far, step)
                    beyond.append(there)
        level = beyond if up else sorted(beyond, key=lambda key: _popularity(names[key]))
        order.extend(level)
    return order, reached


def _adjacency(steps: Sequence[Step], names: dict[int, Brief], *, up: bool) -> dict[int, list[Step]]:
    """The edges onward from each model: parents as declared, children by downloads."""
    onward: dict[int, list[Step]] = defaultdict(list)
    for step in steps:
        onward[step.child if up else step.parent].append(step)
    for edges in onward.values():
        if up:
            edges.sort(key=lambda s: s.position)
        else:
            edges.sort(key=lambda s: _popularity(names[s.child]))
    return onward


def _popularity(brief: Brief) -> tuple[int, str]:
    return -(brief.downloads or 0), brief.id


def _hidden(
    order: Sequence[int],
    keep: set[int],
    reached: _Reached,
    names: dict[int, Brief],
    *,
    up: bool,
) -> dict[str, int]:
    """How many models are left out beyond each one that is shown; each is counted once, where it was first reached."""
    hidden: dict[int, int] = defaultdict(int)
    for key in reversed(order):
        step = reached[key][1]
        if key in keep or step is None:
            continue
        hidden[step.child if up else step.parent] += 1 + hidden.pop(key, 0)
    return {names[key].id: hidden[key] for key in order if key in hidden}


def _member(brief: Brief, depth: int, step: Step | None, names: dict[int, Brief], *, up: bool) -> Member:
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
        via=names[step.child if up else step.parent].id if step else None,
    )


def _edge(step: Step, names: dict[int, Brief]) -> Edge:
    return Edge(names[step.child].id, names[step.parent].id, step.relation, step.evidence, step.declared)
