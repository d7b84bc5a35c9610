"""A model and all above it: what each is under, who brought which licence, and the way to each."""

from collections.abc import Mapping

from sqlalchemy import Connection

from lineage.licenses.labels import UNDECLARED, UNKNOWN, Declared, clarified, declared
from registry.read import Brief, Step, walk
from registry.records import Relation, State


def read_ancestry(connection: Connection, model: int) -> "Ancestry":
    """The ancestry of the model with this key."""
    steps, briefs = walk(connection, [model], up=True)
    return Ancestry(model, steps, briefs)


class Ancestry:
    """A model and all above it: what each declares, which licences each brings along, and the way to each."""

    def __init__(self, model: int, steps: list[Step], briefs: Mapping[int, Brief]) -> None:
        """`steps` lead from `model` (a key) up to its ancestors, `briefs` hold all of them."""
        self.model = model
        self.briefs = briefs
        self._parents: dict[int, list[Step]] = {}
        for step in sorted(steps):
            if step.parent != step.child:
                self._parents.setdefault(step.child, []).append(step)
        #: From each ancestor the edge down by which it is reached first; nearest ancestors first.
        self._down: dict[int, Step] = {}
        todo = [model]
        for child in todo:
            for step in self._parents.get(child, ()):
                if step.parent != model and step.parent not in self._down:
                    self._down[step.parent] = step
                    todo.append(step.parent)
        self.ancestors = todo[1:]
        self.labels = {key: _label(briefs[key]) for key in todo}

    @property
    def is_adapter(self) -> bool:
        """Whether the model is an adapter of all its parents."""
        mine = self._parents.get(self.model, ())
        return bool(mine) and all(step.relation == Relation.ADAPTER for step in mine)

    def way(self, ancestor: int) -> list[Step]:
        """The edges from the model up to an ancestor, by the shortest way."""
        steps = []
        at = ancestor
        while at != self.model:
            steps.append(self._down[at])
            at = self._down[at].child
        return steps[::-1]

    def origins(self) -> list[tuple[str, int]]:
        """Each inherited licence with the ancestors that brought it: those above which nobody has it."""
        above = {key: self._above(key) for key in self.ancestors}
        return [
            (license, key)
            for key in self.ancestors
            for license in sorted(self.labels[key].licenses)
            if not any(license in self.labels[other].licenses for other in above[key] if key not in above[other])
        ]

    def opaque(self) -> list[int]:
        """The ancestors whose terms nobody can tell. A quantized copy without a label is as its original."""
        return [key for key in self.ancestors if self.labels[key].lacking and not self._is_copy(key)]

    def _is_copy(self, key: int) -> bool:
        parents = self._parents.get(key, ())
        copied = bool(parents) and all(step.relation == Relation.QUANTIZED for step in parents)
        return copied and self.labels[key].lacking == UNDECLARED

    def _above(self, key: int) -> set[int]:
        met: set[int] = set()
        todo = [key]
        while todo:
            for step in self._parents.get(todo.pop(), ()):
                if step.parent not in met:
                    met.add(step.parent)
                    todo.append(step.parent)
        return met


def _label(brief: Brief) -> Declared:
    """What a model is under: its own label, else what is known besides."""
    said = declared(brief.licenses, brief.license_name, brief.license_link)
    if said.lacking is None:
        return said
    known = clarified(brief.id, None)
    if known is not None:
        return Declared(frozenset({known.license}), f"{known.license} (not by its metadata)", evidence=known.evidence)
    if brief.state == State.PLACEHOLDER:
        return Declared(frozenset(), "not in the registry", UNKNOWN)
    return said
