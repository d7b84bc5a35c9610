"""Lead declared names to models, once all names are known.

Runs after the pages of an import or crawl are saved, over the declarations that do not name a seen model exactly
(about 2.6 % on the Hub). What it writes follows from the registry's content alone, so the order in which models came
in does not matter, and a second run changes nothing.
"""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field

from sqlalchemy import Connection, bindparam, delete, exists, func, select, update

from registry.columns import all_edges
from registry.cycles import cyclic_edges
from registry.ids import legacy_names
from registry.insert import insert_placeholders, insert_rows, keys_of
from registry.read import unneeded_placeholder
from registry.records import HUB_EVIDENCE, OPEN_EVIDENCE, Evidence, State
from registry.tables import DERIVATIONS, MODELS, NAMES, among
from registry.write import replace_defects

#: How names are known that do not follow from what is declared.
_FIXED_NAMES = {"hub-id", "version", "alias"}
_NAME_EVIDENCE = {Evidence.CASE: "case", Evidence.RENAME: "hub-tag", Evidence.LEGACY: "legacy"}


@dataclass(frozen=True, slots=True)
class Lead:
    """Where a name leads: to the model called `target`, by which means; or nowhere, and which defect that is."""

    target: str | None
    recovery: Evidence | None = None
    defect: str | None = None
    reason: str = ""


@dataclass(slots=True)
class NameIndex:
    """What is known of a set of names.

    `seen`: ids of models that a source saw; `vouched`: ids that the Hub's own tags name; `aliases`: old name →
    the ids it was seen to mean; `folded`: case-folded name → the names in the registry's letter case.
    """

    seen: set[str] = field(default_factory=set)
    vouched: set[str] = field(default_factory=set)
    aliases: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))
    folded: dict[str, set[str]] = field(default_factory=lambda: defaultdict(set))

    def lead(self, name: str) -> Lead:
        """Lead a declared name to a model; never guesses between two."""
        if name in self.seen:
            return Lead(name)
        renamed = self._current(name)
        if renamed - {name}:
            return _only(renamed, Evidence.RENAME)
        if target := legacy_names().get(name):
            return Lead(target, Evidence.LEGACY)
        if name in self.vouched:
            return Lead(name)
        others = self.folded.get(name.casefold(), set()) - {name}
        if others:
            targets = {target for other in others for target in self._current(other)}
            by_case = targets <= others
            return _only(targets, Evidence.CASE if by_case else Evidence.RENAME)
        return Lead(None, defect="unresolved-parent", reason="no model of this name is known")

    def _current(self, name: str) -> set[str]:
        """The ids that `name` means today, over any number of renames; itself where it was never renamed."""
        met = {name}
        ends = set()
        todo = [name]
        while todo:
            at = todo.pop()
            onward = set() if at in self.seen else self.aliases.get(at, set())
            if onward & met:  # renamed back and forth: nothing tells which is today's
                return {name}
            if not onward:
                ends.add(at)
            met |= onward
            todo += onward
        return ends


def _only(targets: set[str], recovery: Evidence) -> Lead:
    if len(targets) == 1:
        return Lead(next(iter(targets)), recovery)
    return Lead(None, defect="ambiguous-name", reason=f"could be any of {', '.join(sorted(targets)[:5])}")


@dataclass(frozen=True, slots=True)
class _Claim:
    """A declaration to resolve, as it stands in the registry."""

    child_key: int
    position: int
    name: str
    origin: str
    parent_key: int | None
    recovery: str | None


def resolve_names(connection: Connection) -> None:
    """Resolve all open declarations; then names, defects, placeholders and cycles follow."""
    claims = _claims(connection)
    index = _index(connection, claims)
    leads = {name: index.lead(name) for name in {claim.name for claim in claims}}
    wanted = {lead.target or name for name, lead in leads.items()}
    keys = keys_of(connection, wanted)
    if missing := wanted - keys.keys():
        insert_placeholders(connection, missing)
        keys |= keys_of(connection, missing)
    defects = _write_edges(connection, claims, leads, keys)
    _write_names(connection, leads, keys)
    _tidy(connection)
    replace_defects(connection, "resolve", defects)
    replace_defects(connection, "cycle", _cycle_defects(connection))


def resolve_model(connection: Connection, key: int) -> None:
    """Resolve the declarations of one model alone, from which nothing was made yet: other names that this finds are
    known once all are resolved."""
    claims = _claims(connection, key)
    index = _index(connection, claims)
    leads = {name: index.lead(name) for name in {claim.name for claim in claims}}
    wanted = {lead.target or name for name, lead in leads.items()}
    if missing := wanted - keys_of(connection, wanted).keys():
        insert_placeholders(connection, missing)
    defects = _write_edges(connection, claims, leads, keys_of(connection, wanted))
    replace_defects(connection, "resolve", defects, model=key)


def _claims(connection: Connection, key: int | None = None) -> list[_Claim]:
    """Declarations that have to be led somewhere, or were before: of all models, or of one."""
    d, n = DERIVATIONS.c, NAMES.c
    columns = select(d.child_key, d.position, d.name, d.origin, d.parent_key, d.recovery)
    columns = columns if key is None else columns.where(d.child_key == key)
    by_the_hub = columns.where(d.origin.in_(HUB_EVIDENCE))
    queries = (
        columns.where(d.origin.in_(OPEN_EVIDENCE)),
        by_the_hub.where(d.recovery.is_not(None)),
        by_the_hub.where(d.parent_key.is_(None)),
        by_the_hub.join(MODELS, MODELS.c.key == d.parent_key).where(MODELS.c.state == State.PLACEHOLDER),
        # By a name that its parent has no more.
        by_the_hub.join(NAMES, n.model_key == d.parent_key).where(n.evidence == "hub-id", n.name == d.name),
    )
    found = {_Claim(*row) for query in queries for row in connection.execute(query)}
    return sorted(found, key=lambda claim: (claim.child_key, claim.origin not in HUB_EVIDENCE, claim.position))


def _index(connection: Connection, claims: list[_Claim]) -> NameIndex:
    index = NameIndex(vouched={claim.name for claim in claims if claim.origin in HUB_EVIDENCE})
    for alias, current in _aliases(connection):
        index.aliases[alias].add(current)
    names = {claim.name for claim in claims}
    names |= {target for name in names if (target := legacy_names().get(name))}
    names |= {target for targets in index.aliases.values() for target in targets}
    m = MODELS.c
    folded = among(connection, m.folded, {name.casefold() for name in names})
    index.seen = set(connection.scalars(select(m.repo_id).where(folded, m.state != State.PLACEHOLDER)))
    for name in index.seen | index.vouched | index.aliases.keys():
        index.folded[name.casefold()].add(name)
    return index


def _aliases(connection: Connection) -> Iterable[tuple[str, str]]:
    """Old name and current id: the same `_id` under two ids, or a card's spelling that the Hub resolved."""
    m, d = MODELS.c, DERIVATIONS.c
    by_hub_id = select(NAMES.c.name, m.repo_id).join(MODELS, m.key == NAMES.c.model_key)
    for row in connection.execute(by_hub_id.where(NAMES.c.evidence == "hub-id")):
        yield row.name, row.repo_id
    for row in connection.execute(select(d.alias, d.name).where(d.alias.is_not(None)).distinct()):
        yield row.alias, row.name


def _write_edges(
    connection: Connection, claims: list[_Claim], leads: dict[str, Lead], keys: dict[str, int]
) -> list[tuple[int, str, str, str, str]]:
    """Point each claim at its parent; returns the defects found on the way."""
    taken = _other_parents(connection, claims)
    defects = []
    changes = []
    for claim in claims:
        lead = leads[claim.name]
        parent = keys[lead.target or claim.name]
        if lead.defect:
            defects.append((claim.child_key, lead.defect, "base_model", claim.name, lead.reason))
        refused = _refusal(claim, parent, taken)
        if refused:
            defects.append((claim.child_key, refused[0], "base_model", claim.name, refused[1]))
        taken[claim.child_key].add(parent)
        after = (None if refused else parent, lead.recovery)
        if after != (claim.parent_key, claim.recovery):
            changes.append({"c": claim.child_key, "p": claim.position, "parent": after[0], "by": after[1]})
    if changes:
        d = DERIVATIONS.c
        statement = update(DERIVATIONS).where(d.child_key == bindparam("c"), d.position == bindparam("p"))
        connection.execute(statement.values(parent_key=bindparam("parent"), recovery=bindparam("by")), changes)
    return defects


def _refusal(claim: _Claim, parent: int, taken: dict[int, set[int]]) -> tuple[str, str] | None:
    if parent == claim.child_key:
        return "self-reference", "names the model itself under another name"
    if parent in taken[claim.child_key]:
        return "duplicate-parent", "names a parent a second time under another name"
    return None


def _other_parents(connection: Connection, claims: list[_Claim]) -> dict[int, set[int]]:
    """The parents that the children of these claims have besides them."""
    claimed = {(claim.child_key, claim.position) for claim in claims}
    d = DERIVATIONS.c
    parents: dict[int, set[int]] = defaultdict(set)
    theirs = among(connection, d.child_key, {claim.child_key for claim in claims})
    rows = select(d.child_key, d.position, d.parent_key).where(theirs, d.parent_key.is_not(None))
    for child, position, parent in connection.execute(rows):
        if (child, position) not in claimed:
            parents[child].add(parent)
    return parents


def _write_names(connection: Connection, leads: dict[str, Lead], keys: dict[str, int]) -> None:
    """Keep every name that led elsewhere, so that people can use it too."""
    n, m = NAMES.c, MODELS.c
    wanted = {
        name: (keys[lead.target], _NAME_EVIDENCE[lead.recovery])
        for name, lead in leads.items()
        if lead.target is not None and lead.recovery is not None
    }
    d = DERIVATIONS.c
    resolved = select(d.alias, func.min(d.parent_key)).where(d.alias.is_not(None), d.parent_key.is_not(None))
    for alias, key in connection.execute(resolved.group_by(d.alias).having(func.count(d.parent_key.distinct()) == 1)):
        wanted.setdefault(alias, (key, "hub-tag"))
    held: dict[str, tuple[int, str]] = {}
    fixed = set()
    for name, key, evidence in connection.execute(select(n.name, n.model_key, n.evidence)):
        if evidence in _FIXED_NAMES:
            fixed.add(name)
        else:
            held[name] = (key, evidence)
    # a name that is a seen model's id means that model
    own = (among(connection, m.repo_id, wanted), m.state != State.PLACEHOLDER)
    fixed |= set(connection.scalars(select(m.repo_id).where(*own)))
    wanted = {name: row for name, row in wanted.items() if name not in fixed}
    outdated = [name for name, row in held.items() if wanted.get(name) != row]
    connection.execute(delete(NAMES).where(among(connection, n.name, outdated)))
    rows = [
        (name, name.casefold(), key, evidence)
        for name, (key, evidence) in wanted.items()
        if held.get(name) != (key, evidence)
    ]
    insert_rows(connection, NAMES, ("name", "folded", "model_key", "evidence"), rows, missing=True)


def _tidy(connection: Connection) -> None:
    """Placeholders that nothing needs any more, and old names that are a model's own by now."""
    connection.execute(delete(MODELS).where(unneeded_placeholder()))
    m = MODELS.c
    own = exists().where(m.repo_id == NAMES.c.name, m.state != State.PLACEHOLDER)
    connection.execute(delete(NAMES).where(own))


def _cycle_defects(connection: Connection) -> list[tuple[int, str, str, str, str]]:
    d = DERIVATIONS.c
    cyclic = cyclic_edges(all_edges(connection))
    on_cycles = among(connection, d.child_key, {child for child, _ in cyclic})
    return [
        (child, "cycle", "base_model", name, "the parent is also made from this model")
        for child, parent, name in connection.execute(select(d.child_key, d.parent_key, d.name).where(on_cycles))
        if (child, parent) in cyclic
    ]
