"""The indexes that saving models does not need: on SQLite they are made at the end of the first import or crawl, before
names are resolved.

Made in one go from all rows, an index is written once; kept while 3.1 million rows come in, some ten thousand at a
time, it is written anew with each. Where filling is killed they are missing until the next import or crawl ends:
questions give the same answers without, but look for a name in all rows.
"""

from sqlalchemy import Connection, Index, exists, select, text

from registry.tables import MODELS


def leave_indexes(connection: Connection) -> None:
    """Drop the indexes of a registry on SQLite that holds no model yet."""
    if connection.dialect.name == "sqlite" and not connection.scalar(select(exists(select(MODELS.c.key)))):
        for index in _indexes(connection, present=True):
            index.drop(connection)


def complete_indexes(connection: Connection) -> None:
    """Make those that are missing."""
    if connection.dialect.name == "sqlite":
        for index in _indexes(connection, present=False):
            index.create(connection)


def _indexes(connection: Connection, *, present: bool) -> list[Index]:
    """Those that are there, or are missing, in order."""
    # SQLAlchemy's own look at a database passes over indexes of expressions.
    names = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'index'")))
    found = {str(index.name): index for index in MODELS.indexes if (index.name in names) == present}
    return [found[name] for name in sorted(found)]
