"""A model and all above it: what each is under, who brought which licence, and the way to each."""

from collections.abc import Collection, Iterable, Mapping
from functools import cached_property

from sqlalchemy import Connection

from lineage.licenses.catalogue import own
from lineage.licenses.labels import UNDECLARED, UNKNOWN, Declared, clarified, declared
from registry.cycles import in_order
from registry.read import Brief, Said, Step, walk
from registry.records import Relation, State


def read_ancestry(connection: Connection, model: int) -> "Ancestry":
    """The ancestry of the model with this key."""
    steps, briefs = walk(connection, [model], up=True)
    return Ancestry(model, steps, briefs)


class Ancestry:
    """A model and all above it: what each declares, which licences each brings along, and the way to each."""

    def __init__(
        self, model: int, steps: list[Step], briefs: Mapping[int, Brief], labels: Mapping[int, Declared] | None = None
    ) -> None:
        """`steps` lead from `model` (a key) up to its ancestors, `briefs` hold all of them; `labels` is what each is
        under, by its metadata unless given."""
        self.model = model
        self.briefs = briefs
        self._parents: dict[int, list[Step]] = {}
        # In the order in which a model names its parents: which of two short ways is told must not depend on keys.
        for step in sorted(steps, key=lambda step: (step.position, briefs[step.parent].id, step.relation)):
            if step.parent != step.child:
                self._parents.setdefault(step.child, []).append(step)
        #: From each ancestor the edge down by which it is reached first; nearest ancestors first.
        self._down: dict[int, Step] = {}
        #: How many steps each is away.
        self.distance = {model: 0}
        todo = [model]
        for child in todo:
            for step in self._parents.get(child, ()):
                if step.parent != model and step.parent not in self._down:
                    self._down[step.parent] = step
                    self.distance[step.parent] = self.distance[child] + 1
                    todo.append(step.parent)
        self.ancestors = todo[1:]
        self._origins: dict[frozenset[int], list[tuple[str, int]]] = {}
        self.labels = {key: label_of(briefs[key]) for key in todo} if labels is None else labels

    @property
    def is_adapter(self) -> bool:
        """Whether the model is an adapter of all its parents."""
        mine = self._parents.get(self.model, ())
        return bool(mine) and all(step.relation == Relation.ADAPTER for step in mine)

    def parents_of(self, key: int) -> list[Step]:
        """The edges from a model of it up to its parents, in the order in which it names them."""
        return list(self._parents.get(key, ()))

    def way(self, ancestor: int) -> list[Step]:
        """The edges from the model up to an ancestor, by the shortest way."""
        steps = []
        at = ancestor
        while at != self.model:
            steps.append(self._down[at])
            at = self._down[at].child
        return steps[::-1]

    def origins(self, besides: Collection[int] = ()) -> list[tuple[str, int]]:
        """Each inherited licence with the ancestors that brought it: those above which nobody has it.

        On a cycle nobody is above another. Ancestors in `besides` are passed over, as if they had no label.
        """
        passed_over = frozenset(besides)
        if passed_over not in self._origins:
            self._origins[passed_over] = self._found_origins(passed_over)
        return self._origins[passed_over]

    def _found_origins(self, besides: frozenset[int]) -> list[tuple[str, int]]:
        labels = {key: self.labels[key].licenses if key not in besides else frozenset() for key in self.ancestors}
        passed = _passed_on(self._parts, self._above, labels)
        brought = _joined(passed[step.parent] for step in self._parents.get(self.model, ()) if step.parent in labels)
        of_each: dict[int, list[str]] = {}
        for id in sorted(brought):
            for key in brought[id]:
                of_each.setdefault(key, []).append(id)
        return [(id, key) for key in self.ancestors for id in of_each.get(key, ())]

    @cached_property
    def opaque(self) -> list[int]:
        """The ancestors whose terms nobody can tell. A quantized copy without a label is as its original."""
        return [key for key in self.ancestors if is_opaque(self.labels[key], copy=self._is_copy(key))]

    @cached_property
    def _above(self) -> dict[int, set[int]]:
        """The ancestors right above each ancestor."""
        known = set(self.ancestors)
        return {key: {step.parent for step in self._parents.get(key, ())} & known for key in self.ancestors}

    @cached_property
    def _parts(self) -> list[tuple[int, ...]]:
        return list(in_order(self._above))

    @cached_property
    def _cyclic(self) -> set[int]:
        return {key for part in self._parts if len(part) > 1 for key in part}

    def _is_copy(self, key: int) -> bool:
        """Whether it was only quantized from something; on a cycle nothing is a copy."""
        parents = self._parents.get(key, ())
        return bool(parents) and key not in self._cyclic and all(s.relation == Relation.QUANTIZED for s in parents)


class Ancestries:
    """The ancestries of some models, which `steps` and `briefs` hold together; `labels` is what each is under."""

    def __init__(self, steps: Iterable[Step], briefs: Mapping[int, Brief], labels: Mapping[int, Declared]) -> None:
        self.briefs = briefs
        self._labels = labels
        self._steps: dict[int, list[Step]] = {}
        for step in steps:
            if step.child != step.parent:
                self._steps.setdefault(step.child, []).append(step)

    def owned(self, owner: str | None) -> set[int]:
        """The models (keys) of an owner."""
        return self._owned.get(owner.casefold(), set()) if owner else set()

    @cached_property
    def _owned(self) -> dict[str, set[int]]:
        found: dict[str, set[int]] = {}
        for key, brief in self.briefs.items():
            if brief.author:
                found.setdefault(brief.author.casefold(), set()).add(key)
        return found

    def of(self, model: int) -> Ancestry:
        """The ancestry of one of them (a key)."""
        met, todo = {model}, [model]
        for at in todo:
            new = {step.parent for step in self._steps.get(at, ())} - met
            met |= new
            todo += new
        steps = [step for at in todo for step in self._steps.get(at, ())]
        return Ancestry(model, steps, self.briefs, self._labels)

    def origins(self, models: Collection[int], own: Collection[int]) -> dict[int, tuple["Brought", "Brought"]]:
        """What reaches each of `models` (keys), none of which is on a cycle, as `Ancestry.origins` has it: all, and
        what reaches it besides those that `own` brought. It is one pass, however deep they are."""
        above: dict[int, set[int]] = {}
        todo = list(models)
        while todo:
            if (key := todo.pop()) not in above:
                above[key] = {step.parent for step in self._steps.get(key, ())}
                todo += above[key]
        order = list(in_order(above))
        labels = {key: self._labels[key].licenses for key in above}
        passed = _passed_on(order, above, labels)
        of_others = _passed_on(order, above, labels | dict.fromkeys(above.keys() & own, frozenset()))
        return {
            model: (_joined(passed[parent] for parent in above[model]), _joined(of_others[p] for p in above[model]))
            for model in models
        }


#: Licences with the models (keys) that brought each.
Brought = Mapping[str, frozenset[int]]


def _passed_on(
    parts: Iterable[tuple[int, ...]], above: Mapping[int, Collection[int]], labels: Mapping[int, frozenset[str]]
) -> dict[int, Brought]:
    """What each model passes on to those made from it: what reaches it, and those of its own licences that do not.

    `above` holds the models right above each, `parts` all models in order, those of a cycle together.
    """
    found: dict[int, Brought] = {}
    for part in parts:
        reached = _joined(found[parent] for key in part for parent in above[key] if parent not in part)
        new: dict[str, frozenset[int]] = {}
        for key in part:
            for license in labels[key].difference(reached):
                new[license] = new.get(license, frozenset()) | {key}
        found |= dict.fromkeys(part, {**reached, **new} if new else reached)
    return found


def _joined(several: Iterable[Brought]) -> Brought:
    """What reaches a model that all these reach."""
    once = list({id(brought): brought for brought in several}.values())
    if len(once) == 1:
        return once[0]
    found: dict[str, set[int]] = {}
    for brought in once:
        for license, models in brought.items():
            found.setdefault(license, set()).update(models)
    return {license: frozenset(models) for license, models in found.items()}


def is_opaque(label: Declared, *, copy: bool) -> bool:
    """Whether nobody can tell the terms of an ancestor with this label; `copy`: it was only quantized from another."""
    return bool(label.contradiction or (label.lacking and not (copy and label.lacking == UNDECLARED)))


def label_of(brief: Brief) -> Declared:
    """What a model is under: what the user says, else its own label, else what is known besides."""
    mine = own().clarifications.get(brief.id.casefold())
    if mine is not None:
        return Declared(frozenset({mine.license}), f"{mine.license} (by your policy)", evidence=mine.evidence)
    said = label_said(brief)
    known = clarified(brief.id, None) if said.lacking else None
    if known is not None:
        return Declared(frozenset({known.license}), f"{known.license} (not by its metadata)", evidence=known.evidence)
    return said


def label_said(said: Brief | Said) -> Declared:
    """What a model is under by its metadata alone."""
    label = declared(said.licenses, said.license_name, said.license_link)
    if label.lacking and said.state == State.PLACEHOLDER:
        return Declared(frozenset(), "not in the registry", UNKNOWN)
    return label
