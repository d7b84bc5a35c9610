"""Columns of numbers, how a database gives one, and how one finds rows by numbers.

A column of many rows comes as one text that the database makes: 3.1 million rows of three columns take 1.6 s this way,
and 4.8 s as rows.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, Connection, String, cast, func, select

from registry.tables import DERIVATIONS

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def as_text(column: ColumnElement[Any], separator: str = ",") -> ColumnElement[str]:
    """A column as one text."""
    return func.coalesce(func.aggregate_strings(cast(column, String), separator), "")


def ints(text: str) -> Ints:
    """The numbers in such a text."""
    return np.fromstring(text, np.int64, sep=",")


def all_edges(connection: Connection) -> Ints:
    """Every edge of the registry as a row of child key and parent key, in no order."""
    d = DERIVATIONS.c
    both = select(as_text(d.child_key), as_text(d.parent_key)).where(d.parent_key.is_not(None))
    child, parent = connection.execute(both).one()
    return np.stack([ints(child), ints(parent)], axis=1)


def distinct(numbers: Ints) -> Ints:
    """Each of some numbers once, in order.

    By flags where they are small, else by sorting: 2.5 million take 0.01 s, or 0.1 to 0.2 s. (NumPy 2.4's own function
    hashes them, in 2.4 s.)
    """
    if len(numbers) and numbers.min() >= 0 and numbers.max() <= 4 * len(numbers):
        met = np.zeros(numbers.max() + 1, np.bool_)
        met[numbers] = True
        return np.flatnonzero(met)
    ordered = np.sort(numbers, kind="stable")
    found: Ints = ordered[np.append(True, np.diff(ordered) > 0)[: len(ordered)]]
    return found


def places_of(numbers: Ints, known: Ints) -> Ints:
    """Where some numbers stand among the `known` ones, which are in order, each once; all of them are known.

    By a table where most numbers are known, as the keys of a registry: a million parents of three take 0.02 s, and
    0.47 s by halves.
    """
    if not len(known) or known[-1] > 4 * len(known):
        return np.searchsorted(known, numbers)
    table = np.zeros(known[-1] + 1, np.int64)
    table[known] = np.arange(len(known))
    found: Ints = table[numbers]
    return found


def beginnings(counts: Ints) -> Ints:
    """Where each of some groups begins among rows that stand group by group, of so many each; last the number of rows.

    The groups may be models, and the rows the edges that lead from each.
    """
    return np.append(0, np.cumsum(counts))


def rows_of(groups: Ints, begin: Ints) -> Ints:
    """The rows of some groups, group by group; `begin` is what `beginnings` gives."""
    first = begin[groups]
    counts = begin[groups + 1] - first
    found: Ints = np.repeat(first - np.cumsum(counts) + counts, counts) + np.arange(counts.sum())
    return found
