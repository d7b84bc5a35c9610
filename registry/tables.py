"""The tables. Times are ISO 8601 text in UTC: text order is time order, on every database."""

import json
from collections.abc import Iterable
from typing import Any

from sqlalchemy import (
    ARRAY,
    BigInteger,
    ColumnElement,
    Connection,
    Index,
    PrimaryKeyConstraint,
    String,
    Table,
    UniqueConstraint,
    any_,
    bindparam,
    func,
    literal,
    select,
    text,
)
from sqlalchemy.types import TypeEngine
from sqlmodel import Field, SQLModel

# Ids are compared and sorted byte by byte on every database; a server's locale would skip the slash.
_ID = String().with_variant(String(collation="C"), "postgresql")

# Partial on PostgreSQL too, by the migration; naming its dialect here would import it (40 ms) in every query.
_PLACEHOLDERS = text("state = 'placeholder'")
_SEEN = text("state != 'placeholder'")
_POPULAR = text("downloads >= 1000")
_CLAIMS = text("origin IN ('card', 'tag-unresolved', 'file', 'heuristic', 'stated')")


class Model(SQLModel, table=True):
    """One model: a repository of the Hub that was seen, or that a seen one names as its parent."""

    __tablename__ = "models"
    __table_args__ = (
        Index("ix_models_placeholders", "key", sqlite_where=_PLACEHOLDERS),
        Index("ix_models_popular", "downloads", sqlite_where=_POPULAR),
        # Numbers about all models come from these alone. PostgreSQL refuses to index texts as long as theirs may be,
        # and reads a whole table with all its cores.
        Index("ix_models_author", "author", sqlite_where=_SEEN).ddl_if(dialect="sqlite"),
        Index("ix_models_labels", "licenses", "license_name", text("substr(created_at, 1, 7)"), "state").ddl_if(
            dialect="sqlite"
        ),
    )

    key: int | None = Field(default=None, primary_key=True)
    repo_id: str = Field(unique=True, sa_type=_ID)
    folded: str = Field(index=True, sa_type=_ID, description="repo_id, case-folded")
    hub_id: str | None = Field(default=None, unique=True, description="the Hub's `_id`, stable over renames")
    author: str | None = None
    created_at: str | None = None
    last_modified: str | None = None
    sha: str | None = None
    downloads: int | None = Field(default=None, sa_type=BigInteger, sa_column_kwargs={"comment": "last 30 days"})
    likes: int | None = Field(default=None, sa_type=BigInteger)
    pipeline_tag: str | None = None
    library_name: str | None = None
    gated: str | None = None
    private: bool | None = None
    disabled: bool | None = None
    licenses: str | None = Field(default=None, description="JSON list of raw labels; NULL where no source said")
    license_name: str | None = None
    license_link: str | None = None
    new_version: str | None = None
    datasets: str | None = Field(default=None, description="JSON list")
    tools: str | None = Field(default=None, description="JSON list")
    state: str


class SightRow(SQLModel, table=True):
    """When and by whom a model was seen. Apart from `models`: of most rows of a dump only this is news, and it is a
    fraction of the bytes."""

    __tablename__ = "sights"

    model_key: int = Field(primary_key=True, foreign_key="models.key", sa_column_kwargs={"autoincrement": False})
    first_seen: str | None = None
    last_seen: str | None = None
    source: str = Field(description="of the last sight")
    since: str | None = Field(
        default=None, description="when the model was first seen as it is now; NULL where it was never seen otherwise"
    )
    silent: bool = Field(
        default=False, description="the last sight said nothing of licence and parents: they are as told before"
    )
    fingerprint: bytes | None = Field(
        default=None, description="of the raw row that this model's facts and parents are; NULL where several joined"
    )


class Past(SQLModel, table=True):
    """What a model was seen as before: one row for each run of sights that said the same of what is followed."""

    __tablename__ = "past"

    key: int | None = Field(default=None, primary_key=True)
    model_key: int = Field(foreign_key="models.key", index=True)
    since: str | None = Field(default=None, description="the first of these sights; NULL where no date is known")
    until: str | None = Field(default=None, description="the last of them")
    name: str = Field(sa_type=_ID, description="the id that the model had")
    state: str
    gated: str | None = None
    disabled: bool | None = None
    licenses: str | None = Field(default=None, description="JSON list")
    license_name: str | None = None
    license_link: str | None = None
    parents: str | None = Field(
        default=None, description="JSON list of name, relation, origin and alias; NULL where they are as afterwards"
    )
    silent: bool = Field(
        default=False, description="these sights said nothing of licence and parents: they are as told before"
    )


class Name(SQLModel, table=True):
    """Another name of a model: an old one, a legacy short id, or one in another letter case."""

    __tablename__ = "names"

    name: str = Field(primary_key=True, sa_type=_ID)
    folded: str = Field(index=True, sa_type=_ID)
    model_key: int = Field(foreign_key="models.key", index=True)
    evidence: str = Field(description="hub-id, hub-tag, legacy or case; of registered models version or alias")


class Derivation(SQLModel, table=True):
    """One declared parent of a model. `parent_key` is NULL where the declaration makes no edge; a defect says why."""

    __tablename__ = "derivations"
    __table_args__ = (
        PrimaryKeyConstraint("child_key", "position"),
        Index("ix_derivations_parent", "parent_key", "child_key", "relation", "origin", "recovery"),
        Index("ix_derivations_claims", "child_key", sqlite_where=_CLAIMS),
        {"sqlite_with_rowid": False},
    )

    child_key: int = Field(foreign_key="models.key")
    position: int
    parent_key: int | None = Field(default=None, foreign_key="models.key")
    name: str = Field(description="the parent as declared")
    relation: str
    origin: str = Field(description="tag, card, both or tag-unresolved; of registered models file, heuristic or stated")
    recovery: str | None = Field(default=None, description="how the name was led to a model, where it is no model's")
    alias: str | None = Field(default=None, description="the card's spelling, where the Hub resolved it to `name`")


class DefectRow(SQLModel, table=True):
    """A piece of metadata that was refused or repaired."""

    __tablename__ = "defects"

    key: int | None = Field(default=None, primary_key=True)
    model_key: int | None = Field(default=None, foreign_key="models.key", index=True)
    stage: str = Field(description="parse, resolve or cycle: which step found it, and replaces it")
    kind: str = Field(index=True)
    field: str
    value: str
    reason: str


class Version(SQLModel, table=True):
    """One version of a model that people registered: of one name, one content is one version."""

    __tablename__ = "versions"
    __table_args__ = (UniqueConstraint("name", "number"), UniqueConstraint("name", "digest"))

    key: int | None = Field(default=None, primary_key=True)
    name: str = Field(sa_type=_ID, description="the name it was registered by")
    number: int
    model_key: int = Field(foreign_key="models.key", index=True)
    digest: str = Field(description="SHA-256 of the content, or the commit of a model of the Hub")
    place: str = Field(description="where it lay, or the id on the Hub")
    registered_at: str
    removed_at: str | None = None
    files: str = Field(description="JSON list of path, size in bytes and SHA-256")
    evidence: str = Field(description="JSON list of what names a parent: name, relation, where, why, revision")


class TagRow(SQLModel, table=True):
    """A word that people put on a version."""

    __tablename__ = "tags"
    __table_args__ = (PrimaryKeyConstraint("name", "number", "tag"),)

    name: str = Field(sa_type=_ID)
    number: int
    tag: str


class Event(SQLModel, table=True):
    """What people did to registered models. Rows are added, never changed and never deleted."""

    __tablename__ = "events"

    key: int | None = Field(default=None, primary_key=True)
    at: str
    who: str
    action: str = Field(description="register, alias, unalias, tag, untag, note or remove")
    name: str = Field(sa_type=_ID, index=True)
    number: int | None = Field(default=None, description="the version; NULL where it is about all")
    what: str = Field(description="the alias, tag, note or place")
    why: str | None = None


class Run(SQLModel, table=True):
    """One import or crawl: bookkeeping, not content."""

    __tablename__ = "runs"

    key: int | None = Field(default=None, primary_key=True)
    command: str
    source: str
    seen: str
    started_at: str
    finished_at: str | None = None
    stage: str | None = Field(default=None, description="what a crawl that broke off has to go on with")
    cursor: str | None = Field(default=None, description="the URL of that stage's next page; NULL at its beginning")
    tail: str | None = Field(default=None, description="the URL of the last page by creation: new models follow there")
    watermark: str | None = Field(default=None, description="all that was changed until then is in the registry")
    models: int = 0
    new: int = 0
    changed: int = 0
    renamed: int = 0
    gone: int = 0
    returned: int = 0


class Task(SQLModel, table=True):
    """What a walk of a family has asked the Hub, or has still to ask; its rows go when it is finished."""

    __tablename__ = "tasks"
    __table_args__ = (PrimaryKeyConstraint("run_key", "kind", "name"),)

    run_key: int = Field(foreign_key="runs.key")
    kind: str = Field(description="root, model, children, roots by or models by")
    name: str = Field(sa_type=_ID)
    cursor: str | None = Field(default=None, description="the URL of the next page; NULL at the beginning")
    done: bool = False


# The same tables for SQLAlchemy Core; SQLModel adds `__table__` when the class is made.
MODELS: Table = Model.__table__  # type: ignore[attr-defined]
SIGHTS: Table = SightRow.__table__  # type: ignore[attr-defined]
PAST: Table = Past.__table__  # type: ignore[attr-defined]
NAMES: Table = Name.__table__  # type: ignore[attr-defined]
DERIVATIONS: Table = Derivation.__table__  # type: ignore[attr-defined]
DEFECTS: Table = DefectRow.__table__  # type: ignore[attr-defined]
VERSIONS: Table = Version.__table__  # type: ignore[attr-defined]
TAGS: Table = TagRow.__table__  # type: ignore[attr-defined]
EVENTS: Table = Event.__table__  # type: ignore[attr-defined]
RUNS: Table = Run.__table__  # type: ignore[attr-defined]
TASKS: Table = Task.__table__  # type: ignore[attr-defined]


def among(
    connection: Connection, column: ColumnElement[Any], values: Iterable[str] | Iterable[int]
) -> ColumnElement[bool]:
    """Whether a column is one of any number of values.

    They are one bound value, a list: SQLite takes 32,766 of these a statement, and SQLAlchemy is slow with many. It is
    in order, as indexes are: of 3.1 million names, 100,000 were looked up in 0.1 s this way, and else in 0.2 to 0.3 s.
    """
    dialect = connection.dialect.name
    ordered = listed(dialect, values)["listed"]
    return _is_in(dialect, column, literal(ordered, _type_of_list(dialect, column)))


def one_of(dialect: str, column: ColumnElement[Any]) -> ColumnElement[bool]:
    """The same for a statement that is kept, since building one takes longer than a short answer to it: executed with
    what `listed` makes of the values."""
    return _is_in(dialect, column, bindparam("listed", type_=_type_of_list(dialect, column)))


def listed(dialect: str, values: Iterable[str] | Iterable[int]) -> dict[str, Any]:
    """The bound value of `one_of`."""
    ordered = sorted(values)
    return {"listed": json.dumps(ordered) if dialect == "sqlite" else ordered}


def _type_of_list(dialect: str, column: ColumnElement[Any]) -> TypeEngine[Any]:
    return String() if dialect == "sqlite" else ARRAY(column.type)


def _is_in(dialect: str, column: ColumnElement[Any], values: ColumnElement[Any]) -> ColumnElement[bool]:
    if dialect == "sqlite":
        return column.in_(select(func.json_each(values).table_valued("value").c.value))
    return column == any_(values)
