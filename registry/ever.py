"""What was above or below some models at any time: by the edges and names of today and of before."""

import json
from collections import defaultdict
from collections.abc import Collection

from sqlalchemy import Connection, select

from registry.families import reached
from registry.tables import DERIVATIONS, MODELS, NAMES, PAST, among


class Ever:
    """What models were called, and what they named as parents, at any time: by case-folded names."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection
        self._called: dict[str, set[int]] = defaultdict(set)
        self._parents: dict[int, set[str]] = defaultdict(set)
        self._children: dict[str, set[int]] = defaultdict(set)
        joined = PAST.join(MODELS, MODELS.c.key == PAST.c.model_key)
        renamed = select(PAST.c.name, PAST.c.model_key).select_from(joined).where(PAST.c.name != MODELS.c.repo_id)
        for name, key in connection.execute(renamed):
            self._called[name.casefold()].add(key)
        for key, stored in connection.execute(
            select(PAST.c.model_key, PAST.c.parents).where(PAST.c.parents.is_not(None))
        ):
            for name in {parent[0].casefold() for parent in json.loads(stored)}:
                self._parents[key].add(name)
                self._children[name].add(key)

    def below(self, roots: Collection[int]) -> set[int]:
        """These models (keys) and all that was ever made from them, by edges and names of any time."""
        members, todo = set[int](), set(roots)
        while todo:
            members |= (met := todo.union(reached(self._connection, sorted(todo))))
            todo = self._children_of(met) - members
        return members

    def above(self, models: Collection[int]) -> set[int]:
        """These models (keys) and all that any of them was ever made from."""
        known, todo = set[int](), set(models)
        while todo:
            known |= (met := todo.union(reached(self._connection, sorted(todo), up=True)))
            todo = self._parents_of(met) - known
        return known

    def _parents_of(self, keys: Collection[int]) -> set[int]:
        """The models that any of the names may mean which these models name as parents, or named."""
        d, m, n = DERIVATIONS.c, MODELS.c, NAMES.c
        declared = select(d.name).where(among(self._connection, d.child_key, keys)).distinct()
        names = {name.casefold() for name in self._connection.scalars(declared)}
        names.update(name for key in keys for name in self._parents.get(key, ()))
        found = {key for name in names for key in self._called.get(name, ())}
        found.update(self._connection.scalars(select(m.key).where(among(self._connection, m.folded, names))))
        found.update(self._connection.scalars(select(n.model_key).where(among(self._connection, n.folded, names))))
        return found

    def _children_of(self, keys: Collection[int]) -> set[int]:
        """The models that named these as parents, by any of their names."""
        m, n = MODELS.c, NAMES.c
        names = set(self._connection.scalars(select(m.folded).where(among(self._connection, m.key, keys))))
        names.update(self._connection.scalars(select(n.folded).where(among(self._connection, n.model_key, keys))))
        wanted = set(keys)
        names.update(name for name, called in self._called.items() if called & wanted)
        return {child for name in names for child in self._children.get(name, ())}
