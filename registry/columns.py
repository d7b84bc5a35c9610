"""Columns of numbers, and how a database gives one.

A column of many rows comes as one text that the database makes: 3.1 million rows of three columns take 1.6 s this way,
and 4.8 s as rows.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray
from sqlalchemy import ColumnElement, String, cast, func

Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]


def joined(column: ColumnElement[Any], separator: str = ",") -> ColumnElement[str]:
    """A column as one text."""
    return func.coalesce(func.aggregate_strings(cast(column, String), separator), "")


def ints(text: str) -> Ints:
    """The numbers in such a text."""
    return np.fromstring(text, np.int64, sep=",")


def distinct(numbers: Ints) -> Ints:
    """Each of some numbers once, in order. (Of 2.5 million, 0.1 s; NumPy 2.4's own function hashes them, in 2.4 s.)"""
    ordered = np.sort(numbers, kind="stable")
    found: Ints = ordered[np.append(True, np.diff(ordered) > 0)[: len(ordered)]]
    return found
