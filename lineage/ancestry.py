"""A model and all above it: what each is under, who brought which licence, and the way to each."""

from collections.abc import Collection, Mapping

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

    def origins(self, besides: Collection[int] = ()) -> list[tuple[str, int]]:
        """Each inherited licence with the ancestors that brought it: those above which nobody has it.

        Ancestors in `besides` are passed over, as if they had no label.
        """
        labels = {key: self.labels[key].licenses if key not in besides else frozenset() for key in self.ancestors}
        above = self._inherited(labels)
        found = [(id, key) for key in self.ancestors for id in sorted(labels[key] - above[key])]
        # On a cycle everybody has it from somebody: then it is the farthest one's.
        lost = set().union(*labels.values()) - {id for id, _ in found}
        return found + [(id, max(k for k in self.ancestors if id in labels[k])) for id in sorted(lost)]

    def opaque(self) -> list[int]:
        """The ancestors whose terms nobody can tell. A quantized copy without a label is as its original."""
        return [
            key
            for key in self.ancestors
            if self.labels[key].contradiction or (self.labels[key].lacking and not self._is_copy(key))
        ]

    def _inherited(self, labels: Mapping[int, frozenset[str]]) -> dict[int, frozenset[str]]:
        """For each ancestor the licences above it: from the farthest down, again while a cycle brings something new."""
        above: dict[int, frozenset[str]] = dict.fromkeys(self.ancestors, frozenset())
        changed = True
        while changed:
            changed = False
            for key in reversed(self.ancestors):
                parents = [step.parent for step in self._parents.get(key, ()) if step.parent in above]
                found = above[key].union(*(labels[parent] | above[parent] for parent in parents))
                changed = changed or found != above[key]
                above[key] = found
        return above

    def _is_copy(self, key: int) -> bool:
        """Whether it is a quantized copy without a label, of something that is none itself."""
        met = set()
        todo = [key]
        while todo:
            at = todo.pop()
            parents = self._parents.get(at, ())
            if self.labels[at].lacking != UNDECLARED or not parents:
                return at != key
            if any(step.relation != Relation.QUANTIZED for step in parents):
                return at != key
            met.add(at)
            todo += [step.parent for step in parents if step.parent not in met]
        return False


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
