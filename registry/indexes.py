"""The indexes of models that only questions need: a registry that is filled for the first time gets them in the end.

Made in one go from all rows, an index is written once; kept while 3.1 million rows come in, some hundred thousand at a
time, it is written anew with each. Where filling is killed they are missing until the next import or crawl ends:
questions give the same answers without, but look for a name in all rows.
"""

from sqlalchemy import Connection, Index, exists, select, text

from registry.tables import MODELS


def leave_indexes(connection: Connection) -> None:
    """Drop the indexes of a SQLite registry that holds no model yet."""
    if connection.dialect.name == "sqlite" and not connection.scalar(select(exists(select(MODELS.c.key)))):
        for index in MODELS.indexes & _present(connection):
            index.drop(connection)


def complete_indexes(connection: Connection) -> None:
    """Make those that are missing."""
    if connection.dialect.name == "sqlite":
        for index in MODELS.indexes - _present(connection):
            index.create(connection)


def _present(connection: Connection) -> set[Index]:
    # SQLAlchemy's own look at a database passes over indexes of expressions.
    names = set(connection.scalars(text("SELECT name FROM sqlite_master WHERE type = 'index'")))
    return {index for index in MODELS.indexes if index.name in names}
