"""A registry in which a model stands that nobody has registered: to ask what would be said of it."""

from collections.abc import Iterator
from contextlib import contextmanager

from sqlalchemy import Connection, Engine

from registry.as_of import as_of
from registry.database import reading
from registry.names import UnknownModel, known_model
from registry.records import ModelRecord
from registry.resolve import resolve_names
from registry.runs import now
from registry.write import save_page, writing

#: Later than all data.
_TODAY = "9999-12-31T23:59:59Z"


@contextmanager
def on_trial(engine: Engine, record: ModelRecord) -> Iterator[Engine]:
    """A registry of its own with this model beside all that it was made from, as `engine` knows that; nothing is kept.

    Raises RegistryError where `engine` holds no data.
    """
    with reading(engine) as connection:
        known = [parent.name for parent in record.parents or () if _is_known(connection, parent.name)]
    with as_of(engine, _TODAY, known) as there:
        with writing(there) as connection:
            save_page(connection, [record], seen=now(), source="check")
            resolve_names(connection)
        yield there


def _is_known(connection: Connection, name: str) -> bool:
    try:
        return known_model(connection, name) is not None
    except UnknownModel:  # it could be several
        return False
