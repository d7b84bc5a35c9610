"""A model seen under another id than before: the same `_id`, so the same model."""

from typing import Any

from sqlalchemy import Connection, delete, exists, select, update

from registry.records import State
from registry.tables import DEFECTS, DERIVATIONS, MODELS, NAMES


def follow_rename(
    connection: Connection, row: dict[str, Any], namesake: dict[str, Any] | None, seen_as: str, *, newer: bool
) -> None:
    """Let the model of `row` be called `seen_as` from now on, or remember that it once was.

    `namesake` is the row that holds the name `seen_as` today. A placeholder or a model without `_id` is that same
    model, and is absorbed; with an `_id` of its own it has lost the name, if this sight is the newer one.
    Updates `row` in place.
    """
    takes_over = namesake is not None and (
        newer or namesake["state"] == State.PLACEHOLDER or namesake["hub_id"] is None
    )
    if namesake is not None and takes_over:
        _absorb(connection, namesake["key"], row["key"])
    if newer:
        _remember(connection, row["repo_id"], row["key"])
        row["repo_id"], row["folded"] = seen_as, seen_as.casefold()
        connection.execute(
            update(MODELS).where(MODELS.c.key == row["key"]).values(repo_id=seen_as, folded=row["folded"])
        )
    elif namesake is None or takes_over:
        _remember(connection, seen_as, row["key"])


def _remember(connection: Connection, name: str, key: int) -> None:
    connection.execute(delete(NAMES).where(NAMES.c.name == name))
    connection.execute(NAMES.insert().values(name=name, folded=name.casefold(), model_key=key, evidence="hub-id"))


def _absorb(connection: Connection, lost: int, kept: int) -> None:
    """Move what points at one row to another, and delete the row."""
    d = DERIVATIONS.c
    connection.execute(update(DERIVATIONS).where(d.parent_key == lost).values(parent_key=kept))
    if connection.scalar(select(exists().where(d.child_key == kept))):
        connection.execute(delete(DERIVATIONS).where(d.child_key == lost))
    else:
        connection.execute(update(DERIVATIONS).where(d.child_key == lost).values(child_key=kept))
    connection.execute(update(DERIVATIONS).where(d.child_key == kept, d.parent_key == kept).values(parent_key=None))
    connection.execute(update(NAMES).where(NAMES.c.model_key == lost).values(model_key=kept))
    connection.execute(delete(DEFECTS).where(DEFECTS.c.model_key == lost))
    connection.execute(delete(MODELS).where(MODELS.c.key == lost))
