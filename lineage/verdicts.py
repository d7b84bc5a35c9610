"""The licence question of many models at once: one pass from the roots down, never a walk a model.

What reaches a model is a set that all models made from the same parents share, and most models of the Hub are one of
many made from the same one. So a set is made once, and a label is judged once against it.
"""

from collections.abc import Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass
from typing import NamedTuple

from lineage.ancestry import Ancestry, is_opaque, label_of
from lineage.inheritance import judge_ancestry
from lineage.judgement import Judgement, judge, origin
from lineage.licenses.catalogue import catalogue
from lineage.licenses.labels import Declared, is_clarified
from registry.cycles import in_order
from registry.read import Brief, Step
from registry.records import Relation


class Brought(NamedTuple):
    """A licence that an ancestor (a key) brought. `after` is the only owner, in lower case, of all above that ancestor
    who have it too: for that owner's models, whose own work does not count, the ancestor was the first."""

    license: str
    key: int
    after: str | None


@dataclass(frozen=True, eq=False, slots=True)
class Reach:
    """What reaches the models made from some parents: licences, and the ancestors whose terms nobody can tell."""

    brought: frozenset[Brought] = frozenset()
    opaque: frozenset[int] = frozenset()


#: What a model objects to (licence, ancestor) → the model whose label was the first on the way to do so.
Blame = Mapping[tuple[str, int], int]


class Verdicts:
    """What the rules say of each of some models.

    `steps` are the edges among `briefs`, which hold these models and all their ancestors; `labels` is what each is
    under, by its metadata unless given.
    """

    def __init__(
        self, steps: Iterable[Step], briefs: Mapping[int, Brief], labels: Mapping[int, Declared] | None = None
    ) -> None:
        self.briefs = briefs
        self._steps: dict[int, list[Step]] = {}
        for step in steps:
            if step.child != step.parent:
                self._steps.setdefault(step.child, []).append(step)
        self._parents = {key: tuple(sorted({s.parent for s in steps})) for key, steps in self._steps.items()}
        self._cyclic: set[int] = set()
        self._passed_on: dict[int, Reach] = {}
        self._joined: dict[tuple[int, ...], Reach] = {(): Reach()}
        self._judged: dict[object, tuple[Judgement, ...]] = {}
        self._blame: dict[int, Blame] = {}
        self._known: dict[Reach, tuple[set[str | None], bool]] = {}
        self._vendors = {v.casefold() for license in catalogue().licenses.values() for v in license.vendors}
        #: What each model is under.
        self.labels = labels if labels is not None else {key: label_of(brief) for key, brief in briefs.items()}
        self._pass_down()

    def brought(self, key: int) -> list[tuple[str, int]]:
        """The licences that reach a model, with the ancestors (keys) that brought each."""
        if key in self._cyclic:
            return self.ancestry(key).origins()
        return sorted((brought.license, brought.key) for brought in self._reach(key).brought if brought.after is None)

    def opaque_above(self, key: int) -> Collection[int]:
        """The ancestors (keys) of a model whose terms nobody can tell."""
        return self.ancestry(key).opaque() if key in self._cyclic else self._reach(key).opaque

    def judgements(self, key: int) -> tuple[Judgement, ...]:
        """What the rules say of a model's label."""
        if key in self._cyclic:
            return judge_ancestry(self.ancestry(key))
        mine, reach = self.briefs[key], self._reach(key)
        case = (reach, self.labels[key], *self._matters(mine, reach))
        if case not in self._judged:
            self._judged[case] = self._judge(mine, reach)
        return self._judged[case]

    def offender(self, key: int, judgement: Judgement) -> int:
        """Where a model's finding begins: at the first model on the way down whose own label it is about, or at the
        ancestor whose terms nobody can tell."""
        if judgement.key is None:
            return key
        if judgement.license is None:
            return judgement.key
        what = (judgement.license, judgement.key)
        return next((self._blame[p][what] for p in self.parents(key) if what in self._blame.get(p, ())), key)

    def parents(self, key: int) -> list[int]:
        """The models (keys) that a model was made from, in the order in which it names them."""
        steps = self._steps.get(key, [])
        if len(steps) > 1:
            steps = sorted(steps, key=lambda step: step.position)
        return list(dict.fromkeys(step.parent for step in steps))

    def ancestry(self, key: int) -> Ancestry:
        """All above one model, with the ways to it."""
        met, todo = {key}, [key]
        for at in todo:
            for parent in self._parents.get(at, ()):
                if parent not in met:
                    met.add(parent)
                    todo.append(parent)
        steps = [step for at in todo for step in self._steps.get(at, ())]
        return Ancestry(key, steps, {at: self.briefs[at] for at in todo}, self.labels)

    def _pass_down(self) -> None:
        """Work out what each parent passes on to those made from it, from the roots down."""
        inner = {parent for parents in self._parents.values() for parent in parents}
        for part in in_order({key: self._parents.get(key, ()) for key in inner}):
            if len(part) > 1:
                self._cyclic.update(part)
            above = self._join({parent for key in part for parent in self._parents.get(key, ())}.difference(part))
            passed_on = self._add(above, part)
            for key in part:
                self._passed_on[key] = passed_on
                self._joined[(key,)] = passed_on
        for key in self._passed_on:
            self._blame[key] = {
                (j.license, j.key): self.offender(key, j)
                for j in self.judgements(key)
                if j.objects and j.license is not None and j.key is not None
            }

    def _reach(self, key: int) -> Reach:
        return self._join(self._parents.get(key, ()))

    def _join(self, parents: Collection[int]) -> Reach:
        """What reaches a model made from these."""
        named = tuple(sorted(parents))
        if named not in self._joined:
            reached = [self._passed_on[parent] for parent in named]
            self._joined[named] = Reach(
                frozenset().union(*(reach.brought for reach in reached)),
                frozenset().union(*(reach.opaque for reach in reached)),
            )
        return self._joined[named]

    def _add(self, above: Reach, part: tuple[int, ...]) -> Reach:
        """What reaches those made from a model, or from one of a cycle."""
        new = {brought for key in part for brought in self._brought(above, key)}
        opaque = {key for key in part if is_opaque(self.labels[key], copy=len(part) == 1 and self._is_copy(key))}
        if not new and not opaque:
            return above
        return Reach(above.brought | new, above.opaque | opaque)

    def _brought(self, above: Reach, key: int) -> Iterator[Brought]:
        mine = _owner(self.briefs[key])
        for license in self.labels[key].licenses:
            owners = {_owner(self.briefs[b.key]) for b in above.brought if b.license == license}
            if not owners:
                yield Brought(license, key, None)
            elif len(owners) == 1 and None not in owners and mine not in owners:
                yield Brought(license, key, owners.pop())

    def _is_copy(self, key: int) -> bool:
        steps = self._steps.get(key, ())
        return bool(steps) and all(step.relation == Relation.QUANTIZED for step in steps)

    def _matters(self, mine: Brief, reach: Reach) -> tuple[str | None, str | None]:
        """What of a model besides its label the rules look at: its owner, if they own something above it or are a
        vendor, and its day, if something above it had other licences on other days."""
        owners, dated = self._about(reach)
        owner = _owner(mine)
        day = mine.created_at[:10] if dated and mine.created_at else None
        return owner if owner in owners or owner in self._vendors else None, day

    def _about(self, reach: Reach) -> tuple[set[str | None], bool]:
        """The owners of what reaches a model, and whether any of it was under other licences on other days."""
        if reach not in self._known:
            theirs = [self.briefs[brought.key] for brought in reach.brought]
            self._known[reach] = (
                {_owner(brief) for brief in theirs},
                any(is_clarified(brief.id) for brief in theirs),
            )
        return self._known[reach]

    def _judge(self, mine: Brief, reach: Reach) -> tuple[Judgement, ...]:
        owner = _owner(mine)
        origins = [
            origin(brought.license, mine, self.briefs[brought.key])
            for brought in sorted(reach.brought, key=lambda b: (b.license, b.key))
            if brought.after is None or brought.after == owner
        ]
        return judge(self.labels[mine.key], mine.author, origins, sorted(reach.opaque))


def _owner(brief: Brief) -> str | None:
    return brief.author.casefold() if brief.author else None
